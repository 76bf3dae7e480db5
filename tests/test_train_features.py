"""Features are computed once for each photo and view, and survive a kill."""

import keras
import numpy as np
import pytest
from PIL import Image

from dogbreed.images import prepare
from dogbreed.train import features as features_module
from dogbreed.train.augment import apply_transforms, draw_crop, draw_transform, mirror_transform
from dogbreed.train.backbone import (
    boundary_output,
    build_backbone,
    weights_fingerprint,
)
from dogbreed.train.data import load_evaluation_photos
from dogbreed.train.features import extract_features, view_names
from tests.helpers.shapes import write_folder

SIZE = 75


@pytest.fixture(scope="module")
def backbone(backbone_weights):
    return build_backbone(backbone_weights, SIZE)


@pytest.fixture
def extract(backbone, tmp_path):
    def run(photos, view="plain", seed=42):
        return extract_features(
            backbone,
            weights_fingerprint(backbone),
            photos,
            photos.fingerprint(),
            view,
            resize="squash",
            seed=seed,
            cache_dir=tmp_path,
        )["avg_pool"]

    return run


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


def test_one_pass_gives_both_boundaries(backbone, extract, tmp_path, shapes_folder):
    photos = load_evaluation_photos(str(shapes_folder))
    alone, rows = extract(photos, "mirror")[np.arange(12)], np.arange(12)
    found = extract_features(
        backbone,
        weights_fingerprint(backbone),
        photos,
        photos.fingerprint(),
        "mirror",
        resize="squash",
        seed=42,
        cache_dir=tmp_path,
        boundaries=("avg_pool", "mixed8"),
    )
    assert np.array_equal(found["avg_pool"][rows], alone)
    maps = found["mixed8"][rows]
    assert maps.shape == found["mixed8"].shape == (12, 1, 1, 1280) and maps.dtype == np.float16
    pooled = keras.Model(backbone.get_layer("mixed8").output, boundary_output(backbone, "avg_pool"))
    np.testing.assert_allclose(pooled.predict(maps, verbose=0), alone, atol=5e-3)


def test_bfloat16_is_near_float32_and_kept_apart(backbone, extract, tmp_path, shapes_folder):
    photos = load_evaluation_photos(str(shapes_folder))
    exact, rows = extract(photos)[np.arange(12)].astype(np.float32), np.arange(12)
    rounded = extract_features(
        backbone,
        weights_fingerprint(backbone),
        photos,
        photos.fingerprint(),
        "plain",
        resize="squash",
        seed=42,
        cache_dir=tmp_path,
        precision="bfloat16",
    )["avg_pool"][rows].astype(np.float32)
    assert np.linalg.norm(rounded - exact) < 0.05 * np.linalg.norm(exact)
    # What is computed afterwards is exact again.
    assert {path.parent.parent.name.rsplit("-")[-1] for path in tmp_path.rglob("*.npy")} == {
        "float32",
        "bfloat16",
    }


def test_finished_shards_are_not_computed_again(extract, tmp_path, monkeypatch, shapes_folder):
    monkeypatch.setattr(features_module, "SHARD_ROWS", 5)
    monkeypatch.setattr(features_module, "BATCH_SIZE", 5)
    photos = load_evaluation_photos(str(shapes_folder))
    whole = extract(photos)[np.arange(12)]
    shards = sorted(tmp_path.rglob("*.npy"))
    assert len(shards) == 3
    shards[1].unlink()
    kept = {path: path.stat().st_mtime_ns for path in (shards[0], shards[2])}
    assert np.array_equal(extract(photos)[np.arange(12)], whole)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert shards[1].exists()


def test_rows_are_read_in_any_order(extract, monkeypatch, shapes_folder):
    monkeypatch.setattr(features_module, "SHARD_ROWS", 5)
    monkeypatch.setattr(features_module, "BATCH_SIZE", 5)
    features = extract(load_evaluation_photos(str(shapes_folder)))
    order = np.array([11, 0, 7, 7, 4])
    assert np.array_equal(features[order], features[np.arange(12)][order])


def test_a_photo_that_cannot_be_decoded_is_told_and_does_not_stop_the_rest(extract, tmp_path):
    root = write_folder(tmp_path / "data", per_class=2, test_per_class=2)
    broken = sorted((root / "test").rglob("*.png"))[2]
    broken.write_bytes(b"no photo")
    photos = load_evaluation_photos(str(root))
    features = extract(photos)
    assert features.undecodable().tolist() == [2]
    assert str(broken.name) in photos.describe(2)
    assert np.isfinite(features[[0, 1, 3, 4, 5]]).all()


