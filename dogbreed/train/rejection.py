"""Fit the rule that refuses photos without a dog, and compare the scores that it can use."""

from collections.abc import Mapping

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from dogbreed.rejection import RejectionRule, score

REFUSED_DOGS = 0.01
STRENGTHS = (1e-4, 1e-3, 1e-2)
FOLDS = 5
# Fewer negatives cannot be split into folds.
MIN_NEGATIVES = FOLDS
# A score that is not surely better than this is no evidence; 0.5 is that of a coin.
MIN_AUROC = 0.6
_STANDARD_ERRORS = 1.96

# What a network answers to some photos: logits, float of shape (N, num_classes), and pooled
# features, float of shape (N, channels).
Answers = tuple[np.ndarray, np.ndarray]
Arrays = Mapping[str, np.ndarray]


def fit_rejection(
    dogs: Answers, negatives: Answers | None, seed: int
) -> tuple[RejectionRule, list[dict], str]:
    """Fit every score, keep the one that separates best, set threshold and probability.

    The threshold refuses 1 % of dogs that the score has not seen: a score that learns does so from
    one half of the dogs, and the other half settles. It is judged on negatives that it has not
    seen, by cross-validation. Without negatives, or if no score separates them from dogs with
    certainty, there is no probability, and the energy is used, which needs no negatives.

    Args:
        dogs: Answers to photos of dogs that the network was not trained on.
        negatives: Answers to photos without a dog, if there are any.
        seed: Decides halves and folds.

    Returns:
        The rule; a row for each score, `method`, `auroc`, and `refused`, the share of negatives
        below a threshold that refuses 1 % of the dogs, both in 0..1, no rows without negatives;
        and why negatives were not used, empty if they were or there are none.
    """
    by_energy = RejectionRule("energy", {}, least_accepted(score("energy", {}, *dogs)))
    if negatives is None:
        return by_energy, [], ""
    count = len(negatives[0])
    if count < MIN_NEGATIVES or len(dogs[0]) < 2 * FOLDS:
        return by_energy, [], f"{count} are too few to learn from"
    order = np.random.default_rng(seed).permutation(len(dogs[0]))
    learned, settling = (tuple(part[rows] for part in dogs) for rows in np.array_split(order, 2))
    arrays, unseen = _fit_logistic(learned[1], negatives[1], seed)
    fitted: dict[str, tuple[Arrays, np.ndarray, np.ndarray]] = {
        "energy": ({}, score("energy", {}, *settling), score("energy", {}, *negatives)),
        "logistic": (arrays, score("logistic", arrays, *settling), unseen),
    }
    measured = {method: separation(*scores) for method, (_, *scores) in fitted.items()}
    rows = [{"method": method, **each} for method, each in measured.items()]
    best = max(fitted, key=lambda method: (measured[method]["auroc"], measured[method]["refused"]))
    chosen, of_dogs, of_negatives = fitted[best]
    scale, offset = _fit_probability(of_dogs, of_negatives)
    least = least_auroc(measured[best]["auroc"], len(of_dogs), count)
    if least <= MIN_AUROC or scale <= 0:
        return by_energy, rows, f"no score separates the {count} from dogs with certainty"
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
    """Return the lower end of the 95 % interval of an AUROC (Hanley and McNeil 1982)."""
    of_negatives, of_dogs = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    variance = auroc * (1 - auroc)
    variance += (dogs - 1) * (of_negatives - auroc**2) + (negatives - 1) * (of_dogs - auroc**2)
    return float(auroc - _STANDARD_ERRORS * np.sqrt(max(variance, 0) / (dogs * negatives)))


def _fit_logistic(
    dogs: np.ndarray, negatives: np.ndarray, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the arrays of the linear score, and the scores of negatives as unseen ones."""
    examples = np.concatenate([dogs, negatives]).astype(np.float64)
    is_dog = np.arange(len(examples)) < len(dogs)
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(examples, is_dog))

    def unseen(strength: float) -> np.ndarray:
        scores = np.empty(len(examples))
        for fit_on, held_out in folds:
            model = _logistic(strength).fit(examples[fit_on], is_dog[fit_on])
            scores[held_out] = model.decision_function(examples[held_out])
        return scores

    tried = [(strength, unseen(strength)) for strength in STRENGTHS]
    strength, scores = max(tried, key=lambda item: roc_auc_score(is_dog, item[1]))
    model = _logistic(strength).fit(examples, is_dog)
    scaler, linear = model[0], model[1]
    weights = linear.coef_[0] / scaler.scale_
    bias = linear.intercept_[0] - weights @ scaler.mean_
    arrays = {"weights": weights.astype(np.float32), "bias": np.float32(bias)}
    return arrays, scores[~is_dog]


def _logistic(strength: float) -> Pipeline:
    # There are far more dogs than negatives.
    linear = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
    return make_pipeline(StandardScaler(), linear)


def _fit_probability(of_dogs: np.ndarray, of_negatives: np.ndarray) -> tuple[float, float]:
    """Fit scale and offset of the probability, as if half of all photos showed a dog."""
    scores = np.concatenate([of_dogs, of_negatives])[:, None]
    is_dog = np.arange(len(scores)) < len(of_dogs)
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    model.fit(scores, is_dog)
    scale = float(model[1].coef_[0, 0] / model[0].scale_[0])
    return scale, float(model[1].intercept_[0] - scale * model[0].mean_[0])
