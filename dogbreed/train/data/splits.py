"""Which photos train, validate, settle and test, so that none of them is in two of these."""

from collections.abc import Mapping

import numpy as np

from dogbreed.errors import DatasetError
from dogbreed.train.data.cuts import cut_per_class, cut_validation
from dogbreed.train.data.duplicates import find_duplicates, group_rows
from dogbreed.train.data.load import TrainingData, load_training_data
from dogbreed.train.data.photos import Photos
from dogbreed.train.network.cached import Features
from dogbreed.train.options import Options, public_name

# Rows to train on, to validate on, and to settle trust on.
Split = tuple[np.ndarray, np.ndarray, np.ndarray]


def load_data(options: Options) -> TrainingData:
    """Load the photos to train and to test on."""
    return load_training_data(
        options.dataset,
        revision=options.dataset_revision,
        image_column=options.image_column,
        label_column=options.label_column,
        train_split=options.train_split,
        test_split=options.test_split,
        limit_per_class=options.limit_per_class,
        seed=options.seed,
    )


def describe_data(data: TrainingData, others: Mapping[str, Photos] | None = None) -> dict:
    """Make the part of `training` in config.json that says which photos were used.

    With the rule of a split, `dogbreed evaluate` selects the same photos again.

    Args:
        data: Photos to train and to test on.
        others: Further photos that were used, by what they were used for.
    """
    further = {
        name: {"photos": len(photos), "fingerprint": photos.fingerprint()}
        for name, photos in (others or {}).items()
    }
    return {
        "dataset": public_name(data.source),
        "revision": data.revision,
        "splits": {
            name: {
                "split": photos.split,
                "photos": len(photos),
                "fingerprint": photos.fingerprint(),
                "rule": rule.as_json(),
            }
            for name, photos, rule in (
                ("train", data.train, data.train_rule),
                ("test", data.test, data.test_rule),
            )
        }
        | further,
    }


def leave_out_duplicates(
    data: TrainingData, trained: Features, tested: Features
) -> tuple[TrainingData, np.ndarray, list[dict]]:
    """Leave test photos out that look like a training photo, and group those that look alike.

    Args:
        data: Photos to train and to test on.
        trained, tested: Their pooled features in the plain view.

    Returns:
        The data without these test photos; the group of each training photo, int64; and a row for
        each pair of photos: `split`, `file`, `other_split`, `other_file`.
    """
    train = data.train, trained, trained.decodable()
    test = data.test, tested, tested.decodable()
    within, across = find_duplicates(train), find_duplicates(test, train)
    pairs = [_pair(data.train, row, data.train, other) for row, other in within] + [
        _pair(data.test, row, data.train, other) for row, other in across
    ]
    rows = sorted({row for row, _ in across})
    data = data.without(rows, "of test that look like one in train")
    return data, group_rows(len(data.train), within), pairs


def split_rows(
    labels: np.ndarray, usable: np.ndarray, groups: np.ndarray, options: Options
) -> Split:
    """Choose the rows to train on, to validate on, and to settle trust on.

    Where out-of-fold answers settle trust, the photos to train on do so. Else a half of the
    validation photos does, which is then kept out of all fits.

    Args:
        labels: int64 array, the class number of every photo.
        usable: Rows of photos that can be decoded.
        groups: Of photos that look alike; a group is not divided among train and the others.
        options: Options of the run.

    Raises:
        DatasetError: No photo is left to validate on.
    """
    train, validation = (
        usable[part]
        for part in cut_validation(labels[usable], options.validation_per_class, options.seed)
    )
    twice = np.isin(groups[validation], groups[train])
    train = np.sort(np.concatenate([train, validation[twice]]))
    validation = validation[~twice]
    if not len(validation):
        raise DatasetError(
            f"Of the {len(labels)} photos to train on {len(usable)} can be decoded, and too few of "
            "them differ, so none is left to validate on; add photos."
        )
    if options.out_of_fold:
        return train, validation, train
    halves = np.bincount(labels[validation]) // 2
    choosing, settling = (
        validation[part] for part in cut_per_class(labels[validation], halves, options.seed)
    )
    return train, choosing, settling[~np.isin(groups[settling], groups[choosing])]


def _pair(photos: Photos, row: int, others: Photos, other: int) -> dict:
    return {
        "split": photos.split,
        "file": photos.short_name(row),
        "other_split": others.split,
        "other_file": others.short_name(other),
    }
