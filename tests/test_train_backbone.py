"""Training starts from random weights, an earlier bundle, or ImageNet's own dog classes."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from dogbreed.breeds import BREEDS
from dogbreed.bundle import CONFIG, WEIGHTS, copy_bundle, read_bundle, sha256
from dogbreed.errors import BackboneError, BundleError, DatasetError, UsageError
from dogbreed.train.network.backbone import build_backbone, build_start, classifier_network
from dogbreed.train.options import Options
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


def head_of(network):
    return network.get_layer("predictions").get_weights()


def test_the_head_follows_the_order_of_the_data(trained_bundle, head, begin, capsys):
    same, origin = begin(trained_bundle)
    turned, origin_turned = begin(trained_bundle, LABELS[::-1])
    kernel, bias = head
    np.testing.assert_array_equal(head_of(same)[0], kernel)
    np.testing.assert_array_equal(head_of(same)[1], bias)
    np.testing.assert_array_equal(head_of(turned)[0], kernel[:, ::-1])
    np.testing.assert_array_equal(head_of(turned)[1], bias[::-1])
    assert not np.array_equal(head_of(turned)[0], kernel)
    assert origin["fingerprint"] != origin_turned["fingerprint"]
    assert origin["address"] is origin["commit"] is None
    assert "another backbone" not in capsys.readouterr().err


def test_another_backbone_is_reported(trained_bundle, begin, tmp_path, capsys):
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


def test_without_keras_weights_there_is_nothing_to_continue_from(trained_bundle, begin, tmp_path):
    served = copy_bundle(read_bundle(trained_bundle), tmp_path / "served", [WEIGHTS])
    with pytest.raises(BundleError, match="contains no Keras weights") as error:
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
    with pytest.raises(BundleError, match="is not of this network"):
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
    network, origin = begin(labels=[breed.label for breed in breeds], warm_start=str(path))
    columns = [breed.imagenet_index for breed in breeds]
    assert columns[1] == 151 and len(set(columns)) == 3
    np.testing.assert_array_equal(head_of(network)[0], kernel[:, columns])
    np.testing.assert_array_equal(head_of(network)[1], bias[columns])
    assert origin["address"] is None and len(origin["fingerprint"]) == 64


def test_a_warm_start_that_cannot_be_is_refused(with_top, begin, tmp_path, trained_bundle):
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


def test_a_missing_or_wrong_weights_file_is_refused(tmp_path):
    with pytest.raises(BackboneError, match="There is no weights file"):
        build_backbone(tmp_path / "none.h5", 75)
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    with pytest.raises(BackboneError, match="does not contain InceptionV3 weights"):
        build_backbone(tmp_path / "photo.png", 75)
