"""Photos as files and in memory, and what becomes of them."""

import io

import numpy as np
import pytest
from PIL import Image

from dogbreed.errors import InvalidImageError
from dogbreed.images import ImageSource, load_image
from tests.helpers.tiny_bundle import assert_one_sentence

ORIENTATION = 0x0112
# Four colors, so that no turn or mirror of it looks the same.
CORNERS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]], np.uint8)
UPRIGHT = CORNERS.repeat(16, axis=0).repeat(32, axis=1)


def encode(image: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """A photo as a file of some format."""
    image = Image.fromarray(np.ascontiguousarray(image)) if isinstance(image, np.ndarray) else image
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def smooth(width: int, height: int, seed: int = 0) -> Image.Image:
    """A photo of soft blotches, which JPEG keeps well."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def oriented(orientation: int) -> Image.Exif:
    """EXIF that says how a photo is to be turned."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def pixels(source: ImageSource) -> np.ndarray:
    """The pixels of a photo that is accepted."""
    image = load_image(source)
    assert image.mode == "RGB"
    return np.asarray(image)


def color(source: ImageSource) -> tuple[int, ...]:
    """The color of a photo that has a single one."""
    found = np.unique(pixels(source).reshape(-1, 3), axis=0)
    assert len(found) == 1
    return tuple(int(value) for value in found[0])


def refusal(source: object) -> str:
    """The message for a photo that is refused."""
    with pytest.raises(InvalidImageError) as caught:
        load_image(source)
    message = str(caught.value)
    assert_one_sentence(message)
    return message
