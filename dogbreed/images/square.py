"""How a photo becomes the square that the network sees, and which part of it that is."""

import numpy as np
from PIL import Image

RESIZE_METHODS = ("squash", "letterbox", "crop")
# ImageNet is commonly evaluated on the middle 87.5 % of the shorter side.
SHOWN_BY_CROP = 0.875


def to_square(image: Image.Image, size: int, resize: str) -> np.ndarray:
    """Turn an RGB image into a square; arguments and result as in `images.prepare`."""
    if resize == "squash":
        square = image.resize((size, size), Image.Resampling.BILINEAR)
    elif resize == "letterbox":
        square = _letterbox(image, size)
    elif resize == "crop":
        box = frame_box(image.size, resize)
        square = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    else:
        raise ValueError(f"resize must be one of {', '.join(RESIZE_METHODS)}, not {resize!r}")
    return np.asarray(square)


def _letterbox(image: Image.Image, size: int) -> Image.Image:
    scale = size / max(image.size)
    # Without the 1 a very long photo would have no width left.
    width, height = (max(1, round(side * scale)) for side in image.size)
    square = Image.new("RGB", (size, size), (128, 128, 128))
    inner = image.resize((width, height), Image.Resampling.BILINEAR)
    square.paste(inner, ((size - width) // 2, (size - height) // 2))
    return square


def frame_box(size: tuple[int, int], resize: str) -> tuple[int, int, int, int]:
    """Find the part of a photo that the square shows.

    Args:
        size: Width and height of the photo in pixels.
        resize: See `images.prepare`.

    Returns:
        Left, top, right and bottom in pixels of the photo, never empty; outside the photo where
        the square has bars.
    """
    width, height = size
    if resize == "squash":
        return 0, 0, width, height
    side = max(size) if resize == "letterbox" else SHOWN_BY_CROP * min(size)
    left, top = (width - side) / 2, (height - side) / 2
    left, top, right, bottom = (round(edge) for edge in (left, top, left + side, top + side))
    # Less than a pixel of a very long photo that was drawn small would round to nothing.
    return left, top, max(right, left + 1), max(bottom, top + 1)
