"""Sizes and compressed pixels for files that the tests make."""

import zlib
from functools import cache

import numpy as np


@cache
def zeros(count: int) -> bytes:
    """So many zeros, compressed, without having them in memory."""
    packer, block = zlib.compressobj(1), bytes(1_000_000)
    parts = [packer.compress(block) for _ in range(count // len(block))]
    parts += [packer.compress(bytes(count % len(block))), packer.flush()]
    return b"".join(parts)


def side(rng: np.random.Generator, bits: int) -> int:
    """A width or height that fits into so many bits, small ones as often as large ones."""
    return int(2 ** rng.uniform(0, bits)) - 1
