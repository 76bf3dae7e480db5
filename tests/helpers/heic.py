"""HEIC photos as phones write them: a grid of tiles, and what other files do to such a layout."""

import io
import struct
from functools import cache

from PIL import Image

from tests.helpers.encoded import smooth

TILE = 512


@cache
def encoded(width: int = 96, height: int = 64, seed: int = 0, **options: object) -> bytes:
    """A photo of soft blotches in a HEIC of one picture."""
    import pillow_heif

    file = io.BytesIO()
    pillow_heif.from_pillow(smooth(width, height, seed)).save(file, **options)
    return file.getvalue()


def from_pillow(image: Image.Image, **options: object) -> bytes:
    """Any image in a HEIC of one picture."""
    import pillow_heif

    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, **options)
    return file.getvalue()


def box(name: bytes, *parts: bytes) -> bytes:
    """A box of ISO base media."""
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + name + content


def full(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with a version and flags."""
    return box(name, struct.pack(">I", version << 24 | flags), *parts)


def grid(
    size: tuple[int, int],
    columns: int,
    rows: int,
    *,
    tile: bytes | None = None,
    turns: int = 0,
    shared: bool = False,
    parameters: bytes = b"",
    within: bytes = b"",
) -> bytes:
    """A photo of equal tiles, with an item for each.

    Args:
        size: Width and height that it states.
        columns: Tiles across.
        rows: Tiles down.
        tile: A HEIC of one picture of 512 × 512; soft blotches if left out.
        turns: Quarter turns counterclockwise, in the container.
        shared: All items are the same bytes of the file.
        parameters: A unit of HEVC in place of the sequence parameters in the container.
        within: A unit of HEVC before each picture.
    """
    tile = encoded(TILE, TILE) if tile is None else tile
    at = tile.index(b"hvcC") - 4
    config = tile[at : at + int.from_bytes(tile[at : at + 4], "big")]
    picture = tile[tile.index(b"mdat") + 4 :]
    if parameters:
        listed = b"\1\x21\0\1" + struct.pack(">H", len(parameters)) + parameters
        config = box(b"hvcC", config[8:30], listed)
    if within:
        picture = struct.pack(">I", len(within)) + within + picture
    count = columns * rows
    numbers = range(2, count + 2)
    plan = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, *size)
    entries = [full(b"infe", 2, 0, struct.pack(">HH", 1, 0), b"grid\0")]
    entries += [full(b"infe", 2, 1, struct.pack(">HH", each, 0), b"hvc1\0") for each in numbers]
    properties = [
        config,
        full(b"ispe", 0, 0, struct.pack(">II", TILE, TILE)),
        full(b"ispe", 0, 0, struct.pack(">II", *size)),
        box(b"irot", bytes([turns])),
    ]
    owners = [struct.pack(">HB", 1, 2) + b"\3\x84"]
    owners += [struct.pack(">HB", each, 2) + b"\x81\2" for each in numbers]
    parts = b"".join(struct.pack(">H", each) for each in numbers)

    def meta(start: int) -> bytes:
        places = [struct.pack(">HHHHII", 1, 1, 0, 1, 0, len(plan))]
        places += [
            struct.pack(">HHHHII", each, 0, 0, 1, start, len(picture))
            if shared
            else struct.pack(
                ">HHHHII", each, 0, 0, 1, start + (each - 2) * len(picture), len(picture)
            )
            for each in numbers
        ]
        return full(
            b"meta",
            *(0, 0),
            full(b"hdlr", 0, 0, bytes(4) + b"pict" + bytes(13)),
            full(b"pitm", 0, 0, struct.pack(">H", 1)),
            full(b"iloc", 1, 0, struct.pack(">BBH", 0x44, 0, count + 1), *places),
            full(b"iinf", 0, 0, struct.pack(">H", count + 1), *entries),
            box(
                b"iprp",
                box(b"ipco", *properties),
                full(b"ipma", 0, 0, struct.pack(">I", count + 1), *owners),
            ),
            full(b"iref", 0, 0, box(b"dimg", struct.pack(">HH", 1, count), parts)),
            box(b"idat", plan),
        )

    head = box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + box(b"mdat", picture * (1 if shared else count))


def stating(data: bytes, width: int, height: int, which: int = 0) -> bytes:
    """The same file with another size in its container, in the first or a later property."""
    at = -1
    for _ in range(which + 1):
        at = data.index(b"ispe", at + 1)
    return data[: at + 8] + struct.pack(">II", width, height) + data[at + 16 :]


def parameters(
    width: int, height: int, *, chroma: int = 1, depth: int = 8, layers: int = 0
) -> bytes:
    """A unit of HEVC with sequence parameters, up to the depth of the pixels."""
    fields = [(0x4201, 16), (0, 4), (layers, 3), (1, 1), (0, 88), (93, 8)]
    # Each further layer states a profile and a level.
    fields += [(3, 2)] * layers + [(0, 2)] * (8 - layers if layers else 0)
    fields += [(0, 88), (93, 8)] * layers
    numbers = [0, chroma, *([None] if chroma == 3 else []), width, height, None]
    for number in [*numbers, depth - 8, depth - 8]:
        if number is None:
            fields.append((0, 1))
        else:
            bits = (number + 1).bit_length()
            fields += [(0, bits - 1), (number + 1, bits)]
    text = "".join(f"{value:0{count}b}" for value, count in fields if count) + "1"
    text += "0" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big")
    # No three bytes of a unit may look like the start of another one.
    escaped = bytearray()
    for byte in data:
        if escaped[-2:] == b"\0\0" and byte <= 3:
            escaped.append(3)
        escaped.append(byte)
    return bytes(escaped)
