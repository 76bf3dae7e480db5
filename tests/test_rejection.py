"""Photos without a dog: the scores, and the numbers that a bundle has for them."""

import pickle
import random

import numpy as np
import pytest
from scipy.special import logsumexp

from dogbreed.bundle import REJECTION
from dogbreed.errors import BundleError
from dogbreed.rejection import ARRAYS, RejectionRule, read_arrays, score
from tests.helpers.tiny_bundle import assert_one_sentence

CHANNELS, CLASSES = 20, 4


def test_the_energy_is_logsumexp():
    logits = np.array([[1000.0, 999.0, 0.0], [-3.0, 0.5, 0.5]])
    np.testing.assert_allclose(score("energy", {}, logits, None), logsumexp(logits, axis=1))


def test_the_probability_grows_with_the_score():
    rule = RejectionRule("energy", {}, 0.0, scale=2.0, offset=-1.0)
    scores = np.array([-1e6, 0.0, 0.5, 1e6])
    expected = [0, 1 / (1 + np.e), 0.5, 1]
    np.testing.assert_allclose(rule.probability(scores), expected, atol=1e-12)


def test_arrays_are_read_back(tmp_path):
    rng = np.random.default_rng(1)
    logits, features = rng.normal(size=(9, CLASSES)), rng.normal(size=(9, CHANNELS))
    arrays = {"weights": rng.normal(size=CHANNELS).astype(np.float32), "bias": np.float32(2)}
    np.savez(tmp_path / REJECTION, **arrays)
    read = read_arrays("logistic", tmp_path / REJECTION, CHANNELS)
    assert set(read) == set(ARRAYS["logistic"])
    scores = RejectionRule("logistic", read, 0.0).score(logits, features)
    expected = features @ arrays["weights"].astype(float) + 2
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def hidden(channels: int = CHANNELS, units: int = 5, outputs: int = 5) -> dict:
    rng = np.random.default_rng(2)
    return {
        "hidden_weights": rng.normal(size=(channels, units)).astype(np.float32),
        "hidden_bias": rng.normal(size=5).astype(np.float32),
        "weights": rng.normal(size=outputs).astype(np.float32),
        "bias": np.float32(-1),
    }


def test_a_score_with_a_hidden_layer(tmp_path):
    features, arrays = np.random.default_rng(1).normal(size=(9, CHANNELS)), hidden()
    np.savez(tmp_path / REJECTION, **arrays)
    read = read_arrays("mlp", tmp_path / REJECTION, CHANNELS)
    scores = RejectionRule("mlp", read, 0.0).score(np.zeros((9, CLASSES)), features)
    for row, found in zip(features, scores, strict=True):
        before = row @ arrays["hidden_weights"] + arrays["hidden_bias"]
        units = [max(value, 0) for value in before]
        assert found == pytest.approx(sum(units * arrays["weights"]) - 1)


@pytest.mark.parametrize("arrays", [hidden(3), hidden(units=4), hidden(outputs=4)])
def test_a_hidden_layer_that_does_not_fit_is_refused(tmp_path, arrays):
    np.savez(tmp_path / REJECTION, **arrays)
    with pytest.raises(BundleError, match="does not fit the network"):
        read_arrays("mlp", tmp_path / REJECTION, CHANNELS)


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
