"""Photos without a dog: the scores, the probability, the threshold, and how they are fitted."""

import pickle
import random

import numpy as np
import pytest
from scipy.special import logsumexp

from dogbreed.bundle import REJECTION
from dogbreed.errors import BundleError
from dogbreed.rejection import ARRAYS, METHODS, RejectionRule, read_arrays, score
from dogbreed.train.rejection import Answers, fit_detector, fit_mahalanobis, separation
from tests.helpers.tiny_bundle import assert_one_sentence

CHANNELS, CLASSES = 20, 4


@pytest.fixture(scope="module")
def cloud():
    """Dogs in four clusters, other photos far from all of them in one direction."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLASSES, CHANNELS)) * 3

    def dogs(count: int) -> tuple[Answers, np.ndarray]:
        labels = np.arange(count) % CLASSES
        features = centres[labels] + rng.normal(size=(count, CHANNELS))
        logits = 12 - ((features[:, None] - centres) ** 2).sum(2) / 2
        return Answers(logits, features), labels

    others = rng.normal(size=(200, CHANNELS)) + np.eye(CHANNELS)[0] * 9
    # Logits that tell little, so that the energy alone is not enough.
    negatives = Answers(rng.normal(size=(200, CLASSES)) * 3 - 2, others)
    return *dogs(800), dogs(400)[0], negatives


def test_the_energy_is_logsumexp():
    logits = np.array([[1000.0, 999.0, 0.0], [-3.0, 0.5, 0.5]])
    np.testing.assert_allclose(score("energy", {}, logits, None), logsumexp(logits, axis=1))


def test_the_distance_is_that_to_the_nearest_mean():
    rng = np.random.default_rng(1)
    features, means = rng.normal(size=(6, CHANNELS)), rng.normal(size=(3, 5))
    projection = rng.normal(size=(CHANNELS, 5))
    arrays = {"projection": projection, "means": means}
    expected = [-min(((f @ projection - m) ** 2).sum() for m in means) for f in features]
    np.testing.assert_allclose(score("mahalanobis", arrays, None, features), expected)


def test_the_fitted_space_makes_classes_round():
    rng = np.random.default_rng(3)
    labels = np.arange(3000) % 3
    spread = np.linspace(0.2, 3, CHANNELS)
    features = rng.normal(size=(3, CHANNELS))[labels] * 5 + rng.normal(size=(3000, 20)) * spread
    arrays = fit_mahalanobis(features, labels)
    residuals = features @ arrays["projection"] - arrays["means"][labels]
    variances = np.linalg.eigvalsh(np.cov(residuals.T))
    assert variances.min() > 0.5 and variances.max() < 1.5


def test_the_best_score_is_kept_and_refuses_one_dog_in_a_hundred(cloud):
    dogs, labels, validation, negatives = cloud
    detector, rows = fit_detector(dogs, labels, validation, negatives, seed=1)
    assert [row["method"] for row in rows] == list(METHODS)
    best = max(rows, key=lambda row: (row["auroc"], row["refused"]))
    assert detector.method == best["method"] and best["auroc"] > 0.99
    told = detector.probability(validation.logits, validation.features)
    assert 0.005 <= (told < detector.threshold).mean() <= 0.01
    others = detector.probability(negatives.logits, negatives.features)
    assert (others < detector.threshold).mean() > 0.95
    assert told.mean() > 0.9 > 0.1 > others.mean()


def test_a_learnt_score_is_judged_on_photos_that_it_has_not_seen():
    """With features that mean nothing, a learnt score does no better than guessing."""
    rng = np.random.default_rng(2)

    def noise(count: int) -> Answers:
        return Answers(rng.normal(size=(count, CLASSES)), rng.normal(size=(count, 300)))

    _, rows = fit_detector(noise(300), np.arange(300) % 4, noise(200), noise(100), seed=1)
    assert {row["method"]: row["auroc"] for row in rows}["logistic"] < 0.65


def test_without_negatives_the_energy_is_read(cloud):
    dogs, labels, validation, _ = cloud
    detector, rows = fit_detector(dogs, labels, validation, None, seed=1)
    assert (detector.method, rows) == ("energy", [])
    told = detector.probability(validation.logits, None)
    assert detector.threshold == pytest.approx(0.5)
    assert 0.005 <= (told < 0.5).mean() <= 0.01
    assert np.median(told) == pytest.approx(0.99, abs=1e-3)
    assert detector.probability(np.full((1, CLASSES), -30.0), None) < 0.01


def test_separation_of_known_scores():
    dogs, others = np.arange(1.0, 201.0), np.array([-5.0, 0.0, 2.5, 100.5])
    found = separation(dogs, others)
    assert found["auroc"] == pytest.approx((200 + 200 + 198 + 100) / 800)
    # One per cent of 200 lies at 2.99.
    assert found["refused"] == pytest.approx(3 / 4)


@pytest.mark.parametrize("method", ["mahalanobis", "logistic"])
def test_arrays_are_read_back(tmp_path, cloud, method):
    dogs, labels, validation, _ = cloud
    arrays = fit_mahalanobis(dogs.features, labels)
    if method == "logistic":
        arrays = {"weights": np.ones(CHANNELS, np.float32), "bias": np.float32(2)}
    np.savez(tmp_path / REJECTION, **arrays)
    read = read_arrays(method, tmp_path / REJECTION, CHANNELS)
    assert set(read) == set(ARRAYS[method])
    detector = RejectionRule(method, read, 1.0, 0.0, 0.5)
    np.testing.assert_array_equal(
        detector.score(validation.logits, validation.features),
        score(method, arrays, validation.logits, validation.features),
    )


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"weights": np.ones(CHANNELS)}, "is not a NumPy archive"),
        ({"weights": np.ones(3), "bias": np.float32(0)}, "does not fit the network"),
        ({"weights": np.ones((CHANNELS, 2)), "bias": np.float32(0)}, "does not fit the network"),
        ({"weights": np.full(CHANNELS, np.nan), "bias": np.float32(0)}, "does not fit the network"),
        (
            {"weights": np.array([{}], dtype=object), "bias": np.float32(0)},
            "is not a NumPy archive",
        ),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, arrays, reason):
    np.savez(tmp_path / REJECTION, **arrays)
    with pytest.raises(BundleError, match=reason) as error:
        read_arrays("logistic", tmp_path / REJECTION, CHANNELS)
    assert_one_sentence(str(error.value))


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\3\4 starts like one", "pickle"])
def test_a_file_that_is_not_an_archive_is_refused(tmp_path, content):
    path = tmp_path / REJECTION
    if content == "pickle":
        path.write_bytes(pickle.dumps({"weights": 1}))
    else:
        path.write_bytes(content)
    with pytest.raises(BundleError) as error:
        read_arrays("logistic", path, CHANNELS)
    assert_one_sentence(str(error.value))
    assert str(error.value).endswith("archive of weights and bias; get the bundle again.")
    assert "pickle" not in str(error.value)


def test_a_damaged_archive_is_read_or_refused(tmp_path):
    """Whatever the decoders say to bytes that were changed at random."""
    path, refused = tmp_path / REJECTION, 0
    rng = random.Random(0)
    for seed in range(300):
        write = np.savez_compressed if seed % 2 else np.savez
        write(path, weights=np.ones(CHANNELS, np.float32), bias=np.float32(0))
        data = bytearray(path.read_bytes())
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        try:
            read_arrays("logistic", path, CHANNELS)
        except BundleError as error:
            assert_one_sentence(str(error))
            refused += 1
    assert refused > 200


def test_an_archive_that_would_fill_the_memory_is_refused(tmp_path):
    np.savez_compressed(
        tmp_path / REJECTION, weights=np.zeros(CHANNELS, np.float32), bias=np.zeros(10_000_000)
    )
    with pytest.raises(BundleError, match="is not a NumPy archive"):
        read_arrays("logistic", tmp_path / REJECTION, CHANNELS)
