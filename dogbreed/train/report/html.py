"""An evaluation as one HTML file: metrics with intervals, plots, tables, and the mistakes."""

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
from dogbreed.subject import terms
from dogbreed.train.data.photos import Photos
from dogbreed.train.measure.metrics import (
    Evaluation,
    Results,
    accuracy,
    dog_metrics,
    rejection_metrics,
)
from dogbreed.train.report.plots import draw_curves, draw_rejection, draw_reliability
from dogbreed.train.report.tables import by_source, confused_pairs, per_breed, refused_by_group
from dogbreed.train.report.titles import metric_titles, show_metric
from dogbreed.train.resumable import History, best_epoch
from dogbreed.train.trust.calibration import calibration_error, probabilities
from dogbreed.wording import VERY_LIKELY

REPORT = "report.html"

_TEMPLATE = "report.html.j2"
_LEVEL = 0.95
_SEED = 0
# Means are cheap to resample; what must be measured again each time takes milliseconds.
_RESAMPLES_OF_MEANS = 2000
_RESAMPLES = 300
_MOST_PAIRS = 12
_PHOTOS_OF_PAIR = 3
_LONGEST_SIDE = 240
_MOST_ISSUES = 50
_FIELDS = {
    "label_issues": ("file", "label", "suggested", "of_label", "of_suggested"),
    "near_duplicates": ("split", "file", "other_split", "other_file"),
}

Interval = tuple[float, float] | None


def write_report(
    path: Path,
    classifier: DogBreedClassifier,
    results: Results,
    photos: Photos,
) -> None:
    """Write everything that an evaluation found as one HTML file that needs no other file.

    The file contains photos of the dataset, so it is only as public as they are.

    Args:
        path: The file; it appears when it is complete.
        classifier: What was evaluated; it is asked again for the evidence in the photos shown.
        results: What it answered.
        photos: The test photos, which `results.test.rows` counts.

    Raises:
        InvalidImageError: A photo that could be read before can no longer be read.
        OSError: The file cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("dogbreed.train.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    bundle, history = classifier.bundle, _read_history(classifier.bundle)
    subject = bundle.subject
    evaluation, negatives = results.test, results.negatives
    page = environment.get_template(_TEMPLATE).render(
        bundle=_name(bundle),
        words=terms(subject),
        commit=bundle.commit,
        split=photos.split,
        photos=len(evaluation),
        skipped=len(evaluation.skipped),
        metrics=_metric_rows(results, subject),
        sources=_source_rows(results.independent) if results.independent else [],
        resamples=(_RESAMPLES_OF_MEANS, _RESAMPLES),
        epochs=len(history),
        curves=_embed_plot(draw_curves, history, best_epoch(history)) if history else None,
        reliability=_embed_plot(draw_reliability, results.promised),
        breeds=per_breed(evaluation),
        pairs=_pair_rows(classifier, evaluation, photos),
        rejection=_embed_plot(draw_rejection, results.promised, negatives, subject)
        if negatives
        else None,
        groups=refused_by_group(negatives) if negatives else [],
        issues=_read_table(bundle, "label_issues")[:_MOST_ISSUES],
        duplicates=_read_table(bundle, "near_duplicates")[:_MOST_ISSUES],
    )
    with write_beside(path) as file:
        file.write(page.encode())


def metric_intervals(results: Results) -> dict[str, Interval]:
    """Estimate how far each metric moves with the choice of photos: the range of 95 % of resamples.

    Args:
        results: Answers to test photos and, if there are any, to photos without a dog.

    Returns:
        Lower and upper end for each of `evaluate.dog_metrics` and `evaluate.rejection_metrics`,
        in its own unit; None where all resamples give the same value, which says nothing.
    """
    evaluation, negatives, dogs = results.test, results.negatives, results.promised
    found = {name: _interval_of_mean(each) for name, each in _values(evaluation, negatives).items()}
    count = len(evaluation)
    for name, measure in _measures(evaluation).items():
        found[name] = _interval(measure, count)
    if negatives is not None:
        for name in ("is_dog_auroc", "negatives_refused_at_1"):
            found[name] = _interval(
                _rejection_measure(name, dogs, negatives), len(dogs), len(negatives)
            )
    return found


def _values(evaluation: Evaluation, negatives: Evaluation | None) -> dict[str, np.ndarray]:
    """Return the metrics that are means over photos, with the value of each photo."""
    ranks, accepted = evaluation.ranks(), ~evaluation.refused
    sure = evaluation.confidence() > VERY_LIKELY
    values = {
        "top_1": ranks == 0,
        "top_3": ranks < 3,
        "set_coverage": ranks < evaluation.set_sizes,
        "set_size": evaluation.set_sizes,
        "dogs_refused": evaluation.refused,
        "sure": sure[accepted],
        "sure_wrong": (ranks > 0)[accepted & sure],
    }
    return values if negatives is None else {**values, "negatives_refused": negatives.refused}


def _measures(evaluation: Evaluation) -> dict[str, Callable[[np.ndarray], float]]:
    """Return the metrics that must be measured again for each choice of rows."""
    logits, labels = evaluation.logits, evaluation.labels

    def macro(rows: np.ndarray) -> float:
        return accuracy(logits[rows], labels[rows])["macro_top_1"]

    def error(temperature: float) -> Callable[[np.ndarray], float]:
        stated = probabilities(logits, temperature)
        return lambda rows: calibration_error(stated[rows], labels[rows])

    return {
        "macro_top_1": macro,
        "ece": error(evaluation.temperature),
        "ece_untempered": error(1.0),
    }


def _rejection_measure(
    name: str, dogs: Evaluation, negatives: Evaluation
) -> Callable[[np.ndarray, np.ndarray], float]:
    def measure(of_dogs: np.ndarray, of_negatives: np.ndarray) -> float:
        chosen_dogs = replace(dogs, dog_scores=dogs.dog_scores[of_dogs])
        chosen_negatives = replace(
            negatives,
            dog_scores=negatives.dog_scores[of_negatives],
            refused=negatives.refused[of_negatives],
        )
        return rejection_metrics(chosen_dogs, chosen_negatives)[name]

    return measure


def _interval_of_mean(values: np.ndarray) -> Interval:
    return _bootstrap([values.astype(np.float64)], np.mean, _RESAMPLES_OF_MEANS, vectorized=True)


def _interval(measure: Callable[..., float], *counts: int) -> Interval:
    """Return the interval of a measure of row numbers, drawn from below each of `counts`."""
    rows = [np.arange(count) for count in counts]
    return _bootstrap(rows, measure, _RESAMPLES, vectorized=False)


def _bootstrap(
    data: list[np.ndarray], measure: Callable, resamples: int, vectorized: bool
) -> Interval:
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
        vectorized=vectorized,
    ).confidence_interval
    return (float(found.low), float(found.high)) if found.low < found.high else None


def _metric_rows(results: Results, subject: str) -> list[dict]:
    """Make a row for each metric: `title`, `value`, the ends of `interval`, `photos`, as text."""
    intervals, titles = metric_intervals(results), metric_titles(subject)
    count = f"{len(results.test):,}"
    measured = [(name, value, count) for name, value in dog_metrics(results.test).items()]
    if results.negatives is not None:
        dogs, of_negatives = f"{len(results.promised):,}", f"{len(results.negatives):,}"
        for name, value in rejection_metrics(results.promised, results.negatives).items():
            alone = name == "negatives_refused"
            measured.append((name, value, of_negatives if alone else f"{dogs} + {of_negatives}"))
    return [
        {
            "title": titles[name],
            "value": show_metric(name, value),
            "interval": [show_metric(name, end) for end in intervals[name] or ()],
            "photos": number,
        }
        for name, value, number in measured
    ]


def _source_rows(independent: Evaluation) -> list[dict]:
    """Make a row for each source of independent photos, as text, by the name of the metric."""
    rows = by_source(independent)
    for row in rows:
        for name in row.keys() - {"source", "photos"}:
            row[name] = show_metric(name, row[name])
    return rows


def _name(bundle: Bundle) -> str:
    """Name the bundle without the folders that it is in, which are nobody else's business."""
    return bundle.address or bundle.path.resolve().name


