"""Cached features as an array: what `features.Extractor` has written, read by row numbers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np


class Features:
    """Cached features of the photos of one split in one view.

    Behaves like a float16 array of shape (N, 2048) at the boundary `avg_pool`, (N, 8, 8, 1280) at
    `mixed8`, that is read by row numbers. A shard is open only while it is read, since a large
    dataset has more of them than a process may have open files.

    Attributes:
        key: What they were computed from.
    """

    def __init__(self, shards: Sequence[Path], key: str):
        self.key = key
        self._shards = shards
        self._loaded: np.ndarray | None = None
        first, last = self._open(0), self._open(-1)
        # All files but the last have as many rows as the first.
        self._rows = len(first)
        self.shape = ((len(shards) - 1) * len(first) + len(last), *first.shape[1:])
        self.dtype = first.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        if self._loaded is not None:
            return self._loaded[rows]
        taken = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for number in np.unique(rows // self._rows):
            here = rows // self._rows == number
            taken[here] = self._open(number)[rows[here] % self._rows]
        return taken

    def in_memory(self) -> "Features":
        """Return the same features, read once."""
        loaded = Features(self._shards, self.key)
        loaded._loaded = self[np.arange(len(self))]
        return loaded

    def decodable(self) -> np.ndarray:
        """Return the numbers of the rows whose photo could be decoded."""
        first = [
            self._open(number).reshape(-1, int(np.prod(self.shape[1:])))[:, 0].copy()
            for number in range(len(self._shards))
        ]
        return np.flatnonzero(~np.isnan(np.concatenate(first)))

    def _open(self, number: int) -> np.ndarray:
        return np.load(self._shards[number], mmap_mode="r")
