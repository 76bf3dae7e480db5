"""Photos to train on: any image dataset of the Hub or of this disk, checked and split by class."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
from tqdm.auto import tqdm

from dogbreed.errors import DatasetError

LABEL_COLUMNS = ("label", "labels", "target", "breed", "class", "category", "name")
TEST_SPLITS = ("test", "validation", "valid", "val", "dev")


@dataclass(frozen=True)
class Photos:
    """Photos of one split, still encoded, with their classes.

    Attributes:
        rows: Dataset whose `image_column` is not decoded: {"bytes": ..., "path": ...}.
        image_column: Name of that column.
        labels: int64 array of shape (N,), class numbers.
        label_names: Name of each class number, as the data has it.
        split: Name of the split they are from.
    """

    rows: datasets.Dataset
    image_column: str
    labels: np.ndarray
    label_names: tuple[str, ...]
    split: str

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, indices: Iterable[int]) -> "Photos":
        """The photos at these positions, in this order."""
        indices = np.asarray(indices, dtype=np.int64)
        return Photos(
            self.rows.select(indices),
            self.image_column,
            self.labels[indices],
            self.label_names,
            self.split,
        )

    def encoded(self, index: int) -> bytes | str:
        """The file of one photo: its bytes, or its path where the dataset stores paths."""
        cell = self.rows[int(index)][self.image_column]
        if cell is None:
            return b""
        return cell["bytes"] if cell["bytes"] is not None else cell["path"]

    def describe(self, index: int) -> str:
        """How to name one photo to a person."""
        cell = self.rows[int(index)][self.image_column]
        path = cell["path"] if cell else None
        place = f"{self.split} row {index}"
        return f"{path} ({place})" if path else place

    def fingerprint(self) -> str:
        """SHA-256 over the files, in order: the same photos give the same value anywhere."""
        total = hashlib.sha256()
        for index in tqdm(range(len(self)), desc=f"Reading {self.split}", unit="photo"):
            total.update(self.digest(index))
        return total.hexdigest()

    def digest(self, index: int) -> bytes:
        """SHA-256 of the file of one photo."""
        data = self.encoded(index)
        if isinstance(data, str):
            data = Path(data).read_bytes() if Path(data).is_file() else b""
        return hashlib.sha256(data).digest()


@dataclass(frozen=True)
class TrainingData:
    """A dataset, ready to train on; `test` is None only where the dataset is empty of one."""

    source: str
    revision: str | None
    train: Photos
    test: Photos


def load_training_data(
    source: str,
    *,
    revision: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    train_split: str | None = None,
    test_split: str | None = None,
    limit_per_class: int | None = None,
    seed: int = 42,
) -> TrainingData:
    """Load a labelled image dataset with its training and its test photos.

    Columns and splits are found by type and usual name where they are not given. A dataset with
    a single split gets a fifth of each class cut off for testing, by `seed`.

    Args:
        source: Id on the Hub, local dataset directory, or folder with one folder a class.
        revision: Branch, tag or commit of a Hub dataset.
        image_column, label_column: Names of the columns.
        train_split, test_split: Names of the splits.
        limit_per_class: Keep at most so many photos of each class, of train and of test.
        seed: Decides which photos are kept or cut off.

    Raises:
        DatasetError: It cannot be loaded, or a column or split cannot be found.
    """
    splits = load_splits(source, revision)
    train_name = _pick_split(splits, train_split, ("train", "full"), "--train-split")
    test_name = test_split or next(
        (name for name in TEST_SPLITS if name in splits and name != train_name), None
    )
    train = to_photos(splits[train_name], train_name, image_column, label_column)
    if test_name:
        test_name = _pick_split(splits, test_name, (), "--test-split")
        test = to_photos(
            splits[test_name], test_name, image_column, label_column, train.label_names
        )
    else:
        fifth = np.bincount(train.labels, minlength=len(train.label_names)) // 5
        kept, cut = cut_per_class(train.labels, np.maximum(fifth, 1), seed)
        train, test = train.select(kept), train.select(cut)
    if limit_per_class:
        _, kept = cut_per_class(train.labels, limit_per_class, seed)
        train = train.select(kept)
        _, kept = cut_per_class(test.labels, limit_per_class, seed)
        test = test.select(kept)
    if len(set(train.labels.tolist())) < 2:
        raise DatasetError(f"{source} has fewer than two classes; training needs at least two.")
    return TrainingData(source, resolved_revision(train.rows, revision), train, test)


def load_evaluation_photos(
    source: str,
    *,
    revision: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    split: str | None = None,
) -> Photos:
    """Load the photos to evaluate on: the test split, or the only one there is.

    Raises:
        DatasetError: See `load_training_data`.
    """
    splits = load_splits(source, revision)
    wanted = (*TEST_SPLITS, *splits) if len(splits) > 1 else tuple(splits)
    name = _pick_split(splits, split, wanted, "--test-split")
    return to_photos(splits[name], name, image_column, label_column)


def load_negatives(source: str) -> Photos:
    """Load photos that show no dog: every split, all of them.

    Args:
        source: See `load_training_data`. A column of names, if there is one, groups them in the
            report.

    Raises:
        DatasetError: It cannot be loaded or has no image column.
    """
    splits = load_splits(source)
    rows = datasets.concatenate_datasets(list(splits.values()))
    image_column = _find_image_column(rows)
    if len(rows.column_names) == 1:
        rows = rows.add_column("label", ["photo"] * len(rows))
    return to_photos(rows, "not_dogs", image_column)


def learnt_from(negatives: Photos) -> np.ndarray:
    """Rows of the half that the detector learns from; the other half is for measuring it.

    The SHA-256 of a file decides, so the same photo is in the same half of any dataset.
    """
    return np.array([row for row in range(len(negatives)) if negatives.digest(row)[0] % 2], int)


def measured_on(negatives: Photos) -> np.ndarray:
    """Rows of the other half."""
    return np.setdiff1d(np.arange(len(negatives)), learnt_from(negatives))


def load_splits(source: str, revision: str | None = None) -> datasets.DatasetDict:
    """Load every split of a dataset, from the Hub or from this disk.

    Raises:
        DatasetError: It does not exist, cannot be reached or is no dataset.
    """
    path = Path(source).expanduser()
    try:
        if (path / "dataset_dict.json").exists() or (path / "dataset_info.json").exists():
            loaded = datasets.load_from_disk(str(path))
        else:
            loaded = datasets.load_dataset(
                str(path) if path.exists() else source, revision=revision
            )
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".") if str(error) else repr(error)
        raise DatasetError(
            f"The dataset {source} cannot be loaded ({reason}); give the id of a dataset on the "
            "Hub or an existing folder."
        ) from error
    if isinstance(loaded, datasets.Dataset):
        loaded = datasets.DatasetDict({str(loaded.split or "train"): loaded})
    return loaded


def to_photos(
    rows: datasets.Dataset,
    split: str,
    image_column: str | None = None,
    label_column: str | None = None,
    label_names: tuple[str, ...] | None = None,
) -> Photos:
    """Find the image and the label column of a split; photos without a label are left out.

    Args:
        label_names: Class names to use, where another split has set them.

    Raises:
        DatasetError: A column is missing or ambiguous, or a label is not in `label_names`.
    """
    image_column = image_column or _find_image_column(rows)
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
    labelled = np.flatnonzero(labels >= 0)
    if not len(labelled):
        raise DatasetError(f"The split {split} has no labelled photos; choose another split.")
    return photos if len(labelled) == len(photos) else photos.select(labelled)


def cut_per_class(
    labels: np.ndarray, per_class: int | np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut some photos of each class off, by lot.

    Args:
        labels: int array of shape (N,), class numbers.
        per_class: How many of each class to cut off, one number or one a class; a class with
            fewer photos is cut off whole.
        seed: The same seed gives the same cut.

    Returns:
        Two sorted int64 arrays that together hold 0..N-1: what stays and what is cut off.
    """
    rng = np.random.default_rng(seed)
    counts = np.broadcast_to(per_class, labels.max(initial=0) + 1)
    cut = [
        rng.permutation(np.flatnonzero(labels == number))[: counts[number]]
        for number in range(len(counts))
    ]
    cut = np.sort(np.concatenate(cut)).astype(np.int64)
    return np.setdiff1d(np.arange(len(labels)), cut), cut


