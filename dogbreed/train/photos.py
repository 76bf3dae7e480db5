"""The photos of one split, still encoded, with their classes."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
from tqdm.auto import tqdm


@dataclass(frozen=True)
class Photos:
    """Photos of one split, still encoded, with their classes.

    Attributes:
        rows: Dataset whose `image_column` is not decoded: {"bytes": ..., "path": ...}.
        image_column: Name of that column.
        labels: int64 array of shape (N,), class numbers.
        label_names: Label of each class number, as the dataset has it.
        split: Name of the split that they are from.
    """

    rows: datasets.Dataset
    image_column: str
    labels: np.ndarray
    label_names: tuple[str, ...]
    split: str

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, indices: Iterable[int]) -> "Photos":
        """Return the photos at these positions, in this order."""
        indices = np.asarray(indices, dtype=np.int64)
        return Photos(
            self.rows.select(indices),
            self.image_column,
            self.labels[indices],
            self.label_names,
            self.split,
        )

    def encoded(self, index: int) -> bytes | str:
        """Return the file of one photo: its bytes, or its path if the dataset stores paths."""
        cell = self.rows[int(index)][self.image_column]
        if cell is None:
            return b""
        return cell["bytes"] if cell["bytes"] is not None else cell["path"]

    def describe(self, index: int) -> str:
        """Return how to name one photo to a person."""
        cell = self.rows[int(index)][self.image_column]
        path = cell["path"] if cell else None
        place = f"{self.split} row {index}"
        return f"{path} ({place})" if path else place

    def fingerprint(self) -> str:
        """Hash all files in order with SHA-256: the same photos give the same value anywhere."""
        total = hashlib.sha256()
        for index in tqdm(range(len(self)), desc=f"Reading {self.split}", unit="photo"):
            total.update(self.digest(index))
        return total.hexdigest()

    def digest(self, index: int) -> bytes:
        """Hash the file of one photo with SHA-256."""
        data = self.encoded(index)
        if isinstance(data, str):
            data = Path(data).read_bytes() if Path(data).is_file() else b""
        return hashlib.sha256(data).digest()
