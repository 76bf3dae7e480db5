"""Photos: whatever a caller passes becomes an upright RGB image, or an error."""

import os
import warnings
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from dogbreed.errors import InvalidImageError

ImageSource = str | os.PathLike | bytes | bytearray | BinaryIO | Image.Image | np.ndarray

# Names of files in the formats that are read here; the content decides, not the name.
_JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")
PHOTO_SUFFIXES = frozenset(
    (*_JPEG_SUFFIXES, ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff")
)
MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
MIN_SIDE = 8
RESIZE_METHODS = ("squash", "letterbox", "crop")
# ImageNet is commonly evaluated on the middle 87.5 % of the shorter side.
_CROP_MARGIN = (1 - 0.875) / 2
# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size if at least this many pixels remain for each
# pixel of the square; the filter then gives the same result (Pillow calls it `reducing_gap`).
_REDUCING_GAP = 2.0

# Formats that people save photos in. Pillow reads more, some of them by starting other programs.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO")

_TOO_BIG = "This photo is larger than 20 MB; save it smaller and try again."
_TOO_MANY_PIXELS = "This image has more than 50 megapixels; save it smaller and try again."
_OPENED_AS_TEXT = "The file was opened as text; open it in binary mode ('rb')."

# The limit here is stricter than the one that Pillow warns about; broken EXIF is ignored.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", message="Corrupt EXIF data", module="PIL")

# Files with 16 bits a channel arrive as "I" from some formats.
_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")


def load_image(source: ImageSource, at_least: int | None = None) -> Image.Image:
    """Open a photo, upright and in RGB.

    Args:
        source: Path, encoded bytes, binary file object, PIL image, or NumPy array of shape (H, W),
            (H, W, 1), (H, W, 3) or (H, W, 4), either uint8 or floating point in 0..1.
        at_least: If this many pixels on each side are enough, say so: a large JPEG file is then
            decoded at 1/2, 1/4 or 1/8 of its size, which is several times as fast.

    Returns:
        Image in mode "RGB": the first frame, turned as EXIF says, transparency on white.

    Raises:
        InvalidImageError: It is not an image, is damaged, has more than 20 MB or 50 megapixels,
            or has a side of fewer than 8 pixels.
    """
    if isinstance(source, np.ndarray):
        image = _from_array(source)
        _check_size(image.size)
        return _to_rgb(image)
    if isinstance(source, Image.Image):
        return _decode(source)
    return _open_and_decode(BytesIO(_read(source)), at_least)


def prepare(source: ImageSource, size: int = 299, resize: str = "squash") -> np.ndarray:
    """Turn a photo into the square that the network sees.

    Args:
        source: Anything that `load_image` takes.
        size: Side of the square in pixels.
        resize: `squash` (the whole photo, proportions changed), `letterbox` (the whole photo,
            proportions kept, gray bars) or `crop` (the middle 87.5 % of the shorter side).

    Returns:
        uint8 array of shape (size, size, 3).

    Raises:
        InvalidImageError: See `load_image`.
    """
    at_least = round(_REDUCING_GAP * size / (1 - 2 * _CROP_MARGIN))
    return to_square(load_image(source, at_least), size, resize)


def to_square(image: Image.Image, size: int, resize: str) -> np.ndarray:
    """Turn an RGB image into a square; arguments and result as in `prepare`."""
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
        resize: See `prepare`.

    Returns:
        Left, top, right and bottom in pixels of the photo, never empty; outside the photo where
        the square has bars.
    """
    width, height = size
    if resize == "squash":
        return 0, 0, width, height
    side = max(size) if resize == "letterbox" else (1 - 2 * _CROP_MARGIN) * min(size)
    left, top = (width - side) / 2, (height - side) / 2
    left, top, right, bottom = (round(edge) for edge in (left, top, left + side, top + side))
    # Less than a pixel of a very long photo that was drawn small would round to nothing.
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _read(source: str | os.PathLike | bytes | bytearray | BinaryIO) -> bytes:
    if isinstance(source, (bytes, bytearray)):
        if len(source) > MAX_BYTES:
            raise InvalidImageError(_TOO_BIG)
        return bytes(source)
    if isinstance(source, (str, os.PathLike)):
        if str(source).startswith(("http://", "https://")):
            raise InvalidImageError(f"{source} is a web address; download the photo first.")
        path = Path(source)
        if os.path.isdir(path):
            raise InvalidImageError(f"{path} is a folder; name a photo in it.")
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            raise InvalidImageError(f"There is no file {path}; check the path.") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InvalidImageError(f"{path} cannot be read: {reason}.") from None
    elif hasattr(source, "read"):
        try:
            data = source.read(MAX_BYTES + 1)
        except UnicodeDecodeError:
            raise InvalidImageError(_OPENED_AS_TEXT) from None
        except (OSError, ValueError) as error:
            raise InvalidImageError(f"The file object cannot be read: {error}.") from None
        if not isinstance(data, bytes):
            raise InvalidImageError(_OPENED_AS_TEXT)
    else:
        raise InvalidImageError(
            f"A {type(source).__name__} is not a photo; pass a path, bytes, a file, "
            "a PIL image or a NumPy array."
        )
    if len(data) > MAX_BYTES:
        raise InvalidImageError(_TOO_BIG)
    return data


def _open_and_decode(file: BytesIO, at_least: int | None = None) -> Image.Image:
    """Decode a file; see `load_image` for `at_least`."""
    if not file.getbuffer().nbytes:
        raise InvalidImageError("This file is empty; choose a photo.")
    try:
        image = Image.open(file, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InvalidImageError(_TOO_MANY_PIXELS) from None
    except Exception:
        # Decoders raise errors of many types on files that were made to break them.
        raise InvalidImageError(
            "This file is not an image that can be read; use JPEG, PNG, WebP, GIF, BMP or TIFF."
        ) from None
    return _decode(image, at_least)


def _decode(image: Image.Image, at_least: int | None = None) -> Image.Image:
    _check_size(image.size)
    try:
        if at_least:
            image.draft(None, (at_least, at_least))
        if getattr(image, "n_frames", 1) > 1:
            image.seek(0)
        image.load()
        return _to_rgb(_upright(image))
    except Exception:
        raise InvalidImageError(
            "This image is damaged or incomplete; save or download it again."
        ) from None


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        # EXIF is broken, but the pixels are fine.
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode in _SIXTEEN_BIT_MODES:
        values = np.asarray(image).astype(np.float32) / 257
        return Image.fromarray(np.clip(values.round(), 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image))
        scale = 255 if values.max(initial=0) <= 1 else 1
        return Image.fromarray(np.clip((values * scale).round(), 0, 255).astype(np.uint8)).convert(
            "RGB"
        )
    if image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise InvalidImageError(
            f"An array of shape {array.shape} is not a photo; "
            "pass height × width, optionally × 1, 3 or 4 channels."
        )
    if np.issubdtype(array.dtype, np.floating):
        # Negated, so that NaN is refused too.
        if not (array.size and array.min() >= 0 and array.max() <= 1):
            raise InvalidImageError(
                "A floating-point array must contain values in 0..1; divide by 255 or use uint8."
            )
        array = (array * 255).round().astype(np.uint8)
    if array.dtype != np.uint8:
        raise InvalidImageError(
            f"An array of {array.dtype} is not a photo; use uint8, or floating point in 0..1."
        )
    _check_size(array.shape[1::-1])
    return Image.fromarray(np.ascontiguousarray(array))


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise InvalidImageError(_TOO_MANY_PIXELS)
    if min(width, height) < MIN_SIDE:
        raise InvalidImageError(
            f"This image is {width}×{height} pixels; it needs at least {MIN_SIDE}×{MIN_SIDE}."
        )
