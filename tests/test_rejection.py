"""Photos without a dog: the scores, the probability, the threshold, and how they are fitted."""

import pickle
import random

import numpy as np
import pytest
from scipy.special import logsumexp

from dogbreed.bundle import REJECTION
from dogbreed.errors import BundleError
from dogbreed.rejection import ARRAYS, METHODS, RejectionRule, read_arrays, score
from dogbreed.train.rejection import Answers, fit_detector, separation
from tests.helpers.tiny_bundle import assert_one_sentence

CHANNELS, CLASSES = 20, 4


@pytest.fixture(scope="module")
def cloud():
    """Dogs in four clusters, other photos far from all of them in one direction."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLASSES, CHANNELS)) * 3

    def dogs(count: int) -> Answers:
        labels = np.arange(count) % CLASSES
        features = centres[labels] + rng.normal(size=(count, CHANNELS))
        logits = 12 - ((features[:, None] - centres) ** 2).sum(2) / 2
        return Answers(logits, features)

    others = rng.normal(size=(200, CHANNELS)) + np.eye(CHANNELS)[0] * 9
    # Logits that tell little, so that the energy alone is not enough.
    negatives = Answers(rng.normal(size=(200, CLASSES)) * 3 - 2, others)
    return dogs(800), dogs(400), negatives


def test_the_energy_is_logsumexp():
    logits = np.array([[1000.0, 999.0, 0.0], [-3.0, 0.5, 0.5]])
    np.testing.assert_allclose(score("energy", {}, logits, None), logsumexp(logits, axis=1))


def test_the_best_score_is_kept_and_refuses_one_dog_in_a_hundred(cloud):
    dogs, validation, negatives = cloud
    rule, rows = fit_detector(dogs, validation, negatives, seed=1)
    assert [row["method"] for row in rows] == list(METHODS)
    best = max(rows, key=lambda row: (row["auroc"], row["refused"]))
    assert rule.method == best["method"] and best["auroc"] > 0.99
    of_dogs = rule.score(validation.logits, validation.features)
    assert 0.005 <= (of_dogs < rule.threshold).mean() <= 0.01
    of_negatives = rule.score(negatives.logits, negatives.features)
    assert (of_negatives < rule.threshold).mean() > 0.95
    assert rule.probability(of_dogs).mean() > 0.9 > 0.1 > rule.probability(of_negatives).mean()


def test_a_learned_score_is_judged_on_photos_that_it_has_not_seen():
    """With features that mean nothing, a learned score does no better than guessing."""
    rng = np.random.default_rng(2)

    def noise(count: int) -> Answers:
        return Answers(rng.normal(size=(count, CLASSES)), rng.normal(size=(count, 300)))

    _, rows = fit_detector(noise(300), noise(200), noise(100), seed=1)
    assert {row["method"]: row["auroc"] for row in rows}["logistic"] < 0.65


def test_without_negatives_the_energy_is_read_and_there_is_no_probability(cloud):
    dogs, validation, _ = cloud
    rule, rows = fit_detector(dogs, validation, None, seed=1)
    assert (rule.method, rule.scale, rule.offset, rows) == ("energy", None, None, [])
    of_dogs = rule.score(validation.logits, None)
    assert 0.005 <= (of_dogs < rule.threshold).mean() <= 0.01
    assert rule.probability(of_dogs) is None
    assert (rule.score(np.full((1, CLASSES), -30.0), None) < rule.threshold).all()


def test_the_probability_grows_with_the_score():
    rule = RejectionRule("energy", {}, 0.0, scale=2.0, offset=-1.0)
    scores = np.array([-1e6, 0.0, 0.5, 1e6])
    expected = [0, 1 / (1 + np.e), 0.5, 1]
    np.testing.assert_allclose(rule.probability(scores), expected, atol=1e-12)


def test_separation_of_known_scores():
    dogs, others = np.arange(1.0, 201.0), np.array([-5.0, 0.0, 2.5, 100.5])
    found = separation(dogs, others)
    assert found["auroc"] == pytest.approx((200 + 200 + 198 + 100) / 800)
    # One per cent of 200 lies at 2.99.
    assert found["refused"] == pytest.approx(3 / 4)


def test_arrays_are_read_back(tmp_path, cloud):
    _, validation, _ = cloud
    rng = np.random.default_rng(1)
    arrays = {"weights": rng.normal(size=CHANNELS).astype(np.float32), "bias": np.float32(2)}
    np.savez(tmp_path / REJECTION, **arrays)
    read = read_arrays("logistic", tmp_path / REJECTION, CHANNELS)
    assert set(read) == set(ARRAYS["logistic"])
    scores = RejectionRule("logistic", read, 0.0).score(validation.logits, validation.features)
    expected = validation.features @ arrays["weights"].astype(float) + 2
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


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
