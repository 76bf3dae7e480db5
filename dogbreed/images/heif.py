"""HEIC and HEIF files, as iPhones write them: what decoding takes is known before it starts.

Such a photo is a grid of tiles of 512 × 512 pixels, or one picture; gain maps, depth and thumbnails
lie beside it. The container states a size, and so does each stream of HEVC; libheif and libde265
allocate by both, so both are checked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from dogbreed.errors import InvalidImageError
from dogbreed.images.iso_media import MOST, Bits, boxes, contents, items, still_picture
from dogbreed.images.limits import (
    DAMAGED,
    MAX_PIXELS,
    MIN_SIDE,
    MODERN,
    ORDINARY,
    check_size,
    return_freed_memory,
)
from dogbreed.sentences import Sentence

_UNUSUAL = Sentence("rare_heif")
# Metadata, which may be packed, and the references that make it part of a photo.
_HIDDEN = (b"Exif", b"mime", b"uri ", b"cdsc")
_DERIVED = (b"grid", b"iovl", b"iden")
_CODED = (b"hvc1", b"hev1")
# Where a derived photo states its size.
_CANVAS = {b"grid": 4, b"iovl": 10}
# The type of the unit with the sequence parameters; real ones have about 50 bytes.
_PARAMETERS, _LONGEST_PARAMETERS = 33, 4_000
# All tiles together, with those of the gain map; real ones hardly exceed the photo.
_MOST_DECODED = 2 * MAX_PIXELS
_DEEPEST = 4

# Width and height, and whether the pixels have 8 bits, color at 4:2:0 or less, and no transparency.
_Size = tuple[tuple[int, int], bool]


@dataclass(frozen=True)
class _File:
    """The parts of a file that decide what decoding takes.

    Attributes:
        kinds: The type of each item.
        data: Its content.
        properties: The properties of each item, by the name of the box and its content.
        parts: The items that each derived one is made of, repeated ones too.
        extras: The items that lie beside another one, such as its transparency.
    """

    kinds: dict[int, bytes]
    data: dict[int, bytes]
    properties: dict[int, list[tuple[bytes, bytes]]]
    parts: dict[int, list[int]]
    extras: dict[int, list[int]]


def decode_heif(data: bytes) -> Image.Image:
    """Check and decode the main photo of a file, upright.

    Args:
        data: A whole file.

    Returns:
        Image in a mode of 8 bits.

    Raises:
        InvalidImageError: It is too large, of a kind that is not supported, or broken.
    """
    still, meta = still_picture(data, _HIDDEN)
    size, ordinary = _measure(data, meta)
    check_size(size, ORDINARY if ordinary else MODERN)
    return_freed_memory(size)
    # Takes 20 ms, which other formats need not wait for.
    from pi_heif import HeifFile

    file = HeifFile(BytesIO(still), remove_stride=False)
    photo = file[file.primary_index]
    pixels = photo.data
    check_size(photo.size, ORDINARY if ordinary else MODERN)
    return Image.frombytes(photo.mode, photo.size, pixels, "raw", photo.mode, photo.stride)


def _measure(data: bytes, meta: bytes) -> tuple[tuple[int, int], bool]:
    """The size of what is decoded, and whether all of it is of the ordinary kind.

    Raises:
        InvalidImageError: A part is too large, or all of them are.
    """
    file = _read(data, meta)
    primary = int.from_bytes(contents(meta)[b"pitm"][4:], "big")
    known: dict[int, list[_Size]] = {}
    largest, ordinary, decoded = (0, 0), True, 0
    wanted = [(each, 0) for each in (primary, *file.extras.get(primary, ()))]
    for _ in range(MOST):
        if not wanted:
            return largest, ordinary
        number, depth = wanted.pop()
        kind = file.kinds[number]
        if (kind not in _DERIVED and kind not in _CODED) or depth > _DEEPEST:
            raise InvalidImageError(_UNUSUAL)
        if number not in known:
            known[number] = list(_sizes(file, number))
        for size, is_ordinary in known[number]:
            check_size(size)
            largest = max(largest, size, key=lambda each: each[0] * each[1])
            ordinary &= is_ordinary
        if kind in _CODED:
            decoded += max((width * height for (width, height), _ in known[number]), default=0)
        if decoded > _MOST_DECODED:
            raise InvalidImageError(_UNUSUAL)
        wanted += [(part, depth + 1) for part in file.parts.get(number, ())]
    raise InvalidImageError(_UNUSUAL)


def _sizes(file: _File, number: int) -> Iterator[_Size]:
    """Every size that an item states."""
    data, kind, bytes_per_length = file.data.get(number, b""), file.kinds[number], 4
    units: list[bytes] = []
    for name, content in file.properties.get(number, ()):
        if name == b"ispe":
            yield _pair(content[4:], 4), True
        elif name == b"hvcC":
            bytes_per_length = (content[21] & 3) + 1
            units += _units_of_config(content)
        elif name == b"auxC" and b"alpha" in content:
            yield (MIN_SIDE, MIN_SIDE), False
    if kind in _CODED:
        units += _units_of_picture(data, bytes_per_length)
        yield from filter(None, map(_stream_size, units))
    elif kind in _CANVAS:
        yield _pair(data[_CANVAS[kind] :], 4 if data[1] & 1 else 2), True


def _pair(data: bytes, each: int) -> tuple[int, int]:
    if len(data) < 2 * each:
        raise InvalidImageError(DAMAGED)
    return int.from_bytes(data[:each], "big"), int.from_bytes(data[each : 2 * each], "big")


def _read(data: bytes, meta: bytes) -> _File:
    found = contents(meta)
    kinds = {}
    information = found[b"iinf"]
    for name, _, at, end in boxes(information, 8 if information[0] else 6, len(information)):
        entry = information[at:end]
        # Version 2 has numbers of two bytes, version 3 of four; both then two for protection.
        width = 2 if entry[0] == 2 else 4
        if name != b"infe" or entry[0] not in (2, 3):
            raise InvalidImageError(_UNUSUAL)
        number = int.from_bytes(entry[4 : 4 + width], "big")
        if number in kinds:
            raise InvalidImageError(DAMAGED)
        kinds[number] = entry[6 + width : 10 + width]
    content: dict[int, bytes] = {}
    for number, part in items(data, meta):
        if number in content:
            raise InvalidImageError(DAMAGED)
        content[number] = part
    parts, extras = _references(found.get(b"iref", b""))
    return _File(kinds, content, _properties(found[b"iprp"]), parts, extras)


def _references(data: bytes) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """The parts of each item, and what lies beside it."""
    parts: dict[int, list[int]] = {}
    extras: dict[int, list[int]] = {}
    width = 4 if data[:1] == b"\1" else 2
    for name, _, at, end in boxes(data, 4, len(data)):
        reader = Bits(data[at:end])
        source, count = reader.read(8 * width), reader.read(16)
        targets = [reader.read(8 * width) for _ in range(min(count, MOST))]
        if name == b"dimg":
            parts.setdefault(source, []).extend(targets)
        elif name == b"auxl":
            for target in targets:
                extras.setdefault(target, []).append(source)
    return parts, extras


def _properties(data: bytes) -> dict[int, list[tuple[bytes, bytes]]]:
    """The properties of each item; the box "ipma" says by number which ones."""
    known: list[tuple[bytes, bytes]] = []
    found: dict[int, list[tuple[bytes, bytes]]] = {}
    for name, _, at, end in boxes(data, 0, len(data)):
        if name == b"ipco":
            known += [(each, data[start:stop]) for each, _, start, stop in boxes(data, at, end)]
    for name, _, at, end in boxes(data, 0, len(data)):
        if name != b"ipma":
            continue
        reader = Bits(data[at:end])
        version, flags = reader.read(8), reader.read(24)
        for _ in range(reader.read(32)):
            own = found.setdefault(reader.read(16 if version < 1 else 32), [])
            for _ in range(reader.read(8)):
                _ = reader.read(1)
                index = reader.read(15 if flags & 1 else 7)
                if index:
                    own.append(known[index - 1])
    return found


def _units_of_config(content: bytes) -> Iterator[bytes]:
    """The units of HEVC in an "hvcC" property."""
    reader = Bits(content)
    reader.read(22 * 8)
    for _ in range(reader.read(8)):
        reader.read(8)
        for _ in range(reader.read(16)):
            length = reader.read(16)
            yield reader.read(8 * length).to_bytes(length, "big")


def _units_of_picture(data: bytes, bytes_per_length: int) -> Iterator[bytes]:
    """The units of HEVC in a picture, each behind its length."""
    start = 0
    for _ in range(MOST):
        if start >= len(data):
            return
        end = start + bytes_per_length
        start, length = end, int.from_bytes(data[start:end], "big")
        yield data[start : start + min(length, _LONGEST_PARAMETERS)]
        start += length
    raise InvalidImageError(_UNUSUAL)


def _stream_size(unit: bytes) -> _Size | None:
    """Width and height in a unit of HEVC, and whether it has 8 bits and color at 4:2:0 or less.

    None if the unit is not the sequence parameters; those of further layers are not decoded.
    """
    if len(unit) < 2 or unit[0] >> 1 & 63 != _PARAMETERS or (unit[0] & 1) << 5 | unit[1] >> 3:
        return None
    # A byte of 3 keeps two zeros apart from what follows.
    bits = Bits(unit[2:].replace(b"\0\0\3", b"\0\0"))
    bits.read(4)
    layers = bits.read(3)
    bits.read(1 + 88 + 8)
    present = [(bits.read(1), bits.read(1)) for _ in range(layers)]
    bits.read(2 * (8 - layers) if layers else 0)
    for profile, level in present:
        bits.read(88 * profile + 8 * level)
    bits.read_exp_golomb()
    chroma = bits.read_exp_golomb()
    if chroma == 3:
        bits.read(1)
    size = bits.read_exp_golomb(), bits.read_exp_golomb()
    if bits.read(1):
        for _ in range(4):
            bits.read_exp_golomb()
    depths = bits.read_exp_golomb(), bits.read_exp_golomb()
    return size, chroma <= 1 and depths == (0, 0)
