"""Put a trained model into a bundle: export, check, measure, describe."""

import importlib.metadata
import shutil
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras.applications.inception_v3 import preprocess_input

from dogbreed.breeds import display_name
from dogbreed.bundle import (
    CARD,
    NETWORK,
    REJECTION,
    WEIGHTS,
    Bundle,
    describe_files,
    read_bundle,
    write_config,
)
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import ExportError
from dogbreed.images import prepare
from dogbreed.train.backbone import ARCHITECTURE, evidence_network, tail_network
from dogbreed.train.bias_correction import correct_means
from dogbreed.train.card import model_card
from dogbreed.train.cuts import measured_on
from dogbreed.train.data import TrainingData
from dogbreed.train.evaluate import (
    Detection,
    Evaluation,
    confused_pairs,
    detect,
    detection_figures,
    evaluate,
    figures,
    per_breed,
    refused_by_group,
    write_csv,
    write_tables,
)
from dogbreed.train.export import QUANTISATIONS, check_agreement, check_evidence, export_litert
from dogbreed.train.fit import write_history
from dogbreed.train.options import Options, public_name
from dogbreed.train.photos import Photos
from dogbreed.train.plots import (
    draw_confusions,
    draw_curves,
    draw_detection,
    draw_per_breed,
    draw_reliability,
)
from dogbreed.train.stages import Stages
from dogbreed.train.start import Start
from dogbreed.train.trust import Trust

LIBRARIES = (
    "tensorflow",
    "keras",
    "datasets",
    "numpy",
    "scikit-learn",
    "pillow",
    "ai-edge-litert",
)
# Photos that the ranges of the 8-bit activations are found on; docs/performance.md says why.
RANGING = 256


@dataclass(frozen=True)
class Fitted:
    """What fitting leaves for the bundle.

    Attributes:
        stages: The fitted layers.
        trust: What was set on validation photos.
        kept, held_out: Rows of the training photos to train and to validate on.
        undecodable: Rows that were skipped.
        start: What the head started from, None for random weights.
    """

    stages: Stages
    trust: Trust
    kept: np.ndarray
    held_out: np.ndarray
    undecodable: np.ndarray
    start: Start | None


def write_bundle(
    classifier: keras.Model,
    fitted: Fitted,
    reference: Evaluation,
    data: TrainingData,
    negatives: Photos | None,
    prints: dict[str, str],
    notes: str,
    options: Options,
) -> Bundle:
    """Export, check and measure beside the output folder, then put the bundle in its place.

    Args:
        classifier: Network from `classifier_network`.
        fitted: What fitting left.
        reference: What the float32 network answers to the test photos.
        data: What was trained and is tested on.
        negatives: Photos without a dog, if there are any.
        prints: Fingerprints of the photos and of the backbone's weights.
        notes: Text that the card includes.
        options: Options of the run.

    Raises:
        ExportError: The exported network does not answer like the one that was trained.
    """
    labels = data.train.label_names
    stages, trust = fitted.stages, fitted.trust
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    metrics_dir = partial / "metrics"
    metrics_dir.mkdir(parents=True)

    tail_network(classifier, options.train_from).set_weights(stages.tail.weights)
    evidence = evidence_network(classifier)
    tested = _frames(data.test, reference.rows, options)
    error = check_evidence(classifier, evidence, tested)
    classifier.save_weights(partial / WEIGHTS)
    if trust.detector.arrays:
        np.savez(partial / REJECTION, **trust.detector.arrays)

    config = {
        "architecture": ARCHITECTURE,
        "image_size": options.image_size,
        "preprocessing": {"scale": "inception", "resize": options.resize},
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
        "names": {label: display_name(label) for label in labels},
        "temperature": trust.temperature,
        "thresholds": trust.thresholds(),
        "metrics": [],
        "training": _describe_training(fitted, data, prints, notes, options),
    }
    trained_on = data.train, np.sort(np.concatenate([fitted.kept, fitted.held_out]))
    corrected = correct_means(evidence, _frames(*trained_on, options))
    ranging = _frames(*trained_on, options, RANGING)
    serving, served, agreement = _export(corrected, ranging, reference, data.test, partial, config)

    dataset = public_name(options.dataset)
    validation = {"dataset": dataset, "split": "validation", "count": len(fitted.held_out)}
    test = {"dataset": dataset, "split": data.test.split, "count": len(served.labels)}
    best = stages.searched.best
    config["metrics"] = [
        {"name": "top_1", "value": best["val_accuracy"], **validation},
        {"name": "cross_entropy", "value": best["val_cross_entropy"], **validation},
        *({"name": name, "value": value, **test} for name, value in figures(served).items()),
        *({"name": name, "value": value, **test} for name, value in agreement.items()),
        {"name": "evidence_error", "value": error, **test, "count": len(tested)},
    ]
    others = None
    if negatives is not None:
        others = detect(serving, negatives, measured_on(negatives))
        unseen = {"dataset": public_name(options.not_dogs), "split": "held out"}
        config["metrics"] += [
            {"name": name, "value": value, **unseen, "count": len(others.is_dog)}
            for name, value in detection_figures(served, others).items()
        ]
        write_csv(metrics_dir / "detectors.csv", trust.compared)
    write_history(metrics_dir / "history.csv", stages.searched.history)
    draw_curves(metrics_dir / "curves.png", stages.searched.history, stages.searched.best_epoch)
    if stages.search:
        write_csv(metrics_dir / "search.csv", stages.search)
    write_results(served, others, metrics_dir)
    for run in stages.runs:
        shutil.copytree(run, partial / "runs" / run.name)

    bundle = write_config(partial, config)
    model_card(bundle).save(partial / CARD)
    return _put_in_place(partial, options.output)


