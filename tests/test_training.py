"""train.py from a dataset to a bundle that answers, for real, on small data."""

import csv
import json
import re
import socket
from pathlib import Path

import keras
import numpy as np
import pytest
from huggingface_hub import ModelCard

from dogbreed import DogBreedClassifier
from dogbreed.bundle import NETWORK, WEIGHTS, read_bundle
from dogbreed.train.data.load import load_training_data
from dogbreed.train.data.trained_on import TRAINED_ON, trained_on
from dogbreed.train.network.backbone import build_backbone, classifier_network
from tests.helpers.shapes import LABELS, draw_shape, write_folder
from train import main

ROOT = Path(__file__).parent.parent


def metric(config: dict, name: str, split: str) -> dict:
    (found,) = [m for m in config["metrics"] if (m["name"], m["split"]) == (name, split)]
    return found


def test_the_bundle_is_whole(trained_bundle, shapes_folder):
    config = read_bundle(trained_bundle, (NETWORK, WEIGHTS)).config
    assert tuple(config["id2label"][str(n)] for n in range(3)) == LABELS
    assert config["names"][LABELS[0]] == "Red disc"
    assert config["image_size"] == 75
    assert config["training"]["splits"]["train"]["photos"] == 36
    assert config["training"]["backbone"]["weights"] == "tiny.weights.h5"
    # Out-of-fold answers to the photos that are trained on, not to the nine that chose options.
    assert config["training"]["settled"]["photos"] == 27
    # The others taught the rejection, whose threshold they cannot settle then.
    assert 0 < config["training"]["settled"]["dogs"] < 27 / 2
    assert config["training"]["settled"]["notes"] == []
    assert set(config["thresholds"]) == {"is_dog", "prediction_set"}
    photos = load_training_data(str(shapes_folder))
    bundle = read_bundle(trained_bundle, (TRAINED_ON,))
    assert trained_on(bundle, photos.train).tolist() == list(range(36))
    assert trained_on(bundle, photos.test).tolist() == []
    for name in config["files"]:
        assert (trained_bundle / name).is_file()
    plots = {p.name for p in (trained_bundle / "metrics").glob("*.png")}
    assert plots == {
        "curves.png",
        "per_breed.png",
        "confusions.png",
        "reliability.png",
        "risk.png",
        "negatives.png",
    }
    events = list((trained_bundle / "runs").rglob("events.out.tfevents.*"))
    assert events and not any(socket.gethostname() in path.name for path in events)
    assert not any(socket.gethostname().encode() in path.read_bytes() for path in events)
    assert str(ROOT.parent) not in (trained_bundle / "config.json").read_text()


def test_the_trained_model_names_shapes_it_has_not_seen(trained_bundle):
    classifier = DogBreedClassifier.from_pretrained(trained_bundle)
    names = ("Red disc", "Green square", "Blue triangle")
    for label in range(3):
        for seed in range(2000, 2005):
            prediction = classifier.predict(draw_shape(label, seed))
            assert prediction.labels[0] == names[label]


def test_metrics_are_those_of_the_serving_network(trained_bundle, shapes_folder):
    config = read_bundle(trained_bundle).config
    classifier = DogBreedClassifier.from_pretrained(trained_bundle)
    files = sorted((shapes_folder / "test").rglob("*.png"))
    right = [
        classifier.bundle.labels[classifier.predict(file).ids[0]] == file.parent.name
        for file in files
    ]
    assert metric(config, "top_1", "test")["value"] == pytest.approx(np.mean(right))
    assert metric(config, "top_1", "test")["count"] == len(files) == 12
    assert metric(config, "top_1", "validation")["count"] == 9
    # Validation photos choose how to round, test photos choose nothing.
    assert metric(config, "top_1_agreement", "validation")["value"] >= 0.985
    assert metric(config, "evidence_error", "validation")["value"] <= 1e-3


def test_the_serving_network_gives_the_logits_of_the_keras_weights(trained_bundle):
    classifier = DogBreedClassifier.from_pretrained(trained_bundle)
    network = classifier_network(build_backbone(None, 75), 3)
    network.load_weights(trained_bundle / WEIGHTS)
    photo = draw_shape(1, 3000)
    frame = np.asarray(photo.resize((75, 75), 2), np.float32)[None] / 127.5 - 1
    logits = network.predict(frame, verbose=0)[0]
    served = classifier.evidence_map(photo).mean(axis=(0, 1))
    np.testing.assert_allclose(served, logits, atol=0.1)
    assert served.argmax() == logits.argmax() == 1


def test_the_card_states_the_metrics_of_the_config(trained_bundle):
    config = read_bundle(trained_bundle).config
    card = ModelCard.load(trained_bundle / "README.md")
    results = {result.metric_name: result for result in card.data.eval_results}
    for name, title in (("top_1", "Top-1 accuracy"), ("top_3", "Top-3 accuracy")):
        tested = metric(config, name, "test")
        assert results[title].metric_value == round(tested["value"], 4)
        assert results[title].dataset_split == "test"
        assert f"| {title} | {100 * tested['value']:.2f} % | `shapes`, test | 12 |" in card.text
    assert "12 photos" in results["Top-1 accuracy"].dataset_name


