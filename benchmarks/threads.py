"""The network alone on all cores, in every way to share them: what callers at once should get.

    python -m benchmarks.threads
    python -m benchmarks.threads my-model

One interpreter on all cores for one photo after the other, an interpreter for each core, and one on
all cores for several photos at a time (micro-batching); in turns, on one frame that is ready.
"""

import argparse
import statistics
import threading
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from loky import cpu_count
from tqdm import tqdm

from benchmarks.results import publish
from dogbreed.bundle import DEFAULT_BUNDLE, read_bundle


class Way:
    """So many interpreters of so many threads, each answering batches of so many photos."""

    def __init__(self, network: Path, interpreters: int, threads: int, batch: int = 1):
        self._batch = batch
        self._interpreters = [self._load(network, threads) for _ in range(interpreters)]

    def _load(self, network: Path, threads: int) -> Interpreter:
        interpreter = Interpreter(str(network), num_threads=threads)
        (photo,) = interpreter.get_input_details()
        if self._batch > 1:
            interpreter.resize_tensor_input(photo["index"], (self._batch, *photo["shape"][1:]))
        interpreter.allocate_tensors()
        return interpreter

    def photos_a_second(self, seconds: float) -> float:
        """What all interpreters do together, measured for so long."""
        counts = [0] * len(self._interpreters)
        started = time.perf_counter()

        def run(number: int) -> None:
            interpreter = self._interpreters[number]
            (photo,) = interpreter.get_input_details()
            frames = np.random.default_rng(0).uniform(-1, 1, photo["shape"]).astype(np.float32)
            while time.perf_counter() - started < seconds:
                interpreter.set_tensor(photo["index"], frames)
                interpreter.invoke()
                counts[number] += self._batch

        threads = [threading.Thread(target=run, args=(n,)) for n in range(len(counts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / (time.perf_counter() - started)


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, nargs="?", default=DEFAULT_BUNDLE)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2, help="for each way in each round")
    parser.add_argument("--output", type=Path, default=Path("threads.json"))
    options = parser.parse_args()
    network, cores = read_bundle(options.bundle).network, cpu_count()
    ways = {
        "one, all cores": Way(network, 1, cores),
        "one for each core": Way(network, cores, 1),
        **{f"one, all cores, {n} photos at a time": Way(network, 1, cores, n) for n in (2, 4, 8)},
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in tqdm(range(options.rounds + 1), unit="round"):
        for name, way in ways.items():
            rate = way.photos_a_second(options.seconds if number else 0.2)
            if number:
                found[name].append(rate)
    best = statistics.median(found["one for each core"])
    rows = [
        {
            "interpreters": name,
            "photos a second": statistics.median(rates),
            "over one for each core": statistics.median(rates) / best,
        }
        for name, rates in found.items()
    ]
    publish(options.output, f"The network alone on {cores} cores", rows)


if __name__ == "__main__":
    main()
