"""Boxes of ISO base media files, the family of AVIF and HEIC: which items are where.

On a broken file each function raises a ValueError, an IndexError or a KeyError.
"""

from collections.abc import Iterator

# More of anything than real files have.
MOST = 10_000


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Name, start, start of the content, and end of each box in a part of a file."""
    for _ in range(MOST):
        if start + 8 > end:
            return
        length, name = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        content = start + 8
        if length == 1:
            length, content = int.from_bytes(data[start + 8 : start + 16], "big"), start + 16
        following = start + length if length else end
        if not content <= following <= end:
            raise ValueError("a box ends outside its part")
        yield name, start, content, following
        start = following
    raise ValueError("there are too many boxes")


def contents(data: bytes) -> dict[bytes, bytes]:
    """The content of each box by its name; of several with one name the last."""
    return {name: data[content:end] for name, _, content, end in boxes(data, 0, len(data))}


def still_picture(data: bytes, hidden: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """The file as a decoder of still pictures shall see it.

    Args:
        data: A whole file.
        hidden: Types of items and references that the decoder shall leave alone, such as `Exif`.

    Returns:
        The file without its animation and without what is hidden, every byte at its old place; and
        the content of the box "meta", as it was.
    """
    parts, meta = [], b""
    for name, start, content, end in boxes(data, 0, len(data)):
        box = data[start:end]
        if name == b"meta":
            if meta:
                raise ValueError("there are two boxes of metadata")
            meta = data[content + 4 : end]
            for each in hidden:
                box = box.replace(each, each[:3] + b"\x7f")
        elif name == b"ftyp":
            # The brands of animations.
            box = box.replace(b"avis", b"avif").replace(b"msf1", b"mif1")
        elif name == b"moov":
            box = box.replace(b"moov", b"free", 1)
        parts.append(box)
    return b"".join(parts), meta


def items(data: bytes, meta: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each item of a file, by the boxes "iloc" and "idat".

    Raises:
        ValueError: Together they are longer than the file, which real ones never are.
    """
    found = contents(meta)
    reader, sources = Bits(found[b"iloc"]), {0: data, 1: found.get(b"idat", b"")}
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
            budget -= length or max(0, len(source) - start)
            if budget < 0:
                raise ValueError("the items are longer than the file")
            parts.append(source[start : start + length] if length else source[start:])
        yield number, b"".join(parts)


class Bits:
    """Numbers of any count of bits, from the front; a read past the end is an IndexError."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def read(self, bits: int) -> int:
        """The next number of this many bits."""
        first, self._at = self._at, self._at + bits
        last = -(-self._at // 8)
        if last > len(self._data):
            raise IndexError("the data ends too early")
        value = int.from_bytes(self._data[first // 8 : last], "big")
        return value >> 8 * last - self._at & (1 << bits) - 1

    def read_exp_golomb(self) -> int:
        """The next number in the code that H.26x calls ue(v)."""
        zeros = next(count for count in range(33) if self.read(1))
        return (1 << zeros) - 1 + self.read(zeros)
