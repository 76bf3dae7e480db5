"""Training goes on from an earlier bundle: the head of its Keras weights, in the data's order."""

import json
import shutil

import numpy as np
import pytest

from dogbreed.bundle import CONFIG, WEIGHTS, copy_bundle, read_bundle, sha256
from dogbreed.errors import BundleError
from dogbreed.train.article import LEARNING_RATE, fit_article
from dogbreed.train.data import load_training_data
from dogbreed.train.fit import fit_head
from dogbreed.train.network import build_backbone, classifier_network
from dogbreed.train.options import Options
from dogbreed.train.start import load_start
from tests.shapes import LABELS
from tests.tiny_bundle import assert_one_sentence


@pytest.fixture(scope="module")
def head(trained_bundle):
    """Kernel and bias of the bundle, read as Keras does."""
    network = classifier_network(build_backbone(None, 75), 3)
    network.load_weights(trained_bundle / WEIGHTS)
    return network.get_layer("predictions").get_weights()


def test_the_head_follows_the_order_of_the_data(trained_bundle, head, capsys):
    backbone = read_bundle(trained_bundle).config["training"]["backbone"]["fingerprint"]
    same = load_start(str(trained_bundle), LABELS, backbone)
    turned = load_start(str(trained_bundle), LABELS[::-1], backbone)
    kernel, bias = head
    np.testing.assert_array_equal(same.kernel, kernel)
    np.testing.assert_array_equal(turned.kernel, kernel[:, ::-1])
    np.testing.assert_array_equal(turned.bias, bias[::-1])
    assert not np.array_equal(turned.kernel, kernel)
    assert same.fingerprint() != turned.fingerprint()
    assert capsys.readouterr().err == ""


def test_another_backbone_is_told(trained_bundle, capsys):
    load_start(str(trained_bundle), LABELS, "another")
    assert "was trained on another backbone" in capsys.readouterr().err


def test_other_labels_are_listed(trained_bundle):
    labels = (*LABELS[:2], "n00000004-white_star", "n00000005-black_hole")
    with pytest.raises(BundleError) as error:
        load_start(str(trained_bundle), labels, "")
    message = str(error.value)
    assert f"only in the bundle: {LABELS[2]};" in message
    assert "only in the data: n00000004-white_star, n00000005-black_hole)" in message
    assert_one_sentence(message)


def test_without_keras_weights_there_is_nothing_to_go_on_from(trained_bundle, tmp_path):
    served = copy_bundle(read_bundle(trained_bundle), tmp_path / "served", [WEIGHTS])
    with pytest.raises(BundleError, match="holds no Keras weights") as error:
        load_start(str(served.path), LABELS, "")
    assert_one_sentence(str(error.value))


def test_weights_of_another_network_are_refused(trained_bundle, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(trained_bundle, folder)
    config = json.loads((folder / CONFIG).read_text())
    (folder / WEIGHTS).write_bytes(b"no weights")
    stated = {"size": 10, "sha256": sha256(folder / WEIGHTS)}
    config["files"][WEIGHTS] = stated
    (folder / CONFIG).write_text(json.dumps(config))
    with pytest.raises(BundleError, match="are not those of this network"):
        load_start(str(folder), LABELS, "")


def test_the_start_decides_the_result(tmp_path):
    without = Options(output=tmp_path)
    started = Options(output=tmp_path, init_from=str(tmp_path))
    on_hub = Options(output=tmp_path, init_from="ann/dogs@v1")
    assert without.deciding()["init_from"] is None
    assert started.deciding()["init_from"] == tmp_path.name
    assert on_hub.deciding()["init_from"] == "ann/dogs@v1"


def test_a_fit_starts_from_it(tmp_path):
    """Without learning, what comes out is the head that went in."""
    rng = np.random.default_rng(0)
    start = [rng.normal(size=(5, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)]
    fitted = fit_head(
        rng.normal(size=(12, 5)),
        np.arange(12) % 3,
        None,
        num_classes=3,
        learning_rate=1e-12,
        l2=0.0,
        epochs=1,
        patience=1,
        seed=1,
        start=start,
        folder=tmp_path / "fit",
        logs=tmp_path / "logs",
    )
    np.testing.assert_allclose(fitted.kernel, start[0], atol=1e-6)
    np.testing.assert_allclose(fitted.bias, start[1], atol=1e-6)


def test_the_article_recipe_starts_from_it(shapes_folder, head, tmp_path):
    photos = load_training_data(str(shapes_folder)).train
    options = Options(output=tmp_path, validation_per_class=3, epochs=1)
    fitted = fit_article(build_backbone(None, 75), photos, options, head, tmp_path / "fit")
    # One batch, one step: Adam moves each weight by its learning rate at most.
    for weights, begun in zip((fitted.kernel, fitted.bias), head, strict=True):
        np.testing.assert_allclose(weights, begun, atol=2 * LEARNING_RATE)
