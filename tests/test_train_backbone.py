"""Training goes on from an earlier bundle, or from ImageNet's own dog classes."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest

from dogbreed.breeds import BREEDS
from dogbreed.bundle import CONFIG, WEIGHTS, copy_bundle, read_bundle, sha256
from dogbreed.errors import BackboneError, BundleError, DatasetError, UsageError
from dogbreed.train.article import LEARNING_RATE, fit_article
from dogbreed.train.backbone import build_backbone, classifier_network
from dogbreed.train.cuts import cut_validation
from dogbreed.train.data import load_training_data
from dogbreed.train.options import Options
from dogbreed.train.start import build_start
from tests.helpers.shapes import LABELS
from tests.helpers.tiny_bundle import assert_one_sentence


@pytest.fixture(scope="module")
def head(trained_bundle):
    """Kernel and bias of the bundle, read as Keras does."""
    network = classifier_network(build_backbone(None, 75), 3)
    network.load_weights(trained_bundle / WEIGHTS)
    return network.get_layer("predictions").get_weights()


@pytest.fixture
def begin(backbone_weights, tmp_path):
    """Builds the network to train; gives it and its start."""

    def run(source=None, labels=LABELS, **changes):
        options = Options(
            output=tmp_path,
            init_from=source and str(source),
            backbone_weights=str(backbone_weights),
            image_size=75,
        )
        return build_start(dataclasses.replace(options, **changes), labels)

    return run


def test_the_head_follows_the_order_of_the_data(trained_bundle, head, begin, capsys):
    network, same = begin(trained_bundle)
    _, turned = begin(trained_bundle, LABELS[::-1])
    kernel, bias = head
    np.testing.assert_array_equal(same.head[0], kernel)
    np.testing.assert_array_equal(network.get_layer("predictions").get_weights()[0], kernel)
    np.testing.assert_array_equal(turned.head[0], kernel[:, ::-1])
    np.testing.assert_array_equal(turned.head[1], bias[::-1])
    assert not np.array_equal(turned.head[0], kernel)
    assert same.fingerprint() != turned.fingerprint()
    assert "another backbone" not in capsys.readouterr().err


def test_another_backbone_is_told(trained_bundle, begin, tmp_path, capsys):
    other = tmp_path / "other.weights.h5"
    build_backbone(None, 75).save_weights(other)
    begin(trained_bundle, backbone_weights=str(other))
    assert "was trained on another backbone" in capsys.readouterr().err


def test_trained_blocks_come_with_the_head(trained_bundle, begin, tmp_path):
    """A head that was trained with its blocks is no use on others."""
    folder = tmp_path / "blocks"
    shutil.copytree(trained_bundle, folder)
    network = classifier_network(build_backbone(None, 75), 3)
    network.save_weights(folder / WEIGHTS)
    config = json.loads((folder / CONFIG).read_text())
    config["training"]["options"]["train_from"] = "mixed8"
    config["files"][WEIGHTS] = {
        "size": (folder / WEIGHTS).stat().st_size,
        "sha256": sha256(folder / WEIGHTS),
    }
    (folder / CONFIG).write_text(json.dumps(config))
    started, _ = begin(folder)
    for found, expected in zip(started.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_other_labels_are_listed(trained_bundle, begin):
    labels = (*LABELS[:2], "n00000004-white_star", "n00000005-black_hole")
    with pytest.raises(BundleError) as error:
        begin(trained_bundle, labels)
    message = str(error.value)
    assert f"only in the bundle: {LABELS[2]};" in message
    assert "only in the data: n00000004-white_star, n00000005-black_hole)" in message
    assert_one_sentence(message)


def test_without_keras_weights_there_is_nothing_to_go_on_from(trained_bundle, begin, tmp_path):
    served = copy_bundle(read_bundle(trained_bundle), tmp_path / "served", [WEIGHTS])
    with pytest.raises(BundleError, match="holds no Keras weights") as error:
        begin(served.path)
    assert_one_sentence(str(error.value))


def test_weights_of_another_network_are_refused(trained_bundle, begin, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(trained_bundle, folder)
    config = json.loads((folder / CONFIG).read_text())
    (folder / WEIGHTS).write_bytes(b"no weights")
    stated = {"size": 10, "sha256": sha256(folder / WEIGHTS)}
    config["files"][WEIGHTS] = stated
    (folder / CONFIG).write_text(json.dumps(config))
    with pytest.raises(BundleError, match="are not those of this network"):
        begin(folder)


@pytest.fixture(scope="module")
def with_top(tmp_path_factory):
    """Weights of an untrained InceptionV3 with its top, and its head."""
    network = keras.applications.InceptionV3(include_top=True, weights=None)
    path = tmp_path_factory.mktemp("top") / "top.weights.h5"
    network.save_weights(path)
    return path, network.get_layer("predictions").get_weights()


def test_a_warm_start_takes_the_dog_columns(with_top, begin):
    path, (kernel, bias) = with_top
    breeds = (BREEDS[7], BREEDS[0], BREEDS[119])
    network, start = begin(labels=[breed.label for breed in breeds], warm_start=str(path))
    columns = [breed.imagenet_index for breed in breeds]
    assert columns[1] == 151 and len(set(columns)) == 3
    np.testing.assert_array_equal(start.head[0], kernel[:, columns])
    np.testing.assert_array_equal(network.get_layer("predictions").get_weights()[1], bias[columns])


def test_a_warm_start_that_cannot_be_is_told(with_top, begin, tmp_path, trained_bundle):
    path, _ = with_top
    for options, kind, message in (
        ({"warm_start": str(path)}, DatasetError, "n00000001-red_disc"),
        ({"warm_start": str(tmp_path / "none.h5")}, BackboneError, "There is no weights file"),
        ({"warm_start": str(path), "source": trained_bundle}, UsageError, "both set the head"),
    ):
        labels = LABELS if kind is DatasetError else (BREEDS[0].label, BREEDS[1].label)
        with pytest.raises(kind, match=message) as error:
            begin(labels=labels, **options)
        assert_one_sentence(str(error.value))


def test_the_start_decides_the_result(tmp_path):
    without = Options(output=tmp_path)
    started = Options(output=tmp_path, init_from=str(tmp_path))
    on_hub = Options(output=tmp_path, init_from="ann/dogs@v1")
    assert without.deciding()["init_from"] is None
    assert started.deciding()["init_from"] == tmp_path.name
    assert on_hub.deciding()["init_from"] == "ann/dogs@v1"


def test_the_article_recipe_starts_from_the_networks_head(shapes_folder, head, tmp_path):
    photos = load_training_data(str(shapes_folder)).train
    network = classifier_network(build_backbone(None, 75), 3)
    network.get_layer("predictions").set_weights(head)
    kept, held_out = cut_validation(photos.labels, 3, 42)
    options = Options(output=tmp_path, epochs=1)
    stages = fit_article(network, photos, kept, held_out, options, tmp_path / "fit")
    # One batch, one step: Adam moves each weight by its learning rate at most.
    for weights, begun in zip(stages.tail.weights, head, strict=True):
        np.testing.assert_allclose(weights, begun, atol=2 * LEARNING_RATE)
        assert not np.array_equal(weights, begun)
