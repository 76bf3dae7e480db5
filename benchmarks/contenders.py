"""Everything that takes a JPEG and answers with three labels, each in a process of its own.

Runtimes keep threads spinning for a while after an answer, which slows down whatever runs next in
the same process; so each contender has its own, and only one of them works at a time.
"""

import io
import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
from tqdm import tqdm

from dogbreed.bundle import read_bundle
from dogbreed.runtime import Network
from dogbreed.train.options import default_cache_dir

PEERS = default_cache_dir() / "peers"
OURS = "dogbreed"
ARTICLE = "article: load_img, model.predict"
COMPILED = "tf.function, compiled"
# Name, whether the network is in 8 bits, and the file of `benchmarks.peers`.
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
NAMES = (OURS, ARTICLE, COMPILED, *ENGINES)
Answer = Callable[[bytes], tuple[str, ...]]


def load(name: str, peers: Path, cores: int) -> Answer:
    """Load a contender.

    Args:
        name: One of `NAMES`.
        peers: Folder that `benchmarks.peers` wrote.
        cores: How many threads it may use; processors must be set for the process already.

    Returns:
        A function from an encoded photo to three labels, best first.
    """
    bundle = read_bundle(peers / "bundle")
    if name == OURS:
        from dogbreed import DogBreedClassifier

        classifier = DogBreedClassifier(bundle)
        return lambda photo: classifier.predict(photo).labels
    if name == ARTICLE:
        return _article(peers, bundle.names)
    logits = _compiled(peers) if name == COMPILED else _engine(name, peers, cores)
    return _behind_our_frame(logits, bundle)


def logits_of(name: str, peers: Path, cores: int) -> Callable[[np.ndarray], np.ndarray]:
    """Like `load`, but from a frame of `images.prepare` to logits of shape (num_classes,)."""
    if name == OURS:
        network = Network(read_bundle(peers / "bundle"))
        return lambda frame: network.submit(lambda: frame).result()[0].mean(axis=(0, 1))
    run = _compiled(peers) if name == COMPILED else _engine(name, peers, cores)
    return lambda frame: run(_scale(frame))


def _article(peers: Path, names: tuple[str, ...]) -> Answer:
    """As the article does it: the photo squashed by `load_img`, softmax, the three largest."""
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


def _behind_our_frame(logits: Callable[[np.ndarray], np.ndarray], bundle) -> Answer:
    """A runtime between our own decoding and a plain softmax."""
    from dogbreed.images import prepare

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


def _compiled(peers: Path) -> Callable[[np.ndarray], np.ndarray]:
    import keras
    import tensorflow as tf

    model = keras.models.load_model(peers / "keras.keras")
    run = tf.function(lambda batch: model(batch, training=False))
    return lambda scaled: run(tf.constant(scaled)).numpy()[0]


def _engine(name: str, peers: Path, cores: int) -> Callable[[np.ndarray], np.ndarray]:
    path = str(peers / ENGINES[name])
    if name.startswith("LiteRT"):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(path, num_threads=cores)
        interpreter.allocate_tensors()
        (photo,) = interpreter.get_input_details()
        maps = [out for out in interpreter.get_output_details() if len(out["shape"]) == 4]

        def run(scaled: np.ndarray) -> np.ndarray:
            interpreter.set_tensor(photo["index"], scaled)
            interpreter.invoke()
            return interpreter.get_tensor(maps[0]["index"]).mean(axis=(0, 1, 2))

        return run
    if name.startswith("ONNX"):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        return lambda scaled: _mean_of_map(session.run(None, {"args_0": scaled}))
    import openvino

    hints = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": cores,
        "INFERENCE_PRECISION_HINT": "bf16" if name.endswith("bfloat16") else "f32",
    }
    request = openvino.Core().compile_model(path, "CPU", hints).create_infer_request()
    return lambda scaled: _mean_of_map(list(request.infer([scaled]).values()))


def _mean_of_map(outputs: list[np.ndarray]) -> np.ndarray:
    (evidence,) = (output for output in outputs if output.ndim == 4)
    return evidence.mean(axis=(0, 1, 2))


class Contender:
    """A contender in a process of its own, confined to some cores."""

    def __init__(self, name: str, peers: Path, cores: int):
        self.name = name
        self._pipe, theirs = multiprocessing.Pipe()
        start = multiprocessing.get_context("spawn").Process
        self._process = start(target=_work, args=(theirs, name, peers, cores), daemon=True)
        self._process.start()
        theirs.close()
        # Seconds that it takes to import and load.
        self.load_seconds: float = self._pipe.recv()

    def time(self, photos: list[bytes]) -> list[float]:
        """Answer photos one after the other; seconds for each."""
        self._pipe.send(photos)
        return self._pipe.recv()

    def megabytes(self) -> float:
        """Memory that its process holds."""
        return psutil.Process(self._process.pid).memory_info().rss / 2**20

    def stop(self) -> None:
        self._process.terminate()
        self._process.join()


def race(
    names: list[str], peers: Path, cores: int, rounds: int, photos_per_turn: int = 5
) -> tuple[dict[str, list[float]], dict[str, tuple[float, float]]]:
    """Let contenders answer in turns, in an order that changes.

    Returns:
        For each, the seconds of every answer but the first of a turn, which finds cold caches; and
        the seconds that it took to load, with the megabytes that its process holds at the end.
    """
    photos = [path.read_bytes() for path in sorted((peers / "photos").glob("*.jpg"))]
    contenders = [Contender(name, peers, cores) for name in names]
    times: dict[str, list[float]] = {name: [] for name in names}
    rng = random.Random(0)
    for number in tqdm(range(rounds + 1), desc=f"{cores} core(s)", unit="round"):
        turn = [photos[(number * photos_per_turn + i) % len(photos)] for i in range(-1, 5)]
        for contender in rng.sample(contenders, len(contenders)):
            found = contender.time(turn)[1:]
            # The first round warms up.
            if number:
                times[contender.name] += found
    held = {one.name: (one.load_seconds, one.megabytes()) for one in contenders}
    for contender in contenders:
        contender.stop()
    return times, held


def median_ms(times: list[float]) -> float:
    return 1000 * statistics.median(times)


def _work(pipe, name: str, peers: Path, cores: int) -> None:
    # Before any library counts them.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    started = time.perf_counter()
    answer = load(name, peers, cores)
    pipe.send(time.perf_counter() - started)
    while True:
        times = []
        for photo in pipe.recv():
            started = time.perf_counter()
            labels = answer(photo)
            times.append(time.perf_counter() - started)
            if len(labels) != 3:
                raise RuntimeError(f"{name} answers {labels}")
        pipe.send(times)
