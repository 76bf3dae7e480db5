"""Weights of 7 bits are chosen by what they do to the output."""

import numpy as np
import pytest

from dogbreed.train.export.rounding import nearest, round_weights
from dogbreed.train.export.seven_bits import SEVEN_BITS

CHANNELS, FILTERS = 40, 12


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    """Inputs that go together, and are never negative, as behind a ReLU."""
    rng = np.random.default_rng(0)
    few = rng.normal(size=(2000, 10)) @ rng.normal(size=(10, 9 * CHANNELS))
    return np.maximum(few + 1, 0).astype(np.float32)


@pytest.fixture(scope="module")
def kernel() -> np.ndarray:
    """Filters of very different sizes, with a few large weights each."""
    weights = np.random.default_rng(1).standard_t(4, size=(3, 3, CHANNELS, FILTERS))
    return (weights * np.geomspace(0.01, 10, FILTERS)).astype(np.float32)


def steps(rounded: np.ndarray) -> np.ndarray:
    """The scale of each filter, if its largest weight is 63."""
    return np.abs(rounded).max(axis=(0, 1, 2)) / SEVEN_BITS


def test_each_filter_has_whole_numbers_of_one_scale(kernel, patches):
    rounded = round_weights(kernel, patches)
    assert rounded.shape == kernel.shape and rounded.dtype == np.float32
    whole = rounded / steps(rounded)
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-3)
    assert np.abs(whole).max() <= SEVEN_BITS + 1e-3


def test_the_output_changes_less_than_by_rounding_to_the_nearest(kernel, patches):
    flat = kernel.reshape(-1, FILTERS)
    exact = patches @ flat

    def error(weights: np.ndarray) -> np.ndarray:
        return np.linalg.norm(patches @ weights - exact, axis=0) / np.linalg.norm(exact, axis=0)

    rounded = round_weights(kernel, patches)
    to_nearest = nearest(flat, np.abs(flat).max(axis=0) / SEVEN_BITS)
    assert (error(rounded.reshape(-1, FILTERS)) < 0.5 * error(to_nearest)).all()


def test_few_inputs_round_to_the_nearest(kernel, patches):
    rounded = round_weights(kernel, patches[: 9 * CHANNELS - 1])
    flat = kernel.reshape(-1, FILTERS)
    whole = rounded.reshape(-1, FILTERS) / steps(rounded)
    clipped = np.clip(np.round(flat / steps(rounded)), -SEVEN_BITS, SEVEN_BITS)
    np.testing.assert_allclose(whole, clipped, atol=1e-3)


def test_inputs_that_are_always_zero_do_no_harm(kernel):
    patches = np.zeros((500, 9 * CHANNELS), np.float32)
    patches[:, :5] = np.random.default_rng(2).uniform(size=(500, 5))
    rounded = round_weights(kernel, patches)
    assert np.isfinite(rounded).all()
    assert np.abs(rounded - kernel).max() < 0.5 * np.abs(kernel).max()


def test_a_filter_of_zeros_stays():
    kernel = np.zeros((1, 1, 4, 2), np.float32)
    kernel[..., 1] = 0.5
    patches = np.random.default_rng(3).uniform(size=(30, 4)).astype(np.float32)
    rounded = round_weights(kernel, patches)
    assert (rounded[..., 0] == 0).all()
    np.testing.assert_allclose(rounded[..., 1], 0.5, atol=0.02)
