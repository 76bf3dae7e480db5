"""How good a model is: accuracy, how true its probabilities are, what it takes for what."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from dogbreed.bundle import Bundle
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import BundleError, DatasetError, InvalidImageError
from dogbreed.train.photos import Photos
from dogbreed.train.probabilities import calibration_error, probabilities
from dogbreed.train.rejection import separation

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


@dataclass(frozen=True)
class Evaluation:
    """What a network answered to labelled photos.

    Attributes:
        logits: float32 array of shape (N, num_classes).
        labels: int64 array of shape (N,), the true class numbers.
        rows: int64 array of shape (N,), which photos these are.
        names: The name for people of each class number.
        skipped: How the photos that could not be decoded are called.
        temperature: What the logits are divided by for probabilities.
        set_sizes: int64 array of shape (N,), how many labels each prediction set has, 0 if none.
        is_dog: float64 array of shape (N,), the rejection score, NaN if the bundle has no rule.
        refused: bool array of shape (N,), what is said to show no dog.
    """

    logits: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    names: tuple[str, ...]
    skipped: list[str]
    temperature: float = 1.0
    set_sizes: np.ndarray | None = None
    is_dog: np.ndarray | None = None
    refused: np.ndarray | None = None

    def answers(self) -> np.ndarray:
        """int64 array of shape (N,): the most probable class of each photo."""
        return self.logits.argmax(axis=1)

    def ranks(self) -> np.ndarray:
        """int64 array of shape (N,): how many classes are more probable than the true one."""
        true = np.take_along_axis(self.logits, self.labels[:, None], axis=1)
        return (self.logits > true).sum(axis=1)


@dataclass(frozen=True)
class Detection:
    """What a network says of photos without a dog.

    Attributes:
        is_dog: float64 array of shape (N,), the rejection score.
        refused: bool array of shape (N,), what is said to show no dog.
        groups: What each photo shows.
        answers: The most probable breed of each photo.
    """

    is_dog: np.ndarray
    refused: np.ndarray
    groups: list[str]
    answers: list[str]


def evaluate(classifier: DogBreedClassifier, photos: Photos) -> Evaluation:
    """Ask a classifier about every photo, with the network that serves.

    Photos that cannot be decoded are left out and named.

    Raises:
        DatasetError: The photos have classes that the classifier does not know.
        BundleError: The network does not answer with numbers.
    """
    labels = match_labels(classifier.bundle, photos)
    answers, rows, skipped = [], [], []
    for row in tqdm(range(len(photos)), desc=f"Evaluating on {photos.split}", unit="photo"):
        try:
            answers.append(classifier.predict(photos.encoded(row), top_k=1))
        except InvalidImageError:
            skipped.append(photos.describe(row))
            continue
        rows.append(row)
    if not rows:
        raise DatasetError(f"No photo of {photos.split} can be decoded; choose another dataset.")
    rows, logits = np.array(rows), np.stack([answer.logits for answer in answers])
    if not np.isfinite(logits).all():
        raise BundleError(
            f"The network of {classifier.bundle.path} answers with NaN; train it again."
        )
    return Evaluation(
        logits,
        labels[rows],
        rows,
        classifier.names,
        skipped,
        temperature=classifier.bundle.config["temperature"],
        set_sizes=np.array([len(answer.prediction_set) for answer in answers]),
        is_dog=np.array([answer.dog_score for answer in answers], float),
        refused=np.array([not answer.looks_like_dog for answer in answers]),
    )


def detect(classifier: DogBreedClassifier, negatives: Photos, rows: np.ndarray) -> Detection:
    """Ask a classifier about photos without a dog; those that cannot be decoded are left out."""
    answers, groups = [], []
    for row in tqdm(rows, desc="Evaluating on photos without a dog", unit="photo"):
        try:
            answers.append(classifier.predict(negatives.encoded(row), top_k=1))
        except InvalidImageError:
            continue
        groups.append(group_of(negatives.label_names[negatives.labels[row]]))
    if not answers:
        raise DatasetError("No photo without a dog can be decoded; choose another dataset.")
    return Detection(
        np.array([answer.dog_score for answer in answers], float),
        np.array([not answer.looks_like_dog for answer in answers]),
        groups,
        [answer.labels[0] for answer in answers],
    )


def group_of(name: str) -> str:
    """What kind of thing a photo shows: ImageNet's classes in a few groups, other names as is."""
    match = re.match(r"n(\d{8})[-_]", name)
    if not match:
        return name
    return next(group for last, group in _IMAGENET_GROUPS if int(match[1]) <= last)


