"""Fit the detector of photos without a dog, and compare the scores it may use."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dogbreed.rejection import RejectionRule, score

REFUSED_DOGS = 0.01
STRENGTHS = (1e-4, 1e-3, 1e-2)
FOLDS = 5


@dataclass(frozen=True)
class Answers:
    """What a network says of some photos.

    Attributes:
        logits: float array of shape (N, num_classes).
        features: float array of shape (N, channels), pooled.
    """

    logits: np.ndarray
    features: np.ndarray

    def select(self, rows: np.ndarray) -> "Answers":
        return Answers(self.logits[rows], self.features[rows])


def fit_detector(
    dogs: Answers, validation: Answers, negatives: Answers | None, seed: int
) -> tuple[RejectionRule, list[dict]]:
    """Fit every score, keep the one that tells best, set threshold and probability.

    The threshold refuses 1 % of the validation dogs. With negatives, a score that learns from them
    is judged on those that it has not seen, by cross-validation. Without, the energy is kept.

    Args:
        dogs: Photos of dogs that the network was trained on.
        validation: Photos of dogs that it was not trained on.
        negatives: Photos without a dog, if there are any.
        seed: Of the folds.

    Returns:
        The detector, and a row for each score: `method`, `auroc` and `refused`, the share of
        negatives below the threshold, both in 0..1; no rows without negatives.
    """
    if negatives is None:
        # There is nothing to fit a probability to.
        of_dogs = score("energy", {}, validation.logits, None)
        return RejectionRule("energy", {}, _least_accepted(of_dogs)), []
    fitted: dict[str, tuple[Mapping[str, np.ndarray], np.ndarray, np.ndarray]] = {}
    fitted["energy"] = (
        {},
        score("energy", {}, validation.logits, None),
        score("energy", {}, negatives.logits, None),
    )
    fitted["logistic"] = _fit_logistic(dogs, validation, negatives, seed)
    rows = [
        {"method": method, **separation(of_dogs, of_others)}
        for method, (_, of_dogs, of_others) in fitted.items()
    ]
    best = max(rows, key=lambda row: (row["auroc"], row["refused"]))["method"]
    arrays, of_dogs, of_others = fitted[best]
    scale, offset = _fit_probability(of_dogs, of_others)
    return RejectionRule(best, arrays, _least_accepted(of_dogs), scale, offset), rows


def separation(of_dogs: np.ndarray, of_others: np.ndarray) -> dict[str, float]:
    """How well scores tell dogs from others: `auroc`, and `refused` at 1 % of the dogs refused."""
    truth = np.repeat([1, 0], [len(of_dogs), len(of_others)])
    return {
        "auroc": float(roc_auc_score(truth, np.concatenate([of_dogs, of_others]))),
        "refused": float((of_others < _least_accepted(of_dogs)).mean()),
    }


def _fit_logistic(
    dogs: Answers, validation: Answers, negatives: Answers, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Arrays of the linear score, and the scores of validation dogs and of unseen negatives."""
    examples = np.concatenate([dogs.features, negatives.features]).astype(np.float64)
    is_dog = np.arange(len(examples)) < len(dogs.features)
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
    of_dogs = score("logistic", arrays, validation.logits, validation.features)
    return arrays, of_dogs, scores[~is_dog]


def _logistic(strength: float):
    # There are far more dogs than other photos.
    linear = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
    return make_pipeline(StandardScaler(), linear)


def _fit_probability(of_dogs: np.ndarray, of_others: np.ndarray) -> tuple[float, float]:
    """Scale and offset that make a probability of a score, dogs as likely as others beforehand."""
    scores = np.concatenate([of_dogs, of_others])[:, None]
    is_dog = np.arange(len(scores)) < len(of_dogs)
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    model.fit(scores, is_dog)
    scale = float(model[1].coef_[0, 0] / model[0].scale_[0])
    return scale, float(model[1].intercept_[0] - scale * model[0].mean_[0])


def _least_accepted(of_dogs: np.ndarray) -> float:
    return float(np.quantile(of_dogs, REFUSED_DOGS))
