"""Everything that takes a JPEG and answers with three labels, each in a process of its own.

Runtimes keep threads spinning for a while after an answer, which slows down whatever runs next in
the same process; so each contender has its own, and only one of them works at a time.
"""

import io
import multiprocessing
import os
import random
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.timing import resident_megabytes, timed
from dogbreed import DogBreedClassifier
from dogbreed.bundle import Bundle, read_bundle
from dogbreed.engines import LITERT, OPENVINO
from dogbreed.engines.litert import LiteRT
from dogbreed.engines.processor import has_dot_products
from dogbreed.images import prepare
from dogbreed.runtime import Network
from dogbreed.train.options import default_cache_dir

PEERS = default_cache_dir() / "peers"
OURS = "dogbreed"
OURS_OPENVINO = "dogbreed, engine openvino"
ARTICLE = "article: load_img, model.predict"
COMPILED = "tf.function, compiled"
# Name, and the file that `benchmarks.peers` writes for it.
ENGINES = {
    "LiteRT float32": "litert-float32.tflite",
    "LiteRT 8-bit weights": "litert-weights8.tflite",
    "LiteRT 8-bit, pooling too": "litert-int8.tflite",
    "ONNX Runtime float32": "onnx-float32.onnx",
    "ONNX Runtime 8-bit": "onnx-int8.onnx",
    "OpenVINO float32": "openvino-float32.xml",
    "OpenVINO bfloat16": "openvino-float32.xml",
    "OpenVINO 8-bit": "openvino-int8.xml",
}
NAMES = (OURS, OURS_OPENVINO, ARTICLE, COMPILED, *ENGINES)
# Of each turn the first do not count: after the wait they take up to six times as long as others.
WARM_UP, COUNTED = 5, 15
# From an encoded photo to three labels, best first.
Answer = Callable[[bytes], tuple[str, ...]]
# From an array to logits of shape (num_classes,): the array is float32 of shape
# (1, size, size, 3) between -1 and 1, unless stated otherwise.
Logits = Callable[[np.ndarray], np.ndarray]


def read_photos(peers: Path) -> list[bytes]:
    """The JPEG files that `benchmarks.peers` wrote."""
    return [path.read_bytes() for path in sorted((peers / "photos").glob("*.jpg"))]


def usable(peers: Path) -> list[str]:
    """`NAMES` without those that would answer wrongly on this processor, or not at all."""
    left_out = set()
    if not has_dot_products() and not LiteRT(read_bundle(peers / "bundle")).has_seven_bit_weights():
        left_out.add(OURS_OPENVINO)
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").startswith("AVX2"):
        # OpenVINO sees that the processor has bfloat16, and then has nothing that computes in it.
        left_out.add("OpenVINO bfloat16")
    return [name for name in NAMES if name not in left_out]


def load(name: str, peers: Path, cores: int) -> Answer:
    """Load a contender.

    Args:
        name: One of `usable`.
        peers: Folder that `benchmarks.peers` wrote.
        cores: How many threads it may use; the affinity of the process must be set already.
    """
    bundle = read_bundle(peers / "bundle")
    if name in (OURS, OURS_OPENVINO):
        classifier = DogBreedClassifier(bundle, LITERT if name == OURS else OPENVINO)
        return lambda photo: classifier.predict(photo).labels
    if name == ARTICLE:
        return _article(peers, bundle.names)
    return _with_our_decoding(_scaled_logits(name, peers, cores), bundle)


def logits_of(name: str, peers: Path, cores: int) -> Logits:
    """Like `load`, but from a uint8 photo of `images.prepare` to logits."""
    if name in (OURS, OURS_OPENVINO):
        engine = LITERT if name == OURS else OPENVINO
        network = Network(read_bundle(peers / "bundle"), engine)
        return lambda frame: network.submit(lambda: frame).result()[0].mean(axis=(0, 1))
    logits = _scaled_logits(name, peers, cores)
    return lambda frame: logits(_scale(frame))


def _article(peers: Path, names: tuple[str, ...]) -> Answer:
    """As the article does it: the photo squashed by `load_img`, softmax, the three largest."""
    # Imported here, so that the other contenders start without it.
    import keras

    model = keras.models.load_model(peers / "keras.keras")
    size = model.input_shape[1:3]

    def answer(photo: bytes) -> tuple[str, ...]:
        image = keras.utils.load_img(io.BytesIO(photo), target_size=size)
        batch = keras.utils.img_to_array(image)[None]
        scaled = keras.applications.inception_v3.preprocess_input(batch)
        probabilities = keras.ops.softmax(model.predict(scaled, verbose=0)[0])
        return tuple(names[number] for number in np.argsort(-np.array(probabilities))[:3])

    return answer


