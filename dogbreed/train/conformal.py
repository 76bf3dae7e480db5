"""Set the rule of the prediction sets on validation photos."""

import itertools

import numpy as np

from dogbreed.prediction_set import SetRule, ranked_scores

COVERAGE = 0.95
PENALTIES = (0.0, 0.01, 0.03, 0.1, 0.3)
FREE_RANKS = (1, 2, 3)


def fit_rule(probabilities: np.ndarray, labels: np.ndarray, seed: int) -> SetRule:
    """Choose penalty and free ranks on one half, by the mean size; set the threshold on the other.

    So the choice does not spoil the guarantee (Angelopoulos et al. 2021, section 2.3).

    Args:
        probabilities: float array of shape (N, num_classes), of photos that were not trained on.
        labels: int array of shape (N,).
        seed: Of the halves.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    choose, settle = order[: len(order) // 2], order[len(order) // 2 :]

    def rule(rows: np.ndarray, penalty: float, free_ranks: int) -> SetRule:
        scores = true_scores(probabilities[rows], labels[rows], penalty, free_ranks)
        return SetRule(COVERAGE, conformal_quantile(scores, COVERAGE), penalty, free_ranks)

    best = min(
        (rule(choose, *options) for options in itertools.product(PENALTIES, FREE_RANKS)),
        key=lambda rule: rule.sizes(probabilities[choose]).mean(),
    )
    return rule(settle, best.penalty, best.free_ranks)


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    """The score that a new one does not exceed with this probability; the largest if there are few.

    The ⌈(n + 1) × coverage⌉-th smallest of n (Vovk et al. 2005).
    """
    rank = int(np.ceil((len(scores) + 1) * coverage))
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def true_scores(
    probabilities: np.ndarray, labels: np.ndarray, penalty: float, free_ranks: int
) -> np.ndarray:
    """float64 array of shape (N,): the score of the true label of each photo."""
    ranks = true_ranks(probabilities, labels)
    ordered = -np.sort(-probabilities, axis=1)
    return ranked_scores(ordered, penalty, free_ranks)[np.arange(len(labels)), ranks]


def true_ranks(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """int64 array of shape (N,): the place of the true label, from 0, ties in order of number."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return (order == labels[:, None]).argmax(axis=1)


def coverage_and_size(
    rule: SetRule, probabilities: np.ndarray, labels: np.ndarray
) -> tuple[float, float]:
    """Share of photos whose set holds the true label, in 0..1, and the mean size of the sets."""
    sizes = rule.sizes(probabilities)
    return float((true_ranks(probabilities, labels) < sizes).mean()), float(sizes.mean())
