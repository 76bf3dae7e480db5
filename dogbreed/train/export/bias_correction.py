"""Round weights to 7 bits, and compensate for what that does to the mean outputs of the layers."""

from collections import Counter
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf

from dogbreed.train.export.rounding import round_weights

# Of the inputs of a layer, as many are taken to round it by.
_MOST_PATCHES = 16_384

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
        frames: float32 array of shape (N, size, size, 3), some preprocessed photos; see
            `export.ROUNDED`.

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


def _correct_convolution(layer: keras.layers.Conv2D, before: Inputs, after: Inputs) -> Outputs:
    kernel, *bias = layer.get_weights()
    output = layer(before)
    kernel = round_weights(kernel, _patches(layer, after))
    layer.set_weights([kernel, *bias])
    served = layer(after)
    if bias:
        shift = _shift(served, output)
        if _distance(served - shift, output) < _distance(served, output):
            bias, served = [bias[0] - shift.numpy()], served - shift
    layer.set_weights([kernel, *bias])
    return output, served


def _patches(layer: keras.layers.Conv2D, inputs: tf.Tensor) -> np.ndarray:
    """Return some of the inputs that a convolution sees, float32 of shape (N, weights)."""
    # Of the large maps of the first layers a few photos give enough.
    places = int(np.prod(layer.output.shape[1:3]))
    photos = -(-4 * _MOST_PATCHES // places)
    patches = tf.image.extract_patches(
        inputs[:: max(1, len(inputs) // photos)],
        sizes=[1, *layer.kernel_size, 1],
        strides=[1, *layer.strides, 1],
        rates=[1, *layer.dilation_rate, 1],
        padding=layer.padding.upper(),
    )
    flat = tf.reshape(patches, (-1, patches.shape[-1]))
    step = max(1, flat.shape[0] // _MOST_PATCHES)
    return flat[::step].numpy()


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
