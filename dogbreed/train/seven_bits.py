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

    A filter keeps its largest weight: its scale grows as its whole numbers shrink. So a filter that
    was a multiple of 1/63 of its largest weight before the conversion is kept exactly.

    Args:
        network: LiteRT file with activations in 8 bits, as the converter writes it.

    Returns:
        The same network with weights in -63..63, of the same size.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(network))
    graph = model.subgraphs[0]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    weights, biases = set(), set()
    for operator in graph.operators:
        if codes[operator.opcodeIndex] != schema.BuiltinOperator.CONV_2D:
            continue
        photo, kernel, bias = operator.inputs
        if graph.tensors[photo].type == graph.tensors[kernel].type == schema.TensorType.INT8:
            weights.add(int(kernel))
            biases.add(int(bias))
    for index in sorted(weights):
        _shrink(model, graph.tensors[index], np.int8)
    for index in sorted(biases - {-1}):
        _shrink(model, graph.tensors[index], np.int32)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _shrink(model: Any, tensor: Any, dtype: type) -> None:
    """Divide the whole numbers of a tensor by 127/63, and multiply its scales by it."""
    buffer = model.buffers[tensor.buffer]
    values: np.ndarray = np.frombuffer(bytes(buffer.data), dtype)
    smaller: np.ndarray = np.round(values * (SEVEN_BITS / EIGHT_BITS)).astype(dtype)
    buffer.data = np.frombuffer(smaller.tobytes(), np.uint8)
    scales = np.asarray(tensor.quantization.scale, np.float64)
    tensor.quantization.scale = (scales * (EIGHT_BITS / SEVEN_BITS)).astype(np.float32)