def write_results(evaluation: Evaluation, others: Detection | None, folder: Path) -> None:
    """Write the tables and pictures of an evaluation."""
    write_tables(evaluation, folder)
    draw_per_breed(folder / "per_breed.png", per_breed(evaluation))
    draw_confusions(folder / "confusions.png", confused_pairs(evaluation))
    draw_reliability(folder / "reliability.png", evaluation)
    if others is not None:
        write_csv(folder / "not_dogs.csv", refused_by_group(others))
        draw_detection(folder / "not_dogs.png", evaluation, others)


def _export(
    network: keras.Model,
    frames: np.ndarray,
    reference: Evaluation,
    test: Photos,
    partial: Path,
    config: dict,
) -> tuple[DogBreedClassifier, Evaluation, dict[str, float]]:
    """Export in the fastest way that answers like the reference, and note in the config which.

    Returns:
        The exported network, what it answers to the test photos, and `check_agreement`'s figures.
    """
    for quantisation in QUANTISATIONS:
        export_litert(network, partial / NETWORK, quantisation, frames)
        config["training"]["quantisation"] = quantisation
        serving = DogBreedClassifier(Bundle(partial, config | {"files": describe_files(partial)}))
        served = evaluate(serving, test)
        try:
            return serving, served, check_agreement(reference, served)
        except ExportError:
            if quantisation == QUANTISATIONS[-1]:
                raise
            print("8-bit activations change the answers; rounding the weights alone.")


def _frames(photos: Photos, rows: np.ndarray, options: Options, count: int = 16) -> np.ndarray:
    """Up to so many of the photos at these rows as the network takes them, spread evenly."""
    rows = rows[:: max(1, len(rows) // count)][:count]
    frames = [prepare(photos.encoded(row), options.image_size, options.resize) for row in rows]
    return preprocess_input(np.stack(frames).astype(np.float32))


def _put_in_place(partial: Path, output: Path) -> Bundle:
    old = output.with_name(f".{output.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    partial.rename(output)
    shutil.rmtree(old, ignore_errors=True)
    return read_bundle(output)


def _describe_training(
    fitted: Fitted,
    data: TrainingData,
    prints: dict[str, str],
    notes: str,
    options: Options,
) -> dict:
    """Everything that is needed to train the same again."""
    start = fitted.start
    return {
        "dataset": public_name(options.dataset),
        "revision": data.revision,
        "splits": {
            name: {"split": photos.split, "photos": len(photos), "fingerprint": prints[name]}
            for name, photos in (("train", data.train), ("test", data.test))
        },
        "backbone": {
            "weights": Path(options.backbone_weights).name,
            "fingerprint": prints["backbone"],
        },
        "init_from": start
        and {"address": start.address, "commit": start.commit, "fingerprint": start.fingerprint()},
        "options": options.deciding(),
        "chosen": {
            "learning_rate": fitted.stages.searched.learning_rate,
            "l2": fitted.stages.searched.l2,
            "epochs": fitted.stages.searched.best_epoch,
        },
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "notes": notes,
    }
