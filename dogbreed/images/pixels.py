"""Pixels of every kind become RGB with 8 bits: depth, transparency, orientation."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from dogbreed.images.ifd import BITS, PHOTOMETRIC, SAMPLE_FORMAT

# Modes of one channel with more than 8 bits.
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# A photo is converted in strips of so many pixels, so that it is in memory twice at most.
_STRIP = 250_000
# Depths of sensors and files, and the largest value at each.
_DEPTHS = (8, 10, 12, 14, 16)
_LARGEST = tuple(2**bits - 1 for bits in _DEPTHS)
# Above 1 a floating-point photo in 0..1 may have highlights, and filters overshoot by a little.
_HIGHLIGHT, _OVERSHOOT = 16, 1.25


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Turn an image upright; `orientation` is that of EXIF, 1 to 8."""
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an image of any mode that Pillow has.

    Args:
        image: Loaded image. Values of more than 8 bits are scaled by the number of bits that the
            largest of them needs: files with 16 bits often contain 10 or 12.

    Returns:
        Image in mode "RGB", transparency on white; the same object if there is nothing to convert.
    """
    if image.mode in _DEEP:
        return _from_deep(image)
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    result = Image.new("RGB", image.size, "white")
    for box in strips(image.size):
        strip = _to_rgba(image.crop(box))
        result.paste(strip, box, mask=strip)
    return result


def strips(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Boxes that cover an image from top to bottom."""
    width, height = size
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        yield 0, top, width, min(top + rows, height)


def is_dark(high: Image.Image) -> bool:
    """Whether the high bytes of a photo leave room for it to have 14 bits or fewer.

    Args:
        high: The high bytes of each channel of 16 bits, mode "RGB" or "RGBA".
    """
    return bool(_largest_bytes(high)[:3].max() <= _LARGEST[-2] >> 8)


def add_low_bytes(high: Image.Image, low: Image.Image) -> None:
    """Scale a photo of 8 to 14 bits a channel in a file of 16 to 8 bits.

    Args:
        high: The high bytes of each channel; becomes the photo.
        low: The low bytes, in the same mode.
    """
    white = _white((int(_largest_bytes(high)[:3].max()) << 8) + 255, False, False)
    opaque = high.mode == "RGBA" and _largest_bytes(high)[3] > _LARGEST[-2] >> 8
    for box in strips(high.size):
        high_bytes = np.asarray(high.crop(box))
        values = high_bytes.astype(np.uint16) << 8 | np.asarray(low.crop(box))
        scaled = np.minimum((values * (255 / white)).round(), 255).astype(np.uint8)
        if opaque:
            scaled[:, :, 3] = high_bytes[:, :, 3]
        high.paste(Image.fromarray(scaled), box)


def _largest_bytes(image: Image.Image) -> np.ndarray:
    """The largest value of each channel."""
    return np.array(image.getextrema())[:, 1]


def _to_rgba(image: Image.Image) -> Image.Image:
    if image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    return image if image.mode == "RGBA" else image.convert("RGBA")


def _from_deep(image: Image.Image) -> Image.Image:
    signed, bits, inverted = _tiff_layout(image)
    unsigned = image.mode == "I" and not signed and bits == 32
    extremes = [_extremes(_values(image, box, unsigned)) for box in strips(image.size)]
    low, high = min(low for low, _ in extremes), max(high for _, high in extremes)
    # Few values below 0 come from filters; many belong to a photo whose black is not 0.
    black = low if low < -high / 4 else 0
    white = _white(high - black, image.mode == "F", signed and bits == 16)
    result = Image.new("RGB", image.size)
    for box in strips(image.size):
        shares = (_values(image, box, unsigned) - black) / white
        shares = np.clip(np.nan_to_num(shares, posinf=1, neginf=0), 0, 1)
        if inverted:
            shares = 1 - shares
        gray = Image.fromarray((shares * 255).round().astype(np.uint8))
        result.paste(gray.convert("RGB"), box)
    return result


def _tiff_layout(image: Image.Image) -> tuple[bool, int, bool]:
    """Of a TIFF: has it a sign, how many bits has a value, is 0 white."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return True, 32, False
    signed = tags.get(SAMPLE_FORMAT, (1,))[0] == 2
    return signed, tags.get(BITS, (1,))[0], tags.get(PHOTOMETRIC) == 0


def _values(image: Image.Image, box: tuple[int, int, int, int], unsigned: bool) -> np.ndarray:
    """The values of a part of an image, float64 of shape (H, W)."""
    values = np.asarray(image.crop(box))
    # Pillow has no mode for 32 bits without a sign; NumPy warns of some that are not numbers.
    with np.errstate(invalid="ignore"):
        return (values.view(np.uint32) if unsigned else values).astype(np.float64)


def _extremes(values: np.ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return float(finite.min(initial=0)), float(finite.max(initial=0))


def _white(high: float, floating: bool, signed_16_bit: bool) -> float:
    """What value is white, given the largest one."""
    if floating and high <= _HIGHLIGHT:
        return 1
    if signed_16_bit and _LARGEST[-2] < high < 2**15:
        return 2**15 - 1
    least = high / _OVERSHOOT if floating else high
    return next((white for white in _LARGEST if least <= white), high)
