"""The random views stay within the ranges that they are drawn from."""

import numpy as np
import pytest

from dogbreed.train.augment import apply_transforms, draw_crop, draw_transform, mirror_transform


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
