"""Put a trained model into a bundle: export, check, measure, describe."""

import importlib.metadata
import shutil
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras.applications.inception_v3 import preprocess_input

from dogbreed.breeds import display_name
from dogbreed.bundle import CARD, NETWORK, WEIGHTS, Bundle, read_bundle, write_config
from dogbreed.classifier import DogBreedClassifier
from dogbreed.images import prepare
from dogbreed.train.calibrate import correct_means
from dogbreed.train.card import model_card
from dogbreed.train.data import Photos, TrainingData
from dogbreed.train.evaluate import (
    Evaluation,
    accuracy,
    confused_pairs,
    evaluate,
    per_breed,
    write_csv,
    write_tables,
)
from dogbreed.train.export import check_agreement, check_evidence, export_litert
from dogbreed.train.fit import Head, write_history
from dogbreed.train.network import ARCHITECTURE, classifier_network, evidence_network
from dogbreed.train.options import Options, public_name
from dogbreed.train.pictures import draw_confusions, draw_curves, draw_per_breed
from dogbreed.train.start import Start

LIBRARIES = ("tensorflow", "keras", "datasets", "numpy", "pillow", "ai-edge-litert")


@dataclass(frozen=True)
class Fitted:
    """What fitting leaves for the bundle.

    Attributes:
        head: The head that is exported.
        searched: The head that was chosen on validation photos; its history is drawn.
        search: A row of figures for each fit of the search, if there was one.
        validation_count: How many photos validation had.
        undecodable: Numbers of the training photos that were skipped.
        runs: Folders of TensorBoard logs that belong to it.
        start: What the head started from, None for random weights.
    """

    head: Head
    searched: Head
    search: list[dict]
    validation_count: int
    undecodable: np.ndarray
    runs: list[Path]
    start: Start | None


def write_bundle(
    backbone: keras.Model,
    fitted: Fitted,
    reference: Evaluation,
    data: TrainingData,
    prints: dict[str, str],
    notes: str,
    options: Options,
) -> Bundle:
    """Export, check and measure beside the output folder, then put the bundle in its place.

    Args:
        backbone: Network from `build_backbone`.
        fitted: What fitting left.
        reference: What the float32 network answers to the test photos.
        data: What was trained and is tested on.
        prints: Fingerprints of the training and test photos and of the backbone's weights.
        notes: Text that the card includes.
        options: Options of the run.

    Raises:
        ExportError: The exported network does not answer like the one that was trained.
    """
    labels = data.train.label_names
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    metrics_dir = partial / "metrics"
    metrics_dir.mkdir(parents=True)

    classifier = classifier_network(backbone, len(labels))
    classifier.get_layer("predictions").set_weights([fitted.head.kernel, fitted.head.bias])
    evidence = evidence_network(classifier)
    held_out = _frames(data.test, reference.rows, options)
    error = check_evidence(classifier, evidence, held_out)
    classifier.save_weights(partial / WEIGHTS)
    usable = np.setdiff1d(np.arange(len(data.train)), fitted.undecodable)
    calibrated = correct_means(evidence, _frames(data.train, usable, options))
    export_litert(calibrated, partial / NETWORK)

    config = {
        "architecture": ARCHITECTURE,
        "image_size": options.image_size,
        "preprocessing": {"scale": "inception", "fit": options.fit},
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
        "names": {label: display_name(label) for label in labels},
        "temperature": 1.0,
        "thresholds": {},
        "metrics": [],
        "training": _describe_training(fitted, data, prints, notes, options),
    }
    served = evaluate(DogBreedClassifier(Bundle(partial, config | {"files": {}})), data.test)
    agreement = check_agreement(reference, served)

    dataset = public_name(options.dataset)
    validation = {"dataset": dataset, "split": "validation", "count": fitted.validation_count}
    test = {"dataset": dataset, "split": data.test.split, "count": len(served.labels)}
    best = fitted.searched.best
    config["metrics"] = [
        {"name": "top_1", "value": best["val_accuracy"], **validation},
        {"name": "cross_entropy", "value": best["val_cross_entropy"], **validation},
        *({"name": name, "value": value, **test} for name, value in accuracy(served).items()),
        *({"name": name, "value": value, **test} for name, value in agreement.items()),
        {"name": "evidence_error", "value": error, **test, "count": len(held_out)},
    ]
    write_history(metrics_dir / "history.csv", fitted.searched.history)
    draw_curves(metrics_dir / "curves.png", fitted.searched.history, fitted.searched.best_epoch)
    if fitted.search:
        write_csv(metrics_dir / "search.csv", fitted.search)
    write_results(served, metrics_dir)
    for run in fitted.runs:
        shutil.copytree(run, partial / "runs" / run.name)

    bundle = write_config(partial, config)
    model_card(bundle).save(partial / CARD)
    return _put_in_place(partial, options.output)


def write_results(evaluation: Evaluation, folder: Path) -> None:
    write_tables(evaluation, folder)
    draw_per_breed(folder / "per_breed.png", per_breed(evaluation))
    draw_confusions(folder / "confusions.png", confused_pairs(evaluation))


def _frames(photos: Photos, rows: np.ndarray, options: Options) -> np.ndarray:
    """Some 16 of the photos at these rows as the network takes them, spread evenly."""
    rows = rows[:: max(1, len(rows) // 16)][:16]
    frames = [prepare(photos.encoded(row), options.image_size, options.fit) for row in rows]
    return preprocess_input(np.stack(frames).astype(np.float32))


def _put_in_place(partial: Path, output: Path) -> Bundle:
    old = output.with_name(f".{output.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    partial.rename(output)
    shutil.rmtree(old, ignore_errors=True)
    return read_bundle(output, (NETWORK, WEIGHTS))


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
            "learning_rate": fitted.searched.learning_rate,
            "l2": fitted.searched.l2,
            "epochs": fitted.searched.best_epoch,
        },
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "notes": notes,
    }
