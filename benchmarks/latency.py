"""One photo, from JPEG bytes to three labels: this package, the article's way, other runtimes.

    python -m benchmarks.peers my-model --dataset path/to/stanford-dogs
    python -m benchmarks.latency

All have the same weights and take turns, each in a process of its own, on one core and on two. They
are started in one order, and again in the opposite one. The other runtimes come after the same
decoding and before the same softmax as ours, which is the engine that `auto` takes on this
processor. The fastest of them and ours then take turns alone.
"""

import itertools
import multiprocessing
import time
from pathlib import Path

from benchmarks.contenders import (
    ARTICLE,
    COMPILED,
    ENGINES,
    OURS,
    OURS_OPENVINO,
    PEERS,
    race,
    read_photos,
    usable,
)
from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import median_ms
from dogbreed import DogBreedClassifier
from dogbreed.bundle import read_bundle
from dogbreed.engines import LITERT, OPENVINO
from dogbreed.engines.processor import fastest_engine, instruction_sets
from dogbreed.images import load_image, to_square
from dogbreed.runtime import Network

CORES = (2, 1)


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "latency.json")
    parser.add_argument("--peers", type=Path, default=PEERS)
    parser.add_argument("--rounds", type=int, default=2, help="in each order of starting")
    options = parser.parse_args()
    names = usable(options.peers)
    favors_openvino = fastest_engine(instruction_sets()) == OPENVINO and OURS_OPENVINO in names
    ours = OURS_OPENVINO if favors_openvino else OURS
    runs = {cores: race(names, options.peers, cores, options.rounds) for cores in CORES}
    medians = {
        cores: {name: median_ms(seconds) for name, seconds in times.items()}
        for cores, (times, _) in runs.items()
    }
    # In a process with nothing else in it.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        by_parts = pool.apply(parts, (options.peers, OPENVINO if favors_openvino else LITERT))
    # Imported here, so that the contenders' processes start without Keras.
    from benchmarks.limit import matrix_rate, multiply_adds

    count = multiply_adds()
    rates = {
        (kind, cores): matrix_rate(kind, cores) for kind in ("float32", "int8") for cores in CORES
    }
    rows = []
    for name in names:
        row: dict[str, object] = {"": name}
        kind = "int8" if name in (OURS, OURS_OPENVINO) or "8-bit" in name else "float32"
        for cores, by_name in medians.items():
            floor = 1000 * count / rates[kind, cores]
            row |= {
                f"ms, {cores} cores": by_name[name],
                f"over ours, {cores}": by_name[name] / by_name[ours],
                f"over the floor, {cores}": by_name[name] / floor,
            }
        row["s to load"], row["MB"] = runs[2][1][name]
        rows.append(row)
    two = medians[2]
    peers = [name for name in names if name in ENGINES and not name.startswith("LiteRT")]
    best_peer = min(peers, key=lambda name: two[name])
    duels = {
        cores: race([ours, best_peer], options.peers, cores, 5 * options.rounds)[0]
        for cores in CORES
    }
    publish(
        options.output,
        f"JPEG of 500×375 to three labels, median of {len(runs[2][0][OURS])} answers",
        rows,
        ours=ours,
        faster_than_the_article=round(two[ARTICLE] / two[ours], 2),
        faster_than_tf_function=round(two[COMPILED] / two[ours], 2),
        best_of_onnx_runtime_and_openvino=best_peer,
        alone_with_it_ms={
            f"{cores} cores": {name: round(median_ms(times), 2) for name, times in duel.items()}
            for cores, duel in duels.items()
        },
        ours_by_parts_ms=by_parts,
    )


def parts(peers: Path, engine: str) -> dict[str, float]:
    """Median milliseconds of each part of an answer of ours with an engine, and of the whole."""
    bundle = read_bundle(peers / "bundle")
    network, config = Network(bundle, engine), bundle.config
    # It only says what an answer means; two networks that answer would wait for each other.
    classifier = DogBreedClassifier(bundle)
    names = ("decoding", "resizing", "network, with scaling", "softmax, rejection, set")
    times: dict[str, list[float]] = {name: [] for name in (*names, "whole")}
    for photo in read_photos(peers) * 3:
        marks = [time.perf_counter()]
        image = load_image(photo)
        marks.append(time.perf_counter())
        frame = to_square(image, config["image_size"], config["preprocessing"]["resize"])
        marks.append(time.perf_counter())
        answer = network.answer(lambda frame=frame: frame)
        marks.append(time.perf_counter())
        classifier.interpret(*answer)
        marks.append(time.perf_counter())
        for name, (begin, end) in zip(names, itertools.pairwise(marks), strict=True):
            times[name].append(end - begin)
        times["whole"].append(marks[-1] - marks[0])
    return {name: round(median_ms(seconds), 2) for name, seconds in times.items()}


if __name__ == "__main__":
    main()