def cut_validation(labels: np.ndarray, per_class: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a validation set off, stratified: at most a third of a class, so that small ones train.

    Args and result: see `cut_per_class`.
    """
    return cut_per_class(labels, np.minimum(per_class, np.bincount(labels) // 3), seed)


def resolved_revision(rows: datasets.Dataset, revision: str | None) -> str | None:
    """The commit that a Hub dataset was read at, else the revision that was asked for."""
    # `datasets` keeps what it has read from the Hub in a folder that is named after the commit.
    folders = {Path(file["filename"]).parent.name for file in rows.cache_files}
    commits = [name for name in folders if re.fullmatch("[0-9a-f]{40}", name)]
    return commits[0] if commits else revision


def _pick_split(
    splits: datasets.DatasetDict, asked: str | None, usual: tuple[str, ...], option: str
) -> str:
    if asked is None:
        asked = next((name for name in usual if name in splits), None)
    if asked is None and len(splits) == 1:
        asked = next(iter(splits))
    if asked not in splits:
        missing = f"no split {asked}" if asked else "no split with a usual name"
        raise DatasetError(
            f"The dataset has {missing}; name one of {', '.join(splits)} with {option}."
        )
    return asked


def _find_image_column(rows: datasets.Dataset) -> str:
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
        f"The label column cannot be told from its type; name one of {', '.join(columns)} "
        "with --label-column."
    )


def _classes(rows: datasets.Dataset, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the classes and the class number of each row, -1 where it has none."""
    kind, values = rows.features[column], rows[column][:]
    if isinstance(kind, datasets.ClassLabel):
        labels = [-1 if value is None else value for value in values]
        return tuple(kind.names), np.array(labels, dtype=np.int64)
    if not isinstance(kind, datasets.Value) or "float" in kind.dtype:
        raise DatasetError(
            f"The column {column} holds no classes; name the label column with --label-column."
        )
    # Sorted by value, so that whole numbers keep their order.
    known = sorted({value for value in values if value is not None})
    position = {value: index for index, value in enumerate(known)}
    labels = np.array([position.get(value, -1) for value in values], dtype=np.int64)
    return tuple(str(value) for value in known), labels