def _with_our_decoding(logits: Logits, bundle: Bundle) -> Answer:
    """A runtime between our own decoding and a plain softmax."""
    size, resize = bundle.config["image_size"], bundle.config["preprocessing"]["resize"]
    names = bundle.names

    def answer(photo: bytes) -> tuple[str, ...]:
        found = logits(_scale(prepare(photo, size, resize)))
        probabilities = np.exp(found - found.max())
        probabilities /= probabilities.sum()
        return tuple(names[number] for number in np.argsort(-probabilities)[:3])

    return answer


def _scale(frame: np.ndarray) -> np.ndarray:
    scaled = frame[None].astype(np.float32)
    scaled /= 127.5
    scaled -= 1
    return scaled


def _scaled_logits(name: str, peers: Path, cores: int) -> Logits:
    if name == COMPILED:
        return _compiled(peers)
    path = str(peers / ENGINES[name])
    if name.startswith("LiteRT"):
        return _litert(path, cores)
    if name.startswith("ONNX"):
        return _onnx(path, cores)
    return _openvino(path, cores, "bf16" if name.endswith("bfloat16") else "f32")


# Each of these imports its runtime itself, so that no contender starts with another's.


def _compiled(peers: Path) -> Logits:
    import keras
    import tensorflow as tf

    model = keras.models.load_model(peers / "keras.keras")
    run = tf.function(lambda batch: model(batch, training=False))
    return lambda scaled: run(tf.constant(scaled)).numpy()[0]


def _litert(path: str, cores: int) -> Logits:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=cores)
    interpreter.allocate_tensors()
    (photo,) = interpreter.get_input_details()
    (evidence,) = (out for out in interpreter.get_output_details() if len(out["shape"]) == 4)

    def run(scaled: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(photo["index"], scaled)
        interpreter.invoke()
        return interpreter.get_tensor(evidence["index"]).mean(axis=(0, 1, 2))

    return run


def _onnx(path: str, cores: int) -> Logits:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    return lambda scaled: _mean_of_map(session.run(None, {"args_0": scaled}))


def _openvino(path: str, cores: int, precision: str) -> Logits:
    import openvino

    hints = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": cores,
        "INFERENCE_PRECISION_HINT": precision,
    }
    request = openvino.Core().compile_model(path, "CPU", hints).create_infer_request()
    return lambda scaled: _mean_of_map(list(request.infer([scaled]).values()))


def _mean_of_map(outputs: list[np.ndarray]) -> np.ndarray:
    (evidence,) = (output for output in outputs if output.ndim == 4)
    return evidence.mean(axis=(0, 1, 2))


class Contender:
    """A contender in a process of its own, confined to some cores.

    Attributes:
        load_seconds: Seconds that it took to import and load.
    """

    def __init__(self, name: str, peers: Path, cores: int):
        self.name = name
        self._pipe, theirs = multiprocessing.Pipe()
        start = multiprocessing.get_context("spawn").Process
        self._process = start(target=_work, args=(theirs, name, peers, cores), daemon=True)
        self._process.start()
        theirs.close()
        self.load_seconds: float = self._pipe.recv()

    def time(self, photos: list[bytes]) -> list[float]:
        """Answer photos one after the other; seconds for each."""
        self._pipe.send(photos)
        return self._pipe.recv()

    def megabytes(self) -> float:
        """Resident memory of its process."""
        assert self._process.pid is not None
        return resident_megabytes(self._process.pid)

    def stop(self) -> None:
        self._process.terminate()
        self._process.join()


def race(
    names: list[str], peers: Path, cores: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, tuple[float, float]]]:
    """Let contenders answer in turns, in an order that changes.

    They are started in the order of their names, and after all rounds again in the opposite one:
    whoever is started first answers more slowly for as long as it runs.

    Returns:
        For each, the seconds of every answer that counts; and the seconds that it took to load,
        with the megabytes of its process at the end.
    """
    photos = read_photos(peers)
    times: dict[str, list[float]] = {name: [] for name in names}
    loaded: dict[str, tuple[float, float]] = {}
    rng = random.Random(0)
    for order in (names, names[::-1]):
        contenders = [Contender(name, peers, cores) for name in order]
        for number in tqdm(range(rounds + 1), desc=f"{cores} core(s)", unit="round"):
            first = number * COUNTED
            turn = [photos[(first + i) % len(photos)] for i in range(-WARM_UP, COUNTED)]
            for contender in rng.sample(contenders, len(contenders)):
                seconds = contender.time(turn)[WARM_UP:]
                # The first round warms up.
                if number:
                    times[contender.name] += seconds
        for contender in contenders:
            loaded[contender.name] = contender.load_seconds, contender.megabytes()
            contender.stop()
    return times, loaded


def _work(pipe: Connection, name: str, peers: Path, cores: int) -> None:
    # Before any library counts them.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    started = time.perf_counter()
    answer = load(name, peers, cores)
    pipe.send(time.perf_counter() - started)
    while True:
        times = []
        for photo in pipe.recv():
            seconds, labels = timed(partial(answer, photo))
            times.append(seconds)
            if len(labels) != 3:
                raise RuntimeError(f"{name} answers {labels}.")
        pipe.send(times)
