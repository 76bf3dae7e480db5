"""A bundle in other formats: each answers like the bundle, and says what its classes are."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dogbreed import cli
from dogbreed.bundle import NETWORK, WEIGHTS, Bundle, read_bundle, write_config
from dogbreed.errors import BundleError, ExportError, UsageError
from dogbreed.train.export.formats import (
    NEEDED,
    _prepared,
    answering_network,
    draw_frames,
    export_bundle,
)
from dogbreed.train.export.litert import export_litert
from dogbreed.train.network.backbone import build_backbone, classifier_network, evidence_network
from tests.helpers.tiny_bundle import LABELS, make_config, write_bundle

SIZE = 75


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, backbone_weights) -> Bundle:
    """A bundle of the real architecture, with both its networks."""
    path = tmp_path_factory.mktemp("models") / "bundle"
    path.mkdir()
    classifier = classifier_network(build_backbone(backbone_weights, SIZE), 3)
    kernel = np.random.default_rng(0).normal(size=(2048, 3)) / 10
    head = [kernel.astype(np.float32), np.zeros(3, np.float32)]
    classifier.get_layer("predictions").set_weights(head)
    classifier.save_weights(path / WEIGHTS)
    no_frames = np.zeros((0, SIZE, SIZE, 3), np.float32)
    export_litert(evidence_network(classifier), path / NETWORK, "weights", no_frames)
    return write_config(path, {**make_config(), "image_size": SIZE})


@pytest.fixture(scope="module")
def expected(bundle) -> dict[str, np.ndarray]:
    """What the Keras network answers to the frames."""
    answer = answering_network(bundle)(_prepared(draw_frames(), bundle))
    return {name: value.numpy() for name, value in answer.items()}


def exported(bundle: Bundle, format: str, folder: Path) -> Path:
    """The output; skips where a package is missing."""
    for name in NEEDED[format]:
        pytest.importorskip(name, reason=f"{name} is missing; see requirements-export.txt")
    output = folder / "out"
    assert export_bundle(bundle.path, format, output) == output
    # Nothing else is left there.
    assert [path.name for path in folder.iterdir()] == ["out"]
    return output


def check_description(text: str, bundle: Bundle) -> None:
    told = json.loads(text)
    assert told["labels"] == list(LABELS) and told["names"] == list(bundle.names)
    assert told["image_size"] == SIZE and told["preprocessing"]["resize"] == "squash"


def test_the_answers_differ_between_frames_and_sum_to_1(expected):
    probabilities = expected["probabilities"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.ptp(probabilities, axis=0).max() > 0.01
    assert expected["features"].shape == (4, 2048) and expected["evidence"].shape[3] == 3


def test_a_saved_model(bundle, expected, tmp_path):
    tf = pytest.importorskip("tensorflow")
    output = exported(bundle, "saved-model", tmp_path)
    loaded = tf.saved_model.load(output)
    answer = loaded.serve(_prepared(draw_frames(), bundle))
    for name, value in expected.items():
        np.testing.assert_allclose(answer[name], value, atol=1e-4)
    check_description((output / "assets.extra" / "dogbreed.json").read_text("utf-8"), bundle)


def test_onnx(bundle, expected, tmp_path):
    output = exported(bundle, "onnx", tmp_path)
    session = pytest.importorskip("onnxruntime").InferenceSession(output)
    answer = session.run([*expected], {"photos": _prepared(draw_frames(), bundle)})
    for found, value in zip(answer, expected.values(), strict=True):
        np.testing.assert_allclose(found, value, atol=1e-3)
    check_description(session.get_modelmeta().custom_metadata_map["dogbreed"], bundle)


def test_openvino(bundle, expected, tmp_path):
    output = exported(bundle, "openvino", tmp_path)
    assert {path.name for path in output.iterdir()} == {"model.xml", "model.bin"}
    core = pytest.importorskip("openvino").Core()
    model = core.read_model(output / "model.xml")
    # By itself it computes in bfloat16 on a processor that can.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    answer = compiled(_prepared(draw_frames(), bundle))
    for name, value in expected.items():
        np.testing.assert_allclose(answer[name], value, atol=1e-3)
    check_description(model.get_rt_info(["dogbreed"]).astype(str), bundle)


def test_weights_that_are_not_those_of_the_network_are_refused(bundle, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(bundle.path, other)
    network = classifier_network(build_backbone(None, SIZE), 3)
    network.load_weights(other / WEIGHTS)
    kernel, bias = network.get_layer("predictions").get_weights()
    network.get_layer("predictions").set_weights([kernel, bias + np.array([0, 5, 0])])
    network.save_weights(other / WEIGHTS)
    write_config(other, {k: v for k, v in bundle.config.items() if k != "files"})
    with pytest.raises(ExportError, match=f"probabilities of the {WEIGHTS} differ by up to"):
        export_bundle(other, "saved-model", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bundle_without_weights_is_refused(tmp_path):
    path = write_bundle(tmp_path / "bundle")
    with pytest.raises(BundleError, match=f"contains no Keras weights \\({WEIGHTS}\\)"):
        export_bundle(path, "saved-model", tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]
    assert read_bundle(path)


def test_nothing_is_overwritten(bundle, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        export_bundle(bundle.path, "saved-model", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_where_nothing_can_be_written_is_one_sentence(bundle, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    command = ["export", str(bundle.path), "--format=saved-model"]
    assert cli.main([*command, f"--output={tmp_path / 'file' / 'out'}"]) == 2
    said = capsys.readouterr().err
    assert "--output cannot be used" in said and said.count("\n") == 1


def test_a_missing_package_is_one_sentence(bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("dogbreed.train.export.formats.find_spec", lambda name: None)
    command = ["export", str(bundle.path), "--format=openvino", f"--output={tmp_path / 'out'}"]
    assert cli.main(command) == 2
    told = capsys.readouterr().err
    remedy = "run `pip install -r requirements-export.txt`"
    assert told == f"dogbreed: --format openvino needs openvino; {remedy}.\n"
