"""JPEG files: headers, decoding at the scale that is needed, and files whose end is missing."""

import math
import re
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from dogbreed.errors import InvalidImageError
from dogbreed.images.ifd import exif_orientation
from dogbreed.images.limits import (
    DAMAGED,
    MAX_MEMORY,
    MAX_PIXELS,
    check_sides,
    return_freed_memory,
)
from dogbreed.sentences import Sentence

# Decoded at 1/8, 200 megapixels take about 0.4 s; no file of 20 MB needs much more.
_MAX_PIXELS = 300_000_000
# Photos have about 10 scans; one block in one scan takes up to 40 ns.
_MAX_BLOCKS_IN_SCANS = 60_000_000
_MAX_SEGMENTS = 10_000
_BYTES_PER_BLOCK = 128

_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SCAN, _END, _PROGRESSIVE, _EXIF = 0xDA, 0xD9, 0xC2, 0xE1
_FRAMES = (0xC0, 0xC1, _PROGRESSIVE)
# Lossless, hierarchical and arithmetic coding, which no camera uses and no browser shows.
_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_ALONE = (0x01, *range(0xD0, 0xD9))
# Tables, the restart interval, and the two that state the color space (JFIF and Adobe).
_KEPT = (0xC4, 0xDB, 0xDD, 0xE0, 0xEE)

_UNUSUAL = Sentence("rare_jpeg")
_MOSTLY_MISSING = Sentence("mostly_missing")
# Less than this share of a photo may be missing without a word.
_NOTICED = 0.005


@dataclass(frozen=True)
class JpegFile:
    """A JPEG without its metadata.

    Attributes:
        data: The file, without EXIF, profiles, comments and further pictures before the scans.
        size: Width and height of the photo as it is stored.
        orientation: What EXIF says about it, 1 to 8.
        coefficients: Bytes that the decoder keeps for the whole photo, whatever the scale; 0 if
            the file contains the photo row by row.
    """

    data: bytes
    size: tuple[int, int]
    orientation: int
    coefficients: int

    def scale(self, at_least: int | None) -> int:
        """The divisor (1, 2, 4 or 8) to decode with.

        Args:
            at_least: Pixels that are enough on each side; None for as many as fit into memory.

        Raises:
            InvalidImageError: The photo does not fit into memory even at 1/8.
        """
        enough = min(self.size) // at_least if at_least else 1
        for scale in (8, 4, 2, 1):
            if scale <= enough:
                break
        while scale < 8 and not self._fits(scale):
            scale *= 2
        if not self._fits(scale):
            megapixels = round(math.prod(self.size) / 1e6)
            raise InvalidImageError(Sentence("megapixels_jpeg", megapixels=megapixels))
        return scale

    def size_at(self, scale: int) -> tuple[int, int]:
        """Width and height after decoding."""
        return -(-self.size[0] // scale), -(-self.size[1] // scale)

    def _fits(self, scale: int) -> bool:
        pixels = math.prod(self.size_at(scale))
        return pixels <= MAX_PIXELS and 8 * pixels + self.coefficients <= MAX_MEMORY


def read_jpeg(data: bytes) -> JpegFile:
    """Read the headers up to the first scan.

    Raises:
        InvalidImageError: The file is damaged or of a kind that is not supported.
    """
    kept, position, orientation, frame = [data[:2]], 2, 1, b""
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, position)
        if not found:
            break
        start, code = found.start(), data[found.start() + 1]
        if code in _ALONE:
            position = start + 2
            continue
        position = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        segment = data[start:position]
        if code == _SCAN:
            rest = data[start:]
            return _jpeg_file(b"".join([*kept, rest]), frame, rest, orientation)
        if code == _END or len(segment) < 4 or (code in _FRAMES and frame):
            break
        if code in _OTHER_FRAMES:
            raise InvalidImageError(_UNUSUAL)
        if code in _FRAMES:
            frame = segment
        if code in _FRAMES or code in _KEPT:
            kept.append(segment)
        elif code == _EXIF and orientation == 1 and segment[4:10] == b"Exif\0\0":
            orientation = exif_orientation(segment[4:])
    raise InvalidImageError(DAMAGED)


