"""Features are computed once for each photo and view, and survive a kill."""

import functools
import os
import resource
import shutil

import keras
import numpy as np
import pytest

from dogbreed.errors import UsageError
from dogbreed.images import prepare
from dogbreed.train.data.load import load_evaluation_photos
from dogbreed.train.network import features as features_module
from dogbreed.train.network import frozen
from dogbreed.train.network.backbone import build_backbone, weights_fingerprint
from dogbreed.train.network.cached import Features
from dogbreed.train.network.features import Extractor
from dogbreed.train.network.frozen import boundary_output
from tests.helpers.shapes import write_folder

SIZE = 75


@pytest.fixture(scope="module")
def backbone(backbone_weights):
    return build_backbone(backbone_weights, SIZE)


def extract_with(backbone, cache_dir):
    """Makes a function that extracts into a cache; each extractor traces the network, so share."""
    fingerprint = weights_fingerprint(backbone)

    @functools.cache
    def extractor(seed):
        return Extractor(backbone, fingerprint, resize="squash", seed=seed, cache_dir=cache_dir)

    def run(photos, view="plain", seed=42, boundaries=("avg_pool",), precision="float32"):
        found = extractor(seed).extract(photos, photos.fingerprint(), view, boundaries, precision)
        return found["avg_pool"] if len(boundaries) == 1 else found

    return run


@pytest.fixture(scope="module")
def extract(backbone, tmp_path_factory):
    return extract_with(backbone, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def extract_anew(backbone, tmp_path):
    """With a cache that is empty at first: `tmp_path`."""
    return extract_with(backbone, tmp_path)


def test_features_are_the_pooled_output_of_the_network(backbone, extract, shapes_folder):
    photos = load_evaluation_photos(str(shapes_folder))
    frame = prepare(photos.encoded(5), SIZE)[None].astype(np.float32)
    features = extract(photos)
    assert len(features) == len(photos) == 12
    for view, shown in (("plain", frame), ("mirror", frame[:, :, ::-1])):
        expected = backbone.predict(shown / 127.5 - 1, verbose=0).mean(axis=(1, 2))
        found = extract(photos, view)[[5]]
        assert found.dtype == np.float16
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_one_pass_gives_both_boundaries(backbone, extract, shapes_folder):
    photos = load_evaluation_photos(str(shapes_folder))
    alone, rows = extract(photos, "mirror")[np.arange(12)], np.arange(12)
    found = extract(photos, "mirror", boundaries=("avg_pool", "mixed8"))
    assert np.array_equal(found["avg_pool"][rows], alone)
    maps = found["mixed8"][rows]
    assert maps.shape == found["mixed8"].shape == (12, 1, 1, 1280) and maps.dtype == np.float16
    pooled = keras.Model(backbone.get_layer("mixed8").output, boundary_output(backbone, "avg_pool"))
    np.testing.assert_allclose(pooled.predict(maps, verbose=0), alone, atol=5e-3)


def test_bfloat16_is_near_float32(extract, shapes_folder):
    photos = load_evaluation_photos(str(shapes_folder))
    exact, rows = extract(photos)[np.arange(12)].astype(np.float32), np.arange(12)
    rounded = extract(photos, precision="bfloat16")[rows].astype(np.float32)
    assert np.linalg.norm(rounded - exact) < 0.05 * np.linalg.norm(exact)


def test_finished_shards_are_not_computed_again(extract_anew, tmp_path, monkeypatch, shapes_folder):
    monkeypatch.setattr(features_module, "SHARD_ROWS", 5)
    monkeypatch.setattr(frozen, "BATCH_SIZE", 5)
    photos = load_evaluation_photos(str(shapes_folder))
    whole = extract_anew(photos)[np.arange(12)]
    shards = sorted(tmp_path.rglob("*.npy"))
    assert len(shards) == 3
    shards[1].unlink()
    kept = {path: path.stat().st_mtime_ns for path in (shards[0], shards[2])}
    assert np.array_equal(extract_anew(photos)[np.arange(12)], whole)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert shards[1].exists()


def test_rows_are_read_in_any_order(extract_anew, monkeypatch, shapes_folder):
    monkeypatch.setattr(features_module, "SHARD_ROWS", 5)
    monkeypatch.setattr(frozen, "BATCH_SIZE", 5)
    features = extract_anew(load_evaluation_photos(str(shapes_folder)))
    order = np.array([11, 0, 7, 7, 4])
    assert np.array_equal(features[order], features[np.arange(12)][order])
    loaded = features.in_memory()
    assert np.array_equal(loaded[order], features[order])
    assert (loaded.key, len(loaded), loaded.shape) == (features.key, 12, features.shape)


def test_a_photo_that_cannot_be_decoded_is_known_and_does_not_stop_the_rest(extract, tmp_path):
    root = write_folder(tmp_path / "data", per_class=2, test_per_class=2)
    broken = sorted((root / "test").rglob("*.png"))[2]
    broken.write_bytes(b"no photo")
    photos = load_evaluation_photos(str(root))
    features = extract(photos)
    assert features.decodable().tolist() == [0, 1, 3, 4, 5]
    assert str(broken.name) in photos.describe(2)
    assert np.isfinite(features[[0, 1, 3, 4, 5]]).all()


def test_random_views_differ_by_number_and_seed_but_repeat(extract, shapes_folder):
    photos = load_evaluation_photos(str(shapes_folder))
    rows = np.arange(12)
    first = extract(photos, "random-1")[rows]
    assert not np.array_equal(first, extract(photos, "random-2")[rows])
    assert not np.array_equal(first, extract(photos, "random-1", seed=1)[rows])
    assert not np.array_equal(first, extract(photos)[rows])
    assert np.array_equal(first, extract(photos, "random-1")[rows])


def test_what_was_computed_alike_has_the_same_key(extract, shapes_folder):
    photos = load_evaluation_photos(str(shapes_folder))
    keys = [
        extract(photos).key,
        extract(photos, "mirror").key,
        extract(photos, "random-1").key,
        extract(photos, "random-1", seed=1).key,
        extract(photos, precision="bfloat16").key,
        extract(photos.select(range(6))).key,
        *(each.key for each in extract(photos, boundaries=("avg_pool", "mixed8")).values()),
    ]
    assert keys.pop(-2) == keys[0]
    assert len(set(keys)) == len(keys)
    assert extract(photos).key == keys[0]


def test_few_files_are_open_at_a_time(tmp_path):
    """A large dataset has more shards than a process may have open files."""
    rows = np.arange(600 * 4, dtype=np.float16).reshape(600, 4)
    shards = [tmp_path / f"{number:05d}.npy" for number in range(300)]
    for number, shard in enumerate(shards):
        np.save(shard, rows[2 * number : 2 * number + 2])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + 20, hard))
    try:
        views = [Features(shards, str(number)) for number in range(4)]
        for view in views:
            assert np.array_equal(view[np.arange(600)], rows)
            assert np.array_equal(view.in_memory()[np.arange(600)], rows)
            assert len(view.decodable()) == 600
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_features_that_do_not_fit_on_the_disk_are_not_begun(
    backbone, shapes_folder, tmp_path, monkeypatch
):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    photos = load_evaluation_photos(str(shapes_folder))
    with pytest.raises(UsageError, match="The features of these photos need"):
        extract_with(backbone, tmp_path)(photos)
    assert not list(tmp_path.rglob("*.npy"))
