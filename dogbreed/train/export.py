"""Keras → LiteRT in 8 bits, and the check that both answer alike."""

import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dogbreed.errors import ExportError
from dogbreed.train.evaluate import Evaluation, accuracy

MIN_AGREEMENT = 0.985
MAX_ACCURACY_LOSS = 0.003
MAX_LOGIT_ERROR = 1e-3
# The faster first; the next one if the answers differ too much.
QUANTISATIONS = ("full", "weights")
# LiteRT's fast kernels have no average pooling in 8 bits, and the detector reads exact means.
_IN_FLOAT = ["AVERAGE_POOL_2D", "MEAN"]


def export_litert(network: keras.Model, path: Path, quantisation: str, frames: np.ndarray) -> None:
    """Write a network as LiteRT with 8-bit weights, a scale for each filter.

    Args:
        network: Network from `network.evidence_network`.
        path: Where to write it.
        quantisation: `full`: activations in 8 bits too, their ranges found beforehand on `frames`.
            `weights`: activations are rounded by each kernel as they come, which is slower and a
            little more exact.
        frames: float32 array of shape (N, size, size, 3), preprocessed photos.
    """
    one_photo = [keras.InputSpec(shape=(1, *network.input_shape[1:]), dtype="float32")]
    with tempfile.TemporaryDirectory() as folder:
        network.export(folder, verbose=False, input_signature=one_photo)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantisation == "weights":
            path.write_bytes(converter.convert())
            return
        converter.representative_dataset = lambda: ([frame[None]] for frame in frames)
        with warnings.catch_warnings():
            # It tells of its own interpreter's end; the one that serves is another package's.
            warnings.simplefilter("ignore")
            # The converter alone cannot leave operations out.
            quantiser = tf.lite.experimental.QuantizationDebugger(
                converter=converter,
                debug_dataset=converter.representative_dataset,
                debug_options=tf.lite.experimental.QuantizationDebugOptions(
                    denylisted_ops=_IN_FLOAT
                ),
            )
            path.write_bytes(quantiser.get_nondebug_quantized_model())


def check_evidence(classifier: keras.Model, evidence: keras.Model, frames: np.ndarray) -> float:
    """Check that the mean of the evidence map is the classifier's logits.

    Args:
        classifier: Network to logits.
        evidence: Network from `evidence_network`, of the same weights.
        frames: float32 array of shape (N, size, size, 3), preprocessed.

    Returns:
        The largest difference.

    Raises:
        ExportError: It is above 1e-3.
    """
    logits = classifier.predict(frames, verbose=0)
    mean = evidence.predict(frames, verbose=0)[0].mean(axis=(1, 2))
    error = float(np.abs(mean - logits).max())
    if not error <= MAX_LOGIT_ERROR:
        raise ExportError(
            f"The evidence map does not average to the logits (difference {error:.2g}); "
            "the bundle was not written. Please report this."
        )
    return error


def check_agreement(reference: Evaluation, served: Evaluation) -> dict[str, float]:
    """Check that the exported network answers like the float32 one, on the same photos.

    Args:
        reference: What the Keras network answers.
        served: What the LiteRT network answers.

    Returns:
        Shares in 0..1: `top_1_agreement`, and `float32_top_1`, the accuracy before the export.

    Raises:
        ExportError: Less than 98.5 % of the answers agree (one may differ in any case, so that
            small test sets can pass), or the accuracy fell by more than 0.3 points and one photo.
    """
    differ = int((reference.answers() != served.answers()).sum())
    count = len(served.labels)
    before, after = accuracy(reference)["top_1"], accuracy(served)["top_1"]
    if differ > max(1, (1 - MIN_AGREEMENT) * count):
        raise ExportError(
            f"The 8-bit network answers {differ} of {count} photos differently from the float32 "
            f"one (allowed: {1 - MIN_AGREEMENT:.1%}); the bundle was not written."
        )
    if round((before - after) * count) > max(1, MAX_ACCURACY_LOSS * count):
        raise ExportError(
            f"The 8-bit network is right on {after:.2%} of {count} photos, the float32 one on "
            f"{before:.2%}; the bundle was not written."
        )
    return {"top_1_agreement": 1 - differ / count, "float32_top_1": before}