def _jpeg_file(data: bytes, frame: bytes, scans: bytes, orientation: int) -> JpegFile:
    if len(frame) < 10:
        raise InvalidImageError(DAMAGED)
    progressive, bits, components = frame[1] == _PROGRESSIVE, frame[4], frame[9]
    height, width = int.from_bytes(frame[5:7], "big"), int.from_bytes(frame[7:9], "big")
    if bits != 8 or components not in (1, 3, 4):
        raise InvalidImageError(_UNUSUAL)
    check_sides((width, height))
    if width * height > _MAX_PIXELS:
        raise InvalidImageError(Sentence("most_megapixels", most=300))
    samplings = [frame[at] for at in range(11, len(frame), 3)]
    several = progressive or scans[4] < components
    blocks = _count_blocks((width, height), samplings) if several else 0
    jpeg = JpegFile(data, (width, height), orientation, blocks * _BYTES_PER_BLOCK)
    jpeg.scale(None)
    if several and not _has_few_scans(scans, _MAX_BLOCKS_IN_SCANS // max(1, blocks)):
        raise InvalidImageError(_UNUSUAL)
    return jpeg


def _count_blocks(size: tuple[int, int], samplings: list[int]) -> int:
    """Blocks of 8 × 8 in all components; each sampling has the horizontal factor in bits 4-7."""
    factors = [(sampling >> 4, sampling & 15) for sampling in samplings]
    if not all(1 <= factor <= 4 for pair in factors for factor in pair):
        raise InvalidImageError(DAMAGED)
    most = [max(pair[axis] for pair in factors) for axis in (0, 1)]
    units = [-(-size[axis] // (8 * most[axis])) for axis in (0, 1)]
    return sum(units[0] * units[1] * across * down for across, down in factors)


def _has_few_scans(scans: bytes, limit: int) -> bool:
    position = 0
    while found := _MARKER_IN_SCAN.search(scans, position):
        start, code = found.start(), scans[found.start() + 1]
        limit -= code == _SCAN
        if code == _END or limit < 0:
            break
        position = start + 2 + int.from_bytes(scans[start + 2 : start + 4], "big")
    return limit >= 0


def decode_jpeg(jpeg: JpegFile, at_least: int | None, notes: list[str]) -> Image.Image:
    """Decode a photo, not yet upright; as much of it as there is.

    Args:
        jpeg: What `read_jpeg` returned.
        at_least: See `JpegFile.scale`.
        notes: Gets a sentence if a part of the photo is missing.

    Returns:
        Image in mode "L", "RGB" or "CMYK".

    Raises:
        InvalidImageError: Most of the photo is missing.
    """
    scale = jpeg.scale(at_least)
    return_freed_memory(jpeg.size_at(scale), jpeg.coefficients)
    try:
        return _decode(jpeg, jpeg.data, scale)
    except OSError:
        # The decoder fills with gray what is missing before the marker of the end.
        image = _decode(jpeg, jpeg.data + b"\xff\xd9", scale)
    missing = _gray_rows(image) / image.height
    if missing > 0.5:
        raise InvalidImageError(_MOSTLY_MISSING)
    if missing > _NOTICED:
        notes.append(Sentence("last_missing", percent=round(100 * missing)))
    elif jpeg.coefficients:
        notes.append(Sentence("end_missing"))
    return image


def _decode(jpeg: JpegFile, data: bytes, scale: int) -> Image.Image:
    # Not by Image.open, which refuses by the size of the whole photo.
    image = JpegImageFile(BytesIO(data))
    if image.size != jpeg.size:
        raise InvalidImageError(DAMAGED)
    width, height = jpeg.size
    image.draft(None, (width // scale, height // scale))
    image.load()
    return image


def _gray_rows(image: Image.Image) -> int:
    """How many rows at the end are of the gray that stands for missing data."""
    step = 64
    for bottom in range(image.height, 0, -step):
        top = max(0, bottom - step)
        rows = np.asarray(image.crop((0, top, image.width, bottom)))
        # CMYK is stored inverted, so 128 may be 127.
        is_gray = ((rows == 127) | (rows == 128)).reshape(len(rows), -1).all(axis=1)
        if not is_gray.all():
            return image.height - bottom + int(np.argmin(is_gray[::-1]))
    return image.height
