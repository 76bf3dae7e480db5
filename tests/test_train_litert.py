"""What is exported must answer like what was trained."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from dogbreed.errors import ExportError
from dogbreed.images import prepare
from dogbreed.train.data.load import load_evaluation_photos
from dogbreed.train.export import litert
from dogbreed.train.export.litert import check_agreement, check_evidence, export_litert, frames_of
from dogbreed.train.network.backbone import build_backbone, classifier_network, evidence_network

CONFIG = {"image_size": 75, "preprocessing": {"resize": "letterbox"}}


def answers(right: int, wrong: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels of photos that are all of class 0."""
    logits = np.repeat([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0]], [right, wrong], axis=0)
    return logits, np.zeros(right + wrong, int)


def test_an_export_that_answers_alike_passes():
    (float32, labels), (served, _) = answers(990, 10), answers(988, 12)
    agreement = check_agreement(float32, served, labels)
    assert agreement["top_1_agreement"] == pytest.approx(0.998)
    assert agreement["float32_top_1"] == pytest.approx(0.99)


def test_an_export_that_answers_differently_fails():
    (float32, labels), (served, _) = answers(1000, 0), answers(979, 21)
    # The labels are the other class for these 21, so that only the difference counts.
    labels[979:] = 1
    with pytest.raises(ExportError, match="answers 21 of 1000 photos differently"):
        check_agreement(float32, served, labels)


def test_an_export_that_is_less_often_right_fails():
    (float32, labels), (served, _) = answers(1000, 0), answers(995, 5)
    with pytest.raises(ExportError, match=r"right on 99.50% of 1000 photos, .* 100.00%"):
        check_agreement(float32, served, labels)


def test_frames_are_what_the_network_takes(shapes_folder):
    photos = load_evaluation_photos(str(shapes_folder))
    frames = frames_of(photos, np.array([0, 2, 4, 6, 8, 10]), CONFIG, 3)
    assert frames.shape == (3, 75, 75, 3) and frames.dtype == np.float32
    for frame, row in zip(frames, (0, 4, 8), strict=True):
        expected = prepare(photos.encoded(row), 75, "letterbox") / 127.5 - 1
        np.testing.assert_allclose(frame, expected, atol=1e-6)
    assert len(frames_of(photos, np.arange(4), CONFIG, 16)) == 4


@pytest.fixture(scope="module")
def classifier(backbone_weights) -> keras.Model:
    network = classifier_network(build_backbone(backbone_weights, 75), 3)
    kernel = np.random.default_rng(0).normal(size=(2048, 3)) / 50
    network.get_layer("predictions").set_weights([kernel.astype(np.float32), np.arange(3.0)])
    return network


@pytest.fixture(scope="module")
def frames(shapes_folder) -> np.ndarray:
    return frames_of(load_evaluation_photos(str(shapes_folder)), np.arange(12), CONFIG, 12)


def test_the_evidence_averages_to_the_logits(classifier, frames, monkeypatch):
    assert 0 <= check_evidence(classifier, frames) < 1e-4

    def wrong(classifier: keras.Model) -> keras.Model:
        network = evidence_network(classifier)
        kernel, bias = network.get_layer("evidence").get_weights()
        network.get_layer("evidence").set_weights([kernel, bias + 1])
        return network

    monkeypatch.setattr(litert, "evidence_network", wrong)
    with pytest.raises(ExportError, match="does not average to the logits"):
        check_evidence(classifier, frames)


def test_the_exported_network_answers_like_the_keras_one(classifier, frames, tmp_path):
    """With rounded weights alone; test_training.py covers rounded activations."""
    path = tmp_path / "model.tflite"
    network = evidence_network(classifier)
    export_litert(network, path, "weights", frames)
    # 24 million parameters of 8 bits each, and the scales.
    assert path.stat().st_size < 25_000_000
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (photo,) = interpreter.get_input_details()
    outputs = {len(each["shape"]): each["index"] for each in interpreter.get_output_details()}
    assert photo["dtype"] is np.float32
    for frame in frames[::4]:
        interpreter.set_tensor(photo["index"], frame[None])
        interpreter.invoke()
        evidence, pooled = network.predict(frame[None], verbose=0)
        served = interpreter.get_tensor(outputs[4]).mean(axis=(1, 2))
        np.testing.assert_allclose(served, evidence.mean(axis=(1, 2)), atol=0.1)
        exact = np.linalg.norm(pooled)
        assert np.linalg.norm(interpreter.get_tensor(outputs[2]) - pooled) < 0.05 * exact
