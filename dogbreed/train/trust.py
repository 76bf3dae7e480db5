"""How far to trust an answer: temperature, prediction sets, and the refusal of other photos."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from dogbreed.prediction_set import SetRule, ranked_scores
from dogbreed.rejection import RejectionRule
from dogbreed.train.rejection import Answers, fit_rejection

BINS = 15
COVERAGE = 0.95
# Of the prediction sets; see docs/experiments.md.
PENALTY = 0.1
FREE_RANKS = 1


@dataclass(frozen=True)
class Trust:
    """How the answers of a network are to be read.

    Attributes:
        temperature: What the logits are divided by.
        sets: Rule of the prediction sets.
        rejection: Rule that refuses photos without a dog.
        compared: A row for each score that the rejection could use, if there were negatives.
    """

    temperature: float
    sets: SetRule
    rejection: RejectionRule
    compared: list[dict]

    def config(self) -> dict:
        """Return `temperature` and `thresholds` of config.json."""
        names = ("method", "threshold", "scale", "offset")
        fields = {name: getattr(self.rejection, name) for name in names}
        is_dog = {name: value for name, value in fields.items() if value is not None}
        thresholds = {"is_dog": is_dog, "prediction_set": vars(self.sets)}
        return {"temperature": self.temperature, "thresholds": thresholds}


def settle(
    trained: Answers,
    validation: Answers,
    labels: np.ndarray,
    negatives: Answers | None,
    seed: int,
) -> Trust:
    """Set everything from the answers of a network that has not seen the validation photos.

    Args:
        trained: Answers to photos of dogs that it was trained on.
        validation: Answers to photos of dogs that it was not trained on.
        labels: int array, their classes.
        negatives: Answers to photos without a dog, if there are any.
        seed: Decides the folds.
    """
    logits, _ = validation
    temperature = fit_temperature(logits, labels)
    sets = fit_sets(probabilities(logits, temperature), labels)
    rejection, compared = fit_rejection(trained[1], validation, negatives, seed)
    return Trust(temperature, sets, rejection, compared)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Find the temperature of least cross-entropy (Guo et al. 2017, arXiv:1706.04599).

    Args:
        logits: float array of shape (N, num_classes), of photos that were not trained on.
        labels: int array of shape (N,).

    Returns:
        What the logits are to be divided by, between 1/20 and 20.
    """
    logits = logits.astype(np.float64)
    rows = np.arange(len(labels))

    def cross_entropy(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -scaled[rows, labels].mean()

    found = minimize_scalar(cross_entropy, bounds=(-np.log(20), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Return the softmax of the logits over the temperature, float64 of the same shape."""
    return softmax(logits.astype(np.float64) / temperature, axis=1)


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> list[dict]:
    """Measure how often the first answer is right, in `BINS` equal steps of its probability.

    Returns:
        A row for each step that contains photos: `from`, `to`, `photos`, mean `confidence` and
        `accuracy`, all but the count in 0..1.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    step = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "from": number / BINS,
            "to": (number + 1) / BINS,
            "photos": int((step == number).sum()),
            "confidence": float(confidence[step == number].mean()),
            "accuracy": float(right[step == number].mean()),
        }
        for number in np.unique(step).tolist()
    ]


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the expected calibration error of the first answer, in 0..1 (Naeini et al. 2015)."""
    rows = reliability(probabilities, labels)
    weighted = [row["photos"] * abs(row["confidence"] - row["accuracy"]) for row in rows]
    return sum(weighted) / len(labels)


def fit_sets(probabilities: np.ndarray, labels: np.ndarray) -> SetRule:
    """Set the threshold of the prediction sets (Angelopoulos et al. 2021, arXiv:2009.14193).

    Args:
        probabilities: float array of shape (N, num_classes), of photos that were not trained on.
        labels: int array of shape (N,).
    """
    threshold = conformal_quantile(true_scores(probabilities, labels), COVERAGE)
    return SetRule(COVERAGE, threshold, PENALTY, FREE_RANKS)


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    """Return the score that a new one does not exceed with this probability.

    That is the ⌈(n + 1) × coverage⌉-th smallest of n (Vovk et al. 2005), the largest if there are
    too few.
    """
    rank = int(np.ceil((len(scores) + 1) * coverage))
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def true_scores(
    probabilities: np.ndarray,
    labels: np.ndarray,
    penalty: float = PENALTY,
    free_ranks: int = FREE_RANKS,
) -> np.ndarray:
    """Return the score of the true label of each photo, float64 of shape (N,)."""
    ordered = -np.sort(-probabilities, axis=1)
    scores = ranked_scores(ordered, penalty, free_ranks)
    return scores[np.arange(len(labels)), true_ranks(probabilities, labels)]


def true_ranks(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the place of the true label from 0, ties in order of number; int64 of shape (N,)."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return (order == labels[:, None]).argmax(axis=1)
