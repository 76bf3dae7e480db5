"""Files of ISO base media, such as AVIF and HEIC, with a box of the wrong length."""

import struct
from collections.abc import Iterator


def of_any_length(data: bytes, box: bytes) -> Iterator[bytes]:
    """Yield a file again and again, each time with another length in its first box of a name."""
    at = data.index(box) - 4
    for length in (0, 1, 2, 7, 2**31, 2**32 - 1):
        yield data[:at] + struct.pack(">I", length) + data[at + 4 :]
