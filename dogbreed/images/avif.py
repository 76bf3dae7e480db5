"""AVIF files: how large the pictures inside are, which the size of the whole does not tell."""

import re
from collections.abc import Iterator

from dogbreed.errors import InvalidImageError
from dogbreed.images.limits import DAMAGED, MAX_MEMORY

# More of anything than real files have.
_MOST = 10_000
# Up to three planes of up to 12 bits.
_PLANES = 6
_SEQUENCE_HEADER = 1
# An item that is a picture; versions 2 and 3 differ in the size of its number. Looked for ahead, so
# that no match hides another.
_PICTURE = re.compile(rb"(?=infe(?:\x02...(?P<short>..)|\x03...(?P<long>....))..av01)", re.DOTALL)


def read_avif(data: bytes) -> bytes:
    """Check the pictures in a file, and hide what Pillow shall leave alone.

    EXIF has no say in how an AVIF is turned, and of an animation the still picture is enough.

    Raises:
        InvalidImageError: A picture is larger than the memory for a photo, or the file is broken.
    """
    parts, meta = [], b""
    for name, start, content, end in _boxes(data, 0, len(data)):
        box = data[start:end]
        if name == b"ftyp":
            box = box.replace(b"avis", b"avif")
        elif name == b"meta":
            if meta:
                raise InvalidImageError(DAMAGED)
            box, meta = box.replace(b"Exif", b"Exix"), data[content + 4 : end]
        elif name == b"moov":
            box = box.replace(b"moov", b"free", 1)
        parts.append(box)
    pictures = {
        int.from_bytes(found["short"] or found["long"], "big") for found in _PICTURE.finditer(meta)
    }
    for number, picture in _items(data, meta):
        if number in pictures:
            _check_picture(picture)
    return b"".join(parts)


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Name, start, start of the content, and end of each box in a part of a file."""
    for _ in range(_MOST):
        if start + 8 > end:
            return
        length, name = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        content = start + 8
        if length == 1:
            length, content = int.from_bytes(data[start + 8 : start + 16], "big"), start + 16
        following = start + length if length else end
        if not content <= following <= end:
            raise InvalidImageError(DAMAGED)
        yield name, start, content, following
        start = following
    raise InvalidImageError(DAMAGED)


def _items(data: bytes, meta: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each item of a file, by the boxes "iloc" and "idat"."""
    found = {name: meta[content:end] for name, _, content, end in _boxes(meta, 0, len(meta))}
    reader, sources = _Bits(found[b"iloc"]), {0: data, 1: found.get(b"idat", b"")}
    version, _ = reader.read(8), reader.read(24)
    offset_size, length_size, base_size, index_size = (8 * reader.read(4) for _ in range(4))
    budget = len(data)
    for _ in range(reader.read(32 if version == 2 else 16)):
        number = reader.read(32 if version == 2 else 16)
        source = sources[reader.read(16) & 15 if version else 0]
        _, base = reader.read(16), reader.read(base_size)
        parts = []
        for _ in range(reader.read(16)):
            _ = reader.read(index_size if version else 0)
            start, length = base + reader.read(offset_size), reader.read(length_size)
            budget -= length
            if budget < 0:
                raise InvalidImageError(DAMAGED)
            parts.append(source[start : start + length] if length else source[start:])
        yield number, b"".join(parts)


def _check_picture(picture: bytes) -> None:
    """Check the sizes that the units of an AV1 picture state before it is decoded."""
    start = 0
    for _ in range(_MOST):
        if start >= len(picture):
            return
        header = picture[start]
        start += 2 if header & 4 else 1
        length = len(picture) - start
        if header & 2:
            length, start = _leb128(picture, start)
        if header >> 3 & 15 == _SEQUENCE_HEADER:
            width, height = _largest_frame(picture[start : start + length])
            if width * height * _PLANES > MAX_MEMORY:
                raise InvalidImageError(
                    "This image has too many megapixels for AVIF; save it smaller and try again."
                )
        start += length
    raise InvalidImageError(DAMAGED)


def _leb128(data: bytes, start: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        value |= (data[start + place] & 0x7F) << 7 * place
        if not data[start + place] & 0x80:
            break
    return value, start + place + 1


class _Bits:
    """Numbers of any count of bits, from the front; a read past the end is an IndexError."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def read(self, bits: int) -> int:
        first, self._at = self._at, self._at + bits
        last = -(-self._at // 8)
        if last > len(self._data):
            raise IndexError("the data ends too early")
        value = int.from_bytes(self._data[first // 8 : last], "big")
        return value >> 8 * last - self._at & (1 << bits) - 1


def _largest_frame(header: bytes) -> tuple[int, int]:
    """The largest width and height that frames after this sequence header can have."""
    bits = _Bits(header)
    bits.read(4)
    still = bits.read(1)
    if still:
        bits.read(5)
    else:
        _skip_timing_and_levels(bits)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    width, height = bits.read(width_bits) + 1, bits.read(height_bits) + 1
    # Frames that are not a single still one may state a size of their own, in as many bits.
    return (width, height) if still else (1 << width_bits, 1 << height_bits)


def _skip_timing_and_levels(bits: _Bits) -> None:
    """The fields between the profile and the size, in the order of the AV1 specification."""
    delay_bits = 0
    if bits.read(1):
        bits.read(64)
        if bits.read(1):
            zeros = next(count for count in range(33) if bits.read(1))
            bits.read(zeros)
        if bits.read(1):
            delay_bits = bits.read(5) + 1
            bits.read(42)
    display_delay = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        if bits.read(5) > 7:
            bits.read(1)
        if delay_bits and bits.read(1):
            bits.read(2 * delay_bits + 1)
        if display_delay and bits.read(1):
            bits.read(4)
