"""Random views of a photo as the article draws them, for `--recipe article`."""

import keras
import numpy as np
import tensorflow as tf

ROTATION_DEGREES = 40.0
SHIFT = 0.2
# ImageDataGenerator takes its shear in degrees, so the article's 0.2 is next to nothing.
SHEAR_DEGREES = 0.2
ZOOM = 0.2


def draw_transform(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw one view: rotation, shift, shear, zoom and mirror, about the center.

    Ranges as in the article: ±40° rotation, ±20 % shift each way, ±0.2° shear, 0.8 to 1.2 zoom
    of each axis, mirrored half of the time.

    Args:
        rng: Source of the random numbers.
        size: Side of the square frame in pixels.

    Returns:
        float32 array of shape (8,): the projective transform from output to input pixels, as
        `keras.ops.image.affine_transform` takes it.
    """
    angle = np.deg2rad(rng.uniform(-ROTATION_DEGREES, ROTATION_DEGREES))
    shift = rng.uniform(-SHIFT, SHIFT, size=2) * size
    shear = np.deg2rad(rng.uniform(-SHEAR_DEGREES, SHEAR_DEGREES))
    zoom = rng.uniform(1 - ZOOM, 1 + ZOOM, size=2)
    flip = -1.0 if rng.random() < 0.5 else 1.0

    cos, sin = np.cos(angle), np.sin(angle)
    rotate = np.array([[cos, -sin], [sin, cos]])
    slant = np.array([[1.0, -np.sin(shear)], [0.0, np.cos(shear)]])
    linear = rotate @ slant @ np.diag(zoom * (flip, 1.0))
    center = np.full(2, (size - 1) / 2)
    offset = center + rotate @ shift - linear @ center
    (a, b), (c, d) = linear
    return np.array([a, b, offset[0], c, d, offset[1], 0.0, 0.0], dtype=np.float32)


def apply_transforms(images: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """Apply transforms to images; pixels outside an image take the value of the nearest one.

    Args:
        images: float tensor of shape (N, size, size, 3).
        transforms: float32 tensor of shape (N, 8).

    Returns:
        Tensor of the shape and range of `images`.
    """
    return keras.ops.image.affine_transform(
        images, transforms, interpolation="bilinear", fill_mode="nearest"
    )
