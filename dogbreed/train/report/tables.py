"""What an evaluation found, as rows and as CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dogbreed.train.measure.metrics import Evaluation, dog_metrics
from dogbreed.train.resumable import History

# Steps of the least probability in `risk_over_coverage`.
_LEAST = np.append(np.arange(0, 1, 0.05), 0.99)


def per_breed(evaluation: Evaluation) -> list[dict]:
    """Make a row for each breed in the data, worst first.

    Returns:
        `breed`, `photos`, `top_1` and `top_3` in 0..1, `taken_for`, the most frequent mistake, and
        how many photos are `refused`.
    """
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
                "refused": int(evaluation.refused[here].sum()),
            }
        )
    return sorted(rows, key=lambda row: (row["top_1"], row["breed"]))


def confused_pairs(evaluation: Evaluation, most: int = 20) -> list[dict]:
    """Make a row for each pair of breeds that is confused, most often first.

    Args:
        evaluation: Answers to labeled photos.
        most: How many rows at most.

    Returns:
        `breed` and `other`, `mistakes` in both directions together, and in each direction
        `breed_taken_for_other` and `other_taken_for_breed`.
    """
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


def refused_by_group(negatives: Evaluation) -> list[dict]:
    """Make a row for each kind of negatives, the least refused first.

    Returns:
        `group`, `photos`, how many are `refused`, and what the rest is `taken_for`.
    """
    names = [negatives.names[number] for number in negatives.answers()]
    rows = []
    for group in sorted(set(negatives.groups)):
        here = [number for number, name in enumerate(negatives.groups) if name == group]
        passed = [names[number] for number in here if not negatives.refused[number]]
        rows.append(
            {
                "group": group,
                "photos": len(here),
                "refused": len(here) - len(passed),
                "taken_for": ", ".join(sorted(set(passed))),
            }
        )
    return sorted(rows, key=lambda row: (row["refused"] / row["photos"], row["group"]))


def by_source(evaluation: Evaluation) -> list[dict]:
    """Make a row of metrics for each source of labeled photos, and one for all of them.

    A promise that holds in the mean of all may not hold for each source.

    Returns:
        `source`, `photos`, and the metrics of `metrics.dog_metrics`.
    """
    sources = np.array(evaluation.groups)
    parts = [(name, evaluation.select(sources == name)) for name in sorted(set(sources.tolist()))]
    parts += [("all", evaluation)] if len(parts) > 1 else []
    return [
        {"source": name, "photos": len(part)}
        | {metric: round(value, 4) for metric, value in dog_metrics(part).items()}
        for name, part in parts
    ]


def risk_over_coverage(evaluation: Evaluation) -> list[dict]:
    """Make a row for each least probability of the first answer that one could ask for.

    Returns:
        `probability`, the `coverage`, the share of accepted photos with such an answer, and the
        `risk`, how many of these answers are wrong; all in 0..1. No rows if none is accepted.
    """
    accepted = evaluation.select(~evaluation.refused)
    confidence, wrong = accepted.confidence(), accepted.ranks() > 0
    rows = []
    for least in _LEAST:
        answered = confidence >= least
        if answered.any():
            rows.append(
                {
                    "probability": round(float(least), 2),
                    "coverage": round(float(answered.mean()), 4),
                    "risk": round(float(wrong[answered].mean()), 4),
                }
            )
    return rows


def write_tables(evaluation: Evaluation, negatives: Evaluation | None, folder: Path) -> None:
    """Write per_breed.csv and confusion.csv, and negatives.csv if there are negatives."""
    write_csv(folder / "per_breed.csv", per_breed(evaluation))
    pairs = confused_pairs(evaluation) or [{"breed": "", "other": "", "mistakes": 0}]
    write_csv(folder / "confusion.csv", pairs)
    if negatives is not None:
        write_csv(folder / "negatives.csv", refused_by_group(negatives))


def write_history(path: Path, history: History) -> None:
    """Write the metrics of each epoch as CSV, epochs counted from 1."""
    write_csv(path, [{"epoch": number, **row} for number, row in enumerate(history, 1)])


def write_csv(path: Path, rows: Sequence[dict]) -> None:
    """Write rows with the same fields as CSV with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
