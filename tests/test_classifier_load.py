"""Where a model comes from, networks that cannot be loaded, and the model that ships."""

from pathlib import Path

import numpy as np
import pytest

from dogbreed import DogBreedClassifier
from dogbreed.bundle import DEFAULT_BUNDLE
from dogbreed.errors import BundleError
from tests.helpers.tiny_bundle import (
    LABELS,
    NAMES,
    UINT8,
    assert_one_sentence,
    build_network,
    draw_disc,
    make_config,
    noise,
    write_bundle,
    write_trusted,
)
from tests.test_classifier import same


@pytest.fixture(scope="module")
def shipped() -> DogBreedClassifier:
    """The classifier that ships."""
    return DogBreedClassifier.from_pretrained(DEFAULT_BUNDLE)


def refusal(path: Path) -> str:
    """The message for a bundle that cannot be loaded."""
    with pytest.raises(BundleError) as caught:
        DogBreedClassifier.from_pretrained(path)
    assert_one_sentence(str(caught.value))
    return str(caught.value)


def test_a_detector_that_does_not_fit_its_network(tmp_path):
    short = {"weights": np.ones(2, np.float32), "bias": np.float32(0)}
    assert "rejection.npz" in refusal(write_trusted(tmp_path / "short", short))
    missing = write_trusted(tmp_path / "missing")
    (missing / "rejection.npz").unlink()
    assert "rejection.npz is missing" in refusal(missing)


def test_where_the_model_comes_from(tiny, tmp_path, monkeypatch):
    other = write_bundle(tmp_path / "other", temperature=3.0)
    assert DogBreedClassifier.from_pretrained(str(tiny)).bundle.path == tiny
    monkeypatch.setenv("DOGBREED_MODEL", str(other))
    assert DogBreedClassifier.from_pretrained().bundle.config["temperature"] == 3.0
    assert DogBreedClassifier.from_pretrained(tiny).bundle.path == tiny
    monkeypatch.setenv("DOGBREED_MODEL", str(tmp_path / "missing"))
    with pytest.raises(BundleError):
        DogBreedClassifier.from_pretrained()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert DogBreedClassifier.from_pretrained("~/other").bundle.path == other


@pytest.mark.parametrize("value", [None, ""])
def test_the_model_that_ships_is_the_default(monkeypatch, value):
    monkeypatch.delenv("DOGBREED_MODEL", raising=False)
    if value is not None:
        monkeypatch.setenv("DOGBREED_MODEL", value)
    assert DogBreedClassifier.from_pretrained().bundle.path == DEFAULT_BUNDLE


@pytest.mark.parametrize("source", ["missing", "~no-such-user-here/model", "a" * 5_000])
def test_a_model_that_is_not_there(source):
    refusal(Path(source))


@pytest.mark.parametrize(
    "network",
    [
        {"channels": 4},
        {"size": 64},
        {"kind": UINT8},
        {"inputs": 2},
        {"outputs": 2},
        {"flat": True},
    ],
    ids=str,
)
def test_a_network_that_does_not_fit_its_config(tmp_path, network):
    path = write_bundle(tmp_path / "bundle", build_network(**network))
    assert "model.tflite" in refusal(path)


def test_a_config_that_does_not_fit_its_network(tmp_path):
    assert "32×32" in refusal(write_bundle(tmp_path / "size", build_network(size=64)))
    assert "64×64" in refusal(write_bundle(tmp_path / "side", image_size=64))
    more = make_config((*LABELS, "cat"), (*NAMES, "Cat"))
    assert "4 classes" in refusal(write_bundle(tmp_path / "more", **more))
    fewer = make_config(LABELS[:2], NAMES[:2])
    assert "2 classes" in refusal(write_bundle(tmp_path / "fewer", **fewer))


@pytest.mark.parametrize("cut", [0, 1, 200, -8])
def test_a_network_that_is_no_network(tmp_path, cut):
    """The hash agrees, as it does when a bundle was made from a broken file."""
    refusal(write_bundle(tmp_path / "cut", build_network()[:cut]))
    refusal(write_bundle(tmp_path / "text", b"This is no network. Really.\n" * 99))


def test_the_shipped_bundle_is_small_and_loads(shipped):
    total = sum(file.stat().st_size for file in DEFAULT_BUNDLE.rglob("*") if file.is_file())
    assert total < 25_000_000
    assert not list(DEFAULT_BUNDLE.rglob("*.h5"))
    assert all((DEFAULT_BUNDLE / name).is_file() for name in shipped.bundle.config["files"])
    assert len(shipped.names) == 120


def test_the_shipped_model_answers_a_fixed_photo_the_same_twice(shipped):
    photo = noise(300, 200)
    first = shipped.predict(photo)
    assert same(first, shipped.predict(photo))
    assert len(set(first.labels)) == 3 and set(first.labels) <= set(shipped.names)
    assert first.evidence_map.shape == (8, 8, 120)
    assert 0 < sum(first.probabilities) <= 1
    assert list(first.probabilities) == sorted(first.probabilities, reverse=True)
    assert sum(shipped.predict(photo, top_k=120).probabilities) == pytest.approx(1)


def test_the_shipped_model_looks_at_the_photo(shipped):
    one, other = shipped.predict(noise(64, 64)), shipped.predict(draw_disc(64))
    assert one.probabilities != other.probabilities
