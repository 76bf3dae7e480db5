"""Labeled photos that have nothing to do with the training photos.

ImageNet's backbones have seen the photos of Stanford Dogs, train and test, so what is settled or
measured on them may not hold on new photos. Independent photos are an honest yardstick: one half of
them settles what is promised and chooses among the fits, the other half measures. The hash of a
file decides in which half it is, so it is in the same half wherever it lies.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from dogbreed.errors import DatasetError
from dogbreed.train.data.columns import with_labels
from dogbreed.train.data.cuts import learned_from, measured_on, repeated
from dogbreed.train.data.load import load_evaluation_photos
from dogbreed.train.data.photos import Photos, count, list_left_out

# With fewer there is no prediction set of 95 %, see `trust.MIN_PHOTOS`.
MIN_HALF = 19


@dataclass(frozen=True)
class Independent:
    """The two halves of independent photos, with class numbers like those of a model.

    Attributes:
        settling: Photos that settle what is promised, and choose among fits.
        measuring: Photos that measure.
    """

    settling: Photos
    measuring: Photos

    def summary(self) -> str:
        """Return one line that says how many photos there are, and what was left out."""
        return (
            f"independent: {count(len(self.settling), 'photo')} to settle, "
            f"{len(self.measuring):,} to measure{list_left_out(self.settling.left_out)}."
        )


def load_independent(source: str, trained_on: Photos) -> Independent:
    """Load independent photos, without those that are also among the training photos.

    Args:
        source: Id on the Hub, or folder; its test split, or its only one, is used.
        trained_on: The training photos; the independent ones may lack some of their classes.

    Raises:
        DatasetError: It cannot be loaded, has too few photos, or classes that are not trained on.
    """
    photos = load_evaluation_photos(source)
    used = {photos.label_names[number] for number in set(photos.labels.tolist())}
    unknown = sorted(used.difference(trained_on.label_names))
    if unknown:
        raise DatasetError(
            f"The independent photos {source} have classes that the model does not learn "
            f"({', '.join(unknown[:5])}{', …' if len(unknown) > 5 else ''}); give photos that are "
            "labeled like those it is trained on."
        )
    photos = with_labels(photos, trained_on.label_names)
    known = repeated(photos, trained_on)
    kept = np.setdiff1d(np.arange(len(photos)), known)
    left_out = {**photos.left_out, "that are also in train": [photos.describe(n) for n in known]}
    photos = dataclasses.replace(photos.select(kept), split="independent", left_out=left_out)
    halves = Independent(*(photos.select(rows(photos)) for rows in (learned_from, measured_on)))
    if min(len(halves.settling), len(halves.measuring)) < MIN_HALF:
        raise DatasetError(
            f"The independent photos {source} are {len(photos)}, {len(halves.settling)} to settle "
            f"and {len(halves.measuring)} to measure on, and {MIN_HALF} of each are needed; add "
            "photos, or leave --independent out."
        )
    return halves