def test_both_recipes_train_and_name_photos_that_they_skip(quick_options, tmp_path, capsys):
    data = write_folder(tmp_path / "data", per_class=4, test_per_class=2)
    for split in ("train", "test"):
        sorted((data / split).rglob("*.png"))[1].write_bytes(b"no photo")
    output = tmp_path / "model"
    options = [*quick_options, f"--dataset={data}", "--epochs=2", f"--output={output}"]
    # The article's recipe has its own learning rate, and none of these.
    fewer = [each for each in options if not re.match("--(learning-rate|l2|augment-views)=", each)]
    for recipe, given in (("features", options), ("article", fewer)):
        assert main([*given, f"--recipe={recipe}"]) == 0
        told = capsys.readouterr().err
        assert "Skipped 1 photos that cannot be decoded" in told and "001.png" in told
        config = read_bundle(output).config
        assert metric(config, "top_1", "test")["count"] == 5
        assert config["training"]["options"]["recipe"] == recipe
        # Eight photos, or none, are too few to promise how often a set is right.
        assert "prediction_set" not in config["thresholds"]
        assert "are too few to settle" in config["training"]["settled"]["notes"][0]
        card = " ".join((output / "README.md").read_text().split())
        assert "are too few to settle" in card and "**Prediction sets**" not in card
        # The second bundle replaces the first one as a whole.
        assert not (output / "metrics" / "old.txt").exists()
        (output / "metrics" / "old.txt").write_text("of the bundle that was there before")
        assert {path.name for path in tmp_path.iterdir()} == {"data", "model"}
    rows = list(csv.DictReader((output / "metrics" / "history.csv").open()))
    assert len(rows) == 2 and float(rows[1]["loss"]) < float(rows[0]["loss"])


def test_evaluate_prints_and_writes_the_metrics(
    trained_bundle, shapes_folder, negatives_folder, tmp_path, capsys
):
    report = tmp_path / "report"
    options = [
        f"--evaluate={trained_bundle}",
        f"--dataset={shapes_folder}",
        f"--not-dogs={negatives_folder}",
        f"--report={report}",
    ]
    assert main(options) == 0
    out = capsys.readouterr().out
    config = read_bundle(trained_bundle).config
    expected = metric(config, "top_1", "test")["value"]
    assert re.search(rf"^top_1 +{expected:.4f} +12 photos$", out, re.MULTILINE)
    written = json.loads((report / "evaluation.json").read_text())
    for name in ("top_1", "ece", "set_coverage", "set_size", "dogs_refused", "is_dog_auroc"):
        part, split = ("negatives", "held out") if name == "is_dog_auroc" else ("test", "test")
        stated = metric(config, name, split)
        assert written[part]["metrics"][name] == pytest.approx(stated["value"])
        assert written[part]["photos"] == stated["count"]
    assert {"report.html", "per_breed.csv", "confusions.png", "negatives.csv"} <= {
        path.name for path in report.iterdir()
    }


def test_the_blocks_below_the_head_are_trained_too(
    quick_options, trained_bundle, backbone_weights, tmp_path
):
    """And only they: below the boundary the weights stay those of the backbone."""
    output = tmp_path / "blocks"
    # At a higher rate its one-hot filters would lose what they learn when they are rounded.
    rate = "--blocks-learning-rate=1e-5"
    options = [*quick_options, "--train-from=mixed8", rate, "--epochs=3", f"--output={output}"]
    assert main(options) == 0
    config = read_bundle(output).config
    assert config["training"]["options"]["train_from"] == "mixed8"
    assert config["thresholds"]["is_dog"]["method"] == "energy"
    network = classifier_network(build_backbone(None, 75), 3)
    network.load_weights(output / WEIGHTS)
    backbone = build_backbone(backbone_weights, 75)
    boundary = [layer.name for layer in backbone.layers].index("mixed8")
    moved = [
        number
        for number, layer in enumerate(backbone.layers)
        for before, after in zip(
            layer.get_weights(), network.layers[number].get_weights(), strict=True
        )
        if not np.array_equal(before, after)
    ]
    assert moved and min(moved) > boundary
    assert all(isinstance(backbone.layers[number], keras.layers.Conv2D) for number in moved)
    assert metric(config, "top_1", "test")["value"] == 1


def test_bad_options_end_with_one_sentence(quick_options, trained_bundle, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    for options, message in (
        ([f"--output={tmp_path / 'full'}"], "contains other files"),
        ([f"--output={tmp_path / 'new'}", f"--dataset={tmp_path / 'none'}"], "cannot be loaded"),
        ([f"--output={tmp_path / 'new'}", "--backbone-weights=none.h5"], "no weights file"),
        ([f"--output={tmp_path / 'new'}", "--notes=none.md"], "none.md"),
        ([f"--output={tmp_path / 'new'}", "--not-dogs=none"], "none"),
        ([f"--output={tmp_path / 'new'}", "--seed=-1"], "--seed must be from 0"),
        ([f"--output={tmp_path / 'new'}", "--image-size=50"], "--image-size must be from 75"),
        (
            [f"--output={tmp_path / 'new'}", "--recipe=article"],
            "no effect without --recipe features",
        ),
    ):
        assert main([*quick_options, *options]) == 2
        told = capsys.readouterr().err.strip().splitlines()[-1]
        assert told.startswith("train.py: ") and message in told
    assert (tmp_path / "full" / "thesis.txt").read_text() == "years of work"
    assert not (tmp_path / "new").exists()
