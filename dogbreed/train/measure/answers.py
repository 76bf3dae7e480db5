"""Ask the network that serves about the photos of a split."""

import contextlib
import itertools
import re
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from functools import partial

import numpy as np
from tqdm.auto import tqdm

from dogbreed.bundle import Bundle
from dogbreed.classifier import DogBreedClassifier, Prediction
from dogbreed.errors import BundleError, DatasetError, InvalidImageError
from dogbreed.runtime import Answer, Network
from dogbreed.train.data.photos import Photos
from dogbreed.train.measure.metrics import Evaluation
from dogbreed.train.network.views import PLAIN, draw_view
from dogbreed.train.trust.rejection import Answers

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
    classifier: DogBreedClassifier, photos: Photos, sources: Sequence[str] = ()
) -> Evaluation:
    """Ask a classifier about every photo, with the network that serves.

    Photos that cannot be decoded are left out and named.

    Args:
        classifier: The classifier.
        photos: Labeled photos.
        sources: Where each of them is from, if that is known.

    Raises:
        DatasetError: The photos have classes that the classifier does not know, or none of them
            can be decoded.
        BundleError: The network does not answer with numbers.
    """
    labels = match_labels(classifier.bundle, photos)
    answers, rows, skipped = _ask(classifier, photos, range(len(photos)))
    groups = [sources[row] for row in rows] if sources else []
    return _evaluation(classifier, answers, labels[rows], rows, skipped, groups)


def evaluate_negatives(
    classifier: DogBreedClassifier, negatives: Photos, rows: np.ndarray
) -> Evaluation:
    """Ask a classifier about some of the photos without a dog; see `evaluate`."""
    answers, rows, skipped = _ask(classifier, negatives, rows)
    labels = np.full(len(rows), -1)
    groups = [group_of(negatives.label_names[negatives.labels[row]]) for row in rows]
    return _evaluation(classifier, answers, labels, rows, skipped, groups)


def _ask(
    classifier: DogBreedClassifier, photos: Photos, asked: Iterable[int]
) -> tuple[list[Prediction], np.ndarray, list[str]]:
    """Return the answers, the rows of the photos, and the names of those that were skipped."""
    answers, rows, skipped = [], [], []
    asked = list(asked)
    photo = (photos.encoded(row) for row in asked)
    each = zip(asked, classifier.predict_each(photo, top_k=1), strict=True)
    for row, answer in tqdm(each, f"Evaluating on {photos.split}", len(asked), unit="photo"):
        if isinstance(answer, InvalidImageError):
            skipped.append(photos.describe(row))
        else:
            answers.append(answer)
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
    logits = np.stack([answer.logits for answer in answers])
    if not np.isfinite(logits).all():
        raise BundleError(
            f"The network of {classifier.bundle.path} answers with NaN; train it again."
        )
    return Evaluation(
        logits,
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
    bundle: Bundle,
    photos: Photos,
    rows: np.ndarray,
    views: Sequence[str] = (PLAIN,),
    seed: int = 0,
) -> tuple[np.ndarray, Answers]:
    """Ask the network of a bundle that is not yet complete.

    Args:
        bundle: Its network and its preprocessing are used.
        photos: Photos of a split.
        rows: Which of them.
        views: How they are shown, see `views`.
        seed: Decides random views.

    Returns:
        The rows of the photos that can be decoded, and the answers to these in the first view, then
        in the second, and so on.
    """
    network, config = Network(bundle), bundle.config
    size, resize = config["image_size"], config["preprocessing"]["resize"]
    waiting: deque[tuple[int, Future[Answer]]] = deque()
    served, logits, pooled = [], [], []

    def take() -> None:
        row, future = waiting.popleft()
        with contextlib.suppress(InvalidImageError):
            evidence, features = future.result()
            assert features is not None, "what training exports gives them"
            served.append(row)
            logits.append(evidence.mean(axis=(0, 1), dtype=np.float64))
            pooled.append(features[0])

    asked = tqdm(
        itertools.product(views, rows),
        desc=f"Answering {photos.split}",
        total=len(views) * len(rows),
        unit="photo",
    )
    for view, row in asked:
        if len(waiting) == network.window:
            take()
        frame = partial(draw_view, photos.encoded(row), view, size, resize, (seed, int(row)))
        waiting.append((row, network.submit(frame)))
    while waiting:
        take()
    classes, channels = len(bundle.names), network.channels
    return np.array(served[: len(served) // len(views)], int), (
        np.array(logits).reshape(-1, classes),
        np.array(pooled, np.float32).reshape(-1, channels),
    )


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
