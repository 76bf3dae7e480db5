"""Evaluations whose answers the tests choose."""

import numpy as np

from dogbreed.train.measure.metrics import Evaluation

NAMES = ("Beagle", "Boxer", "Briard", "Pug")


def evaluation(ranked: list[tuple[int, list[int]]], **fields: object) -> Evaluation:
    """Make an evaluation of (true class, classes from most to least probable) of each photo.

    Without further `fields` it is that of a bundle that says nothing about trust.
    """
    count = len(ranked)
    logits = np.zeros((count, len(NAMES)), np.float32)
    for row, (_, order) in enumerate(ranked):
        logits[row, order] = np.arange(len(NAMES), 0, -1)
    given = {
        "names": NAMES,
        "skipped": [],
        "temperature": 1.0,
        "set_sizes": np.zeros(count, int),
        "dog_scores": np.full(count, np.nan),
        "refused": np.zeros(count, bool),
        **fields,
    }
    labels = np.array([true for true, _ in ranked])
    return Evaluation(logits=logits, labels=labels, rows=np.arange(count), **given)


def known(**fields: object) -> Evaluation:
    """Beagle: right, right, second, last; Boxer: second (Beagle first); Pug: right."""
    ranked = [
        (0, [0, 1, 2, 3]),
        (0, [0, 1, 2, 3]),
        (0, [1, 0, 2, 3]),
        (0, [1, 2, 3, 0]),
        (1, [0, 1, 2, 3]),
        (3, [3, 1, 2, 0]),
    ]
    return evaluation(ranked, **fields)


def trusted(**fields: object) -> Evaluation:
    """The same of a bundle with temperature, sets and rejection."""
    given = {
        "temperature": 0.5,
        "set_sizes": np.array([1, 2, 1, 4, 2, 1]),
        "dog_scores": np.array([0.99, 0.9, 0.95, 0.2, 0.97, 0.6]),
        "refused": np.array([False, False, False, True, False, False]),
    }
    return known(**{**given, **fields})


def negatives() -> Evaluation:
    """Four photos without a dog, taken for Pug, Pug, Boxer and Pug; the third is let through."""
    return evaluation(
        [(-1, [3, 0, 1, 2]), (-1, [3, 0, 1, 2]), (-1, [1, 0, 2, 3]), (-1, [3, 0, 1, 2])],
        temperature=0.5,
        set_sizes=np.ones(4, int),
        dog_scores=np.array([0.1, 0.3, 0.95, 0.05]),
        refused=np.array([True, True, False, True]),
        groups=["cat", "things", "cat", "cat"],
    )
