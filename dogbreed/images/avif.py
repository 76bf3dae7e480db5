"""AVIF files: how large the pictures inside are, which the size of the whole does not tell."""

import re

from dogbreed.errors import InvalidImageError
from dogbreed.images.iso_media import MOST, Bits, items, still_picture
from dogbreed.images.limits import DAMAGED, MAX_MEMORY
from dogbreed.sentences import Sentence

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
    still, meta = still_picture(data, (b"Exif",))
    pictures = {
        int.from_bytes(found["short"] or found["long"], "big") for found in _PICTURE.finditer(meta)
    }
    for number, picture in items(data, meta):
        if number in pictures:
            _check_picture(picture)
    return still


def _check_picture(picture: bytes) -> None:
    """Check the sizes that the units of an AV1 picture state before it is decoded."""
    start = 0
    for _ in range(MOST):
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
                raise InvalidImageError(Sentence("megapixels_avif"))
        start += length
    raise InvalidImageError(DAMAGED)


def _leb128(data: bytes, start: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        value |= (data[start + place] & 0x7F) << 7 * place
        if not data[start + place] & 0x80:
            break
    return value, start + place + 1


def _largest_frame(header: bytes) -> tuple[int, int]:
    """The largest width and height that frames after this sequence header can have."""
    bits = Bits(header)
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


def _skip_timing_and_levels(bits: Bits) -> None:
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
