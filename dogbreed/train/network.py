"""InceptionV3 and the head on top of it, as Keras networks."""

import hashlib
from pathlib import Path

import keras
import numpy as np

from dogbreed.errors import BackboneError
from dogbreed.train.options import IMAGENET

ARCHITECTURE = "inception_v3"


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
    if weights not in (None, IMAGENET) and not Path(weights).is_file():
        raise BackboneError(
            f"There is no weights file {weights}; give the path of InceptionV3 weights without "
            "top, or leave --backbone-weights out to download Keras's ImageNet weights."
        )
    try:
        backbone = keras.applications.InceptionV3(
            include_top=False,
            weights=str(weights) if weights else None,
            input_shape=(image_size, image_size, 3),
        )
    except Exception as error:
        # Keras raises a bare Exception for a failed download and several kinds for a bad file.
        reason = str(error).strip().splitlines()[0].rstrip(".")
        if weights == IMAGENET:
            raise BackboneError(
                f"Keras's ImageNet weights cannot be downloaded ({reason}); connect to the network "
                "once, or give a file of InceptionV3 weights without top with --backbone-weights."
            ) from error
        raise BackboneError(
            f"{weights} does not hold InceptionV3 weights without top ({reason}); give another "
            "file, or leave --backbone-weights out to download Keras's ImageNet weights."
        ) from error
    backbone.trainable = False
    return backbone


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


def evidence_network(classifier: keras.Model) -> keras.Model:
    """The same weights with the head before the average: what is exported for serving.

    The average of a linear map is the linear map of the average, so the spatial mean of the
    evidence is the logits (class activation mapping, Zhou et al. 2016, arXiv:1512.04150).

    Returns:
        Network from preprocessed images to an evidence map (N, 8, 8, num_classes).
    """
    feature_map = classifier.get_layer("avg_pool").input
    kernel, bias = classifier.get_layer("predictions").get_weights()
    head = keras.layers.Conv2D(kernel.shape[1], 1, name="evidence")
    network = keras.Model(classifier.input, head(feature_map), name="dogbreed_evidence")
    head.set_weights([kernel[None, None], bias])
    return network
