"""Ask the network that serves about the photos of a split, wherever it answers."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from dogbreed.bundle import Bundle
from dogbreed.classifier import DogBreedClassifier, Prediction
from dogbreed.errors import DatasetError
from dogbreed.train.data.photos import Photos
from dogbreed.train.measure.metrics import Evaluation
from dogbreed.train.network.views import PLAIN
from dogbreed.train.trust.rejection import Answers

if TYPE_CHECKING:
    from dogbreed.train.network.served import Ask, Served

# WordNet orders its nouns by kind: the last number of each stretch of ImageNet's classes.
_IMAGENET_GROUPS = (
    (2_085_373, "other animals"),
    (2_113_978, "dogs"),
    (2_120_505, "wolves and foxes"),
    (2_130_308, "cats, wild and tame"),
    (2_666_195, "other animals"),
    (7_499_999, "things"),
    (7_999_999, "food"),
    (9_799_999, "places"),
    (10_999_999, "people"),
    (13_999_999, "plants and fungi"),
    (99_999_999, "things"),
)


def evaluate(
    classifier: DogBreedClassifier, ask: "Ask", photos: Photos, sources: Sequence[str] = ()
) -> Evaluation:
    """Measure a classifier on every photo.

    Photos that cannot be decoded are left out and named.

    Args:
        classifier: The classifier.
        ask: Its network, which answers.
        photos: Labeled photos.
        sources: Where each of them is from, if that is known.

    Raises:
        DatasetError: The photos have classes that the classifier does not know, or none of them
            can be decoded.
        BundleError: The network does not answer with numbers.
    """
    labels = match_labels(classifier.bundle, photos)
    answers, rows, skipped = _predict(classifier, ask, photos, np.arange(len(photos)))
    groups = [sources[row] for row in rows] if sources else []
    return _evaluation(classifier, answers, labels[rows], rows, skipped, groups)


def evaluate_negatives(
    classifier: DogBreedClassifier, ask: "Ask", negatives: Photos, rows: np.ndarray
) -> Evaluation:
    """Measure a classifier on some of the photos without a dog; see `evaluate`."""
    answers, rows, skipped = _predict(classifier, ask, negatives, rows)
    labels = np.full(len(rows), -1)
    groups = [group_of(negatives.label_names[negatives.labels[row]]) for row in rows]
    return _evaluation(classifier, answers, labels, rows, skipped, groups)


def _predict(
    classifier: DogBreedClassifier, ask: "Ask", photos: Photos, asked: np.ndarray
) -> tuple[list[Prediction], np.ndarray, list[str]]:
    """Return the answers, the rows of the photos, and the names of those that were skipped."""
    answers, rows, skipped = [], [], []
    for row, answer in _ask_each(ask, photos, asked):
        if answer is None:
            skipped.append(photos.describe(row))
            continue
        logits, features = answer
        # Where in the photo the evidence is does not matter here.
        answers.append(classifier.interpret(logits[None, None], features, top_k=1))
        rows.append(row)
    if not rows:
        raise DatasetError(f"No photo of {photos.split} can be decoded; choose another dataset.")
    return answers, np.array(rows), skipped


def _evaluation(
    classifier: DogBreedClassifier,
    answers: list[Prediction],
    labels: np.ndarray,
    rows: np.ndarray,
    skipped: list[str],
    groups: Iterable[str] = (),
) -> Evaluation:
    return Evaluation(
        np.array([answer.logits for answer in answers], np.float32),
        labels,
        rows,
        classifier.names,
        skipped,
        temperature=classifier.bundle.config["temperature"],
        set_sizes=np.array([len(answer.prediction_set) for answer in answers]),
        dog_scores=np.array([answer.dog_score for answer in answers], float),
        refused=np.array([not answer.looks_like_dog for answer in answers]),
        groups=list(groups),
    )


def serve(
    ask: "Ask",
    photos: Photos,
    rows: np.ndarray,
    views: Sequence[str] = (PLAIN,),
    seed: int = 0,
) -> tuple[np.ndarray, Answers]:
    """Ask a network about some photos.

    Args:
        ask: The network of a bundle that training has exported, which need not be complete.
        photos: Photos of a split.
        rows: Which of them.
        views: How they are shown, see `views`.
        seed: Decides random views.

    Returns:
        The rows of the photos that can be decoded, and the answers to these in the first view, then
        in the second, and so on.
    """
    served, logits, pooled = [], [], []
    for row, answer in _ask_each(ask, photos, rows, views, seed):
        if answer is not None:
            of_classes, features = answer
            assert features is not None, "what training exports gives them"
            served.append(row)
            logits.append(of_classes)
            pooled.append(features[0])
    answers = np.array(logits), np.array(pooled, np.float32)
    return np.array(served[: len(served) // len(views)], int), answers


def _ask_each(
    ask: "Ask", photos: Photos, rows: np.ndarray, views: Sequence[str] = (PLAIN,), seed: int = 0
) -> Iterator[tuple[int, "Served"]]:
    """Yield the row of each photo and the answer, view by view; show how far it is."""
    asked = [(view, int(row)) for view, row in itertools.product(views, rows)]
    shown = ((photos.encoded(row), view, (seed, row)) for view, row in asked)
    answers = tqdm(ask(shown), f"Answering {photos.split}", len(asked), unit="photo")
    for (_, row), answer in zip(asked, answers, strict=True):
        yield row, answer


def group_of(name: str) -> str:
    """Say what kind of thing a photo shows: ImageNet's classes in a few groups, else the name."""
    match = re.match(r"n(\d{8})[-_]", name)
    if not match:
        return name
    return next(group for last, group in _IMAGENET_GROUPS if int(match[1]) <= last)


def match_labels(bundle: Bundle, photos: Photos) -> np.ndarray:
    """Find the bundle's class number of each photo; classes are matched by the data's label.

    Raises:
        DatasetError: The bundle lacks a class that the photos have.
    """
    used = sorted(set(photos.labels.tolist()))
    label2id = bundle.config["label2id"]
    unknown = [photos.label_names[i] for i in used if photos.label_names[i] not in label2id]
    if unknown:
        raise DatasetError(
            f"The model does not know {len(unknown)} of the dataset's classes "
            f"({', '.join(unknown[:5])}{' …' if len(unknown) > 5 else ''}); "
            "evaluate it on data with its own labels."
        )
    table = np.full(len(photos.label_names), -1, dtype=np.int64)
    for number in used:
        table[number] = label2id[photos.label_names[number]]
    return table[photos.labels]
