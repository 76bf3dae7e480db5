"""True probabilities: a temperature fitted on validation photos, and how far off they still are."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

BINS = 15


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of least cross-entropy (Guo et al. 2017, arXiv:1706.04599).

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
    """float64 array of shape (N, num_classes): softmax of the logits over the temperature."""
    return softmax(logits.astype(np.float64) / temperature, axis=1)


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> list[dict]:
    """How often the first answer is right, by how sure it is: `BINS` equal steps of confidence.

    Returns:
        A row for each step that has photos: `from`, `to`, `photos`, mean `confidence` and
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
    """Expected calibration error of the first answer, in 0..1 (Naeini et al. 2015, `BINS` bins)."""
    rows = reliability(probabilities, labels)
    weighted = [row["photos"] * abs(row["confidence"] - row["accuracy"]) for row in rows]
    return sum(weighted) / len(labels)
