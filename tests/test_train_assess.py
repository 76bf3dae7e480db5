"""Evaluation takes the photos that training tested on, and none that it trained on."""

import json
import re
import shutil
from pathlib import Path

import pytest

from dogbreed.bundle import read_bundle
from dogbreed.errors import UsageError
from dogbreed.train.data.load import load_evaluation_photos
from dogbreed.train.data.trained_on import TRAINED_ON, trained_on
from dogbreed.train.measure.assess import evaluate_bundle
from tests.helpers.shapes import LABELS, draw_shape
from tests.helpers.tiny_bundle import write_bundle
from train import main


@pytest.fixture(scope="module")
def trained(quick_options, tmp_path_factory):
    """A folder without splits, and the bundle that was trained on it."""
    root = tmp_path_factory.mktemp("one-split")
    for number, label in enumerate(LABELS):
        (root / "p" / label).mkdir(parents=True)
        for index in range(10):
            draw_shape(number, index).save(root / "p" / label / f"{index:03d}.png")
    options = [*quick_options, f"--dataset={root / 'p'}", "--epochs=3", f"--output={root / 'm'}"]
    assert main(options) == 0
    return root


def measured(trained, capsys, *options: str) -> tuple[float, int, str]:
    report = f"--report={trained / 'report'}"
    assert main([f"--evaluate={trained / 'm'}", report, *options]) == 0
    told = capsys.readouterr()
    found = re.search(r"^top_1 +([\d.]+) +(\d+) photos$", told.out, re.MULTILINE)
    return float(found[1]), int(found[2]), told.err


def test_the_same_photos_are_tested_on_again(trained, capsys):
    config = json.loads((trained / "m" / "config.json").read_text())
    (stated,) = [
        m for m in config["metrics"] if m["name"] == "top_1" and m["split"] != "validation"
    ]
    assert stated["count"] == 6 and stated["split"] == "test, cut from train"
    value, count, _ = measured(trained, capsys, f"--dataset={trained / 'p'}")
    assert (value, count) == (pytest.approx(stated["value"], abs=1e-4), 6)
    assert TRAINED_ON in config["files"]


def test_photos_that_were_trained_on_are_left_out_wherever_they_are(trained, capsys, tmp_path):
    shutil.copytree(trained / "p", tmp_path / "copy" / "test")
    _, count, told = measured(trained, capsys, f"--dataset={tmp_path / 'copy'}")
    assert count == 6 and "left out: 24 that the model was trained on (" in told


def test_a_warning_says_that_all_photos_were_trained_on(trained, capsys, tmp_path):
    bundle = read_bundle(trained / "m", [TRAINED_ON])
    photos = load_evaluation_photos(str(trained / "p"))
    for row in trained_on(bundle, photos)[:4]:
        file = Path(photos.encoded(row))
        (tmp_path / file.parent.name).mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / file.parent.name / file.name)
    _, count, told = measured(trained, capsys, f"--dataset={tmp_path}")
    assert count == 4 and "was trained on all of these 4 photos" in told


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--report cannot be used"):
        evaluate_bundle("none", "none", None, tmp_path / "file" / "report")


def test_a_bundle_without_a_rule_for_negatives_does_not_measure_them(tmp_path):
    model = write_bundle(tmp_path / "model")
    with pytest.raises(UsageError, match="does not recognize non-dog photos"):
        evaluate_bundle(str(model), "none", "none", tmp_path / "report")
