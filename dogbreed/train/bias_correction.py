"""Round weights to 7 bits, and compensate for what that does to the mean outputs of the layers."""

from collections import Counter
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf

from dogbreed.train.seven_bits import SEVEN_BITS

# Shares of a filter's largest weight that may become its largest whole number.
_CLIPS = np.linspace(0.6, 1, 9, dtype=np.float32)

# A layer's output in float, and with every layer below it and its own weights rounded.
Outputs = tuple[tf.Tensor, tf.Tensor]
# The inputs of a layer: one tensor, or several where layers meet.
Inputs: TypeAlias = tf.Tensor | list[tf.Tensor]


def correct_means(network: keras.Model, frames: np.ndarray) -> keras.Model:
    """Copy a network with rounded weights so that it answers like itself.

    Rounding a filter shifts the mean of its output, since what comes out of a ReLU is never
    negative. The shift is measured layer by layer, with all layers below already rounded, and
    subtracted in the batch normalization behind the layer or in its own bias: the bias correction
    of Nagel et al. 2019 (arXiv:1906.04721), measured as in Finkelstein et al. 2019
    (arXiv:1906.03193). It is left out where it does not bring the layer's output closer.

    Args:
        network: Functional network of convolutions with batch normalization.
        frames: float32 array of shape (N, size, size, 3), some preprocessed photos; 16 are enough.

    Returns:
        A copy in float, whose weights `seven_bits.to_seven_bits` keeps exactly.
    """
    corrected = keras.models.clone_model(network)
    corrected.set_weights(network.get_weights())
    photos = tf.constant(frames)
    # The output of each layer: in float, and with every layer below rounded.
    exact = {id(corrected.inputs[0]): photos}
    rounded = dict(exact)
    layers = [layer for layer in corrected.layers if not isinstance(layer, keras.layers.InputLayer)]
    uses = Counter(id(tensor) for layer in layers for tensor in _inputs(layer))
    for layer in layers:
        inputs = [id(tensor) for tensor in _inputs(layer)]
        before = _as_argument([exact[key] for key in inputs])
        after = _as_argument([rounded[key] for key in inputs])
        if isinstance(layer, keras.layers.Conv2D):
            outputs = _correct_convolution(layer, before, after)
        elif isinstance(layer, keras.layers.BatchNormalization):
            outputs = _correct_normalization(layer, before, after)
        else:
            outputs = layer(before), layer(after)
        exact[id(layer.output)], rounded[id(layer.output)] = outputs
        for key in inputs:
            uses[key] -= 1
            if not uses[key]:
                # Otherwise the activations of all layers would be in memory at once.
                del exact[key], rounded[key]
    return corrected


def round_weights(kernel: np.ndarray) -> np.ndarray:
    """Round a kernel to 7 bits: whole numbers in -63..63 and one scale for each filter.

    The scale is the one of least squared error among some that cut off the largest weights of the
    filter; cutting off a few costs less than coarser steps for all others.

    Args:
        kernel: float32 array of shape (height, width, channels, filters).

    Returns:
        float32 array of the same shape.
    """
    largest = np.abs(kernel).max(axis=(0, 1, 2), keepdims=True)
    largest[largest == 0] = 1
    best, least = kernel, np.full(largest.shape, np.inf, np.float32)
    for clip in _CLIPS:
        scale = clip * largest / SEVEN_BITS
        rounded = np.clip(np.round(kernel / scale), -SEVEN_BITS, SEVEN_BITS) * scale
        error = np.square(rounded - kernel).sum(axis=(0, 1, 2), keepdims=True)
        best = np.where(error < least, rounded, best)
        least = np.minimum(error, least)
    return best.astype(np.float32)


def _correct_convolution(layer: keras.layers.Conv2D, before: Inputs, after: Inputs) -> Outputs:
    kernel, *bias = layer.get_weights()
    output = layer(before)
    kernel = round_weights(kernel)
    layer.set_weights([kernel, *bias])
    served = layer(after)
    if bias:
        shift = _shift(served, output)
        if _distance(served - shift, output) < _distance(served, output):
            bias, served = [bias[0] - shift.numpy()], served - shift
    layer.set_weights([kernel, *bias])
    return output, served


def _correct_normalization(
    layer: keras.layers.BatchNormalization, before: Inputs, after: Inputs
) -> Outputs:
    output = layer(before, training=False)
    served = layer(after, training=False)
    mean = layer.moving_mean.numpy()
    layer.moving_mean.assign(mean + _shift(after, before))
    shifted = layer(after, training=False)
    # Compared as the ReLU behind it will pass them on.
    if _distance(tf.nn.relu(shifted), tf.nn.relu(output)) < _distance(
        tf.nn.relu(served), tf.nn.relu(output)
    ):
        return output, shifted
    layer.moving_mean.assign(mean)
    return output, served


def _shift(served: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(served, (0, 1, 2)) - tf.reduce_mean(output, (0, 1, 2))


def _distance(served: tf.Tensor, output: tf.Tensor) -> float:
    return float(tf.norm(served - output))


def _inputs(layer: keras.layers.Layer) -> list[keras.KerasTensor]:
    return layer.input if isinstance(layer.input, list) else [layer.input]


def _as_argument(values: list[tf.Tensor]) -> Inputs:
    return values if len(values) > 1 else values[0]