def match_labels(bundle: Bundle, photos: Photos) -> np.ndarray:
    """The bundle's class number of each photo; labels are matched by the data's name.

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


def accuracy(evaluation: Evaluation) -> dict[str, float]:
    """Shares in 0..1: `top_1`, `top_3`, and `macro_top_1`, the mean over the breeds of theirs."""
    ranks = evaluation.ranks()
    per_breed = [(ranks[evaluation.labels == n] == 0).mean() for n in np.unique(evaluation.labels)]
    return {
        "top_1": float((ranks == 0).mean()),
        "top_3": float((ranks < 3).mean()),
        "macro_top_1": float(np.mean(per_breed)),
    }


def figures(evaluation: Evaluation) -> dict[str, float]:
    """All that is said of labelled photos: `accuracy`, and as far as the bundle can tell

    - `ece` and `ece_untempered`, the calibration error with and without the temperature,
    - `set_coverage` in 0..1 and `set_size`, the mean, of the prediction sets,
    - `dogs_refused`, the share of dogs that are taken for none.
    """
    found = accuracy(evaluation)
    for name, temperature in (("ece", evaluation.temperature), ("ece_untempered", 1.0)):
        told = probabilities(evaluation.logits, temperature)
        found[name] = calibration_error(told, evaluation.labels)
    if evaluation.set_sizes.any():
        found["set_coverage"] = float((evaluation.ranks() < evaluation.set_sizes).mean())
        found["set_size"] = float(evaluation.set_sizes.mean())
    if np.isfinite(evaluation.is_dog).all():
        found["dogs_refused"] = float(evaluation.refused.mean())
    return found


def detection_figures(dogs: Evaluation, others: Detection) -> dict[str, float]:
    """How well dogs are told from others.

    Returns:
        `is_dog_auroc`; `not_dogs_refused` with the bundle's own threshold; and
        `not_dogs_refused_at_1`, with one that refuses 1 % of these dogs. All in 0..1.
    """
    measured = separation(dogs.is_dog, others.is_dog)
    return {
        "is_dog_auroc": measured["auroc"],
        "not_dogs_refused": float(others.refused.mean()),
        "not_dogs_refused_at_1": measured["refused"],
    }


def refused_by_group(others: Detection) -> list[dict]:
    """A row for each kind of thing: photos, how many are refused, what the rest is taken for."""
    rows = []
    for group in sorted(set(others.groups)):
        here = [number for number, name in enumerate(others.groups) if name == group]
        passed = [others.answers[number] for number in here if not others.refused[number]]
        rows.append(
            {
                "group": group,
                "photos": len(here),
                "refused": len(here) - len(passed),
                "taken_for": ", ".join(sorted(set(passed))),
            }
        )
    return sorted(rows, key=lambda row: (row["refused"] / row["photos"], row["group"]))


def per_breed(evaluation: Evaluation) -> list[dict]:
    """A row for each breed in the data, worst first: count, top-1, top-3, most frequent mistake."""
    ranks, answers = evaluation.ranks(), evaluation.answers()
    rows = []
    for number in np.unique(evaluation.labels):
        here = evaluation.labels == number
        wrong = answers[here & (answers != number)]
        rows.append(
            {
                "breed": evaluation.names[number],
                "photos": int(here.sum()),
                "top_1": round(float((ranks[here] == 0).mean()), 4),
                "top_3": round(float((ranks[here] < 3).mean()), 4),
                "taken_for": evaluation.names[np.bincount(wrong).argmax()] if len(wrong) else "",
            }
        )
    return sorted(rows, key=lambda row: (row["top_1"], row["breed"]))


def confused_pairs(evaluation: Evaluation, most: int = 20) -> list[dict]:
    """The pairs of breeds that are mixed up most often, in both directions together."""
    answers = evaluation.answers()
    counts: dict[tuple[int, int], list[int]] = {}
    for true, answer in zip(evaluation.labels.tolist(), answers.tolist(), strict=True):
        if true != answer:
            pair = (min(true, answer), max(true, answer))
            counts.setdefault(pair, [0, 0])[true > answer] += 1
    ordered = sorted(counts.items(), key=lambda item: (-sum(item[1]), item[0]))
    return [
        {
            "breed": evaluation.names[first],
            "other": evaluation.names[second],
            "mistakes": sum(both),
            "breed_taken_for_other": both[0],
            "other_taken_for_breed": both[1],
        }
        for (first, second), both in ordered[:most]
    ]


def write_tables(evaluation: Evaluation, folder: Path) -> None:
    """Write per_breed.csv and confusion.csv."""
    write_csv(folder / "per_breed.csv", per_breed(evaluation))
    pairs = confused_pairs(evaluation) or [{"breed": "", "other": "", "mistakes": 0}]
    write_csv(folder / "confusion.csv", pairs)


def write_csv(path: Path, rows: list[dict]) -> None:
    """Write rows that have the same fields as CSV with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
