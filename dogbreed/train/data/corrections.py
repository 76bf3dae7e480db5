"""Corrections of visitors: more photos to train on, and no reason to test on fewer."""

import dataclasses
import sys
from collections.abc import Callable, Iterable

import datasets
import numpy as np

from dogbreed.errors import DatasetError
from dogbreed.train.data.columns import to_photos, with_labels
from dogbreed.train.data.cuts import repeated
from dogbreed.train.data.duplicates import Seen, find_duplicates
from dogbreed.train.data.load import TrainingData
from dogbreed.train.data.photos import Photos, count
from dogbreed.train.data.sources import load_dataset
from dogbreed.train.network.cached import Features
from dogbreed.train.options import public_name


def add_corrections(data: TrainingData, source: str) -> TrainingData:
    """Add corrections to the training photos, in all their splits.

    Args:
        data: What is trained and tested on.
        source: Id on the Hub, or folder, that `serve --collect` wrote.

    Returns:
        The same test photos. Corrections with a label that is not a class, such as that of photos
        which show none of them, and those that are also among the test photos are left out.

    Raises:
        DatasetError: It cannot be loaded, or nothing of it is of use.
    """
    dataset, parts, unknown, repeats = load_dataset(source), [data.train], 0, 0
    for name, rows in dataset.splits.items():
        photos = to_photos(rows, name, root=dataset.root)
        known = np.isin(
            photos.labels,
            [n for n, label in enumerate(photos.label_names) if label in data.train.label_names],
        )
        unknown += int((~known).sum())
        photos = with_labels(photos.select(np.flatnonzero(known)), data.train.label_names)
        tested = repeated(photos, data.test)
        repeats += len(tested)
        parts.append(photos.select(np.setdiff1d(np.arange(len(photos)), tested)))
    added = sum(map(len, parts[1:]))
    if not added:
        raise DatasetError(
            f"The corrections {source} contain no photo of a class of {public_name(data.source)}; "
            "leave --corrections out."
        )
    note = f"{count(added, 'correction')} of {public_name(source)} to train"
    if unknown or repeats:
        note += f" ({unknown:,} of no class and {repeats:,} that are also in test left out)"
    return dataclasses.replace(
        data, train=_joined(parts), notes=(*data.notes, note), corrected=added
    )


def leave_out_measured(
    data: TrainingData, measured: Iterable[Photos], plain: Callable[[Photos], Features]
) -> TrainingData:
    """Leave out corrections that look like a photo which measures, and print how many.

    A visitor may upload a photo of the test split, which is encoded anew when it is kept. If it
    were trained on, the test photo could not be tested on, and visitors would choose what is.

    Args:
        data: From `add_corrections`.
        measured: Photos to test on, and others that measure or settle what is promised.
        plain: Returns the pooled features of photos in the plain view.

    Returns:
        The same test photos, and the training photos without these corrections.
    """

    def seen(photos: Photos) -> Seen:
        features = plain(photos)
        return photos, features, features.decodable()

    own = len(data.train) - data.corrected
    corrections = seen(data.train.select(range(own, len(data.train))))
    alike = sorted(
        {row for others in measured for row, _ in find_duplicates(corrections, seen(others))}
    )
    if not alike:
        return data
    print(
        f"{count(len(alike), 'correction')} not trained on: the same photo is held out to test or "
        "to settle.",
        file=sys.stderr,
    )
    kept = np.setdiff1d(np.arange(len(data.train)), np.add(alike, own))
    return dataclasses.replace(
        data, train=data.train.select(kept), corrected=data.corrected - len(alike)
    )


def _joined(parts: list[Photos]) -> Photos:
    first, column = parts[0], parts[0].image_column
    rows = [
        part.rows.select_columns([part.image_column]).rename_columns(
            {part.image_column: column} if part.image_column != column else {}
        )
        for part in parts
    ]
    return dataclasses.replace(
        first,
        rows=datasets.concatenate_datasets(rows),
        labels=np.concatenate([part.labels for part in parts]),
    )
