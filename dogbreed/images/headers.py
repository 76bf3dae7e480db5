"""Headers of PNG, GIF, BMP and WebP: the size before decoding, and files without metadata.

Metadata says nothing about a breed, but a decoder refuses a photo for a comment that is too long,
or spends memory and time on one that was made for that. So what would be read is dropped, except
for the orientation. Each function takes a whole file, raises InvalidImageError if the photo is
too large, and returns the file for the decoder; what it raises on a broken file is the caller's.
"""

import struct
import zlib

from dogbreed.errors import InvalidImageError
from dogbreed.images.limits import DAMAGED, MODERN, check_size
from dogbreed.sentences import Sentence

_PNG_SIGNATURE = 8
_PNG_NEEDED, _PNG_USED = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}, {b"tRNS", b"eXIf"}
# More blocks than any program writes; Pillow and the loops here take microseconds for each.
_MAX_BLOCKS = 50_000
_RUN_LENGTH = (1, 2)


def read_png(data: bytes) -> bytes:
    """Keep the chunks that matter; a wrong checksum in any other is not an error."""
    width, height = struct.unpack_from(">II", data, 16)
    check_size((width, height))
    kept, position = [data[:_PNG_SIGNATURE]], _PNG_SIGNATURE
    for _ in range(_MAX_BLOCKS):
        length, name = struct.unpack_from(">I4s", data, position)
        chunk = data[position : position + 12 + length]
        if name in _PNG_NEEDED or (name in _PNG_USED and _checksum_is_right(chunk)):
            kept.append(chunk)
        position += 12 + length
        if name == b"IEND" or position + 8 > len(data):
            return b"".join(kept)
    raise InvalidImageError(DAMAGED)


def _checksum_is_right(chunk: bytes) -> bool:
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")


def read_gif(data: bytes) -> bytes:
    """Keep what belongs to the first frame; comments and applications' data may be megabytes."""
    flags = data[10]
    position = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    head, control = data[:position], b""
    for _ in range(_MAX_BLOCKS):
        if data[position : position + 1] == b",":
            _check_gif_frame(data, position)
            return head + control + data[position:]
        if data[position : position + 1] != b"!":
            break
        end = _end_of_blocks(data, position + 2)
        if data[position + 1] == 0xF9:
            control = data[position:end]
        position = end
    raise InvalidImageError(DAMAGED)


def _check_gif_frame(data: bytes, position: int) -> None:
    """A frame may be larger than the screen that the file states; Pillow then takes its size."""
    screen = struct.unpack_from("<HH", data, 6)
    left, top, width, height = struct.unpack_from("<4H", data, position + 1)
    check_size((max(screen[0], left + width), max(screen[1], top + height)))


def _end_of_blocks(data: bytes, position: int) -> int:
    for _ in range(_MAX_BLOCKS):
        length = data[position]
        position += 1 + length
        if not length:
            return position
    raise InvalidImageError(DAMAGED)


def read_bmp(data: bytes) -> bytes:
    """Check the size; run lengths are refused since Pillow unpacks them in Python."""
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:
        width, height = struct.unpack_from("<HH", data, 18)
        compression = 0
    else:
        width, height, _, _, compression = struct.unpack_from("<iiHHI", data, 18)
    if compression in _RUN_LENGTH:
        raise InvalidImageError(Sentence("run_length_bmp"))
    check_size((width, abs(height)))
    return data


def read_webp(data: bytes) -> bytes:
    """Check the size of the canvas, which libwebp allocates when it opens the file."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    check_size((width, height), MODERN)
    return data
