"""A bundle is whole before it takes the place of another one."""

import socket
from pathlib import Path

import numpy as np
import pytest

from dogbreed.bundle import CARD, NETWORK, read_bundle
from dogbreed.errors import BundleError, UsageError
from dogbreed.full_disk import full_disk_explained
from dogbreed.train.measure.metrics import Results
from dogbreed.train.options import Options
from dogbreed.train.report.results import metric_rows, write_results
from dogbreed.train.report.write import begin_bundle, begin_config, finish_bundle, write_fit
from dogbreed.train.resumable import Fitted
from tests.helpers.answers import NAMES, negatives, trusted
from tests.helpers.small_disk import fill, make_room
from tests.helpers.tiny_bundle import build_network, write_bundle

SCORES = [{"method": "energy", "auroc": 0.9, "refused": 0.5}]


def described(options: Options) -> dict:
    """A config as training leaves it."""
    config = begin_config(NAMES, options)
    config["metrics"] = [
        *metric_rows({"top_1": 0.5}, "ann/dogs", "validation", 9),
        *metric_rows({"top_1": 0.25, "top_3": 0.75}, "ann/dogs", "test", 6),
    ]
    splits = {
        name: {"split": name, "photos": 6, "fingerprint": "f" * 64} for name in ("train", "test")
    }
    config["training"] = {
        "dataset": "ann/dogs",
        "revision": "c" * 40,
        "splits": splits,
        "backbone": {"weights": "imagenet", "fingerprint": "b" * 64},
        "init_from": None,
        "options": options.deciding(),
        "chosen": {"epochs": 2},
        "settled": {"photos": 30, "on": "photos", "notes": ["Two promises were not made."]},
        "precision": "float32",
        "libraries": {"keras": "3"},
        "notes": "",
    }
    return config


@pytest.fixture
def fitted(tmp_path) -> Fitted:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "train").mkdir()
    for number, content in ((1, b"first"), (2, b"second")):
        name = f"events.out.tfevents.{number}.{socket.gethostname()}.77.0.v2"
        (logs / "train" / name).write_bytes(content)
    history = [
        {"cross_entropy": 2.0, "accuracy": 0.1, "val_cross_entropy": 1.0, "val_accuracy": 0.5}
    ]
    weights = [np.zeros((3, 4)), np.zeros(4)]
    return Fitted(weights, weights, history, 1e-4, 0.0, [{"epochs": 1}], {"lr0.0001-l20": logs})


def make(output: Path, fitted: Fitted) -> Path:
    partial = begin_bundle(output)
    (partial / NETWORK).write_bytes(build_network(channels=4))
    write_fit(fitted, partial)
    results = Results(trusted(), negatives=negatives())
    write_results(results, partial / "metrics", SCORES)
    return partial


def test_a_bundle_appears_whole_with_everything_that_was_found(fitted, tmp_path):
    output = tmp_path / "model"
    partial = make(output, fitted)
    assert not output.exists()
    bundle = finish_bundle(partial, described(Options(output)), output)
    assert not partial.exists()
    assert read_bundle(output, bundle.config["files"]).labels == NAMES
    assert {path.name for path in (output / "metrics").iterdir()} == {
        "history.csv",
        "curves.png",
        "search.csv",
        "per_breed.csv",
        "confusion.csv",
        "negatives.csv",
        "rejection_scores.csv",
        "per_breed.png",
        "confusions.png",
        "reliability.png",
        "risk.csv",
        "risk.png",
        "negatives.png",
    }
    events = output / "runs" / "lr0.0001-l20" / "train"
    assert (events / "events.out.tfevents.0").read_bytes() == b"first"
    assert (events / "events.out.tfevents.1").read_bytes() == b"second"
    assert not [path for path in output.rglob("*") if socket.gethostname() in path.name]
    assert "- ann/dogs" in (output / CARD).read_text()


def test_it_takes_the_place_of_the_bundle_that_was_there(fitted, tmp_path):
    output = write_bundle(tmp_path / "model")
    (output / "metrics" / "old.txt").write_text("of the bundle before")
    (tmp_path / ".model.partial").mkdir()
    (tmp_path / ".model.partial" / "rest.txt").write_text("of a run that was killed")
    finish_bundle(make(output, fitted), described(Options(output)), output)
    assert not (output / "metrics" / "old.txt").exists()
    assert not (output / "rest.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "model"]


def test_a_full_disk_leaves_the_bundle_that_was_there(fitted, disk):
    output = write_bundle(disk / "model")
    partial, config = make(output, fitted), described(Options(output))
    fill(disk)
    with pytest.raises(UsageError, match="The disk is full"), full_disk_explained():
        finish_bundle(partial, config, output)
    assert "history.csv" in [path.name for path in (output / "metrics").iterdir()]
    assert read_bundle(output).labels != NAMES
    make_room(disk)
    assert finish_bundle(partial, config, output).labels == NAMES
    assert [path.name for path in disk.iterdir()] == ["model"]


def test_what_cannot_be_read_again_does_not_replace_anything(fitted, tmp_path):
    output = write_bundle(tmp_path / "model")
    before = (output / NETWORK).stat().st_mtime_ns
    config = described(Options(output)) | {"temperature": 0.0}
    with pytest.raises(BundleError):
        finish_bundle(make(output, fitted), config, output)
    assert (output / NETWORK).stat().st_mtime_ns == before
    read_bundle(output)


def test_the_config_says_what_the_photos_show(tmp_path):
    assert begin_config(("pug", "boxer"), Options(tmp_path))["subject"] == "dog"
    assert begin_config(("rose", "tulip"), Options(tmp_path))["subject"] == "photo"
    assert begin_config(("pug", "boxer"), Options(tmp_path, subject="pet"))["subject"] == "pet"
