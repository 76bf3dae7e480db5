"""How fast the network could be on this processor, by its multiply-adds and a matrix product.

    python -m benchmarks.limit

The floor is the time that the multiply-adds of all convolutions would take at the rate of one
large matrix product, the best case of the same arithmetic, in ONNX Runtime (MLAS kernels). A
runtime can be below it only by saving multiplications, as Winograd's algorithm does.
"""

import keras
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import timed
from dogbreed.train.network.backbone import build_backbone, classifier_network, evidence_network

# Rows, inner length, columns: large enough to fill the cores, small enough for their caches.
SHAPE = (1024, 2048, 1024)
RUNS = 40


def main() -> None:
    """Measure, print a table and write JSON."""
    options = benchmark_parser(__doc__, "limit.json").parse_args()
    count = multiply_adds()
    rows = []
    for cores in (1, 2):
        for kind in ("float32", "int8"):
            rate = matrix_rate(kind, cores)
            rows.append(
                {
                    "cores": cores,
                    "numbers": kind,
                    "G multiply-adds a second": rate / 1e9,
                    "floor, ms a photo": 1000 * count / rate,
                }
            )
    publish(options.output, "The limit", rows, giga_multiply_adds_a_photo=round(count / 1e9, 3))


def multiply_adds(num_classes: int = 120) -> int:
    """Multiply-adds of all convolutions of the serving network for one photo."""
    network = evidence_network(classifier_network(build_backbone(None), num_classes))
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            _, height, width, _ = layer.output.shape
            total += height * width * int(np.prod(layer.kernel.shape))
    return total


def matrix_rate(kind: str, cores: int) -> float:
    """Multiply-adds a second of one matrix product.

    Args:
        kind: `float32`, or `int8` (8-bit by 8-bit into 32-bit).
        cores: Threads to use.
    """
    rows, inner, columns = SHAPE
    rng = np.random.default_rng(0)
    left: np.ndarray
    right: np.ndarray
    if kind == "float32":
        left = rng.standard_normal((rows, inner), dtype=np.float32)
        right = rng.standard_normal((inner, columns), dtype=np.float32)
        operation, kinds = "MatMul", (TensorProto.FLOAT, TensorProto.FLOAT)
    else:
        left = rng.integers(0, 256, (rows, inner), dtype=np.uint8)
        right = rng.integers(-127, 128, (inner, columns), dtype=np.int8)
        operation, kinds = "MatMulInteger", (TensorProto.UINT8, TensorProto.INT32)
    graph = helper.make_graph(
        [helper.make_node(operation, ["left", "right"], ["product"])],
        "product",
        [helper.make_tensor_value_info("left", kinds[0], (rows, inner))],
        [helper.make_tensor_value_info("product", kinds[1], (rows, columns))],
        [numpy_helper.from_array(right, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, ["CPUExecutionProvider"]
    )
    # The limit is what the processor can do when nothing disturbs it.
    fastest = min(timed(lambda: session.run(None, {"left": left}))[0] for _ in range(RUNS))
    return rows * inner * columns / fastest


if __name__ == "__main__":
    main()
