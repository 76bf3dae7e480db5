"""The image column and the label column of a split, and the numbers of its classes."""

import dataclasses
import math
from pathlib import Path

import datasets
import numpy as np
import pyarrow.compute as pc

from dogbreed.errors import DatasetError
from dogbreed.train.data.photos import Photos

# What a column of labels is called. `name` may as well be that of a file or of a photographer.
LABEL_NAMES = ("label", "labels", "target", "breed", "class", "category")
_ROWS_AT_ONCE = 4096


def to_photos(
    rows: datasets.Dataset,
    split: str,
    image_column: str | None = None,
    label_column: str | None = None,
    root: Path | None = None,
) -> Photos:
    """Find the image and the label column of a split; leave out rows without a label or a photo.

    Args:
        rows: The split, as `datasets` has loaded it.
        split: Its name.
        image_column, label_column: Names of the columns, found by type and usual name if None.
        root: Folder that relative paths in the image column start from.

    Raises:
        DatasetError: A column is missing or ambiguous, or no row is left.
    """
    no_labels = f"The split {split} has no labeled photos; choose another split."
    image_column = image_column or find_image_column(rows)
    if label_column is None and set(rows.column_names) <= {image_column}:
        raise DatasetError(no_labels)
    label_column = label_column or find_label_column(rows, image_column)
    for column, option in ((image_column, "--image-column"), (label_column, "--label-column")):
        if column not in rows.features:
            columns = ", ".join(rows.column_names)
            raise DatasetError(
                f"The split {split} has no column {column}; name one of {columns} with {option}."
            )
    names, labels = _classes(rows, label_column)
    rows = encoded_images(rows, image_column, root)
    there = photos_present(rows, image_column)
    left_out = {
        "without a label": [f"{split} row {row}" for row in np.flatnonzero(labels < 0)],
        "without a photo": [f"{split} row {row}" for row in np.flatnonzero((labels >= 0) & ~there)],
    }
    usable = np.flatnonzero((labels >= 0) & there)
    if not (labels >= 0).any():
        raise DatasetError(no_labels)
    if not len(usable):
        cell = rows[int(np.flatnonzero(labels >= 0)[0])][image_column]
        missing = f"there is no file {cell['path']}" if cell else "the image column is empty"
        raise DatasetError(f"No photo of the split {split} can be found: {missing}.")
    photos = Photos(rows, image_column, labels, names, split, left_out)
    return photos if len(usable) == len(photos) else photos.select(usable)


def with_labels(photos: Photos, label_names: tuple[str, ...]) -> Photos:
    """Number the classes of photos like those of another split, which has all of theirs."""
    position = {name: number for number, name in enumerate(label_names)}
    numbers = [position[photos.label_names[number]] for number in photos.labels]
    labels = np.array(numbers, np.int64)
    return dataclasses.replace(photos, labels=labels, label_names=label_names)


def find_image_column(
    rows: datasets.Dataset, advice: str = "name one of them with --image-column"
) -> str:
    """Return the name of the only image column, or `image` if there are several.

    Args:
        rows: A split.
        advice: What the error says to do.

    Raises:
        DatasetError: There is none, or none of several is called `image`.
    """
    found = [name for name, kind in rows.features.items() if isinstance(kind, datasets.Image)]
    if "image" in found:
        return "image"
    if len(found) != 1:
        columns = ", ".join(found or rows.column_names)
        what = "several image columns" if found else "no image column among its columns"
        raise DatasetError(f"The dataset has {what} ({columns}); {advice}.")
    return found[0]


def find_label_column(rows: datasets.Dataset, image_column: str) -> str:
    """Return the name of the label column.

    Raises:
        DatasetError: It is not clear which it is.
    """
    classes = [
        name for name, kind in rows.features.items() if isinstance(kind, datasets.ClassLabel)
    ]
    if len(classes) == 1:
        return classes[0]
    columns = classes or [name for name in rows.column_names if name != image_column]
    by_name = {name.lower(): name for name in reversed(columns)}
    for name in (*LABEL_NAMES, "name"):
        if name in by_name:
            return by_name[name]
    if len(columns) == 1:
        return columns[0]
    raise DatasetError(
        f"It is not clear which column contains the labels; name one of {', '.join(columns)} "
        "with --label-column."
    )


