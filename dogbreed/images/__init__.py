"""Photos: whatever a caller passes becomes an upright RGB image, or an error."""

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from dogbreed.errors import InvalidImageError
from dogbreed.images.avif import read_avif
from dogbreed.images.headers import read_bmp, read_gif, read_png, read_webp
from dogbreed.images.heif import decode_heif
from dogbreed.images.ifd import exif_orientation
from dogbreed.images.jpeg import decode_jpeg, read_jpeg
from dogbreed.images.kinds import PHOTO_SUFFIXES, recognize
from dogbreed.images.limits import (
    DAMAGED,
    MIN_SIDE,
    MODERN,
    ORDINARY,
    check_size,
    return_freed_memory,
)
from dogbreed.images.pixels import add_low_bytes, is_dark, to_rgb, turned
from dogbreed.images.sources import ImageSource, from_array, read_bytes
from dogbreed.images.square import RESIZE_METHODS, SHOWN_BY_CROP, frame_box, to_square
from dogbreed.images.tiff import read_tiff

__all__ = [
    "MIN_SIDE",
    "PHOTO_SUFFIXES",
    "RESIZE_METHODS",
    "ImageSource",
    "frame_box",
    "load_image",
    "prepare",
    "to_square",
]

# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size if at least this many pixels remain for each
# pixel of the square; the filter then gives the same result (Pillow calls it `reducing_gap`).
_REDUCING_GAP = 2.0
_ORIENTATION = 0x0112

# What Pillow warns of in a TIFF is broken metadata, which says nothing about the pixels.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")

# By format: what checks and cleans a file before a decoder sees it, and Pillow's name for the
# decoder, which is imported when it is needed: all of them would take 20 ms at every start.
_READERS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "PNG": (read_png, "Png"),
    "GIF": (read_gif, "Gif"),
    "BMP": (read_bmp, "Bmp"),
    "TIFF": (read_tiff, "Tiff"),
    "WEBP": (read_webp, "WebP"),
    "AVIF": (read_avif, "Avif"),
}
# Pillow keeps the first byte of 16 bits a channel ("B") or the second one ("L"); which of them is
# the low byte depends on the order in the file, or ("N") of the machine.
_NATIVE_LOW = "B" if sys.byteorder == "little" else "L"
_LOW_BYTES = {
    f"{channels};16{order}": f"{channels};16{low}"
    for channels in ("RGB", "RGBX", "RGBA")
    for order, low in (("B", "L"), ("L", "B"), ("N", _NATIVE_LOW))
}


def load_image(
    source: ImageSource, at_least: int | None = None, notes: list[str] | None = None
) -> Image.Image:
    """Open a photo, upright and in RGB.

    Args:
        source: Path, encoded bytes, binary file object, PIL image, or NumPy array of shape (H, W),
            (H, W, 1), (H, W, 3) or (H, W, 4), either uint8 or floating point in 0..1.
        at_least: If this many pixels on each side are enough, say so: a large JPEG file is then
            decoded at 1/2, 1/4 or 1/8 of its size, which is several times as fast. One that would
            not fit into memory (about 50 megapixels) is decoded like this in any case.
        notes: Gets a sentence for what a person should know about a photo that could be read,
            such as that its last third is missing.

    Returns:
        Image in mode "RGB": the first frame, turned as EXIF says, transparency on white.

    Raises:
        InvalidImageError: It is not an image, is mostly missing or damaged, has more than 20 MB or
            50 megapixels (300 in a JPEG file), or has a side of fewer than 8 pixels.
    """
    image = _load(source, at_least, notes)
    return image.copy() if image is source else image


def prepare(
    source: ImageSource, size: int = 299, resize: str = "squash", notes: list[str] | None = None
) -> np.ndarray:
    """Turn a photo into the square that the network sees.

    Args:
        source: Anything that `load_image` takes.
        size: Side of the square in pixels.
        resize: `squash` (the whole photo, proportions changed), `letterbox` (the whole photo,
            proportions kept, gray bars) or `crop` (the middle 87.5 % of the shorter side).
        notes: See `load_image`.

    Returns:
        uint8 array of shape (size, size, 3).

    Raises:
        InvalidImageError: See `load_image`.
    """
    at_least = round(_REDUCING_GAP * size / SHOWN_BY_CROP)
    image = _load(source, at_least, notes)
    square, shape = to_square(image, size, resize), image.size
    del image
    return_freed_memory(shape)
    return square


def _load(source: ImageSource, at_least: int | None, notes: list[str] | None) -> Image.Image:
    """Like `load_image`, but may return the source itself."""
    if isinstance(source, np.ndarray):
        return to_rgb(from_array(source))
    if isinstance(source, Image.Image):
        return _from_image(source)
    return _decode(read_bytes(source), at_least, [] if notes is None else notes)


def _from_image(image: Image.Image) -> Image.Image:
    check_size(image.size)
    try:
        if image.tell():
            image.seek(0)
        image.load()
        return turned(to_rgb(image), _orientation(image))
    except Exception:
        # Decoders raise errors of many types on files that were made to break them.
        raise InvalidImageError(DAMAGED) from None


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:
        # EXIF is broken, but the pixels are fine.
        return 1


def _decode(data: bytes, at_least: int | None, notes: list[str]) -> Image.Image:
    kind = recognize(data)
    try:
        if kind == "JPEG":
            jpeg = read_jpeg(data)
            image, orientation = decode_jpeg(jpeg, at_least, notes), jpeg.orientation
        elif kind == "HEIF":
            # Turned by the container, whatever EXIF says.
            image, orientation = decode_heif(data), 1
        else:
            reader, name = _READERS[kind]
            image = _open(name, reader(data))
            orientation = exif_orientation(image.info.get("exif") or b"")
        image = to_rgb(image)
        return turned(image, orientation)
    except InvalidImageError:
        raise
    except Exception:
        # Decoders raise errors of many types on files that were made to break them.
        raise InvalidImageError(DAMAGED) from None


def _open(name: str, data: bytes) -> Image.Image:
    # Not by Image.open, which refuses by limits of its own.
    plugin: type[ImageFile] = getattr(import_module(f"PIL.{name}ImagePlugin"), f"{name}ImageFile")
    image = plugin(BytesIO(data))
    check_size(image.size, MODERN if name in ("WebP", "Avif") else ORDINARY)
    return_freed_memory(image.size)
    raw_mode = _raw_mode(image)
    image.load()
    # Pillow would keep the canvases of WebP and AVIF as long as the image.
    vars(image).pop("_decoder", None)
    if raw_mode in _LOW_BYTES and is_dark(image):
        low = plugin(BytesIO(data))
        low.tile = [tile._replace(args=_other_bytes(tile.args)) for tile in low.tile]
        low.load()
        add_low_bytes(image, low)
    return image


def _raw_mode(image: ImageFile) -> object:
    """How the first tile lies in the file; WebP and AVIF have no tiles before they are loaded."""
    args = image.tile[0].args if image.tile else None
    return args[0] if isinstance(args, tuple) else args


def _other_bytes(args: Any) -> Any:
    """Arguments of a decoder that is to keep the low bytes instead of the high ones."""
    return (_LOW_BYTES[args[0]], *args[1:]) if isinstance(args, tuple) else _LOW_BYTES[args]
