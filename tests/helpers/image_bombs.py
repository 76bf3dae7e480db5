"""Image files that were made to take much memory or time, in every format that is read."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

from tests.helpers.heic import encoded, grid, parameters
from tests.helpers.layout_bombs import (
    exif_bomb,
    jpeg_frame,
    jpeg_metadata,
    jpeg_pixels,
    jpeg_scans,
    tiff_pixels,
    tiff_size,
    tiff_strips,
    tiff_tags,
)
from tests.helpers.packed import side, zeros

Bomb = Callable[[np.random.Generator], bytes]


def png_chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    color: int = 2,
    interlace: int = 0,
    pixels: bytes | None = None,
    extra: bytes = b"",
) -> bytes:
    """A PNG from its parts: `pixels` is the compressed data, `extra` are chunks before it."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    data = zlib.compress(bytes(64)) if pixels is None else pixels
    chunks = png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", data)
    return b"\x89PNG\r\n\x1a\n" + chunks + png_chunk(b"IEND", b"")


def png_header(rng: np.random.Generator) -> bytes:
    """States any size and has hardly any pixels."""
    color, depth = [(0, 1), (0, 16), (2, 8), (2, 16), (3, 8), (4, 16), (6, 8)][rng.integers(7)]
    interlace = int(rng.integers(2))
    return png(side(rng, 31), side(rng, 31), depth=depth, color=color, interlace=interlace)


