"""The image column and the label column of a split, and the numbers of its classes."""

import datasets
import numpy as np

from dogbreed.errors import DatasetError
from dogbreed.train.photos import Photos

LABEL_COLUMNS = ("label", "labels", "target", "breed", "class", "category", "name")


def to_photos(
    rows: datasets.Dataset,
    split: str,
    image_column: str | None = None,
    label_column: str | None = None,
    label_names: tuple[str, ...] | None = None,
) -> Photos:
    """Find the image and the label column of a split; leave out photos without a label.

    Args:
        rows: The split, as `datasets` has loaded it.
        split: Its name.
        image_column, label_column: Names of the columns, found by type and usual name if None.
        label_names: Classes to use, if another split has set them.

    Raises:
        DatasetError: A column is missing or ambiguous, or a label is not in `label_names`.
    """
    image_column = image_column or find_image_column(rows)
    label_column = label_column or _find_label_column(rows, image_column)
    for column, option in ((image_column, "--image-column"), (label_column, "--label-column")):
        if column not in rows.features:
            columns = ", ".join(rows.column_names)
            raise DatasetError(
                f"The split {split} has no column {column}; name one of {columns} with {option}."
            )
    names, labels = _classes(rows, label_column)
    if label_names is not None and names != label_names:
        unknown = sorted(set(names[i] for i in set(labels.tolist()) if i >= 0) - set(label_names))
        if unknown:
            raise DatasetError(
                f"The split {split} has classes that training does not know: "
                f"{', '.join(unknown[:5])}{' …' if len(unknown) > 5 else ''}."
            )
        position = {name: index for index, name in enumerate(label_names)}
        labels = np.array([position[names[i]] if i >= 0 else -1 for i in labels], dtype=np.int64)
        names = label_names
    rows = rows.select_columns([image_column]).cast_column(
        image_column, datasets.Image(decode=False)
    )
    photos = Photos(rows, image_column, labels, names, split)
    labeled = np.flatnonzero(labels >= 0)
    if not len(labeled):
        raise DatasetError(f"The split {split} has no labeled photos; choose another split.")
    return photos if len(labeled) == len(photos) else photos.select(labeled)


def find_image_column(rows: datasets.Dataset) -> str:
    """Return the name of the only image column, or `image` if there are several.

    Raises:
        DatasetError: There is none, or none of several is called `image`.
    """
    found = [name for name, kind in rows.features.items() if isinstance(kind, datasets.Image)]
    if "image" in found:
        return "image"
    if len(found) != 1:
        columns = ", ".join(found or rows.column_names)
        count = "several image columns" if found else "no image column"
        raise DatasetError(f"The dataset has {count}; name one of {columns} with --image-column.")
    return found[0]


def _find_label_column(rows: datasets.Dataset, image_column: str) -> str:
    classes = [
        name for name, kind in rows.features.items() if isinstance(kind, datasets.ClassLabel)
    ]
    if len(classes) == 1:
        return classes[0]
    columns = classes or [name for name in rows.column_names if name != image_column]
    for name in LABEL_COLUMNS:
        if name in columns:
            return name
    if len(columns) == 1:
        return columns[0]
    raise DatasetError(
        f"It is not clear which column contains the labels; name one of {', '.join(columns)} "
        "with --label-column."
    )


def _classes(rows: datasets.Dataset, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the label of each class, and the class number of each row, -1 if it has none."""
    kind, values = rows.features[column], rows[column][:]
    if isinstance(kind, datasets.ClassLabel):
        numbers = [-1 if value is None else value for value in values]
        return tuple(kind.names), np.array(numbers, dtype=np.int64)
    if not isinstance(kind, datasets.Value) or "float" in kind.dtype:
        raise DatasetError(
            f"The column {column} does not contain classes; name the label column with "
            "--label-column."
        )
    # Sorted by value, so that whole numbers keep their order.
    known = sorted({value for value in values if value is not None})
    position = {value: index for index, value in enumerate(known)}
    labels = np.array([position.get(value, -1) for value in values], dtype=np.int64)
    return tuple(str(value) for value in known), labels
