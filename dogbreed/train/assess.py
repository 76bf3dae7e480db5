"""From a bundle to its metrics: what `dogbreed evaluate` does."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np

from dogbreed.bundle import write_beside
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import UsageError
from dogbreed.hub import load_bundle
from dogbreed.train.cuts import measured_on
from dogbreed.train.data import load_evaluation_photos
from dogbreed.train.evaluate import evaluate, evaluate_negatives
from dogbreed.train.metrics import dog_metrics, rejection_metrics
from dogbreed.train.photos import Photos
from dogbreed.train.report import REPORT, write_report
from dogbreed.train.results import report_skipped, write_results
from dogbreed.train.trained_on import TRAINED_ON, rule_of_test, trained_on


def load_photos(
    source: str,
    dataset: str,
    *,
    revision: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    split: str | None = None,
) -> Photos:
    """Load the photos to evaluate a bundle on, without those that it was trained on.

    Of the dataset that it was trained on, these are the photos that training tested on.

    Args:
        source: Bundle, as `load_bundle` takes it.
        dataset, revision, image_column, label_column, split: See `load_evaluation_photos`.

    Raises:
        DogBreedError: There is no such bundle or dataset.
    """
    bundle = load_bundle(source, files=())
    photos = load_evaluation_photos(
        dataset,
        revision=revision,
        image_column=image_column,
        label_column=label_column,
        split=split,
        rule=rule_of_test(bundle, dataset) if split is None else None,
    )
    if TRAINED_ON not in bundle.config["files"]:
        return photos
    known = trained_on(load_bundle(source, bundle.commit, (TRAINED_ON,)), photos)
    if len(known) and len(known) == len(photos):
        print(
            f"The model was trained on all of these {len(known)} photos, so the metrics say "
            "nothing about other photos.",
            file=sys.stderr,
        )
        return photos
    names = [photos.describe(row) for row in known]
    kept = photos.select(np.setdiff1d(np.arange(len(photos)), known))
    left_out = {**photos.left_out, "that the model was trained on": names}
    return dataclasses.replace(kept, left_out=left_out)


def evaluate_bundle(
    source: str, photos: Photos, negatives: Photos | None, output: Path
) -> dict[str, tuple[float, int]]:
    """Evaluate a bundle with its serving network; write the report.

    Args:
        source: Bundle, as `DogBreedClassifier.from_pretrained` takes it.
        photos: What to evaluate on.
        negatives: Photos without a dog, if there are any; the half that training leaves is used.
        output: Folder for tables, plots, report.html and evaluation.json.

    Returns:
        Each metric of `evaluate.dog_metrics` and `evaluate.rejection_metrics`, and how many photos
        it was measured on.

    Raises:
        DogBreedError: There is no such bundle, or it does not know the labels.
    """
    classifier = DogBreedClassifier.from_pretrained(source)
    for each in (photos, negatives):
        if each is not None:
            print(each.summary(), file=sys.stderr)
    if negatives is not None and not classifier.bundle.config["thresholds"]:
        raise UsageError(f"{source} does not recognize photos without a dog; omit --not-dogs.")
    evaluation = evaluate(classifier, photos)
    report_skipped(evaluation.skipped)
    measured = {name: (value, len(evaluation)) for name, value in dog_metrics(evaluation).items()}
    unseen = None
    if negatives is not None:
        unseen = evaluate_negatives(classifier, negatives, measured_on(negatives))
        found = rejection_metrics(evaluation, unseen)
        measured |= {name: (value, len(unseen)) for name, value in found.items()}
    output.mkdir(parents=True, exist_ok=True)
    write_results(evaluation, unseen, output)
    write_report(output / REPORT, classifier, evaluation, photos, unseen)
    with write_beside(output / "evaluation.json") as file:
        rows = {name: {"value": value, "photos": n} for name, (value, n) in measured.items()}
        file.write(json.dumps(rows, indent=2).encode() + b"\n")
    return measured
