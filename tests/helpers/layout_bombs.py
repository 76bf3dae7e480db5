"""TIFF, EXIF and JPEG files whose layout takes much memory or time from few bytes."""

import io
import struct

import numpy as np
from PIL import Image

from tests.helpers.packed import side, zeros


def tiff(entries: list[tuple[int, int, int, int]], data: bytes = b"") -> bytes:
    """A TIFF from tags (tag, type, count, value or place); `data` starts at byte 8."""
    start = 8 + len(data)
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<I", start) + data + directory + bytes(4)


def tiff_layout(width: int, height: int, bits: int = 8) -> list[tuple[int, int, int, int]]:
    """The tags of a gray TIFF with its pixels in one strip at byte 8."""
    layout = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, bits), (259, 3, 1, 1)]
    layout += [(262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height)]
    return [*layout, (279, 4, 1, width * height * bits // 8)]


def tiff_tags(rng: np.random.Generator) -> bytes:
    """Tags that share one place, so that 10 MB become many times as much."""
    data = bytes(10_000_000)
    kind, count = [(7, len(data)), (4, len(data) // 4), (5, len(data) // 8)][rng.integers(3)]
    tags = rng.choice(np.arange(40_000, 60_000), 500, replace=False)
    if rng.integers(2):
        tags = np.full(500, 700)
    return tiff([*tiff_layout(64, 64), *((int(tag), kind, count, 8) for tag in tags)], data)


def tiff_strips(rng: np.random.Generator) -> bytes:
    """A strip or tile for each few bytes of the file."""
    count = int(rng.choice([50_000, 4_000_000]))
    data = struct.pack("<I", 8) * count
    layout = [tag for tag in tiff_layout(64, 64) if tag[0] not in (273, 278, 279)]
    if rng.integers(2):
        return tiff([*layout, (273, 4, count, 8), (278, 4, 1, 1), (279, 4, count, 8)], data)
    tiles = [(322, 4, 1, 16), (323, 4, 1, 16), (324, 4, count, 8), (325, 4, count, 8)]
    return tiff([*layout, *tiles], data)


def tiff_size(rng: np.random.Generator) -> bytes:
    """Any size of the photo, its strips and its tiles, packed by any method."""
    packed = zeros(1_000_000)
    width, height = side(rng, 20), side(rng, 20)
    if rng.integers(2):
        width = height = 64
    method = int(rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000, 50001]))
    layout = dict((tag[0], tag) for tag in tiff_layout(width, height))
    layout[259] = (259, 3, 1, method)
    layout[262] = (262, 3, 1, int(rng.choice([0, 1, 2, 5, 6, 8])))
    layout[277] = (277, 3, 1, int(rng.choice([1, 3, 4])))
    layout[279] = (279, 4, 1, len(packed))
    if rng.integers(2):
        layout[322], layout[323] = (322, 4, 1, side(rng, 20)), (323, 4, 1, side(rng, 20))
        layout[324], layout[325] = (324, 4, 1, 8), (325, 4, 1, len(packed))
    return tiff(list(layout.values()), packed)


def tiff_pixels(rng: np.random.Generator) -> bytes:
    """All pixels of a size close to the limit, packed into one strip."""
    bits, width = int(rng.choice([8, 16, 32])), 7_141
    packed = zeros(width * width * bits // 8)
    layout = {tag[0]: tag for tag in tiff_layout(width, width, bits)}
    layout[259], layout[279] = (259, 3, 1, 8), (279, 4, 1, len(packed))
    return tiff(list(layout.values()), packed)


def exif_bomb(rng: np.random.Generator) -> bytes:
    """EXIF with tags that share one place, cycles, or an orientation that does not exist."""
    data = bytes(40_000)
    choice = rng.integers(3)
    if choice == 0:
        block = tiff([(int(tag), 7, len(data), 8) for tag in range(40_000, 41_500)], data)
    elif choice == 1:
        block = tiff([(274, 3, 1, int(rng.integers(65_536))), (34665, 4, 1, 8), (34853, 4, 1, 8)])
    else:
        block = b"II*\0" + rng.bytes(int(rng.integers(4, 2_000)))
    return b"Exif\0\0" + block


def jpeg(*segments: bytes, **options: object) -> bytes:
    """A small JPEG with further segments after its first marker."""
    image = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    Image.fromarray(noise).save(image, "JPEG", **options)
    data = image.getvalue()
    return data[:2] + b"".join(segments) + data[2:]


def segment(code: int, data: bytes) -> bytes:
    """A segment of a JPEG."""
    return bytes([0xFF, code]) + struct.pack(">H", len(data) + 2) + data


def jpeg_metadata(rng: np.random.Generator) -> bytes:
    """EXIF, profiles and comments of megabytes, in as few or as many segments as there can be."""
    return [
        jpeg(segment(0xE1, exif_bomb(rng))),
        jpeg(segment(0xE1, b"Exif\0\0" + rng.bytes(60_000)) * 160),
        jpeg(
            segment(0xE1, exif_bomb(rng)[:65_000]),
            *[segment(0xE1, b"Exif\0\0" + bytes(65_000))] * 150,
        ),
        jpeg(
            *(segment(0xE2, b"ICC_PROFILE\0" + bytes([i, 150]) + bytes(65_000)) for i in range(150))
        ),
        jpeg(segment(0xFE, bytes(65_000)) * 150),
        jpeg(segment(0xFE, b"") * 2_000_000),
        jpeg(b"\xff" * 10_000_000),
        jpeg(b"\xff\xd0" * 5_000_000),
        jpeg(segment(0xE2, b"MPF\0" + rng.bytes(2_000))),
    ][rng.integers(9)]


def jpeg_frame(rng: np.random.Generator) -> bytes:
    """Another size, kind, depth or sampling in the header than in the scans."""
    data = bytearray(jpeg(progressive=bool(rng.integers(2)), subsampling=int(rng.integers(3))))
    at = next(i for i in range(len(data)) if data[i] == 0xFF and data[i + 1] in (0xC0, 0xC2))
    choice = rng.integers(5)
    if choice == 0:
        data[at + 5 : at + 9] = struct.pack(">HH", side(rng, 16), side(rng, 16))
    elif choice == 1:
        data[at + 1] = int(rng.integers(0xC0, 0xD0))
    elif choice == 2:
        data[at + 4] = int(rng.integers(256))
    elif choice == 3:
        data[at + 11 + 3 * int(rng.integers(3))] = int(rng.integers(256))
    else:
        data[at:at] = data[at : at + 19]
        data[at + 5 : at + 9] = struct.pack(">HH", 4_000, 4_000)
    return bytes(data)


def jpeg_scans(rng: np.random.Generator) -> bytes:
    """A progressive photo of any size with thousands of scans that contain nothing."""
    data = bytearray(jpeg(progressive=True))
    at = data.index(b"\xff\xc2")
    width, height = int(rng.integers(8, 20_000)), int(rng.integers(8, 20_000))
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    last = data.rindex(b"\xff\xda")
    return (
        bytes(data[:-2])
        + bytes(data[last : last + 30]) * int(rng.integers(1, 500_000))
        + b"\xff\xd9"
    )


def jpeg_pixels(rng: np.random.Generator) -> bytes:
    """A real photo of 8 to 100 megapixels in one color."""
    width, height = int(rng.integers(2_000, 10_000)), int(rng.integers(4_000, 10_000))
    image = io.BytesIO()
    options = {"progressive": bool(rng.integers(2)), "quality": 50}
    Image.new("L", (width, height), 99).save(image, "JPEG", **options)
    return image.getvalue()
