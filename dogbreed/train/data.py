"""Photos to train on: any image dataset of the Hub or of this disk, checked and split by class."""

import re
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np

from dogbreed.errors import DatasetError
from dogbreed.train.columns import find_image_column, to_photos
from dogbreed.train.cuts import cut_per_class
from dogbreed.train.photos import Photos

TEST_SPLITS = ("test", "validation", "valid", "val", "dev")


@dataclass(frozen=True)
class TrainingData:
    """A dataset, ready to train on.

    Attributes:
        source: What was loaded: id on the Hub or folder.
        revision: The commit on the Hub that it was read at, None for a folder.
        train, test: Photos to train and to test on.
    """

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
    """Load a labeled image dataset with its training and its test photos.

    Columns and splits are found by type and usual name if they are not given. If there is only
    one split, a fifth of each class is cut off for testing, by `seed`.

    Args:
        source: Id on the Hub, local dataset directory, or folder with one folder for each class.
        revision: Branch, tag or commit of a Hub dataset.
        image_column, label_column: Names of the columns.
        train_split, test_split: Names of the splits.
        limit_per_class: Keep at most this many photos of each class, of train and of test.
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
    """Load photos that do not show a dog: every split, all of them.

    Args:
        source: See `load_training_data`. A column of names, if there is one, groups the photos in
            the report.

    Raises:
        DatasetError: It cannot be loaded or has no image column.
    """
    splits = load_splits(source)
    rows = datasets.concatenate_datasets(list(splits.values()))
    image_column = find_image_column(rows)
    if len(rows.column_names) == 1:
        rows = rows.add_column("label", ["photo"] * len(rows))
    return to_photos(rows, "negatives", image_column)


def load_splits(source: str, revision: str | None = None) -> datasets.DatasetDict:
    """Load every split of a dataset, from the Hub or from this disk.

    Raises:
        DatasetError: It does not exist, cannot be reached or is not a dataset.
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


def resolved_revision(rows: datasets.Dataset, revision: str | None) -> str | None:
    """Return the commit that a Hub dataset was read at, else the revision that was asked for."""
    # `datasets` caches what it reads from the Hub in a folder named after the commit.
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
