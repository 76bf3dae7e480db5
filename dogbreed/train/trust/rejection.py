"""Fit the rule that refuses photos without a dog, and compare the scores that it can use."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dogbreed.rejection import RejectionRule, score

REFUSED_DOGS = 0.01
# Of the scores that learn; docs/experiments.md compares others.
STRENGTH = 1e-2
HIDDEN_UNITS, DECAY, MLP_EPOCHS = 64, 1.0, 40
# One alone depends on its random start: what it rejects varies by two points.
MLPS = 3
FOLDS = 5
# Fewer negatives cannot be split into folds.
MIN_NEGATIVES = FOLDS
# A score that is not surely better than this is no evidence; 0.5 is that of a coin.
MIN_AUROC = 0.6
# More than the 2.4 of 95 % for the best of three scores (Bonferroni): of a dozen negatives the
# formula makes the interval too narrow.
_STANDARD_ERRORS = 3.0

# What a network answers to some photos: logits, float of shape (N, num_classes), and pooled
# features, float of shape (N, channels).
Answers = tuple[np.ndarray, np.ndarray]
Arrays = Mapping[str, np.ndarray]
# See `fit_rejection`.
Found = tuple[RejectionRule, list[dict], str]


@dataclass(frozen=True)
class Learned:
    """Pooled features that scores learn from.

    Attributes:
        dogs: float array of shape (N, channels), photos of dogs in some views.
        negatives: The same of photos without a dog, first all photos in one view, then all in the
            next.
    """

    dogs: np.ndarray
    negatives: np.ndarray


def fit_rejection(
    learned: Learned | None,
    settling: Answers,
    negatives: Answers | None,
    *,
    copies: int = 1,
    seed: int,
) -> Found:
    """Fit every score, keep the one that separates best, set threshold and probability.

    The threshold refuses 1 % of the settling dogs, which no score has seen. A score is judged on
    negatives that it has not seen, by cross-validation. Without negatives, or if no score separates
    them from dogs with certainty, there is no probability, and the energy is used, which needs no
    negatives.

    Args:
        learned: What scores learn from; not needed without negatives.
        settling: Answers to photos of dogs that neither network nor score has seen.
        negatives: Answers to the negatives that scores learn from, if there are any.
        copies: Of how many copies of each photo the answers are, first all photos in one copy, then
            all in the next. Copies that differ in size, sharpness and compression keep the
            threshold from depending on these.
        seed: Decides folds and start weights.

    Returns:
        The rule; a row for each score, `method`, `auroc`, and `refused`, the share of negatives
        below a threshold that refuses 1 % of the dogs, both in 0..1, no rows without negatives;
        and why negatives were not used, empty if they were or there are none.
    """
    by_energy = RejectionRule("energy", {}, least_accepted(score("energy", {}, *settling)))
    if negatives is None or learned is None:
        return by_energy, [], ""
    count = len(negatives[0]) // copies
    if count < MIN_NEGATIVES or min(len(learned.dogs), len(settling[0]) // copies) < FOLDS:
        return by_energy, [], f"{count} are too few to learn from"
    folds = np.random.default_rng(seed).permutation(np.arange(count) % FOLDS)
    fitted: dict[str, tuple[Arrays, np.ndarray, np.ndarray]] = {
        "energy": ({}, score("energy", {}, *settling), score("energy", {}, *negatives))
    }
    for method, fit in _LEARNING.items():
        arrays, unseen = fit(learned.dogs, learned.negatives, seed), np.empty(len(negatives[0]))
        for fold in range(FOLDS):
            kept = np.tile(folds != fold, len(learned.negatives) // count)
            others = fit(learned.dogs, learned.negatives[kept], seed)
            here = np.tile(folds == fold, copies)
            unseen[here] = score(method, others, *(part[here] for part in negatives))
        fitted[method] = arrays, score(method, arrays, *settling), unseen
    measured = {method: separation(*scores) for method, (_, *scores) in fitted.items()}
    rows = [{"method": method, **each} for method, each in measured.items()]
    best = max(fitted, key=lambda method: (measured[method]["auroc"], measured[method]["refused"]))
    chosen, of_dogs, of_negatives = fitted[best]
    scale, offset = _fit_probability(of_dogs, of_negatives)
    least = least_auroc(measured[best]["auroc"], len(of_dogs) // copies, count)
    if least <= MIN_AUROC or scale <= 0:
        return by_energy, rows, f"no score separates the {count} from the others with certainty"
    return RejectionRule(best, chosen, least_accepted(of_dogs), scale, offset), rows, ""


def separation(of_dogs: np.ndarray, of_negatives: np.ndarray) -> dict[str, float]:
    """Measure how well scores separate dogs from negatives.

    Returns:
        `auroc`, and `refused`, the share of negatives below a threshold that refuses 1 % of the
        dogs; both in 0..1.
    """
    truth = np.repeat([1, 0], [len(of_dogs), len(of_negatives)])
    return {
        "auroc": float(roc_auc_score(truth, np.concatenate([of_dogs, of_negatives]))),
        "refused": float((of_negatives < np.quantile(of_dogs, REFUSED_DOGS)).mean()),
    }


def least_accepted(of_dogs: np.ndarray) -> float:
    """Return the threshold below which a new dog's score falls with a probability of 1 %.

    That is the ⌊(n + 1) / 100⌋-th smallest of n scores; with fewer than 99, the smallest.
    """
    rank = max(int((len(of_dogs) + 1) * REFUSED_DOGS), 1)
    return float(np.sort(of_dogs)[rank - 1])


def least_auroc(auroc: float, dogs: int, negatives: int) -> float:
    """Return the lower end of the interval of the best AUROC (Hanley and McNeil 1982)."""
    of_negatives, of_dogs = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    variance = auroc * (1 - auroc)
    variance += (dogs - 1) * (of_negatives - auroc**2) + (negatives - 1) * (of_dogs - auroc**2)
    return float(auroc - _STANDARD_ERRORS * np.sqrt(max(variance, 0) / (dogs * negatives)))


def _fit_logistic(dogs: np.ndarray, negatives: np.ndarray, seed: int) -> Arrays:
    """Fit the linear score."""
    # There are far more dogs than negatives.
    linear = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    scaler, examples, is_dog = _standardized(dogs, negatives)
    linear.fit(examples, is_dog)
    weights = linear.coef_[0] / scaler.scale_
    bias = linear.intercept_[0] - weights @ scaler.mean_
    return {"weights": weights.astype(np.float32), "bias": np.asarray(bias, np.float32)}


def _fit_mlp(dogs: np.ndarray, negatives: np.ndarray, seed: int) -> Arrays:
    """Fit the score with a hidden layer: the mean of `MLPS` networks, which is one wider network.

    Each stops when a tenth of the photos, drawn for it, gain no more.
    """
    scaler, examples, is_dog = _standardized(dogs, negatives)
    hidden, hidden_bias, weights, bias = [], [], [], 0.0
    for number in range(MLPS):
        network = MLPClassifier(
            (HIDDEN_UNITS,),
            alpha=DECAY,
            early_stopping=True,
            max_iter=MLP_EPOCHS,
            random_state=MLPS * seed + number,
        )
        with warnings.catch_warnings():
            # That it may stop before it converges is intended.
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(examples, is_dog)
        hidden.append(network.coefs_[0] / scaler.scale_[:, None])
        hidden_bias.append(network.intercepts_[0] - scaler.mean_ @ hidden[-1])
        weights.append(network.coefs_[1][:, 0] / MLPS)
        bias += network.intercepts_[1][0] / MLPS
    return {
        "hidden_weights": np.concatenate(hidden, axis=1, dtype=np.float32),
        "hidden_bias": np.concatenate(hidden_bias, dtype=np.float32),
        "weights": np.concatenate(weights, dtype=np.float32),
        "bias": np.asarray(bias, np.float32),
    }


# The scores that learn.
_LEARNING: dict[str, Callable[[np.ndarray, np.ndarray, int], Arrays]] = {
    "logistic": _fit_logistic,
    "mlp": _fit_mlp,
}


def _standardized(
    dogs: np.ndarray, negatives: np.ndarray
) -> tuple[StandardScaler, np.ndarray, np.ndarray]:
    """Return a scaler, the features scaled by it, dogs first, and which of them are dogs."""
    examples = np.concatenate([dogs, negatives]).astype(np.float32)
    scaler = StandardScaler().fit(examples)
    return scaler, scaler.transform(examples), np.arange(len(examples)) < len(dogs)


def _fit_probability(of_dogs: np.ndarray, of_negatives: np.ndarray) -> tuple[float, float]:
    """Fit scale and offset of the probability, as if half of all photos showed a dog."""
    scores = np.concatenate([of_dogs, of_negatives])[:, None]
    is_dog = np.arange(len(scores)) < len(of_dogs)
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    model.fit(scores, is_dog)
    scale = float(model[1].coef_[0, 0] / model[0].scale_[0])
    return scale, float(model[1].intercept_[0] - scale * model[0].mean_[0])
