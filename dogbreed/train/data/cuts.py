"""Which photos are held out: by lot within each class, or by the hash of the file.

A `SplitRule` is the whole way from a split of a dataset to the photos that train or test a model. A
bundle stores it as JSON, so that evaluation takes the same photos again.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dogbreed.errors import BundleError
from dogbreed.train.data.photos import Photos

# How much of a SHA-256 names a photo in a rule, in bytes.
_NAMED_BY = 8


@dataclass(frozen=True)
class SplitRule:
    """Which photos of a dataset are used.

    Attributes:
        split: Name of the split in the dataset.
        cut: None for the whole split; `train` or `test` for that part of a split cut in two.
        fraction: Share of each class that is cut off for testing, in 0..1.
        seed: Decides which photos are cut off, and which the limit keeps.
        limit_per_class: Keep at most this many photos of each class.
        left_out: First 16 hexadecimal digits of the SHA-256 of files that are not used.
    """

    split: str
    cut: str | None = None
    fraction: float = 0.2
    seed: int = 42
    limit_per_class: int | None = None
    left_out: tuple[str, ...] = ()

    def as_json(self) -> dict:
        """Return what `from_json` reads."""
        return vars(self) | {"left_out": list(self.left_out)}

    @classmethod
    def from_json(cls, value: object) -> "SplitRule":
        """Read a rule from the config of a bundle.

        Raises:
            BundleError: It is not a rule.
        """
        kinds = {
            "split": str,
            "cut": str | None,
            "fraction": float,
            "seed": int,
            "limit_per_class": int | None,
            "left_out": list,
        }
        if (
            not isinstance(value, dict)
            or set(value) != set(kinds)
            or not all(isinstance(value[name], kind) for name, kind in kinds.items())
            or any(isinstance(entry, bool) for entry in value.values())
            or value["cut"] not in (None, "train", "test")
            or not 0 <= value["fraction"] <= 1
            or value["seed"] < 0
            or not all(isinstance(digest, str) for digest in value["left_out"])
        ):
            raise BundleError(
                "The bundle does not say in a usable way how its test photos were chosen; name a "
                "split with --test-split."
            )
        return cls(**value | {"left_out": tuple(value["left_out"])})

    def select(self, photos: Photos) -> Photos:
        """Return the photos of a whole split that the rule selects, in their order."""
        if self.cut:
            sizes = np.bincount(photos.labels, minlength=len(photos.label_names))
            # A class with one photo keeps it for training.
            cut_off = np.where(sizes > 1, np.maximum((sizes * self.fraction).astype(int), 1), 0)
            kept, cut = cut_per_class(photos.labels, cut_off, self.seed)
            photos = photos.select(cut if self.cut == "test" else kept)
            if self.cut == "test":
                # Or else a reader takes them for the photos that were trained on.
                photos = dataclasses.replace(photos, split=f"test, cut from {self.split}")
        if self.limit_per_class:
            _, kept = cut_per_class(photos.labels, self.limit_per_class, self.seed)
            photos = photos.select(kept)
        if self.left_out:
            unused = set(self.left_out)
            names = [_name(digest) for digest in photos.digests]
            photos = photos.select([row for row, name in enumerate(names) if name not in unused])
        return photos

    def without(self, photos: Photos, rows: Iterable[int]) -> "SplitRule":
        """Return the same rule with these of its photos left out."""
        names = {_name(photos.digests[row]) for row in rows}
        return dataclasses.replace(self, left_out=tuple(sorted(names.union(self.left_out))))


def _name(digest: bytes) -> str:
    return digest[:_NAMED_BY].hex()


def repeated(photos: Photos, trained_on: Photos) -> np.ndarray:
    """Return the rows of photos whose file is among others too, byte by byte."""
    known = set(trained_on.digests)
    return np.array([row for row, digest in enumerate(photos.digests) if digest in known], int)


def cut_per_class(
    labels: np.ndarray, per_class: int | np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut some photos off each class, by lot.

    Args:
        labels: int array of shape (N,), class numbers.
        per_class: How many photos to cut off each class: one number, or one for each class. A
            class with fewer photos is cut off whole.
        seed: The same seed gives the same cut.

    Returns:
        Two sorted int64 arrays that together contain 0..N-1: what stays and what is cut off.
    """
    rng = np.random.default_rng(seed)
    # The last classes may have no photos.
    classes = max(labels.max(initial=-1) + 1, np.size(per_class) if np.ndim(per_class) else 0)
    counts = np.broadcast_to(per_class, classes)
    parts = [
        rng.permutation(np.flatnonzero(labels == number))[: counts[number]]
        for number in range(classes)
    ]
    cut = np.sort(np.concatenate([np.empty(0, np.int64), *parts]))
    return np.setdiff1d(np.arange(len(labels)), cut), cut


def cut_validation(labels: np.ndarray, per_class: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut off a validation set, at most a third of each class so that small classes can train.

    Args and result: see `cut_per_class`.
    """
    return cut_per_class(labels, np.minimum(per_class, np.bincount(labels) // 3), seed)


def learned_from(negatives: Photos) -> np.ndarray:
    """Return the rows of the half that training uses; `measured_on` gives the other half.

    The SHA-256 of a file decides, so a photo is in the same half of any dataset.
    """
    return np.flatnonzero([digest[0] % 2 for digest in negatives.digests])


def measured_on(negatives: Photos) -> np.ndarray:
    """Return the rows of the half that measures the result."""
    return np.flatnonzero([digest[0] % 2 == 0 for digest in negatives.digests])
