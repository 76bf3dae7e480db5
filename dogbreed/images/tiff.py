"""TIFF files: a layout that takes much memory from a small file is refused before decoding."""

from dogbreed.errors import InvalidImageError
from dogbreed.images.ifd import (
    BITS,
    COMPRESSION,
    EXIF,
    GPS,
    HEIGHT,
    INTEROPERABILITY,
    MAX_NUMBERS,
    PHOTOMETRIC,
    ROWS_PER_STRIP,
    SAMPLES,
    TILE_HEIGHT,
    TILE_WIDTH,
    WIDTH,
    Directory,
)
from dogbreed.images.limits import DAMAGED, check_size

# Directories that Pillow reads together with the first one.
_INNER = (EXIF, GPS, INTEROPERABILITY)
_TEXT_TYPES = (1, 2, 6, 7)
_YCBCR = 6


def read_tiff(data: bytes) -> bytes:
    """Look at the layout of a TIFF file before a decoder does.

    Raises:
        InvalidImageError: It is too large, or has values that lie over one another.
    """
    first = Directory(data)
    budget = len(data) + 100_000
    waiting, seen = [first], set()
    while waiting:
        directory = waiting.pop()
        seen.add(directory.start)
        for kind, count, size in directory.sizes:
            budget -= size
            if budget < 0 or (count > MAX_NUMBERS and kind not in _TEXT_TYPES):
                raise InvalidImageError(DAMAGED)
        for tag in _INNER:
            start = directory.number(tag, 0)
            if start and start not in seen:
                waiting.append(Directory(data, start))
    _check_pixels(first)
    return data


def _check_pixels(first: Directory) -> None:
    """Check the size of the whole photo and of the strips or tiles that libtiff unpacks."""
    width, height = first.number(WIDTH, 0), first.number(HEIGHT, 0)
    bits, samples = first.numbers(BITS) or (1,), first.number(SAMPLES, 1)
    total_bits = sum(bits) if len(bits) > 1 else bits[0] * samples
    rows = min(first.number(ROWS_PER_STRIP, height), height)
    tile = first.number(TILE_WIDTH, width) * first.number(TILE_HEIGHT, rows)
    pixel = total_bits / 8
    if first.number(PHOTOMETRIC, 0) == _YCBCR:
        # Unpacked to RGBA, and once more on the way there.
        pixel = max(pixel, 8)
    compressed = first.number(COMPRESSION, 1) != 1
    check_size((width, height), buffers=tile * pixel if compressed else 0)
