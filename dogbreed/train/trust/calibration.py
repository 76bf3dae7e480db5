"""How far to trust an answer: temperature, prediction sets, and the refusal of other photos.

All of it is settled on answers of the network that serves, to photos that neither its head nor the
choice of its options has seen. For a head on frozen features these are out-of-fold answers: the
training photos are dealt into folds, a head is fitted without each fold, and answers the photos of
that fold (cross-conformal prediction, Vovk 2015, arXiv:1208.0806, for the sets). The photos go
through the exported network once, which gives its logits and its pooled features; the logits are
then those of the head that serves, and `with_head` replaces its share by that of the other head, so
that the rounding to 8 bits stays in them. Photos that chose the options do not settle anything.
Independent photos go first: those of the training set may all have been seen by the backbone. Where
blocks are trained too, or by the article's recipe, folds would cost as many trainings, so
some photos are kept out of all fits instead, and the network that serves answers them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from dogbreed.prediction_set import SetRule, ranked_scores
from dogbreed.rejection import RejectionRule
from dogbreed.subject import DOG, terms
from dogbreed.train.trust.rejection import Answers, Found

BINS = 15
COVERAGE = 0.95
# Of the prediction sets; see docs/experiments.md.
PENALTY = 0.1
FREE_RANKS = 1
# With fewer photos no score is exceeded by a new one with a probability of only 5 %.
MIN_PHOTOS = 19
# Where it was settled, as the card says it.
OUT_OF_FOLD = (
    "training photos, answered by the network that serves with heads that were fitted without them"
)
KEPT_OUT = "photos that were kept out of every fit, answered by the network that serves"
INDEPENDENT = "independent photos, which have nothing to do with those that it was trained on"


@dataclass(frozen=True)
class Trust:
    """How the answers of a network are to be read.

    Attributes:
        temperature: What the logits are divided by.
        sets: Rule of the prediction sets, None if there are too few photos to promise anything.
        rejection: Rule that refuses photos without a dog, None without any photos to settle it.
        photos: How many photos settled temperature and sets.
        dogs: How many photos settled the threshold of the rejection.
        settled_on: What they are.
        compared: A row for each score that the rejection could use, if there were negatives.
        notes: What a person should know about the choice.
    """

    temperature: float
    sets: SetRule | None
    rejection: RejectionRule | None
    photos: int
    dogs: int
    settled_on: str
    compared: list[dict]
    notes: list[str]

    def config(self) -> dict:
        """Return `temperature` and `thresholds` of config.json."""
        thresholds: dict[str, dict] = {}
        if self.rejection is not None:
            names = ("method", "threshold", "scale", "offset")
            fields = {name: getattr(self.rejection, name) for name in names}
            thresholds["is_dog"] = {n: value for n, value in fields.items() if value is not None}
        if self.sets is not None:
            thresholds["prediction_set"] = vars(self.sets)
        return {"temperature": self.temperature, "thresholds": thresholds}


def settle(
    logits: np.ndarray,
    labels: np.ndarray,
    found: Found | None,
    dogs: int,
    settled_on: str,
    subject: str = DOG,
) -> Trust:
    """Settle temperature and prediction sets, and join them with the rejection that was found.

    Args:
        logits: float array of shape (N, num_classes), answers to photos that the network has not
            seen.
        labels: int array of shape (N,), their classes.
        found: What `rejection.fit_rejection` returned; None if there was no photo.
        dogs: How many photos settled the threshold of the rejection.
        settled_on: What the photos are.
        subject: What the photos of the model show.
    """
    count = len(labels)
    notes: list[str] = []
    rejection, compared, unused = found if found else (None, [], "")
    if unused:
        words = terms(subject)
        notes.append(
            f"The {words.others} were not used ({unused}), so there is no probability that "
            f"a photo shows {words.shown}."
        )
    temperature, sets = 1.0, None
    if count < MIN_PHOTOS:
        notes.append(
            f"{count} photos are too few to settle probabilities and prediction sets on (at least "
            f"{MIN_PHOTOS}), so there are no prediction sets."
        )
    else:
        temperature = fit_temperature(logits, labels)
        sets = fit_sets(probabilities(logits, temperature), labels)
    return Trust(temperature, sets, rejection, count, dogs, settled_on, compared, notes)


def with_head(answers: Answers, served: list[np.ndarray], other: list[np.ndarray]) -> np.ndarray:
    """Return the logits as another head on the same features would have given them.

    Args:
        answers: Logits and pooled features of the network that serves.
        served, other: Kernel and bias of its head, and of the other one.
    """
    logits, pooled = answers
    return logits + pooled @ (other[0] - served[0]) + (other[1] - served[1])


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


def tempered_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy at the temperature where it is least; see `fit_temperature`."""
    scaled = log_softmax(logits.astype(np.float64) / fit_temperature(logits, labels), axis=1)
    return float(-scaled[np.arange(len(labels)), labels].mean())


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
        labels: int array of shape (N,); N is at least `MIN_PHOTOS`.
    """
    threshold = conformal_quantile(true_scores(probabilities, labels), COVERAGE)
    return SetRule(COVERAGE, threshold, PENALTY, FREE_RANKS)


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    """Return the score that a new one does not exceed with this probability.

    That is the ⌈(n + 1) × coverage⌉-th smallest of n (Vovk et al. 2005).

    Raises:
        ValueError: There are too few scores for that.
    """
    # Rounded, since 20 × 0.95 may come out a little above 19.
    rank = int(np.ceil(round((len(scores) + 1) * coverage, 9)))
    if rank > len(scores):
        raise ValueError(f"{len(scores)} scores are too few for a coverage of {coverage}")
    return float(np.sort(scores)[rank - 1])


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
