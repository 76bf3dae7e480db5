"""An evaluation as one HTML file: figures with intervals, pictures, tables, the mistakes to see."""

import csv
import tempfile
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image
from scipy.stats import bootstrap

from dogbreed.bundle import Bundle, write_beside
from dogbreed.classifier import DogBreedClassifier
from dogbreed.heatmap import overlay, relative_evidence
from dogbreed.images import MIN_SIDE, load_image
from dogbreed.train.card import METRIC_NAMES, show_figure
from dogbreed.train.evaluate import (
    Detection,
    Evaluation,
    accuracy,
    confused_pairs,
    detection_figures,
    figures,
    per_breed,
    refused_by_group,
)
from dogbreed.train.photos import Photos
from dogbreed.train.plots import draw_curves, draw_detection, draw_reliability
from dogbreed.train.probabilities import calibration_error, probabilities

REPORT = "report.html"

_TEMPLATE = "report.html.j2"
_LEVEL = 0.95
_SEED = 0
# Means are cheap to resample; what must be measured anew each time takes milliseconds.
_RESAMPLES_OF_MEANS = 2000
_RESAMPLES = 300
_MOST_PAIRS = 12
_PHOTOS_OF_PAIR = 3
_LONGEST_SIDE = 240

Interval = tuple[float, float] | None


