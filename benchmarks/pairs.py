"""A logistic regression for each pair of similar breeds, asked where these two come first."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

Pair = tuple[int, int]


def confused_pairs(logits: np.ndarray, truth: np.ndarray, count: int) -> list[Pair]:
    """Return the pairs of classes that are taken for one another most often.

    Args:
        logits: Of photos that the head was not fitted on, (N, num_classes).
        truth: Their class numbers, (N,).
        count: Pairs at most.
    """
    answers, classes = logits.argmax(axis=1), logits.shape[1]
    wrong = answers != truth
    table = np.zeros((classes, classes), int)
    np.add.at(table, (truth[wrong], answers[wrong]), 1)
    both = np.triu(table + table.T)
    order = np.argsort(both, axis=None, kind="stable")[::-1][:count]
    return [divmod(int(place), classes) for place in order if both.flat[place]]


def fit_pairs(
    pairs: list[Pair], features: np.ndarray, labels: np.ndarray, strength: float
) -> dict[Pair, Pipeline]:
    """Fit a regression for each pair.

    Args:
        pairs: Class numbers, the smaller one first.
        features: Of the photos to fit on, (N, channels).
        labels: Their class numbers, (N,).
        strength: scikit-learn's C.
    """
    fitted = {}
    for pair in pairs:
        rows = np.isin(labels, pair)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
        fitted[pair] = model.fit(features[rows], labels[rows])
    return fitted


def decide(fitted: dict[Pair, Pipeline], features: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return the logits with the first two shared out anew where they are a pair.

    What both have together stays as it is; half of the odds is the pair's, half the head's.
    """
    result = logits.astype(float)
    first_two = np.sort(np.argsort(logits, axis=1)[:, -2:], axis=1)
    for row, (low, high) in enumerate(first_two):
        model = fitted.get((int(low), int(high)))
        if model is not None:
            odds = float(model.decision_function(features[row : row + 1])[0])
            together = np.logaddexp(result[row, low], result[row, high])
            odds = (odds + result[row, high] - result[row, low]) / 2
            result[row, [low, high]] = together - np.logaddexp(0, [odds, -odds])
    return result
