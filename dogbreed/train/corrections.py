"""Corrections of visitors: more photos to train on, never to measure on."""

import dataclasses

import datasets
import numpy as np

from dogbreed.errors import DatasetError
from dogbreed.train.columns import to_photos, with_labels
from dogbreed.train.cuts import repeated
from dogbreed.train.data import TrainingData
from dogbreed.train.options import public_name
from dogbreed.train.photos import Photos, count
from dogbreed.train.sources import load_dataset


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
    return dataclasses.replace(data, train=_joined(parts), notes=(*data.notes, note))


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
