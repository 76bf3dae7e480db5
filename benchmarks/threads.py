"""Ways to share the cores between interpreters: photos a second of the network alone.

    python -m benchmarks.threads
    python -m benchmarks.threads my-model

One interpreter on all cores for one photo after the other, an interpreter for each core, and one on
all cores for several photos at a time (micro-batching). They take turns, on frames that are ready.
"""

import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from loky import cpu_count
from tqdm import tqdm

from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import call_each, timed
from dogbreed.bundle import DEFAULT_BUNDLE, read_bundle


class Way:
    """A number of interpreters with a number of threads each, for batches of some photos."""

    def __init__(self, network: Path, interpreters: int, threads: int, batch: int = 1):
        self._batch = batch
        self._runs = [self._load(network, threads) for _ in range(interpreters)]

    def _load(self, network: Path, threads: int) -> Callable[[], None]:
        interpreter = Interpreter(str(network), num_threads=threads)
        (photo,) = interpreter.get_input_details()
        shape = (self._batch, *photo["shape"][1:])
        if self._batch > 1:
            interpreter.resize_tensor_input(photo["index"], shape)
        interpreter.allocate_tensors()
        frames = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)

        def run() -> None:
            interpreter.set_tensor(photo["index"], frames)
            interpreter.invoke()

        return run

    def photos_a_second(self, seconds: float) -> float:
        """What all interpreters do together, measured for this long."""
        elapsed, waits = timed(lambda: call_each(self._runs, seconds))
        return self._batch * len(waits) / elapsed


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "threads.json")
    parser.add_argument("bundle", type=Path, nargs="?", default=DEFAULT_BUNDLE)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2, help="for each way in each round")
    options = parser.parse_args()
    network, cores = read_bundle(options.bundle).network, cpu_count()
    ways = {
        "one, all cores": Way(network, 1, cores),
        "one for each core": Way(network, cores, 1),
        **{f"one, all cores, {n} photos at a time": Way(network, 1, cores, n) for n in (2, 4, 8)},
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in tqdm(range(options.rounds + 1), unit="round"):
        for name, way in ways.items():
            # The first round warms up.
            rate = way.photos_a_second(options.seconds if number else 0.2)
            if number:
                rates[name].append(rate)
    medians = {name: statistics.median(series) for name, series in rates.items()}
    rows = [
        {
            "interpreters": name,
            "photos a second": median,
            "over one for each core": median / medians["one for each core"],
        }
        for name, median in medians.items()
    ]
    publish(options.output, f"The network alone on {cores} cores", rows)


if __name__ == "__main__":
    main()
