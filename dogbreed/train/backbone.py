"""InceptionV3 and the head on top of it, as Keras networks."""

import hashlib
from pathlib import Path

import keras
import numpy as np

from dogbreed.errors import BackboneError
from dogbreed.train.options import IMAGENET

ARCHITECTURE = "inception_v3"
# Where the frozen part may end: at the pooled features, or below the last two Inception blocks.
BOUNDARIES = ("avg_pool", "mixed8")


def build_backbone(weights: str | Path | None = IMAGENET, image_size: int = 299) -> keras.Model:
    """Build the frozen InceptionV3 without its top.

    Args:
        weights: `imagenet` for Keras's own download, a path to a weights file for
            `InceptionV3(include_top=False)`, or None for an untrained network.
        image_size: Side of the input in pixels, at least 75.

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
    """The head of InceptionV3 for the 1,000 classes of ImageNet.

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
    """InceptionV3 `kind` ("with top" or "without top"); the option is for messages."""
    if weights not in (None, IMAGENET) and not Path(weights).is_file():
        raise BackboneError(
            f"There is no weights file {weights}; give the path of InceptionV3 weights {kind}, or "
            f"`{option} {IMAGENET}` to download Keras's."
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
            f"{weights} does not hold InceptionV3 weights {kind} ({reason}); give another file, or "
            f"`{option} {IMAGENET}` to download Keras's."
        ) from error


def weights_fingerprint(network: keras.Model) -> str:
    """SHA-256 over all weights, in order: what the network computes, wherever it was read from."""
    total = hashlib.sha256()
    for weight in network.weights:
        total.update(np.ascontiguousarray(weight.numpy()).tobytes())
    return total.hexdigest()


def classifier_network(backbone: keras.Model, num_classes: int) -> keras.Model:
    """The article's network: backbone, global average pooling, one dense layer.

    Returns:
        Network from preprocessed images to logits of shape (N, num_classes); softmax is left to
        the loss, which is more accurate, and to whoever reads the logits.
    """
    pooled = keras.layers.GlobalAveragePooling2D(name="avg_pool")(backbone.output)
    logits = keras.layers.Dense(num_classes, name="predictions")(pooled)
    return keras.Model(backbone.input, logits, name="dogbreed")


def backbone_of(classifier: keras.Model) -> keras.Model:
    """The part of a network below the average pooling, frozen; it shares its layers."""
    backbone = keras.Model(classifier.input, classifier.get_layer("avg_pool").input)
    backbone.trainable = False
    return backbone


def boundary_output(backbone: keras.Model, boundary: str):
    """What the frozen part gives: (N, 2048) at `avg_pool`, (N, 8, 8, 1280) at `mixed8`."""
    if boundary == "avg_pool":
        return keras.layers.GlobalAveragePooling2D()(backbone.output)
    return backbone.get_layer(boundary).output


def tail_network(classifier: keras.Model, boundary: str) -> keras.Model:
    """The part of a network above a boundary; it shares its layers, so training it trains both.

    Its convolutions and its dense layer can be trained; batch statistics stay as they are, as
    Keras advises for fine-tuning (keras.io, "Transfer learning & fine-tuning").

    Args:
        classifier: Network from `classifier_network`.
        boundary: One of `BOUNDARIES`.

    Returns:
        Network from what `boundary_output` gives to logits.
    """
    tail = keras.Model(classifier.get_layer(boundary).output, classifier.output)
    for layer in tail.layers:
        layer.trainable = isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
    return tail


def evidence_network(classifier: keras.Model) -> keras.Model:
    """The same weights with the head before the average: what is exported for serving.

    The average of a linear map is the linear map of the average, so the spatial mean of the
    evidence is the logits (class activation mapping, Zhou et al. 2016, arXiv:1512.04150).

    Returns:
        Network from preprocessed images to an evidence map (N, 8, 8, num_classes) and the pooled
        features (N, channels), which tell whether there is a dog at all.
    """
    pooled = classifier.get_layer("avg_pool")
    kernel, bias = classifier.get_layer("predictions").get_weights()
    head = keras.layers.Conv2D(kernel.shape[1], 1, name="evidence")
    evidence = head(pooled.input)
    head.set_weights([kernel[None, None], bias])
    return keras.Model(classifier.input, [evidence, pooled.output], name="dogbreed_evidence")
