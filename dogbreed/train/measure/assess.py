"""From a bundle to its metrics: what `dogbreed evaluate` does."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dogbreed.bundle import Bundle, write_beside
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import UsageError
from dogbreed.hub import load_bundle
from dogbreed.subject import terms
from dogbreed.train.checks import check_writable
from dogbreed.train.data.cuts import measured_on
from dogbreed.train.data.load import leave_out_kinds, load_evaluation_photos, load_negatives
from dogbreed.train.data.photos import Photos
from dogbreed.train.data.trained_on import TRAINED_ON, rule_of_test, trained_on
from dogbreed.train.measure.everything import measure
from dogbreed.train.measure.metrics import Results
from dogbreed.train.network.served import open_here
from dogbreed.train.report.html import REPORT, write_report
from dogbreed.train.report.results import write_results


def evaluate_bundle(
    source: str,
    dataset: str,
    not_dogs: str | None,
    output: Path,
    *,
    not_dogs_except: Sequence[str] = (),
    independent: str | None = None,
    revision: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    split: str | None = None,
) -> tuple[str, Results]:
    """Evaluate a bundle with its serving network; write the report.

    Args:
        source: Bundle, as `DogBreedClassifier.from_pretrained` takes it.
        dataset: What to evaluate on; if the bundle was trained on it, the same photos are kept
            out as then.
        not_dogs: Photos without a dog, if there are any; the half that training leaves is used.
        output: Folder for tables, plots, report.html and evaluation.json.
        not_dogs_except: Kinds of these that are neither dogs nor negatives.
        independent: Photos that have nothing to do with the training photos, if there are any; the
            half that training leaves is used.
        revision, image_column, label_column, split: Of the dataset, see `load_evaluation_photos`.

    Returns:
        The name of the split, and what was measured.

    Raises:
        DogBreedError: There is no such bundle or dataset, or the bundle lacks its labels.
    """
    check_writable(output, "--report")
    bundle = load_bundle(source)
    if TRAINED_ON in bundle.config["files"]:
        bundle = load_bundle(source, bundle.commit, files=(*bundle.served, TRAINED_ON))
    if not_dogs is not None and "is_dog" not in bundle.config["thresholds"]:
        others = terms(bundle.subject).others
        raise UsageError(f"{source} does not recognize {others}; omit --not-dogs.")
    photos = load_photos(
        bundle,
        dataset,
        revision=revision,
        image_column=image_column,
        label_column=label_column,
        split=split,
    )
    negatives = load_negatives(not_dogs) if not_dogs is not None else None
    elsewhere = load_photos(bundle, independent) if independent is not None else None
    for each in (photos, negatives, elsewhere):
        if each is not None:
            print(each.summary(), file=sys.stderr)
    neither = None
    if negatives is not None and not_dogs_except:
        negatives, neither = leave_out_kinds(negatives, not_dogs_except)
    if elsewhere is not None:
        elsewhere = elsewhere.select(measured_on(elsewhere))

    classifier = DogBreedClassifier(bundle)
    results = measure(classifier, open_here(bundle), photos, elsewhere, negatives, neither)
    write_results(results, output, subject=bundle.subject)
    write_report(output / REPORT, classifier, results, photos)
    with write_beside(output / "evaluation.json") as file:
        rows = {
            part: {"photos": count, "metrics": metrics}
            for part, (metrics, count) in results.metrics().items()
        }
        file.write(json.dumps(rows, indent=2).encode() + b"\n")
    return photos.split, results


def load_photos(
    bundle: Bundle,
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
        bundle: With `TRAINED_ON`, if it has such a file.
        dataset, revision, image_column, label_column, split: See `load_evaluation_photos`.

    Raises:
        DogBreedError: There is no such dataset, or what the bundle says of its photos is damaged.
    """
    photos = load_evaluation_photos(
        dataset,
        revision=revision,
        image_column=image_column,
        label_column=label_column,
        split=split,
        rule=rule_of_test(bundle, dataset) if split is None else None,
    )
    known = trained_on(bundle, photos)
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
