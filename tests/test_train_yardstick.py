"""Independent photos settle and measure; pictures that are neither are reported apart."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from dogbreed.bundle import Bundle, read_bundle
from dogbreed.train.trust.calibration import INDEPENDENT
from tests.helpers.shapes import LABELS, draw_shape
from train import main


@pytest.fixture(scope="module")
def independent(tmp_path_factory):
    """Shapes that are not in the dataset, 20 of each class and of each of two sources."""
    root = tmp_path_factory.mktemp("independent")
    for number, label in enumerate(LABELS):
        (root / label).mkdir()
        for index in range(40):
            name = f"{('web', 'phone')[index % 2]}-{index:03d}.png"
            draw_shape(number, 5000 + index).save(root / label / name)
    return root


@pytest.fixture(scope="module")
def negatives(tmp_path_factory):
    """Noise, and drawings that are neither."""
    root = tmp_path_factory.mktemp("negatives")
    rng = np.random.default_rng(0)
    for kind, count in (("noise", 40), ("drawing", 6)):
        (root / kind).mkdir()
        for index in range(count):
            noise = rng.integers(0, 256, (80, 80, 3), dtype=np.uint8)
            picture = draw_shape(0, 9000 + index) if kind == "drawing" else Image.fromarray(noise)
            picture.save(root / kind / f"{index}.png")
    return root


@pytest.fixture(scope="module")
def given(independent, negatives) -> list[str]:
    return [
        f"--independent={independent}",
        f"--not-dogs={negatives}",
        "--not-dogs-except",
        "drawing",
    ]


@pytest.fixture(scope="module")
def bundle(quick_options, given, tmp_path_factory) -> Bundle:
    output = tmp_path_factory.mktemp("models") / "model"
    options = [*quick_options, "--l2", "0", "0.01", "--augment-views=1", f"--output={output}"]
    assert main([*options, *given]) == 0
    return read_bundle(output)


def table(bundle: Bundle, name: str) -> list[dict]:
    return list(csv.DictReader((bundle.path / "metrics" / f"{name}.csv").open()))


def test_independent_photos_settle_and_lead(bundle, independent):
    training = bundle.config["training"]
    assert training["settled"]["on"] == INDEPENDENT
    halves = [training["splits"][name]["photos"] for name in ("settling", "measuring")]
    assert sum(halves) == 120
    assert training["settled"]["photos"] == training["settled"]["dogs"] == halves[0]
    assert {metric["dataset"] for metric in bundle.headline} == {independent.name}
    assert {(metric["split"], metric["count"]) for metric in bundle.headline} == {
        ("held out", halves[1])
    }
    splits = list(dict.fromkeys(metric["split"] for metric in bundle.config["metrics"]))
    assert splits == ["held out", "test", "validation"]
    # They choose the L2 weight, by the column that the search has for them.
    search = table(bundle, "search")
    best = min(search, key=lambda row: float(row["independent_cross_entropy"]))
    assert training["chosen"]["l2"] == float(best["l2"]) and len(search) == 2


def test_each_source_is_measured_apart(bundle):
    rows = table(bundle, "sources")
    assert [row["source"] for row in rows] == ["phone", "web", "all"]
    assert int(rows[0]["photos"]) + int(rows[1]["photos"]) == int(rows[2]["photos"])
    card = (bundle.path / "README.md").read_text()
    assert "independent photos, which have nothing to do with those" in card
    assert "| phone |" in card and "the promises may not hold" not in card


def test_drawings_are_neither_learned_from_nor_counted(bundle):
    (row,) = table(bundle, "neither")
    assert (row["group"], row["photos"]) == ("drawing", "6")
    assert [row["group"] for row in table(bundle, "negatives")] == ["noise"]
    assert "| drawing | 6 |" in (bundle.path / "README.md").read_text()


def test_evaluate_measures_the_same_halves(bundle, quick_options, given, tmp_path, capsys):
    dataset = next(option for option in quick_options if option.startswith("--dataset="))
    report = tmp_path / "report"
    arguments = ["--evaluate", str(bundle.path), dataset, *given, f"--report={report}"]
    assert main(arguments) == 0
    found = json.loads((report / "evaluation.json").read_text())
    for part, split in (("independent", "held out"), ("test", "test")):
        stated = [
            metric
            for metric in bundle.config["metrics"]
            if metric["split"] == split and metric["name"] == "top_1"
        ]
        assert found[part]["metrics"]["top_1"] == stated[0]["value"]
        assert found[part]["photos"] == stated[0]["count"]
    printed = capsys.readouterr().out
    assert "held out" in printed and "is_dog_auroc" in printed
    assert (report / "neither.csv").is_file() and (report / "sources.csv").is_file()
    assert "Independent photos" in (report / "report.html").read_text()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--not-dogs-except", "drawing"], "--not-dogs-except goes with --not-dogs"),
        (["--not-dogs=NEGATIVES", "--not-dogs-except", "cartoon"], "no photos called cartoon"),
        (["--independent=NEGATIVES"], "classes that the model does not learn (drawing, noise)"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_long(
    quick_options, negatives, tmp_path, capsys, options, reason
):
    options = [option.replace("NEGATIVES", str(negatives)) for option in options]
    assert main([*quick_options, f"--output={tmp_path / 'model'}", *options]) == 2
    assert reason in capsys.readouterr().err
