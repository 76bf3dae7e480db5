"""Labeled photos that have nothing to do with the training photos.

ImageNet's backbones have seen the photos of Stanford Dogs, train and test, so what is settled or
measured on them may not hold on new photos. Independent photos are an honest yardstick: one half of
them settles what is promised and chooses among the fits, the other half measures. The hash of a
file decides in which half it is, so it is in the same half wherever it lies.
"""

import re
from collections import Counter
from collections.abc import Sequence

from dogbreed.errors import DatasetError
from dogbreed.train.columns import with_labels
from dogbreed.train.data import load_evaluation_photos
from dogbreed.train.photos import Photos

# More sources than this are not sources, but names of photos.
_MOST_SOURCES = 20


def load_independent(source: str, label_names: Sequence[str]) -> Photos:
    """Load independent photos and number their classes like those of a model.

    Args:
        source: Id on the Hub, or folder; its test split, or its only one, is used.
        label_names: Labels of the model's classes; the photos may lack some of them.

    Raises:
        DatasetError: It cannot be loaded, or has classes that the model does not know.
    """
    photos = load_evaluation_photos(source)
    used = {photos.label_names[number] for number in set(photos.labels.tolist())}
    unknown = sorted(used.difference(label_names))
    if unknown:
        raise DatasetError(
            f"The independent photos {source} have classes that the model does not know "
            f"({', '.join(unknown[:5])}{', …' if len(unknown) > 5 else ''}); give photos that are "
            "labeled like those it is trained on."
        )
    return with_labels(photos, tuple(label_names))


def sources_of(photos: Photos) -> list[str]:
    """Say where each photo is from: what stands before the last `-` of its file's name.

    Collections that were put together name their files like `gallery-0123.jpg`. If there is no such
    name for every photo, or more than 20 of them, all photos count as from one source, `all`.
    """
    names = [_prefix(photos.file_name(row)) for row in range(len(photos))]
    counts = Counter(names)
    if "" in counts or len(counts) > _MOST_SOURCES or min(counts.values()) < 2:
        return ["all"] * len(photos)
    return names


def _prefix(name: str) -> str:
    match = re.fullmatch(r"(.+)-[^-]*", name)
    return match[1] if match else ""
