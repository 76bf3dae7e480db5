"""Compensate for what rounding the weights to 8 bits does to the mean outputs of the layers."""

from collections import Counter
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf

# A layer's output in float, and with every layer below it and its own weights rounded.
Outputs = tuple[tf.Tensor, tf.Tensor]
# The inputs of a layer: one tensor, or several where layers meet.
Inputs: TypeAlias = tf.Tensor | list[tf.Tensor]


def correct_means(network: keras.Model, frames: np.ndarray) -> keras.Model:
    """Copy a network so that it answers like itself after its weights are rounded to 8 bits.

    Rounding a filter shifts the mean of its output, since what comes out of a ReLU is never
    negative. The shift is measured layer by layer, with all layers below already rounded, and
    subtracted in the batch normalization behind the layer or in its own bias: the bias correction
    of Nagel et al. 2019 (arXiv:1906.04721), measured as in Finkelstein et al. 2019
    (arXiv:1906.03193). It is left out where it does not bring the layer's output closer.

    Args:
        network: Functional network of convolutions with batch normalization.
        frames: float32 array of shape (N, size, size, 3), some preprocessed photos; 16 are enough.

    Returns:
        A copy with float weights, to be exported with 8-bit ones.
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
    """Round a kernel as the converter does: symmetric, 8 bits, one scale for each filter.

    Args:
        kernel: float32 array of shape (height, width, channels, filters).
    """
    scale = np.abs(kernel).max(axis=(0, 1, 2), keepdims=True) / 127
    scale[scale == 0] = 1
    return (np.round(kernel / scale) * scale).astype(np.float32)


def _correct_convolution(layer: keras.layers.Conv2D, before: Inputs, after: Inputs) -> Outputs:
    kernel, *bias = layer.get_weights()
    output = layer(before)
    layer.set_weights([round_weights(kernel), *bias])
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
