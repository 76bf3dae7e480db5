"""Sets of labels that contain the true one with a stated probability: conformal prediction.

Regularized adaptive prediction sets (RAPS, Angelopoulos et al. 2021, arXiv:2009.14193; APS, Romano
et al. 2020, arXiv:2006.02544) without their random part, so that a photo always gets the same set:
the score of a label is the probability of all labels before it, plus a penalty for its rank. The
set consists of the labels whose score does not exceed a threshold, and at least of the most
probable one. For photos like those that set the threshold, it contains the true label about as
often as `coverage` says.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SetRule:
    """How far a set reaches.

    Attributes:
        coverage: Share of photos whose set contains the true label, in 0..1.
        threshold: The largest score that belongs to the set.
        penalty: Added to the score for each rank beyond `free_ranks`.
        free_ranks: How many labels are not penalized.
    """

    coverage: float
    threshold: float
    penalty: float
    free_ranks: int

    def sizes(self, probabilities: np.ndarray) -> np.ndarray:
        """int64 array of shape (N,): how many of the most probable labels are in each set."""
        ordered = -np.sort(-probabilities, axis=1)
        scores = ranked_scores(ordered, self.penalty, self.free_ranks)
        # Scores grow with the rank, so the set is the first labels.
        return np.maximum((scores <= self.threshold).sum(axis=1), 1)


def ranked_scores(ordered: np.ndarray, penalty: float, free_ranks: int) -> np.ndarray:
    """The score of each label.

    Args:
        ordered: float array of shape (N, num_classes), probabilities from high to low.
        penalty, free_ranks: See `SetRule`.

    Returns:
        float64 array of the same shape, growing along each row from 0.
    """
    before = np.cumsum(ordered, axis=1, dtype=np.float64) - ordered
    ranks = np.arange(ordered.shape[1])
    return before + penalty * np.maximum(ranks + 1 - free_ranks, 0)
