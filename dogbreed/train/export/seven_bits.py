"""Weights of 7 bits in a LiteRT network of 8 bits, so that no processor has to cut off sums.

Without instructions for 8-bit dot products, runtimes add two products of 8 bits in 16 bits
(`vpmaddubsw`), which overflows for large weights: 2 × 255 × 127 is more than 32,767. With weights
within ±63 it cannot, and the answers are the same on every processor. OpenVINO and oneDNN describe
the overflow as "saturation" and advise the same.
"""

from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

# The largest weight of the converter, and of the network that is returned.
EIGHT_BITS = 127
SEVEN_BITS = 63


def to_seven_bits(network: bytes) -> bytes:
    """Round the weights of all 8-bit convolutions to 7 bits.

    A filter whose weights were whole numbers in -63..63 of some scale before the conversion gets
    just these numbers back: the converter has spread them over -127..127. Of any other filter the
    largest weight becomes 63.

    Args:
        network: LiteRT file with activations in 8 bits, as the converter writes it.

    Returns:
        The same network with weights in -63..63, of the same size.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(network))
    graph = model.subgraphs[0]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    done = set()
    for operator in graph.operators:
        if codes[operator.opcodeIndex] != schema.BuiltinOperator.CONV_2D:
            continue
        photo, kernel, bias = (graph.tensors[index] for index in operator.inputs)
        eight = photo.type == kernel.type == schema.TensorType.INT8
        if not eight or operator.inputs[1] in done:
            continue
        done.add(operator.inputs[1])
        whole = _read(model, kernel, np.int8).reshape(len(kernel.quantization.scale), -1)
        largest = _largest(whole)
        _write(model, kernel, whole * largest[:, None] / EIGHT_BITS, np.int8, largest)
        _write(model, bias, _read(model, bias, np.int32) * largest / EIGHT_BITS, np.int32, largest)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _largest(whole: np.ndarray) -> np.ndarray:
    """Find the whole number in 1..63 that became 127 in each filter.

    Args:
        whole: int array of shape (filters, weights), in -127..127.
    """
    every = np.arange(-EIGHT_BITS, EIGHT_BITS + 1)
    tried = np.arange(SEVEN_BITS, SEVEN_BITS // 2, -1)
    back = np.round(np.outer(every, tried) / EIGHT_BITS) * EIGHT_BITS / tried
    # Halves may have been rounded either way.
    gives_back = np.abs(back - every[:, None]) <= 0.5
    fits = gives_back[whole + EIGHT_BITS].all(axis=1)
    # The first that fits, or 63 if none does.
    return tried[fits.argmax(axis=1)]


def _read(model: Any, tensor: Any, dtype: type) -> np.ndarray:
    return np.frombuffer(bytes(model.buffers[tensor.buffer].data), dtype).astype(np.int64)


def _write(model: Any, tensor: Any, values: np.ndarray, dtype: type, largest: np.ndarray) -> None:
    """Write smaller whole numbers, and scales that are larger by as much."""
    rounded: np.ndarray = np.round(values).astype(dtype)
    model.buffers[tensor.buffer].data = np.frombuffer(rounded.tobytes(), np.uint8)
    scales = np.asarray(tensor.quantization.scale, np.float64) * EIGHT_BITS / largest
    tensor.quantization.scale = scales.astype(np.float32)
