"""Plots of how training went and of what the model confuses, for the card and the report."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import roc_curve

from dogbreed.subject import DOG, terms
from dogbreed.train.measure.metrics import Evaluation
from dogbreed.train.resumable import History
from dogbreed.train.trust.calibration import calibration_error, probabilities, reliability

# Names of classes and the subject are not formulas, whatever dollar signs they contain.
matplotlib.rcParams["text.parse_math"] = False

BLUE, ORANGE = "#2a6fbb", "#e07b39"


def draw_curves(path: Path, history: History, best_epoch: int) -> None:
    """Draw loss and accuracy of training and validation over the epochs."""
    epochs = range(1, len(history) + 1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axes, name, title in (
        (left, "cross_entropy", "Cross-entropy"),
        (right, "accuracy", "Top-1 accuracy"),
    ):
        axes.plot(epochs, [row[name] for row in history], color=BLUE, label="training")
        if f"val_{name}" in history[0]:
            axes.plot(
                epochs, [row[f"val_{name}"] for row in history], color=ORANGE, label="validation"
            )
            axes.axvline(best_epoch, color="grey", linestyle=":", label=f"kept: epoch {best_epoch}")
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
    left.legend()
    _save(figure, path)


def draw_per_breed(path: Path, rows: list[dict]) -> None:
    """Draw the top-1 accuracy of every breed, best first."""
    rows = sorted(rows, key=lambda row: (row["top_1"], row["breed"]))
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.17 * len(rows)), layout="constrained")
    axes.barh([row["breed"] for row in rows], [100 * row["top_1"] for row in rows], color=BLUE)
    axes.set(xlabel="top-1 accuracy, %", xlim=(0, 100), ylim=(-0.7, len(rows) - 0.3))
    axes.tick_params(axis="y", labelsize=7)
    axes.grid(axis="x", alpha=0.3)
    _save(figure, path)


def draw_confusions(path: Path, pairs: list[dict]) -> None:
    """Draw the most confused pairs, both directions stacked."""
    pairs = pairs[::-1]
    names = [f"{pair['breed']} – {pair['other']}" for pair in pairs]
    first = [pair["breed_taken_for_other"] for pair in pairs]
    second = [pair["other_taken_for_breed"] for pair in pairs]
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.3 * len(pairs)), layout="constrained")
    axes.barh(names, first, color=BLUE, label="first taken for second")
    axes.barh(names, second, left=first, color=ORANGE, label="second taken for first")
    axes.set(xlabel="mistakes on the test photos")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower right")
    _save(figure, path)


def draw_reliability(path: Path, evaluation: Evaluation) -> None:
    """Draw how often first answers are right by their probability, also without temperature."""
    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    axes.plot([0, 100], [0, 100], color="grey", linestyle=":", label="perfectly calibrated")
    for temperature, color, name in (
        (1.0, ORANGE, "as trained"),
        (evaluation.temperature, BLUE, f"with temperature {evaluation.temperature:.2f}"),
    ):
        stated = probabilities(evaluation.logits, temperature)
        rows = reliability(stated, evaluation.labels)
        error = calibration_error(stated, evaluation.labels)
        axes.plot(
            [100 * row["confidence"] for row in rows],
            [100 * row["accuracy"] for row in rows],
            "o-",
            color=color,
            label=f"{name}: error {100 * error:.1f} points",
        )
    axes.set(xlabel="probability of the first answer, %", ylabel="how often it is right, %")
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)


def draw_risk(path: Path, rows: list[dict], subject: str = DOG) -> None:
    """Draw how many answers are wrong if only the more probable ones are given.

    Args:
        path: The file.
        rows: From `tables.risk_over_coverage`.
        subject: What the photos of the model show.
    """
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(
        [100 * row["coverage"] for row in rows], [100 * row["risk"] for row in rows], color=BLUE
    )
    for row in rows:
        if row["probability"] in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99):
            place = 100 * row["coverage"], 100 * row["risk"]
            axes.plot(*place, "o", color=ORANGE)
            axes.annotate(
                f"{row['probability']:.0%}", place, textcoords="offset points", xytext=(-6, 6)
            )
    axes.set(
        xlabel=f"answers given, % of the photos that look like {terms(subject).shown}",
        ylabel="of these wrong, %",
        title="First answers of at least this probability",
    )
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    _save(figure, path)


def draw_rejection(path: Path, dogs: Evaluation, negatives: Evaluation, subject: str = DOG) -> None:
    """Draw the share of non-dog photos rejected over the share of dog photos rejected."""
    words = terms(subject)
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    truth = np.repeat([1, 0], [len(dogs), len(negatives)])
    accepted_negatives, accepted_dogs, _ = roc_curve(
        truth, np.concatenate([dogs.dog_scores, negatives.dog_scores]), drop_intermediate=False
    )
    axes.plot(100 * (1 - accepted_dogs), 100 * (1 - accepted_negatives), color=BLUE)
    axes.plot(
        100 * dogs.refused.mean(),
        100 * negatives.refused.mean(),
        "o",
        color=ORANGE,
        label="the threshold in use",
    )
    axes.set(
        xlabel=f"{words.photos} rejected, % of {len(dogs)}",
        ylabel=f"{words.others} rejected, % of {len(negatives)}",
        # What lies to the right of twice the threshold in use is of no use to anybody.
        xlim=(0, min(max(5, 200 * dogs.refused.mean()), 100)),
        ylim=(0, 101),
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    # Without the date and the version, the same numbers give the same file.
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)