def test_random_views_differ_by_number_and_seed_but_repeat(extract, shapes_folder):
    photos = load_evaluation_photos(str(shapes_folder))
    rows = np.arange(12)
    first = extract(photos, "augment-1")[rows]
    assert not np.array_equal(first, extract(photos, "augment-2")[rows])
    assert not np.array_equal(first, extract(photos, "augment-1", seed=1)[rows])
    assert not np.array_equal(first, extract(photos)[rows])
    assert np.array_equal(first, extract(photos, "augment-1")[rows])


def test_view_names():
    assert view_names(2) == ["plain", "mirror", "augment-1", "augment-2"]


def test_mirror_transform_mirrors():
    image = np.arange(5 * 5 * 3, dtype=np.float32).reshape(1, 5, 5, 3)
    found = np.asarray(apply_transforms(image, mirror_transform(5)[None]))
    np.testing.assert_allclose(found, image[:, :, ::-1], atol=1e-4)


def test_drawn_crops_stay_in_the_frame_or_a_little_outside():
    size, rng = 101, np.random.default_rng(0)
    drawn = np.stack([draw_crop(rng, size) for _ in range(2000)])
    scale = np.abs(drawn[:, [0, 4]])
    assert 0.55 < scale.min() < 0.62 and scale.max() == pytest.approx(1.1)
    assert 0.45 < (drawn[:, 0] < 0).mean() < 0.55
    assert (drawn[:, 4] > 0).all()
    for first, last in (
        (drawn[:, 2], drawn[:, 2] + drawn[:, 0] * (size - 1)),
        (drawn[:, 5], drawn[:, 5] + drawn[:, 4] * (size - 1)),
    ):
        ends = np.stack([first, last])
        assert ends.min() > -0.11 * size and ends.max() < 1.11 * size
        assert ends.min() < 2 and ends.max() > size - 3
    ratio = scale[:, 0] / scale[:, 1]
    assert 3 / 4 - 1e-6 <= ratio.min() < 0.8 and 1.25 < ratio.max() <= 4 / 3 + 1e-6


def test_drawn_transforms_keep_the_articles_ranges():
    size, rng = 101, np.random.default_rng(0)
    drawn = np.stack([draw_transform(rng, size) for _ in range(2000)])
    scale_x = np.hypot(drawn[:, 0], drawn[:, 3])
    scale_y = np.hypot(drawn[:, 1], drawn[:, 4])
    for scale in (scale_x, scale_y):
        assert 0.795 < scale.min() < 0.83 and 1.17 < scale.max() < 1.205
    mirrored = drawn[:, 0] * drawn[:, 4] - drawn[:, 1] * drawn[:, 3] < 0
    assert 0.45 < mirrored.mean() < 0.55
    # The second axis is never mirrored, so its direction tells the rotation.
    angle = np.rad2deg(np.arctan2(-drawn[:, 1], drawn[:, 4]))
    assert -41 < angle.min() < -38 and 38 < angle.max() < 41
    # Where the centre comes from, at most 20 % of the side away along each rotated axis.
    centre = (size - 1) / 2
    x = drawn[:, 0] * centre + drawn[:, 1] * centre + drawn[:, 2] - centre
    y = drawn[:, 3] * centre + drawn[:, 4] * centre + drawn[:, 5] - centre
    distance = np.hypot(x, y) / size
    assert 0.24 < distance.max() < 0.2 * np.sqrt(2) + 1e-3


def test_what_lies_outside_takes_the_nearest_pixel():
    image = np.zeros((1, 8, 8, 3), np.float32)
    image[:, :, -1] = 9
    shift_right = np.array([[1, 0, 4, 0, 1, 0, 0, 0]], np.float32)
    assert np.asarray(apply_transforms(image, shift_right))[0, :, 4:].min() == 9


def test_a_missing_or_wrong_weights_file_is_told(tmp_path):
    from dogbreed.errors import BackboneError

    with pytest.raises(BackboneError, match="There is no weights file"):
        build_backbone(tmp_path / "none.h5", SIZE)
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    with pytest.raises(BackboneError, match="does not hold InceptionV3 weights"):
        build_backbone(tmp_path / "photo.png", SIZE)