def _read_history(bundle: Bundle) -> History:
    """Read the metrics of each epoch; empty if the bundle lacks what `draw_curves` needs."""
    try:
        with (bundle.path / "metrics" / "history.csv").open(encoding="utf-8", newline="") as file:
            rows = [{name: float(row[name]) for name in row} for row in csv.DictReader(file)]
    except (OSError, TypeError, ValueError, csv.Error):
        return []
    needed = {"cross_entropy", "accuracy"}
    if rows and "val_loss" in rows[0]:
        needed |= {"val_cross_entropy", "val_accuracy"}
    return rows if all(needed <= set(row) for row in rows) else []


def _read_table(bundle: Bundle, name: str) -> list[dict]:
    """Read a table that training wrote about its photos; empty if the bundle has none."""
    try:
        with (bundle.path / "metrics" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return []
    fields = _FIELDS[name]
    return [row for row in rows if all(isinstance(row.get(field), str) for field in fields)]


def _pair_rows(
    classifier: DogBreedClassifier, evaluation: Evaluation, photos: Photos
) -> list[dict]:
    """Make a row for each of the most confused pairs; `photos` are its most confident mistakes."""
    stated = probabilities(evaluation.logits, evaluation.temperature).max(axis=1)
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
        surest = wrong[np.argsort(-stated[wrong], kind="stable")][:_PHOTOS_OF_PAIR]
        shown = [_mistake(classifier, evaluation, photos, number) for number in surest]
        rows.append({**pair, "photos": shown})
    return rows


def _mistake(
    classifier: DogBreedClassifier, evaluation: Evaluation, photos: Photos, number: int
) -> dict:
    """Show one photo with the evidence for the answer and for the true breed.

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
    small, stated = _shrink(load_image(encoded)), prediction.as_dict()
    parts = [
        {
            "breed": breed,
            "probability": stated[breed],
            "picture": _embed_photo(overlay(small, relative_evidence(prediction, breed), resize)),
        }
        for breed in (answer, true)
    ]
    return {"row": row, "true": true, "answer": answer, "parts": parts}


def _shrink(photo: Image.Image) -> Image.Image:
    scale = min(1, _LONGEST_SIDE / max(photo.size))
    # Extremely long photos would otherwise have no pixels left across.
    small = photo.resize([max(MIN_SIDE, round(side * scale)) for side in photo.size])
    # A comment in the file would be written again, and it may name the photographer.
    small.info = {}
    return small


def _embed_photo(photo: Image.Image) -> dict:
    """Return `address` as a data URI, `width` and `height` in pixels."""
    file = BytesIO()
    photo.save(file, "JPEG", quality=80)
    return _embed(file.getvalue(), "image/jpeg", photo.size)


def _embed_plot(draw: Callable[..., None], *arguments: object) -> dict:
    """Embed what a function of `plots` draws of its arguments; see `_embed_photo`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plot.png"
        draw(path, *arguments)
        with Image.open(path) as plot:
            return _embed(path.read_bytes(), "image/png", plot.size)


def _embed(data: bytes, kind: str, size: tuple[int, int]) -> dict:
    address = f"data:{kind};base64,{b64encode(data).decode()}"
    return {"address": address, "width": size[0], "height": size[1]}
