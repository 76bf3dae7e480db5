"""How good a model is: accuracy, calibration, prediction sets, and what it refuses."""

from dataclasses import dataclass, field, replace

import numpy as np

from dogbreed.train.trust.calibration import calibration_error, probabilities
from dogbreed.train.trust.rejection import separation
from dogbreed.wording import VERY_LIKELY


@dataclass(frozen=True)
class Evaluation:
    """What a network answered to the photos of a split.

    Attributes:
        logits: float32 array of shape (N, num_classes).
        labels: int64 array of shape (N,), the true class numbers, -1 for negatives.
        rows: int64 array of shape (N,), which photos these are.
        names: The name for people of each class number.
        skipped: Names of the photos that could not be decoded.
        temperature: What the logits are divided by for probabilities.
        set_sizes: int64 array of shape (N,), size of each prediction set, 0 if there is none.
        dog_scores: float64 array of shape (N,), higher for dogs, NaN if the bundle has no rule.
        refused: bool array of shape (N,), which photos do not look like a dog.
        groups: What each of the negatives shows, or where each of the dogs is from; empty if that
            is not known.
    """

    logits: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    names: tuple[str, ...]
    skipped: list[str]
    temperature: float
    set_sizes: np.ndarray
    dog_scores: np.ndarray
    refused: np.ndarray
    groups: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, kept: np.ndarray) -> "Evaluation":
        """Return the answers to some of the photos.

        Args:
            kept: bool array of shape (N,).
        """
        arrays = ("logits", "labels", "rows", "set_sizes", "dog_scores", "refused")
        groups = [group for group, keep in zip(self.groups, kept, strict=False) if keep]
        parts = {name: getattr(self, name)[kept] for name in arrays}
        return replace(self, groups=groups, **parts)

    def confidence(self) -> np.ndarray:
        """Return the probability of each first answer, float64 of shape (N,)."""
        return probabilities(self.logits, self.temperature).max(axis=1)

    def answers(self) -> np.ndarray:
        """Return the most probable class of each photo, int64 of shape (N,)."""
        return self.logits.argmax(axis=1)

    def ranks(self) -> np.ndarray:
        """Count how many classes are more probable than the true one, int64 of shape (N,)."""
        true = np.take_along_axis(self.logits, self.labels[:, None], axis=1)
        return (self.logits > true).sum(axis=1)


def accuracy(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Measure how often the first answers are right.

    Args:
        logits: float array of shape (N, num_classes).
        labels: int array of shape (N,), the true class numbers.

    Returns:
        `top_1`, `top_3`, and `macro_top_1`, the mean over the breeds of their top-1, in 0..1.
    """
    ranks = (logits > np.take_along_axis(logits, labels[:, None], axis=1)).sum(axis=1)
    of_breeds = [(ranks[labels == number] == 0).mean() for number in np.unique(labels)]
    return {
        "top_1": float((ranks == 0).mean()),
        "top_3": float((ranks < 3).mean()),
        "macro_top_1": float(np.mean(of_breeds)),
    }


def dog_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Measure everything that labeled photos of dogs can show, as far as the bundle states it.

    Returns:
        Those of `accuracy`; `ece` and `ece_untempered`, the calibration error with and without
        the temperature; `set_coverage` in 0..1 and `set_size`, the mean, of the prediction sets;
        `dogs_refused`, the share of dogs that are refused; and of the others, as far as there are
        any, `sure`, the share whose first answer has a probability over 0.9, and `sure_wrong`, how
        many of these are wrong (selective risk, Geifman and El-Yaniv 2017, arXiv:1705.08500).
    """
    measured = accuracy(evaluation.logits, evaluation.labels)
    for name, temperature in (("ece", evaluation.temperature), ("ece_untempered", 1.0)):
        stated = probabilities(evaluation.logits, temperature)
        measured[name] = calibration_error(stated, evaluation.labels)
    if evaluation.set_sizes.any():
        measured["set_coverage"] = float((evaluation.ranks() < evaluation.set_sizes).mean())
        measured["set_size"] = float(evaluation.set_sizes.mean())
    if np.isfinite(evaluation.dog_scores).all():
        measured["dogs_refused"] = float(evaluation.refused.mean())
    accepted = evaluation.select(~evaluation.refused)
    sure = accepted.confidence() > VERY_LIKELY
    if len(accepted):
        measured["sure"] = float(sure.mean())
    if sure.any():
        measured["sure_wrong"] = float((accepted.ranks()[sure] > 0).mean())
    return measured


def rejection_metrics(dogs: Evaluation, negatives: Evaluation) -> dict[str, float]:
    """Measure how well dogs and negatives are separated.

    Returns:
        `is_dog_auroc`; `negatives_refused` with the bundle's own threshold; and
        `negatives_refused_at_1`, with one that refuses 1 % of these dogs. All in 0..1.
    """
    measured = separation(dogs.dog_scores, negatives.dog_scores)
    return {
        "is_dog_auroc": measured["auroc"],
        "negatives_refused": float(negatives.refused.mean()),
        "negatives_refused_at_1": measured["refused"],
    }


@dataclass(frozen=True)
class Results:
    """What a model answered.

    Attributes:
        test: To test photos.
        independent: To the measuring half of independent photos, if there are any.
        negatives: To the measuring half of photos without a dog, if there are any.
        neither: To photos that are neither dogs nor negatives, if there are any.
    """

    test: Evaluation
    independent: Evaluation | None = None
    negatives: Evaluation | None = None
    neither: Evaluation | None = None

    @property
    def promised(self) -> Evaluation:
        """The answers that say what a promise is worth: to independent photos if there are any."""
        return self.test if self.independent is None else self.independent

    def metrics(self) -> dict[str, tuple[dict[str, float], int]]:
        """Return for each field but `neither` its metrics, and the number of photos."""
        found = {}
        if self.independent is not None:
            found["independent"] = dog_metrics(self.independent), len(self.independent)
        if self.negatives is not None:
            found["negatives"] = (
                rejection_metrics(self.promised, self.negatives),
                len(self.negatives),
            )
        found["test"] = dog_metrics(self.test), len(self.test)
        return found