def write_report(
    path: Path,
    classifier: DogBreedClassifier,
    evaluation: Evaluation,
    photos: Photos,
    others: Detection | None,
) -> None:
    """Write all that an evaluation found as one HTML file that needs no other file.

    The file holds photos of the dataset, so it is only as public as they are.

    Args:
        path: The file; it appears when it is complete.
        classifier: What was evaluated; it is asked again for the evidence in the photos shown.
        evaluation: What it answered to `photos`.
        photos: The photos that `evaluation.rows` counts.
        others: What it says of photos without a dog, if it was asked.

    Raises:
        InvalidImageError: A photo that was read before cannot be read any more.
        OSError: The file cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("dogbreed.train", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    history = _read_history(classifier.bundle)
    page = environment.get_template(_TEMPLATE).render(
        bundle=_name(classifier.bundle),
        commit=classifier.bundle.commit,
        split=photos.split,
        photos=len(evaluation.labels),
        skipped=len(evaluation.skipped),
        figures=_figure_rows(evaluation, others),
        resamples=(_RESAMPLES_OF_MEANS, _RESAMPLES),
        epochs=len(history),
        curves=_embed_drawing(draw_curves, history, _best_epoch(history)) if history else None,
        reliability=_embed_drawing(draw_reliability, evaluation),
        breeds=per_breed(evaluation),
        pairs=_pair_rows(classifier, evaluation, photos),
        detection=_embed_drawing(draw_detection, evaluation, others) if others else None,
        groups=refused_by_group(others) if others else [],
    )
    with write_beside(path) as file:
        file.write(page.encode())


def figure_intervals(evaluation: Evaluation, others: Detection | None) -> dict[str, Interval]:
    """How far each figure moves with the choice of photos: 95 % of resamples are within.

    Args:
        evaluation: Answers to labelled photos.
        others: Answers to photos without a dog, if there are any.

    Returns:
        Lower and upper end for each figure of `evaluate.figures` and `evaluate.detection_figures`,
        in its own unit; None where all resamples give the same, which says nothing.
    """
    found = {name: _interval_of_mean(each) for name, each in _values(evaluation, others).items()}
    count = len(evaluation.labels)
    for name, measure in _measures(evaluation).items():
        found[name] = _interval(measure, count)
    if others is not None:
        for name in ("is_dog_auroc", "not_dogs_refused_at_1"):
            measure = _detection_measure(name, evaluation, others)
            found[name] = _interval(measure, count, len(others.is_dog))
    return found


def _values(evaluation: Evaluation, others: Detection | None) -> dict[str, np.ndarray]:
    """The figures that are means over photos, with the value of each photo."""
    ranks = evaluation.ranks()
    values = {
        "top_1": ranks == 0,
        "top_3": ranks < 3,
        "set_coverage": ranks < evaluation.set_sizes,
        "set_size": evaluation.set_sizes,
        "dogs_refused": evaluation.refused,
    }
    return values if others is None else {**values, "not_dogs_refused": others.refused}


def _measures(evaluation: Evaluation) -> dict[str, Callable[[np.ndarray], float]]:
    """The figures that must be measured anew for each choice of rows."""

    def macro(rows: np.ndarray) -> float:
        chosen = replace(evaluation, logits=evaluation.logits[rows], labels=evaluation.labels[rows])
        return accuracy(chosen)["macro_top_1"]

    def error(temperature: float) -> Callable[[np.ndarray], float]:
        told = probabilities(evaluation.logits, temperature)
        return lambda rows: calibration_error(told[rows], evaluation.labels[rows])

    return {
        "macro_top_1": macro,
        "ece": error(evaluation.temperature),
        "ece_untempered": error(1.0),
    }


def _detection_measure(
    name: str, dogs: Evaluation, others: Detection
) -> Callable[[np.ndarray, np.ndarray], float]:
    def measure(of_dogs: np.ndarray, of_others: np.ndarray) -> float:
        chosen_dogs = replace(dogs, is_dog=dogs.is_dog[of_dogs])
        chosen_others = replace(
            others, is_dog=others.is_dog[of_others], refused=others.refused[of_others]
        )
        return detection_figures(chosen_dogs, chosen_others)[name]

    return measure


def _interval_of_mean(values: np.ndarray) -> Interval:
    return _bootstrap([values.astype(np.float64)], np.mean, _RESAMPLES_OF_MEANS)


def _interval(measure: Callable[..., float], *counts: int) -> Interval:
    """The interval of what is measured on row numbers, drawn from below each of `counts`."""
    rows = [np.arange(count) for count in counts]
    return _bootstrap(rows, measure, _RESAMPLES, vectorized=False)


def _bootstrap(data: list[np.ndarray], measure: Callable, resamples: int, **options) -> Interval:
    if min(len(each) for each in data) < 2:
        return None
    # In batches, since all resamples at once take gigabytes for large datasets.
    found = bootstrap(
        data,
        measure,
        n_resamples=resamples,
        batch=100,
        confidence_level=_LEVEL,
        method="percentile",
        rng=_SEED,
        **options,
    ).confidence_interval
    return (float(found.low), float(found.high)) if found.low < found.high else None


def _figure_rows(evaluation: Evaluation, others: Detection | None) -> list[dict]:
    """A row for each figure: `title`, and as text `value`, both ends of `interval`, `photos`."""
    intervals = figure_intervals(evaluation, others)
    count = f"{len(evaluation.labels):,}"
    measured = [(name, value, count) for name, value in figures(evaluation).items()]
    if others is not None:
        of_others = f"{len(others.is_dog):,}"
        for name, value in detection_figures(evaluation, others).items():
            alone = name == "not_dogs_refused"
            measured.append((name, value, of_others if alone else f"{count} + {of_others}"))
    return [
        {
            "title": METRIC_NAMES[name],
            "value": show_figure({"name": name, "value": value}),
            "interval": [
                show_figure({"name": name, "value": end}) for end in intervals[name] or ()
            ],
            "photos": number,
        }
        for name, value, number in measured
    ]


def _name(bundle: Bundle) -> str:
    """The bundle without the folders that it is in, which are no one else's concern."""
    return bundle.address or bundle.path.resolve().name