def has_labels(rows: datasets.Dataset, label_column: str | None = None) -> bool:
    """Whether any row of a split has a label, as far as it is clear where the labels are."""
    if label_column is None and len(rows.column_names) == 1:
        return False
    try:
        column = label_column or find_label_column(rows, find_image_column(rows))
        return column in rows.features and bool((_classes(rows, column)[1] >= 0).any())
    except DatasetError:
        # Not clear; whoever uses the split gets this error.
        return True


def group_names(rows: datasets.Dataset) -> list[str]:
    """Return what each row shows, if a column says so, else `photo`."""
    kinds = rows.features
    classes = [name for name, kind in kinds.items() if isinstance(kind, datasets.ClassLabel)]
    texts = [name for name, kind in kinds.items() if getattr(kind, "dtype", "") == "string"]
    usual = [name for name in (*LABEL_NAMES, "name") if name in (*classes, *texts)]
    column = next(
        iter([*(classes if len(classes) == 1 else []), *usual, *texts[: len(texts) == 1]]), None
    )
    if column is None:
        return ["photo"] * len(rows)
    names, labels = _classes(rows, column)
    return [names[label] if label >= 0 else "photo" for label in labels]


def encoded_images(
    rows: datasets.Dataset, column: str, root: Path | None = None
) -> datasets.Dataset:
    """Return the image column alone, not decoded; relative paths of files start from `root`."""
    rows = rows.select_columns([column])
    if root and getattr(rows.features[column], "dtype", None) in ("string", "large_string"):
        paths = [path and str(root / path) for path in rows[column][:]]
        rows = datasets.Dataset.from_dict({column: paths})
    return rows.cast_column(column, datasets.Image(decode=False))


def photos_present(rows: datasets.Dataset, column: str) -> np.ndarray:
    """Return a bool array of shape (N,): whether each row of `encoded_images` has a file."""
    there = np.zeros(len(rows), bool)
    start = 0
    for table in rows.with_format("arrow").iter(_ROWS_AT_ONCE):
        cells = table.column(column)
        has_bytes = pc.is_valid(pc.struct_field(cells, "bytes")).to_numpy()
        there[start : start + len(cells)] = has_bytes
        if not has_bytes.all():
            paths = pc.struct_field(cells, "path").to_pylist()
            for row in np.flatnonzero(~has_bytes):
                there[start + row] = bool(paths[row]) and Path(paths[row]).is_file()
        start += len(cells)
    return there


def label_text(value: object) -> str | None:
    """Return a label as text, None for an empty cell.

    A whole floating-point number is the label without its decimals: columns of whole numbers
    become floating point where a cell is empty.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, float):
        return None if math.isnan(value) else f"{value:.15g}"
    return str(value)


def sorted_labels(labels: set[str]) -> list[str]:
    """Sort labels by name; whole numbers by value."""
    if all(label.removeprefix("-").isdecimal() for label in labels):
        return sorted(labels, key=int)
    return sorted(labels)


def _classes(rows: datasets.Dataset, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the label of each class, and the class number of each row, -1 if it has none."""
    kind, values = rows.features[column], rows[column][:]
    if isinstance(kind, datasets.ClassLabel):
        numbers = [-1 if value is None else value for value in values]
        return tuple(kind.names), np.array(numbers, dtype=np.int64)
    parts = [value % 1 for value in values if isinstance(value, float) and not math.isnan(value)]
    if not isinstance(kind, datasets.Value) or any(parts):
        raise DatasetError(
            f"The column {column} does not contain classes; name the label column with "
            "--label-column."
        )
    texts = [label_text(value) for value in values]
    names = sorted_labels({text for text in texts if text is not None})
    position: dict[str | None, int] = {name: number for number, name in enumerate(names)}
    return tuple(names), np.array([position.get(text, -1) for text in texts], np.int64)
