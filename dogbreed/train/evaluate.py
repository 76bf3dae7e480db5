"""How good a model is: accuracy, per breed, and what it takes for what."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from dogbreed.bundle import Bundle
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import BundleError, DatasetError, InvalidImageError
from dogbreed.train.data import Photos


@dataclass(frozen=True)
class Evaluation:
    """What a network answered to labelled photos.

    Attributes:
        logits: float32 array of shape (N, num_classes).
        labels: int64 array of shape (N,), the true class numbers.
        rows: int64 array of shape (N,), which photos these are.
        names: The name for people of each class number.
        skipped: How the photos that could not be decoded are called.
    """

    logits: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    names: tuple[str, ...]
    skipped: list[str]

    def answers(self) -> np.ndarray:
        """int64 array of shape (N,): the most probable class of each photo."""
        return self.logits.argmax(axis=1)

    def ranks(self) -> np.ndarray:
        """int64 array of shape (N,): how many classes are more probable than the true one."""
        true = np.take_along_axis(self.logits, self.labels[:, None], axis=1)
        return (self.logits > true).sum(axis=1)


def evaluate(classifier: DogBreedClassifier, photos: Photos) -> Evaluation:
    """Ask a classifier about every photo, with the network that serves.

    Photos that cannot be decoded are left out and named.

    Raises:
        DatasetError: The photos have classes that the classifier does not know.
        BundleError: The network does not answer with numbers.
    """
    labels = match_labels(classifier.bundle, photos)
    logits, rows, skipped = [], [], []
    for row in tqdm(range(len(photos)), desc=f"Evaluating on {photos.split}", unit="photo"):
        try:
            evidence = classifier.evidence_map(photos.encoded(row))
        except InvalidImageError:
            skipped.append(photos.describe(row))
            continue
        logits.append(evidence.mean(axis=(0, 1)))
        rows.append(row)
    if not rows:
        raise DatasetError(f"No photo of {photos.split} can be decoded; choose another dataset.")
    rows, logits = np.array(rows), np.stack(logits)
    if not np.isfinite(logits).all():
        raise BundleError(
            f"The network of {classifier.bundle.path} answers with NaN; train it again."
        )
    return Evaluation(logits, labels[rows], rows, classifier.names, skipped)


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
