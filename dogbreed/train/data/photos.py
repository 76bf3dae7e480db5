"""What loading gives: a dataset with its splits, and the photos of one split with their classes."""

import dataclasses
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import datasets
import numpy as np
from tqdm.auto import tqdm

# Why something was left out of a dataset, and what: names of files or of rows.
LeftOut = Mapping[str, list[str]]
# Photos that are in memory at once while they are hashed.
_ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class LoadedDataset:
    """The splits of a dataset, with columns as they are there.

    Attributes:
        splits: By name.
        left_out: Files that are not among the rows although they might be expected to be.
        root: Folder that relative paths in the rows start from, None for the Hub.
        revision: Commit on the Hub that it was read at, None for a folder.
    """

    splits: dict[str, datasets.Dataset]
    left_out: LeftOut = field(default_factory=dict)
    root: Path | None = None
    revision: str | None = None


@dataclass(frozen=True)
class Photos:
    """Photos of one split, still encoded, with their classes.

    Attributes:
        rows: Dataset whose `image_column` is not decoded: {"bytes": ..., "path": ...}.
        image_column: Name of that column.
        labels: int64 array of shape (N,), class numbers.
        label_names: Label of each class number, as the dataset has it.
        split: Name of the split that they are from.
        left_out: What of the dataset is not among them although it might be expected to be.
    """

    rows: datasets.Dataset
    image_column: str
    labels: np.ndarray
    label_names: tuple[str, ...]
    split: str
    left_out: LeftOut = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, indices: Iterable[int]) -> "Photos":
        """Return the photos at these positions, in this order."""
        indices = np.asarray(indices, dtype=np.int64)
        chosen = dataclasses.replace(
            self, rows=self.rows.select(indices), labels=self.labels[indices]
        )
        if "digests" in vars(self):
            # Hashing the files again would take as long as the first time.
            vars(chosen)["digests"] = [self.digests[index] for index in indices]
        return chosen

    def encoded(self, index: int) -> bytes | str:
        """Return the file of one photo: its bytes, or its path if the dataset stores paths."""
        return _file(self.rows[int(index)][self.image_column])

    def describe(self, index: int) -> str:
        """Return how to name one photo to a person."""
        cell = self.rows[int(index)][self.image_column]
        path = cell["path"] if cell else None
        place = f"{self.split} row {index}"
        return f"{path} ({place})" if path else place

    def short_name(self, index: int) -> str:
        """Name one photo by its file and that file's folder, without the rest of its path."""
        cell = self.rows[int(index)][self.image_column]
        parts = Path(cell["path"]).parts[-2:] if cell["path"] else (self.split, f"row {index}")
        return "/".join(parts)

    def file_name(self, index: int) -> str:
        """Return the name of the file of one photo, empty if the dataset does not say it."""
        cell = self.rows[int(index)][self.image_column]
        return Path(cell["path"]).name if cell and cell["path"] else ""

    @cached_property
    def digests(self) -> list[bytes]:
        """SHA-256 of the file of each photo."""
        return list(tqdm(self._hashes(), f"Reading {self.split}", len(self), unit="photo"))

    def fingerprint(self) -> str:
        """Hash all files in order with SHA-256: the same photos give the same value anywhere."""
        return hashlib.sha256(b"".join(self.digests)).hexdigest()

    def summary(self) -> str:
        """Return one line that says how many photos there are, and what was left out."""
        return f"{self.split}: {count(len(self), 'photo')}{list_left_out(self.left_out)}."

    def _hashes(self) -> Iterator[bytes]:
        for table in self.rows.with_format("arrow").iter(_ROWS_AT_ONCE):
            for cell in table.column(self.image_column).to_pylist():
                data = _file(cell)
                if isinstance(data, str):
                    data = Path(data).read_bytes() if Path(data).is_file() else b""
                yield hashlib.sha256(data).digest()


def report_skipped(names: Sequence[str]) -> None:
    """Print the names of photos that cannot be decoded."""
    if names:
        shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        print(f"Skipped {len(names)} photos that cannot be decoded: {shown}", file=sys.stderr)


def list_left_out(left_out: LeftOut) -> str:
    """Return `; left out: ...` with a count, and the name of the first, for each reason."""
    reasons = [
        f"{len(names):,} {reason} ({names[0]}{', …' if len(names) > 1 else ''})"
        for reason, names in left_out.items()
        if names
    ]
    return f"; left out: {', '.join(reasons)}" if reasons else ""


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as `1 photo` or `3 classes`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _file(cell: dict | None) -> bytes | str:
    if cell is None:
        return b""
    return cell["bytes"] if cell["bytes"] is not None else cell["path"] or b""
