"""From a bundle to its metrics: what `dogbreed evaluate` does."""

import json
import sys
from pathlib import Path

from dogbreed.bundle import write_beside
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import UsageError
from dogbreed.train.cuts import measured_on
from dogbreed.train.evaluate import evaluate, evaluate_negatives
from dogbreed.train.metrics import dog_metrics, rejection_metrics
from dogbreed.train.photos import Photos
from dogbreed.train.report import REPORT, write_report
from dogbreed.train.results import report_skipped, write_results


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