def png_pixels(rng: np.random.Generator) -> bytes:
    """All pixels of a size close to the limit, in a few kilobytes."""
    color, channels = [(0, 1), (2, 3), (4, 2), (6, 4)][rng.integers(4)]
    depth, interlace = int(rng.choice([8, 16])), int(rng.integers(2))
    width, height = 7_141, int(rng.choice([3_000, 7_141]))
    # Adam7 stores an image in seven passes, each with a byte of its own before each row.
    rows = 2 * height if interlace else height
    data = zeros(height * width * channels * depth // 8 + rows + 7)
    return png(width, height, depth=depth, color=color, interlace=interlace, pixels=data)


def png_text(rng: np.random.Generator) -> bytes:
    """Text and a profile that unpack to megabytes, or more chunks than anybody needs."""
    packed = zlib.compress(bytes(4_000_000))
    extra = [
        png_chunk(b"zTXt", b"a\0\0" + packed) * 40,
        png_chunk(b"iTXt", b"a\0\1\0\0\0" + packed) * 40,
        png_chunk(b"tEXt", b"a\0" + bytes(10_000_000)),
        png_chunk(b"iCCP", b"a\0\0" + packed),
        png_chunk(b"tEXt", b"a\0b") * 400_000,
    ][rng.integers(5)]
    return png(16, 16, pixels=zlib.compress(bytes(16 * 49)), extra=extra)


def png_many_parts(rng: np.random.Generator) -> bytes:
    """The pixels in a chunk for each byte, or in chunks of nothing."""
    data = zlib.compress(rng.bytes(300 * 901)[: 300 * 901])
    parts = b"".join(png_chunk(b"IDAT", data[i : i + 1]) for i in range(len(data)))
    if rng.integers(2):
        parts = png_chunk(b"IDAT", b"") * 1_000_000
    return png(300, 300, pixels=data, extra=parts)[:19_000_000]


def gif(rng: np.random.Generator) -> bytes:
    """Any size of the screen and of the frame."""
    sizes = [side(rng, 16) for _ in range(6)]
    screen = struct.pack("<HHBBB", sizes[0], sizes[1], 0x80, 0, 0) + bytes(range(6))
    frame = b"," + struct.pack("<HHHHB", *sizes[2:], 0) + b"\x02\x02L\x01\x00;"
    return b"GIF89a" + screen + frame


def gif_comment(rng: np.random.Generator) -> bytes:
    """A comment of megabytes, in blocks as large or as small as they can be."""
    image = io.BytesIO()
    Image.new("P", (16, 16)).save(image, "GIF")
    data = image.getvalue()
    block = int(rng.choice([1, 255]))
    comment = b"!\xfe" + (bytes([block]) + b"c" * block) * (10_000_000 // (block + 1)) + b"\0"
    at = data.index(b",", 13)
    return data[:at] + comment + data[at:]


def gif_frames(rng: np.random.Generator) -> bytes:
    """Hundreds of thousands of frames of one pixel."""
    image = io.BytesIO()
    Image.new("P", (64, 64)).save(image, "GIF")
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\x00"
    return image.getvalue()[:-1] + frame * int(rng.integers(1, 800_000)) + b";"


def bmp(rng: np.random.Generator) -> bytes:
    """Any size, depth and compression, and little data or run lengths of megabytes."""
    width, height = side(rng, 31), side(rng, 31) * int(rng.choice([-1, 1]))
    bits, compression = int(rng.choice([1, 4, 8, 16, 24, 32])), int(rng.integers(7))
    runs = b"\x01\x05" * 5_000_000
    if rng.integers(2):
        width, height, bits, compression = 7_000, 7_000, 8, 1
        runs = [runs, b"\0\2\xff\xff" * 1_000_000, b"\0\0" * 5_000_000][rng.integers(3)]
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 1, 1, 0, 0)
    data = header + bytes(1_024 if bits <= 8 else 0) + runs
    return b"BM" + struct.pack("<IHHI", len(data) + 14, 0, 0, 14 + 40 + 1_024) + data


def webp(rng: np.random.Generator) -> bytes:
    """Any canvas around a small picture, and any size in a header of each kind."""
    image = io.BytesIO()
    options: dict = {"lossless": bool(rng.integers(2))}
    Image.new("RGB", (16, 16), "red").save(image, "WEBP", exif=b"Exif\0\0II*\0", **options)
    data = bytearray(image.getvalue())
    width, height = side(rng, 24), side(rng, 24)
    if rng.integers(2):
        data[24:27], data[27:30] = width.to_bytes(3, "little"), height.to_bytes(3, "little")
    elif options["lossless"]:
        at = data.index(b"VP8L") + 9
        bits = width % 16_384 | height % 16_384 << 14
        data[at : at + 4] = bits.to_bytes(4, "little")
    else:
        at = data.index(b"\x9d\x01\x2a") + 3
        data[at : at + 4] = struct.pack("<HH", width % 16_384, height % 16_384)
    return bytes(data)


@cache
def _large_avif() -> bytes:
    image = io.BytesIO()
    Image.new("L", (9_000, 9_000), 9).save(image, "AVIF", speed=10)
    return image.getvalue()


def avif(rng: np.random.Generator) -> bytes:
    """Another size in the container than in the picture, or EXIF that lies over itself."""
    if rng.integers(2):
        data = bytearray(_large_avif())
        size = (64, 64)
    else:
        image = io.BytesIO()
        Image.new("RGB", (64, 64), 9).save(image, "AVIF", speed=10, exif=exif_bomb(rng))
        data = bytearray(image.getvalue())
        size = (side(rng, 31), side(rng, 31)) if rng.integers(2) else (64, 64)
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", *size)
    return bytes(data)


def heic(rng: np.random.Generator) -> bytes:
    """A grid that states any size, tiles of any size, more tiles than pixels, or one for all."""
    stated = grid((side(rng, 31), side(rng, 31)), 2, 1)
    large = parameters(side(rng, 31), side(rng, 31), depth=int(rng.choice([8, 10])))
    columns, rows = (int(each) for each in rng.integers(1, 256, 2))
    return [
        stated,
        grid((700, 500), 2, 1, parameters=large),
        grid((700, 500), 2, 1, within=large),
        grid((7_000, 7_000), columns, rows, shared=True),
        grid((8_064, 6_048), 16, 12, tile=encoded(512, 512, quality=1)),
    ][rng.integers(5)]


def icon(rng: np.random.Generator) -> bytes:
    """An icon around a PNG of millions of pixels."""
    picture = png(5_000, 5_000, color=6, pixels=zeros(5_000 * 20_001))
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(picture), 22)
    return b"\0\0\1\0\1\0" + entry + picture


def other_formats(rng: np.random.Generator) -> bytes:
    """Formats that Pillow reads and this project does not, of a size that they only state."""
    count = int(10 ** rng.uniform(1, 5))
    return [
        b"P6 %d %d 255\n" % (count, count),
        b"Pf %d %d -1.0\n" % (count, count),
        b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, count, count, 8, 3),
        b"%%!PS-Adobe-3.0 EPSF-3.0\n%%%%BoundingBox: 0 0 %d %d\n" % (count, count),
        b"\0\0\0\x0cjP  \r\n\x87\n" + rng.bytes(200),
        b"SIMPLE  =                    T" + bytes(2_000),
        b"qoif" + struct.pack(">IIBB", count, count, 3, 0),
        b"<svg width='%d'>" % count + b"<g>" * count,
    ][rng.integers(8)]


BOMBS: dict[str, Bomb] = {
    bomb.__name__: bomb
    for bomb in (
        png_header,
        png_pixels,
        png_text,
        png_many_parts,
        gif,
        gif_comment,
        gif_frames,
        bmp,
        webp,
        avif,
        heic,
        tiff_tags,
        tiff_strips,
        tiff_size,
        tiff_pixels,
        jpeg_metadata,
        jpeg_frame,
        jpeg_scans,
        jpeg_pixels,
        icon,
        other_formats,
    )
}
