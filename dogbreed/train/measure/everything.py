"""Measure a model on everything that there is: test photos, independent ones, negatives."""

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from dogbreed.classifier import DogBreedClassifier
from dogbreed.train.data.cuts import measured_on
from dogbreed.train.data.photos import Photos, report_skipped
from dogbreed.train.measure.answers import evaluate, evaluate_negatives
from dogbreed.train.measure.metrics import Results

if TYPE_CHECKING:
    from dogbreed.train.network.served import Ask

# More sources than this are not sources, but names of photos.
_MOST_SOURCES = 20


def measure(
    classifier: DogBreedClassifier,
    ask: "Ask",
    test: Photos,
    independent: Photos | None = None,
    negatives: Photos | None = None,
    neither: Photos | None = None,
) -> Results:
    """Ask a model about all photos, and name those that were skipped.

    Args:
        classifier: The model.
        ask: Its network, which answers.
        test: Test photos.
        independent: The measuring half of independent photos.
        negatives: Photos without a dog; the half that training leaves is used.
        neither: Photos that are neither.
    """
    elsewhere, unseen, drawn = None, None, None
    if independent is not None:
        elsewhere = evaluate(classifier, ask, independent, sources_of(independent))
    if negatives is not None:
        unseen = evaluate_negatives(classifier, ask, negatives, measured_on(negatives))
    if neither is not None:
        drawn = evaluate_negatives(classifier, ask, neither, np.arange(len(neither)))
    results = Results(evaluate(classifier, ask, test), elsewhere, unseen, drawn)
    for each in vars(results).values():
        report_skipped(each.skipped if each else [])
    return results


def sources_of(photos: Photos) -> list[str]:
    """Say where each photo is from: what stands before the last `-` of its file's name.

    Collections that were put together name their files like `gallery-0123.jpg`. If there is no such
    name for every photo, or more than 20 of them, all photos count as from one source, `all`.
    """
    names = [_prefix(photos.file_name(row)) for row in range(len(photos))]
    counts = Counter(names)
    if "" in counts or len(counts) > _MOST_SOURCES or min(counts.values()) < 2:
        return ["all"] * len(photos)
    return names


def _prefix(name: str) -> str:
    match = re.fullmatch(r"(.+)-[^-]*", name)
    return match[1] if match else ""
