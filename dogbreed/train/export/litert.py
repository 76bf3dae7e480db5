"""Keras → LiteRT in 8 bits with weights of 7, and the checks that both answer alike."""

from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf
from keras.applications.inception_v3 import preprocess_input
from tensorflow.lite.python.convert import mlir_quantize

from dogbreed.bundle import NETWORK, Bundle, describe_files
from dogbreed.errors import ExportError
from dogbreed.images import prepare
from dogbreed.train.data.photos import Photos
from dogbreed.train.export.bias_correction import correct_means
from dogbreed.train.export.seven_bits import to_seven_bits
from dogbreed.train.measure.answers import serve
from dogbreed.train.measure.metrics import accuracy
from dogbreed.train.network.backbone import evidence_network
from dogbreed.train.trust.calibration import with_head

if TYPE_CHECKING:
    from dogbreed.train.network.served import Open

# Weights of 7 bits change about one answer in sixty, where two breeds are about as probable; what
# that may cost is bounded below.
MIN_AGREEMENT = 0.98
MAX_ACCURACY_LOSS = 0.003
MAX_LOGIT_ERROR = 1e-3
# The faster first; the next one if the answers differ too much.
QUANTIZATIONS = ("full", "weights")
# Photos that layers are rounded and compared on: the last ones see 64 places of each, and have
# up to 4,032 weights in a filter.
ROUNDED = 64
# Photos that the evidence map is checked on.
COMPARED = 16
# Photos that the ranges of the 8-bit activations are found on; docs/performance.md says why.
RANGING = 256
# LiteRT's fast kernels have no average pooling in 8 bits, and the rejection reads exact means.
_IN_FLOAT = ["AVERAGE_POOL_2D", "MEAN"]


def export(
    classifier: keras.Model,
    photos: Photos,
    fitted_on: np.ndarray,
    exact: tuple[np.ndarray, np.ndarray],
    *,
    heads: tuple[list[np.ndarray], list[np.ndarray]],
    config: dict,
    partial: Path,
    opened: "Open",
) -> dict[str, float]:
    """Export in the fastest way that answers like the float32 network; note in the config which.

    Validation photos decide, by the answers of a head that has not seen them.

    Args:
        classifier: The fitted network.
        photos: Training photos.
        fitted_on: Rows that it was fitted on, to find the ranges of activations on.
        exact: Rows of validation photos, and logits of the float32 network to them.
        heads: The head of `classifier`, and that of `exact`; the same if it has not seen them.
        config: Of the bundle, so far.
        partial: Folder of the bundle.
        opened: Lets what was exported answer.

    Returns:
        Those of `check_agreement`, and `evidence_error`, see `check_evidence`.

    Raises:
        ExportError: No exported network answers like the one that was trained.
    """
    shown = frames_of(photos, fitted_on, config, ROUNDED)
    error = check_evidence(classifier, shown[:COMPARED])
    corrected = correct_means(evidence_network(classifier), shown)
    ranging = frames_of(photos, fitted_on, config, RANGING)
    rows, float32 = exact
    for quantization in QUANTIZATIONS:
        export_litert(corrected, partial / NETWORK, quantization, ranging)
        config["training"]["quantization"] = quantization
        _, answers = serve(opened(open_bundle(partial, config)), photos, rows)
        try:
            agreement = check_agreement(float32, with_head(answers, *heads), photos.labels[rows])
            return {**agreement, "evidence_error": error}
        except ExportError:
            if quantization == QUANTIZATIONS[-1]:
                raise
            print("8-bit activations change the answers; only the weights are rounded.")
    raise AssertionError("the last way either returns or raises")


def open_bundle(partial: Path, config: dict) -> Bundle:
    """Return a bundle that is being made, with the files that are there so far."""
    return Bundle(partial, config | {"files": describe_files(partial)})


