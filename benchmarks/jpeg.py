"""JPEG files, and photos for benchmarks that need no dataset."""

import io

import numpy as np
from PIL import Image


def draw_photo(size: tuple[int, int], seed: int) -> bytes:
    """Smooth random colors as a JPEG file, different for each seed.

    Args:
        size: Width and height in pixels.
        seed: Seed of the random colors.
    """
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    return as_jpeg(small.resize(size, Image.Resampling.BICUBIC))


def as_jpeg(image: Image.Image) -> bytes:
    """The image as a JPEG file of quality 90."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
