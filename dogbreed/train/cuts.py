"""Which photos are held out: by lot within each class, or by the hash of the file."""

import numpy as np

from dogbreed.train.photos import Photos


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
    counts = np.broadcast_to(per_class, labels.max(initial=0) + 1)
    parts = [
        rng.permutation(np.flatnonzero(labels == number))[: counts[number]]
        for number in range(len(counts))
    ]
    cut = np.sort(np.concatenate(parts)).astype(np.int64)
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
    return np.array([row for row in range(len(negatives)) if negatives.digest(row)[0] % 2], int)


def measured_on(negatives: Photos) -> np.ndarray:
    """Return the rows of the half that measures the result."""
    return np.setdiff1d(np.arange(len(negatives)), learned_from(negatives))