def frames_of(photos: Photos, rows: np.ndarray, config: dict, count: int) -> np.ndarray:
    """Prepare some of the photos at these rows, spread evenly, as the network takes them.

    Args:
        photos: Photos of a split.
        rows: Rows of photos that can be decoded.
        config: Of the bundle; says what size the network takes and how to resize to it.
        count: How many photos at most.

    Returns:
        float32 array of shape (N, size, size, 3), preprocessed.
    """
    rows = rows[:: max(1, len(rows) // count)][:count]
    size, resize = config["image_size"], config["preprocessing"]["resize"]
    frames = [prepare(photos.encoded(row), size, resize) for row in rows]
    return preprocess_input(np.stack(frames).astype(np.float32))


def export_litert(network: keras.Model, path: Path, quantization: str, frames: np.ndarray) -> None:
    """Write a network as LiteRT with rounded weights, one scale for each filter.

    Args:
        network: Network from `backbone.evidence_network`.
        path: Where to write it.
        quantization: `full`: weights in 7 bits and activations in 8, their ranges found beforehand
            on `frames`. `weights`: in 8 bits; each kernel rounds activations as they come, which is
            slower and a little more exact.
        frames: float32 array of shape (N, size, size, 3), preprocessed photos.
    """
    one_photo = tf.TensorSpec((1, *network.input_shape[1:]), tf.float32)
    # Without variables nothing has to be written to disk and read again.
    kinds = network.trainable_variables, network.non_trainable_variables
    constants = [[tf.constant(variable.numpy()) for variable in kind] for kind in kinds]
    answer = tf.function(lambda photo: network.stateless_call(*constants, photo, training=False)[0])
    converter = tf.lite.TFLiteConverter([answer.get_concrete_function(one_photo)])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # Python would read and write the whole file once more to add them.
    converter.exclude_conversion_metadata = True
    if quantization == "weights":
        path.write_bytes(converter.convert())
        return
    converter.representative_dataset = lambda: ([frame[None]] for frame in frames)
    # The converter has no option to leave operations in float, so it only finds the ranges.
    converter._experimental_calibrate_only = True
    ranged = converter.convert()
    path.write_bytes(to_seven_bits(mlir_quantize(ranged, denylisted_ops=_IN_FLOAT)))


def check_evidence(classifier: keras.Model, frames: np.ndarray) -> float:
    """Check that the mean of the evidence map that is exported is the logits.

    Args:
        classifier: Network to logits.
        frames: float32 array of shape (N, size, size, 3), preprocessed.

    Returns:
        The largest difference.

    Raises:
        ExportError: It is above 1e-3.
    """
    evidence = evidence_network(classifier).outputs[0]
    both = keras.Model(classifier.input, [classifier.output, evidence])
    logits, evidence_map = both.predict(frames, verbose=0)
    error = float(np.abs(evidence_map.mean(axis=(1, 2)) - logits).max())
    if not error <= MAX_LOGIT_ERROR:
        raise ExportError(
            f"The evidence map does not average to the logits (difference {error:.2g}), so the "
            "bundle was not written; please report this."
        )
    return error


def check_agreement(float32: np.ndarray, served: np.ndarray, labels: np.ndarray) -> dict:
    """Check that the exported network answers like the float32 one, on the same photos.

    Args:
        float32: Logits of the Keras network, float array of shape (N, num_classes).
        served: Logits of the LiteRT network, of the same shape.
        labels: int array of shape (N,), the true class numbers.

    Returns:
        Shares in 0..1: `top_1_agreement`, and `float32_top_1`, the accuracy before the export.

    Raises:
        ExportError: Less than 98 % of the answers agree (one may differ in any case, so that
            few photos can pass), or the accuracy fell by more than 0.3 points and one photo.
    """
    differ = int((float32.argmax(axis=1) != served.argmax(axis=1)).sum())
    count = len(labels)
    before, after = accuracy(float32, labels)["top_1"], accuracy(served, labels)["top_1"]
    if differ > max(1, (1 - MIN_AGREEMENT) * count):
        raise ExportError(
            f"The 8-bit network answers {differ} of {count} photos differently from the float32 "
            f"one (allowed: {1 - MIN_AGREEMENT:.1%}), so the bundle was not written."
        )
    if round((before - after) * count) > max(1, MAX_ACCURACY_LOSS * count):
        raise ExportError(
            f"The 8-bit network is right on {after:.2%} of {count} photos, the float32 one on "
            f"{before:.2%}, so the bundle was not written."
        )
    return {"top_1_agreement": 1 - differ / count, "float32_top_1": before}
