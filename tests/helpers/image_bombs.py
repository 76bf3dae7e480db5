"""Image files that were made to take much memory or time, in every format that is read."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

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


def zeros(count: int) -> bytes:
    """So many zeros, compressed, without having them in memory."""
    packer, block = zlib.compressobj(1), bytes(1_000_000)
    parts = [packer.compress(block) for _ in range(count // len(block))]
    parts += [packer.compress(bytes(count % len(block))), packer.flush()]
    return b"".join(parts)


def side(rng: np.random.Generator, bits: int) -> int:
    """A width or height that fits into so many bits, small ones as often as large ones."""
    return int(2 ** rng.uniform(0, bits)) - 1


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


def avif(rng: np.random.Generator) -> bytes:
    """Another size in the container than in the picture, or EXIF that lies over itself."""
    image = io.BytesIO()
    large = bool(rng.integers(2))
    sides = (9_000, 9_000) if large else (64, 64)
    exif = exif_bomb(rng) if not large else b""
    Image.new("L" if large else "RGB", sides, 9).save(image, "AVIF", speed=10, exif=exif)
    data = bytearray(image.getvalue())
    at = data.index(b"ispe") + 8
    if large:
        data[at : at + 8] = struct.pack(">II", 64, 64)
    elif rng.integers(2):
        data[at : at + 8] = struct.pack(">II", side(rng, 31), side(rng, 31))
    return bytes(data)


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


def all_bombs(seed: int) -> Iterator[tuple[str, bytes]]:
    """One bomb of each kind."""
    for number, (name, bomb) in enumerate(BOMBS.items()):
        yield name, bomb(np.random.default_rng([seed, number]))
