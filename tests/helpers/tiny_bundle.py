"""A small model bundle for the tests: its evidence is the strength of red, green and blue.

The network is one average pooling, so the right answer follows from the photo alone.
"""

import math
import re
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from PIL import Image, ImageDraw

from dogbreed.bundle import CARD, NETWORK, REJECTION, write_config

LABELS = ("n00000001-red_disc", "n00000002-green_square", "n00000003-blue_triangle")
NAMES = ("Red disc", "Green square", "Blue triangle")
SIZE = 32
CELLS = 8
TEMPERATURE = 0.5

FLOAT32 = schema.TensorType.FLOAT32
UINT8 = schema.TensorType.UINT8


# A photo shows a dog if it is red rather than blue, with a probability from 40 % on; a set contains
# the labels up to 80 %.
THRESHOLDS = {
    "is_dog": {
        "method": "logistic",
        "threshold": (math.log(0.4 / 0.6) - 0.5) / 2,
        "scale": 2.0,
        "offset": 0.5,
    },
    "prediction_set": {"coverage": 0.95, "threshold": 0.8, "penalty": 0.0, "free_ranks": 1},
}
REJECTION_ARRAYS = {
    "weights": np.array([1.0, 0.0, -1.0], np.float32),
    "bias": np.float32(0.25),
}


def write_trusted(path: Path, arrays: dict | None = None, **changes) -> Path:
    """Write a bundle with thresholds; `changes` are those of `write_bundle`."""
    path.mkdir(parents=True)
    np.savez(path / REJECTION, **(REJECTION_ARRAYS if arrays is None else arrays))
    network = build_network(features=True)
    return write_bundle(path, network, **{"thresholds": THRESHOLDS, **changes})


def write_bundle(path: Path, network: bytes | None = None, **changes) -> Path:
    """Write a valid bundle; `changes` replace fields of its config."""
    (path / "metrics").mkdir(parents=True)
    (path / NETWORK).write_bytes(build_network() if network is None else network)
    (path / "metrics" / "history.csv").write_text("epoch,loss\n1,0.5\n")
    (path / CARD).write_text("# A tiny model\n")
    write_config(path, {**make_config(), **changes})
    return path


def make_config(labels: tuple[str, ...] = LABELS, names: tuple[str, ...] = NAMES) -> dict:
    """All fields that `write_config` needs."""
    return {
        "architecture": "inception_v3",
        "image_size": SIZE,
        "preprocessing": {"scale": "inception", "resize": "squash"},
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
        "names": dict(zip(labels, names, strict=True)),
        "temperature": TEMPERATURE,
        "thresholds": {},
        "metrics": [],
        "training": {},
    }


def build_network(
    channels: int = 3,
    size: int = SIZE,
    kind: int = FLOAT32,
    inputs: int = 1,
    outputs: int = 1,
    flat: bool = False,
    features: bool = False,
    weights: int = 0,
    named: bool = True,
) -> bytes:
    """Build a LiteRT file that averages each cell of the photo; the defaults fit the config.

    Args:
        channels: Of the photo, and so of the evidence.
        size: Side of the photo in pixels.
        kind: Type of all numbers.
        inputs: How many photos it takes; all but the first are ignored.
        outputs: How many times it returns the evidence.
        flat: Return the evidence in two dimensions, like logits.
        features: Also return the mean colors, as pooled features.
        weights: If not 0, also contain weights in 8 bits up to this number, which do not matter.
        named: Give the tensors names, which OpenVINO needs.
    """
    photo, cells = (1, size, size, channels), (1, CELLS, CELLS, channels)
    tensors = [_tensor(photo, kind) for _ in range(inputs)]
    operators = []
    for _ in range(outputs):
        tensors.append(_tensor(cells, kind))
        operators.append(_average_pool(0, len(tensors) - 1, size // CELLS))
    if flat:
        tensors.append(_tensor((1, CELLS * CELLS * channels), kind))
        operators.append(_reshape(len(tensors) - 2, len(tensors) - 1, tensors[-1].shape))
    if features:
        tensors += [_tensor((1, 1, 1, channels), kind), _tensor((1, channels), kind)]
        pooled, flattened = len(tensors) - 2, len(tensors) - 1
        operators.append(_average_pool(0, pooled, size))
        operators.append(_reshape(pooled, flattened, tensors[-1].shape))
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = tensors, operators
    graph.inputs = list(range(inputs))
    graph.outputs = list(range(len(tensors) - outputs, len(tensors)))
    if features:
        graph.outputs = [flattened, pooled - 1]

    model = schema.ModelT()
    model.version, model.buffers, model.subgraphs = 3, [schema.BufferT()], [graph]
    if weights:
        graph.tensors.append(_tensor((2, 1), schema.TensorType.INT8))
        graph.tensors[-1].buffer = 1
        model.buffers.append(schema.BufferT())
        model.buffers[1].data = np.array([weights, -weights], np.int8).view(np.uint8)
    for number, tensor in enumerate(graph.tensors):
        tensor.name = f"tensor_{number}" if named else None
    pool, reshape = schema.BuiltinOperator.AVERAGE_POOL_2D, schema.BuiltinOperator.RESHAPE
    model.operatorCodes = [_operator_code(pool), _operator_code(reshape)]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def expected_evidence(frame: np.ndarray) -> np.ndarray:
    """The right evidence for a uint8 photo of the network's size."""
    scaled = frame.astype(np.float64) / 127.5 - 1
    step = SIZE // CELLS
    return scaled.reshape(CELLS, step, CELLS, step, 3).mean(axis=(1, 3))


def draw_disc(size: int = SIZE, color: str = "red") -> Image.Image:
    """A disc in the top left quarter of a black photo."""
    image = Image.new("RGB", (size, size))
    ImageDraw.Draw(image).ellipse((0, 0, size // 2 - 1, size // 2 - 1), fill=color)
    return image


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A photo of random pixels: uint8 array of shape (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def assert_one_sentence(message: str) -> None:
    """Fail unless a message for people is one sentence on one line, with a period at its end."""
    assert re.fullmatch(r"\S[^\n]*[^\s.]\.", message), message
    assert not re.search(r"[.!?]\s+[A-Z]", message), message


def _tensor(shape: tuple[int, ...], kind: int) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.shape, tensor.type = list(shape), kind
    if kind != FLOAT32:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [1.0], [0]
    return tensor


def _average_pool(source: int, target: int, step: int) -> schema.OperatorT:
    options = schema.Pool2DOptionsT()
    options.padding = schema.Padding.VALID
    options.strideW = options.strideH = options.filterWidth = options.filterHeight = step
    return _operator(0, source, target, schema.BuiltinOptions.Pool2DOptions, options)


def _reshape(source: int, target: int, shape: list[int]) -> schema.OperatorT:
    options = schema.ReshapeOptionsT()
    options.newShape = shape
    return _operator(1, source, target, schema.BuiltinOptions.ReshapeOptions, options)


def _operator(code: int, source: int, target: int, kind: int, options) -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, [source], [target]
    operator.builtinOptionsType, operator.builtinOptions = kind, options
    return operator


def _operator_code(builtin: int) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.deprecatedBuiltinCode = code.builtinCode = builtin
    code.version = 1
    return code
