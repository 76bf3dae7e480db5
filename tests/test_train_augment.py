"""The random views stay within the ranges that they are drawn from."""

import numpy as np

from dogbreed.train.network.augment import apply_transforms, draw_transform


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
