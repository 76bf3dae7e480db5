"""InceptionV3, the head on top of it, and the weights that both start from."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from dogbreed.breeds import BREEDS
from dogbreed.bundle import WEIGHTS, Bundle
from dogbreed.errors import BackboneError, BundleError, DatasetError, UsageError
from dogbreed.hub import load_bundle
from dogbreed.train.options import IMAGENET, Options

ARCHITECTURE = "inception_v3"
# Keras builds no smaller InceptionV3.
MIN_IMAGE_SIZE = 75


def build_backbone(weights: str | Path | None = IMAGENET, image_size: int = 299) -> keras.Model:
    """Build the frozen InceptionV3 without its top.

    Args:
        weights: `imagenet` for Keras's own download, a path to a weights file for
            `InceptionV3(include_top=False)`, or None for an untrained network.
        image_size: Side of the input in pixels, at least `MIN_IMAGE_SIZE`.

    Returns:
        Network from float32 (N, image_size, image_size, 3), scaled by `preprocess_input`, to the
        last feature map, (N, 8, 8, 2048) for 299 pixels.

    Raises:
        BackboneError: The weights cannot be downloaded, or do not fit.
    """
    backbone = _inception(weights, "--backbone-weights", "without top", image_size)
    backbone.trainable = False
    return backbone


def imagenet_head(weights: str | Path = IMAGENET) -> list[np.ndarray]:
    """Read the head of InceptionV3 for the 1,000 classes of ImageNet.

    Args:
        weights: `imagenet` for Keras's own download, or a path to a weights file for
            `InceptionV3(include_top=True)`.

    Returns:
        Kernel, float32 of shape (2048, 1000), and bias of shape (1000,).

    Raises:
        BackboneError: The weights cannot be downloaded, or do not fit.
    """
    network = _inception(weights, "--warm-start", "with top", None)
    return network.get_layer("predictions").get_weights()


def _inception(
    weights: str | Path | None, option: str, kind: str, image_size: int | None
) -> keras.Model:
    """Build InceptionV3 `kind` ("with top" or "without top"); messages name the option."""
    if weights not in (None, IMAGENET) and not Path(weights).is_file():
        raise BackboneError(
            f"There is no weights file {weights}; give the path of InceptionV3 weights {kind}, or "
            f"`{option} {IMAGENET}` to download those of Keras."
        )
    try:
        return keras.applications.InceptionV3(
            include_top=kind == "with top",
            weights=str(weights) if weights else None,
            input_shape=(image_size, image_size, 3) if image_size else None,
            classifier_activation=None,
        )
    except Exception as error:
        # Keras raises a bare Exception for a failed download and several kinds for a bad file.
        reason = str(error).strip().splitlines()[0].rstrip(".")
        if weights == IMAGENET:
            raise BackboneError(
                f"Keras's ImageNet weights cannot be downloaded ({reason}); connect to the network "
                f"once, or give a file of InceptionV3 weights {kind} with {option}."
            ) from error
        raise BackboneError(
            f"{weights} does not contain InceptionV3 weights {kind} ({reason}); give another file, "
            f"or `{option} {IMAGENET}` to download those of Keras."
        ) from error


def weights_fingerprint(network: keras.Model) -> str:
    """SHA-256 of all weights, in order: what the network computes, wherever it was read from."""
    total = hashlib.sha256()
    for weight in network.weights:
        total.update(np.ascontiguousarray(weight.numpy()).tobytes())
    return total.hexdigest()


def classifier_network(backbone: keras.Model, num_classes: int) -> keras.Model:
    """Build the article's network: backbone, global average pooling, one dense layer.

    Returns:
        Network from preprocessed images to logits of shape (N, num_classes). Softmax is left to
        the loss, which is more accurate, and to whoever reads the logits.
    """
    pooled = keras.layers.GlobalAveragePooling2D(name="avg_pool")(backbone.output)
    logits = keras.layers.Dense(num_classes, name="predictions")(pooled)
    return keras.Model(backbone.input, logits, name="dogbreed")


def backbone_of(classifier: keras.Model) -> keras.Model:
    """Return the part of a network below the average pooling, frozen; it shares the layers."""
    backbone = keras.Model(classifier.input, classifier.get_layer("avg_pool").input)
    backbone.trainable = False
    return backbone


def evidence_network(classifier: keras.Model) -> keras.Model:
    """Put the head of a network before the average: this is what is exported for serving.

    The average of a linear map is the linear map of the average, so the spatial mean of the
    evidence is the logits (class activation mapping, Zhou et al. 2016, arXiv:1512.04150).

    Returns:
        Network from preprocessed images to an evidence map (N, 8, 8, num_classes) and the pooled
        features (N, channels), which show whether there is a dog at all.
    """
    pooled = classifier.get_layer("avg_pool")
    kernel, bias = classifier.get_layer("predictions").get_weights()
    head = keras.layers.Conv2D(kernel.shape[1], 1, name="evidence")
    evidence = head(pooled.input)
    head.set_weights([kernel[None, None], bias])
    return keras.Model(classifier.input, [evidence, pooled.output], name="dogbreed_evidence")


def build_start(
    options: Options, label_names: Sequence[str]
) -> tuple[keras.Model, dict[str, str | None] | None]:
    """Build the network to train, with the weights to start from.

    Args:
        options: `init_from`, `warm_start`, `backbone_weights` and `image_size` are used.
        label_names: The data's label of each class number.

    Returns:
        Network from `classifier_network`, and where its head comes from: `address` and `commit`
        of a bundle on the Hub, None for a folder or for ImageNet, and `fingerprint`, the SHA-256
        of kernel and bias. None for random weights.

    Raises:
        DogBreedError: The weights cannot be read or do not fit.
    """
    if options.init_from and options.warm_start:
        raise UsageError("--init-from and --warm-start both set the head; give one of them.")
    if options.init_from:
        return _from_bundle(options, options.init_from, label_names)
    backbone = build_backbone(options.backbone_weights, options.image_size)
    classifier = classifier_network(backbone, len(label_names))
    if not options.warm_start:
        return classifier, None
    columns = imagenet_columns(label_names)
    kernel, bias = imagenet_head(options.warm_start)
    return classifier, _set_head(classifier, [kernel[:, columns], bias[columns]])


def imagenet_columns(label_names: Sequence[str]) -> list[int]:
    """Look up the ImageNet-1k class of each label of Stanford Dogs.

    Raises:
        DatasetError: A label is not one of them.
    """
    columns = {breed.label: breed.imagenet_index for breed in BREEDS}
    unknown = [label for label in label_names if label not in columns]
    if unknown:
        raise DatasetError(
            f"--warm-start needs the labels of Stanford Dogs, which do not include "
            f"{', '.join(unknown[:5])}{' …' if len(unknown) > 5 else ''}; leave it out."
        )
    return [columns[label] for label in label_names]


def _from_bundle(
    options: Options, source: str, label_names: Sequence[str]
) -> tuple[keras.Model, dict[str, str | None]]:
    bundle = load_bundle(source, files=())
    if WEIGHTS not in bundle.config["files"]:
        raise BundleError(
            f"--init-from {source} contains no Keras weights ({WEIGHTS}) to continue from; name a "
            "bundle that train.py wrote."
        )
    _check_labels(bundle, label_names)
    # The same commit, in case the branch moves on in the meantime.
    trained = _read_network(load_bundle(source, bundle.commit, files=(WEIGHTS,)), options)
    kernel, bias = trained.get_layer("predictions").get_weights()
    order = [bundle.labels.index(label) for label in label_names]
    training = bundle.config["training"]
    # A head that was trained together with the blocks below it is of no use without them.
    if training.get("options", {}).get("train_from", "avg_pool") == "avg_pool":
        backbone = build_backbone(options.backbone_weights, options.image_size)
        if training.get("backbone", {}).get("fingerprint") != weights_fingerprint(backbone):
            print(
                f"The head of {source} was trained on another backbone; it may need more epochs.",
                file=sys.stderr,
            )
        trained = classifier_network(backbone, len(label_names))
    start = _set_head(trained, [kernel[:, order], bias[order]])
    return trained, {**start, "address": bundle.address, "commit": bundle.commit}


def _set_head(classifier: keras.Model, head: list[np.ndarray]) -> dict[str, str | None]:
    """Set kernel and bias; describe them as `build_start` does."""
    classifier.get_layer("predictions").set_weights(head)
    fingerprint = hashlib.sha256(b"".join(weight.tobytes() for weight in head)).hexdigest()
    return {"address": None, "commit": None, "fingerprint": fingerprint}


def _check_labels(bundle: Bundle, label_names: Sequence[str]) -> None:
    only_there = sorted(set(bundle.labels) - set(label_names))
    only_here = sorted(set(label_names) - set(bundle.labels))
    parts = [
        f"{where}: {', '.join(labels)}"
        for where, labels in (("only in the bundle", only_there), ("only in the data", only_here))
        if labels
    ]
    if parts:
        raise BundleError(
            f"--init-from {bundle.source} has other labels than the data ({'; '.join(parts)}); "
            "name a bundle with the same labels, or leave --init-from out."
        )


def _read_network(bundle: Bundle, options: Options) -> keras.Model:
    network = classifier_network(build_backbone(None, options.image_size), len(bundle.labels))
    try:
        network.load_weights(bundle.path / WEIGHTS)
    except Exception as error:
        # Keras raises several kinds of error for a file that does not fit.
        raise BundleError(
            f"The {WEIGHTS} of {bundle.source} is not of this network; name another bundle."
        ) from error
    return network
