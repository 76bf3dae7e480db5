"""Directories of TIFF files, which EXIF consists of too: numbered tags and their values."""

import struct

# Tags, by their numbers.
SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
MAKE, ORIENTATION, SAMPLES, ROWS_PER_STRIP = 271, 274, 277, 278
TILE_WIDTH, TILE_HEIGHT, CHILDREN, SAMPLE_FORMAT = 322, 323, 330, 339
EXIF, GPS, INTEROPERABILITY, DNG_VERSION = 34665, 34853, 40965, 50706

# More values than any tag that is needed has: one for each row of the tallest photo.
MAX_NUMBERS = 100_000
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_TYPE_SIZES |= {13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}


class Directory:
    """One directory: numbered tags, each with a type, a count and values.

    Attributes:
        start: Where it begins in the file.
        sizes: Type, count and bytes of the values of each entry.
    """

    def __init__(self, data: bytes, start: int | None = None):
        """Read the entries, not the values; entries that lie outside the data are left out.

        Args:
            data: A whole TIFF or EXIF.
            start: Where the directory begins; the first one if left out.

        Raises:
            ValueError: The data does not begin like a TIFF.
        """
        order, big = _form(data[:4])
        if start is None:
            place = data[8:16] if big else data[4:8]
            start = int.from_bytes(place, "little" if order == "<" else "big")
        self.start = start
        self._data, self._order = data, order
        count_form, entry = ("Q", "HHQ8s") if big else ("H", "HHI4s")
        count_form, entry = order + count_form, order + entry
        first, size = start + struct.calcsize(count_form), struct.calcsize(entry)
        (count,) = struct.unpack_from(count_form, data, start) if first <= len(data) else (0,)
        count = max(0, min(count, (len(data) - first) // size))
        entries = list(struct.iter_unpack(entry, data[first : first + count * size]))
        # Each entry counts for its size, though of a repeated tag only the last one is used.
        self.sizes = [
            (kind, count, count * _TYPE_SIZES.get(kind, 0)) for _, kind, count, _ in entries
        ]
        self._entries: dict[int, tuple[int, int, bytes]] = {
            tag: (kind, count, value) for tag, kind, count, value in entries
        }

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def raw(self, tag: int) -> bytes:
        """The bytes of the values of a tag; none if it is missing."""
        kind, count, value = self._entries.get(tag, (0, 0, b""))
        size = count * _TYPE_SIZES.get(kind, 0)
        if size <= len(value):
            return value[:size]
        start = int.from_bytes(value, "little" if self._order == "<" else "big")
        return self._data[start : start + size]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The values of a tag that contains a few integers; none if it is missing."""
        kind, count, _ = self._entries.get(tag, (0, 0, b""))
        if kind not in _INTEGERS or count > MAX_NUMBERS:
            return ()
        data, size = self.raw(tag), _TYPE_SIZES[kind]
        whole = len(data) // size
        return struct.unpack_from(f"{self._order}{whole}{_INTEGERS[kind]}", data)

    def number(self, tag: int, default: int) -> int:
        """The first value of a tag."""
        return next(iter(self.numbers(tag)), default)


def _form(header: bytes) -> tuple[str, bool]:
    """The order of bytes, and whether it is a BigTIFF."""
    if header in (b"II*\0", b"II+\0"):
        return "<", header == b"II+\0"
    if header == b"MM\0*":
        return ">", False
    raise ValueError(f"no TIFF begins with {header!r}")


def exif_orientation(exif: bytes) -> int:
    """The orientation that EXIF states.

    Args:
        exif: A block of EXIF, with or without the letters "Exif" in front.

    Returns:
        1 to 8; 1, which means upright, if there is none or the block is broken.
    """
    try:
        orientation = Directory(exif.removeprefix(b"Exif\0\0")).number(ORIENTATION, 1)
    except ValueError:
        return 1
    return orientation if 1 <= orientation <= 8 else 1
