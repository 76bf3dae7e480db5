"""The files of a new bundle: config, tables, plots, logs, card; whole before it is in its place."""

import importlib.metadata
import shutil
import sys
from pathlib import Path

import numpy as np

from dogbreed.breeds import default_subject, display_name
from dogbreed.bundle import CARD, REJECTION, Bundle, read_bundle, write_beside, write_config
from dogbreed.train.network.backbone import ARCHITECTURE
from dogbreed.train.network.frozen import best_precision
from dogbreed.train.options import Options
from dogbreed.train.report.card import model_card
from dogbreed.train.report.plots import (
    draw_curves,
)
from dogbreed.train.report.tables import write_csv, write_history
from dogbreed.train.resumable import Fitted
from dogbreed.train.trust.calibration import Trust

LIBRARIES = (
    "tensorflow",
    "keras",
    "datasets",
    "numpy",
    "scikit-learn",
    "pillow",
    "ai-edge-litert",
)


def begin_bundle(output: Path) -> Path:
    """Make an empty folder next to the output folder, for the files of the bundle."""
    partial = output.with_name(f".{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "metrics").mkdir(parents=True)
    return partial


def begin_config(labels: tuple[str, ...], options: Options) -> dict:
    """Make the part of config.json that says how to read the network, without trust so far."""
    return {
        "architecture": ARCHITECTURE,
        "image_size": options.image_size,
        "preprocessing": {"scale": "inception", "resize": options.resize},
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
        "names": {label: display_name(label) for label in labels},
        "subject": options.subject or default_subject(labels),
        "temperature": 1.0,
        "thresholds": {},
        "metrics": [],
        "training": {},
    }


def describe_training(
    fitted: Fitted, backbone_fingerprint: str, origin: dict | None, options: Options
) -> dict:
    """Make the part of `training` in config.json that says how the network was trained."""
    return {
        "backbone": {
            "weights": Path(options.backbone_weights).name,
            "fingerprint": backbone_fingerprint,
        },
        "init_from": origin,
        "options": options.deciding(),
        "chosen": {
            "learning_rate": fitted.learning_rate,
            "l2": fitted.l2,
            "epochs": fitted.best_epoch,
        },
        "precision": best_precision(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def write_trust(trust: Trust, config: dict, partial: Path) -> None:
    """Put what was settled into the config and next to it, and say what could not be settled."""
    config.update(trust.config())
    config["training"]["settled"] = {
        "photos": trust.photos,
        "dogs": trust.dogs,
        "on": trust.settled_on,
        "notes": trust.notes,
    }
    for note in trust.notes:
        print(note, file=sys.stderr)
    if trust.rejection is not None and trust.rejection.arrays:
        np.savez(partial / REJECTION, allow_pickle=False, **trust.rejection.arrays)


def write_audit(issues: list[dict], duplicates: list[dict], partial: Path) -> None:
    """Write the labels that are probably wrong, and the photos that are there twice, if any."""
    for name, rows in (("label_issues", issues), ("near_duplicates", duplicates)):
        if rows:
            write_csv(partial / "metrics" / f"{name}.csv", rows)


def write_fit(fitted: Fitted, partial: Path) -> None:
    """Write the learning curves, the search, and the TensorBoard logs."""
    metrics = partial / "metrics"
    write_history(metrics / "history.csv", fitted.history)
    draw_curves(metrics / "curves.png", fitted.history, fitted.best_epoch)
    if fitted.search:
        write_csv(metrics / "search.csv", fitted.search)
    for name, logs in fitted.runs.items():
        copy_logs(logs, partial / "runs" / name)


def copy_logs(logs: Path, target: Path) -> None:
    """Copy TensorBoard logs, under names that do not contain the name of this machine."""
    for folder in sorted({file.parent for file in logs.rglob("*.tfevents.*")}):
        copied = target / folder.relative_to(logs)
        copied.mkdir(parents=True)
        # The names begin with the time, so that this is the order of a run and its continuations.
        for number, file in enumerate(sorted(folder.glob("*.tfevents.*"))):
            shutil.copyfile(file, copied / f"events.out.tfevents.{number}")


def finish_bundle(partial: Path, config: dict, output: Path) -> Bundle:
    """Write config and card, and put the folder in the place of what is at `output`."""
    bundle = write_config(partial, config)
    with write_beside(partial / CARD) as file:
        file.write(model_card(bundle).encode())
    old = output.with_name(f".{output.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    partial.rename(output)
    shutil.rmtree(old, ignore_errors=True)
    return read_bundle(output)
