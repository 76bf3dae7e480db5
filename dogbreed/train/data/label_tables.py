"""Labels of photos from a table next to them, such as metadata.csv or Kaggle's labels.csv.

A table has a row for each photo: one column names the photo, by its path or by its name with or
without the suffix; another one is called like a label.
"""

import csv
import io
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from dogbreed.errors import DatasetError
from dogbreed.images.kinds import PHOTO_SUFFIXES
from dogbreed.train.data.columns import LABEL_NAMES, label_text

# Kaggle's example of what to hand in: photos of the test split with made-up labels.
_MADE_UP = ("sample_submission", "submission")
_SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
# Enough rows to see which column names photos.
_SAMPLE = 200


@dataclass(frozen=True)
class Table:
    """A table: the path of its file, relative to the dataset, its columns and its rows."""

    name: str
    columns: list[str]
    rows: list[dict]


@dataclass(frozen=True)
class TableLabels:
    """What tables say about photos.

    Attributes:
        labels: Label of each photo by its path, relative to the dataset or absolute.
        missing: What a table names that is not there, by the name of the table.
    """

    labels: dict[str, str] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)


def is_table(name: str) -> bool:
    """Whether a file may be a table of labels: it lies in the dataset's folder or one level below.

    Args:
        name: Path relative to the dataset.
    """
    path = PurePosixPath(name)
    made_up = path.name.lower().startswith(_MADE_UP)
    return path.suffix.lower() in _SUFFIXES and len(path.parts) <= 2 and not made_up


def label_by_tables(
    root: Path,
    files: Iterable[str],
    pictures: Iterable[str],
    image_column: str | None = None,
    label_column: str | None = None,
) -> TableLabels | None:
    """Read the labels of photos from tables.

    Args:
        root: Folder of the dataset.
        files: Paths of its files that are not photos; those that are not tables do not matter.
        pictures: Paths of its photos.
        image_column, label_column: Names of the columns, found by content and usual name if None.

    Returns:
        None if no table has a column of labels and one that names photos.

    Raises:
        DatasetError: A table cannot be read, fits no photo, or gives a photo two labels.
    """
    finder = _Finder(root, pictures)
    found, used = TableLabels(), False
    for table in (_read(root, name) for name in files if is_table(name)):
        of_labels = _label_column(table, label_column)
        of_names = image_column or (of_labels and finder.column(table, of_labels))
        if of_labels is None or of_names not in table.columns:
            continue
        used = True
        for row in table.rows:
            name, label = label_text(row.get(of_names)), label_text(row.get(of_labels))
            if name is None or label is None:
                continue
            path = finder.find(table, name)
            if path is None:
                found.missing.setdefault(table.name, []).append(name)
            elif found.labels.setdefault(path, label) != label:
                raise DatasetError(
                    f"{table.name} labels {path} as {found.labels[path]} and as {label}; keep one "
                    "row for each photo."
                )
    for name, missing in found.missing.items():
        if not found.labels:
            raise DatasetError(
                f"{root / name} names photos that are not there, such as {missing[0]}; paths start "
                "from the folder of the table."
            )
    return found if used else None


def _label_column(table: Table, asked: str | None) -> str | None:
    if asked:
        return asked if asked in table.columns else None
    by_name = {column.strip().lower(): column for column in reversed(table.columns)}
    return next((by_name[name] for name in LABEL_NAMES if name in by_name), None)


class _Finder:
    """Finds the photo that a table means."""

    def __init__(self, root: Path, pictures: Iterable[str]) -> None:
        self._root = root
        self._paths = set(pictures)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._paths):
            name = PurePosixPath(path)
            for key in {name.name, name.stem}:
                self._by_name[key].append(path)

    def column(self, table: Table, of_labels: str) -> str | None:
        """Return the column that names most photos, or else one that looks as if it did."""
        columns = [column for column in table.columns if column != of_labels]
        texts = {
            column: [str(row.get(column) or "") for row in table.rows[:_SAMPLE]]
            for column in columns
        }
        hits = {
            column: sum(bool(self._candidates(table, text)) for text in texts[column])
            for column in columns
        }
        best = max(columns, key=lambda column: hits[column], default=None)
        if best is not None and hits[best]:
            return best
        suffixes = tuple(PHOTO_SUFFIXES)
        return next(
            (
                column
                for column in columns
                if any(t.lower().endswith(suffixes) for t in texts[column])
            ),
            None,
        )

    def find(self, table: Table, name: str) -> str | None:
        """Return the path of the photo with this path or name, None if there is none.

        Raises:
            DatasetError: There are several.
        """
        found = self._candidates(table, name)
        if len(found) > 1:
            # Both splits may be numbered from 1; the labels are those of train.
            found = [path for path in found if path.lower().startswith("train")] or found
        if len(found) > 1:
            raise DatasetError(
                f"{table.name} names {name}, which may be {found[0]} or {found[1]}; write paths "
                "into it instead of names."
            )
        return found[0] if found else None

    def _candidates(self, table: Table, name: str) -> list[str]:
        name = name.strip().replace("\\", "/")
        if not name:
            return []
        folder = PurePosixPath(table.name).parent
        for start in (folder, PurePosixPath()):
            path = os.path.normpath(start / name)
            if path in self._paths:
                return [path]
        if "/" in name:
            # Outside of the dataset's folder.
            path = os.path.normpath(self._root / folder / name)
            return [path] if os.path.isfile(path) else []
        found = self._by_name.get(name, [])
        return [path for path in found if folder in PurePosixPath(path).parents]


def _read(root: Path, name: str) -> Table:
    path = root / name
    try:
        if path.suffix.lower() == ".parquet":
            contains_photos = any(map(_may_be_photos, pq.read_schema(path).types))
            rows = [] if contains_photos else pq.read_table(path).to_pylist()
        elif path.suffix.lower() in (".csv", ".tsv"):
            return _read_csv(path, name)
        else:
            rows = _read_json(path)
    except (OSError, ValueError, csv.Error) as error:
        remedy = "save it as UTF-8" if isinstance(error, UnicodeDecodeError) else "get it again"
        reason = str(error).rstrip(".")
        raise DatasetError(f"{path} cannot be read ({reason}); {remedy}.") from None
    return Table(name, list(rows[0]) if rows else [], rows)


def _may_be_photos(kind: pa.DataType) -> bool:
    return pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _read_csv(path: Path, name: str) -> Table:
    # Excel writes a byte order mark, and semicolons in many countries.
    text = path.read_text(encoding="utf-8-sig")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    rows = list(reader)
    return Table(name, list(reader.fieldnames or []), rows)


def _read_json(path: Path) -> list[dict]:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".jsonl":
        rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    else:
        rows = json.loads(text)
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else []