def _read_history(bundle: Bundle) -> list[dict]:
    """The figures of each epoch, empty where the bundle lacks what `draw_curves` needs."""
    try:
        with (bundle.path / "metrics" / "history.csv").open(encoding="utf-8", newline="") as file:
            rows = [{name: float(row[name]) for name in row} for row in csv.DictReader(file)]
    except (OSError, TypeError, ValueError, csv.Error):
        return []
    needed = {"cross_entropy", "accuracy"}
    if rows and "val_loss" in rows[0]:
        needed |= {"val_cross_entropy", "val_accuracy"}
    return rows if all(needed <= set(row) for row in rows) else []


def _best_epoch(history: list[dict]) -> int:
    """Number of the epoch, from 1, whose weights were kept; see `fit.Tail`."""
    losses = [epoch.get("val_loss") for epoch in history]
    return len(losses) if losses[0] is None else int(np.argmin(losses)) + 1


def _pair_rows(
    classifier: DogBreedClassifier, evaluation: Evaluation, photos: Photos
) -> list[dict]:
    """The most confused pairs, each with its surest mistakes as `photos`."""
    told = probabilities(evaluation.logits, evaluation.temperature).max(axis=1)
    answers = evaluation.answers()
    rows = []
    for pair in confused_pairs(evaluation, _MOST_PAIRS):
        both = [evaluation.names.index(pair["breed"]), evaluation.names.index(pair["other"])]
        mixed = (
            np.isin(evaluation.labels, both)
            & np.isin(answers, both)
            & (evaluation.labels != answers)
        )
        wrong = np.flatnonzero(mixed)
        surest = wrong[np.argsort(-told[wrong], kind="stable")][:_PHOTOS_OF_PAIR]
        shown = [_mistake(classifier, evaluation, photos, number) for number in surest]
        rows.append({**pair, "photos": shown})
    return rows


def _mistake(
    classifier: DogBreedClassifier, evaluation: Evaluation, photos: Photos, number: int
) -> dict:
    """One photo with the evidence for the answer and for the true breed.

    Args:
        number: Position in `evaluation`.

    Returns:
        `row` in `photos`; `true` and `answer`; and for the answer, then the true breed, `parts`
        with `breed`, `probability` in 0..1 and `picture`.
    """
    row = int(evaluation.rows[number])
    true = evaluation.names[evaluation.labels[number]]
    answer = evaluation.names[evaluation.answers()[number]]
    encoded = photos.encoded(row)
    prediction = classifier.predict(encoded, top_k=len(classifier.names))
    resize = classifier.bundle.config["preprocessing"]["resize"]
    small, told = _shrink(load_image(encoded)), prediction.as_dict()
    parts = [
        {
            "breed": breed,
            "probability": told[breed],
            "picture": _embed_photo(overlay(small, relative_evidence(prediction, breed), resize)),
        }
        for breed in (answer, true)
    ]
    return {"row": row, "true": true, "answer": answer, "parts": parts}


def _shrink(photo: Image.Image) -> Image.Image:
    scale = min(1, _LONGEST_SIDE / max(photo.size))
    # Extremely long photos would else have no pixels left across.
    small = photo.resize([max(MIN_SIDE, round(side * scale)) for side in photo.size])
    # A comment in the file would be written again, and it may say who took it.
    small.info = {}
    return small


def _embed_photo(photo: Image.Image) -> dict:
    """`address` as a data URI, `width` and `height` in pixels."""
    file = BytesIO()
    photo.save(file, "JPEG", quality=80)
    return _embed(file.getvalue(), "image/jpeg", photo.size)


def _embed_drawing(draw: Callable[..., None], *arguments) -> dict:
    """What a function of `pictures` draws of its arguments; see `_embed_photo`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawing.png"
        draw(path, *arguments)
        with Image.open(path) as drawing:
            return _embed(path.read_bytes(), "image/png", drawing.size)


def _embed(data: bytes, kind: str, size: tuple[int, int]) -> dict:
    address = f"data:{kind};base64,{b64encode(data).decode()}"
    return {"address": address, "width": size[0], "height": size[1]}
