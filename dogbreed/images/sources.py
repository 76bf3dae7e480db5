"""What a caller may pass as a photo: files by any name, bytes, images and arrays in memory."""

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from dogbreed.errors import InvalidImageError
from dogbreed.images.limits import MAX_BYTES, TOO_LARGE, check_size
from dogbreed.sentences import Sentence

ImageSource = str | os.PathLike | bytes | bytearray | BinaryIO | Image.Image | np.ndarray

_OPENED_AS_TEXT = "The file was opened as text; open it in binary mode ('rb')."


def read_bytes(source: str | os.PathLike | bytes | bytearray | BinaryIO) -> bytes:
    """The content of a file, at most 20 MB and at least one byte.

    Raises:
        InvalidImageError: It cannot be read, is empty or is larger.
    """
    if isinstance(source, (bytes, bytearray)):
        return bytes(_sized(source))
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
    return bytes(_sized(data))


def _sized(data: bytes | bytearray) -> bytes | bytearray:
    if len(data) > MAX_BYTES:
        raise InvalidImageError(TOO_LARGE)
    if not data:
        raise InvalidImageError(Sentence("empty"))
    return data


def from_array(array: np.ndarray) -> Image.Image:
    """An image with the pixels of an array, see `images.load_image`.

    Raises:
        InvalidImageError: The array has another shape, type or range, or is too large.
    """
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise InvalidImageError(
            f"An array of shape {array.shape} is not a photo; "
            "pass height × width, optionally × 1, 3 or 4 channels."
        )
    check_size((array.shape[1], array.shape[0]))
    if np.issubdtype(array.dtype, np.floating):
        # Negated, so that NaN is refused too.
        if not (array.min() >= 0 and array.max() <= 1):
            raise InvalidImageError(
                "A floating-point array must contain values in 0..1; divide by 255 or use uint8."
            )
        array = (array * 255).round().astype(np.uint8)
    if array.dtype != np.uint8:
        raise InvalidImageError(
            f"An array of {array.dtype} is not a photo; use uint8, or floating point in 0..1."
        )
    return Image.fromarray(np.ascontiguousarray(array))
