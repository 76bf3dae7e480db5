"""One photo, from JPEG bytes to three labels: this package, the article's way, other runtimes.

    python -m benchmarks.peers my-model --dataset path/to/stanford-dogs
    python -m benchmarks.latency

All on the same weights, in turns, each in a process of its own, on one core and on two; the other
runtimes behind the same decoding and before the same softmax as ours.
"""

import argparse
import itertools
import multiprocessing
import time
from pathlib import Path

from benchmarks.contenders import ARTICLE, COMPILED, ENGINES, NAMES, OURS, PEERS, median_ms, race
from benchmarks.results import publish
from dogbreed import DogBreedClassifier
from dogbreed.bundle import read_bundle
from dogbreed.images import load_image, to_square
from dogbreed.runtime import Network

ROUNDS = 8


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, default=PEERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--output", type=Path, default=Path("latency.json"))
    options = parser.parse_args()
    runs = {cores: race(list(NAMES), options.peers, cores, options.rounds) for cores in (2, 1)}
    by_cores = {cores: times for cores, (times, _) in runs.items()}
    # In a process that holds nothing else.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        by_parts = pool.apply(parts, (options.peers,))
    # Imported here, so that the processes of the others start without Keras.
    from benchmarks.limit import matrix_rate, multiply_adds

    count = multiply_adds()
    rates = {
        (kind, cores): matrix_rate(kind, cores) for kind in ("float32", "int8") for cores in (2, 1)
    }
    rows = []
    for name in NAMES:
        row = {"": name}
        for cores, times in by_cores.items():
            median = median_ms(times[name])
            floor = 1000 * count / rates["int8" if in_8_bits(name) else "float32", cores]
            row |= {
                f"ms, {cores} cores": median,
                f"ours is faster by, {cores}": median / median_ms(times[OURS]),
                f"over the floor, {cores}": median / floor,
            }
        row["s to load"], row["MB"] = runs[2][1][name]
        rows.append(row)
    two = by_cores[2]
    ours = median_ms(two[OURS])
    publish(
        options.output,
        f"JPEG of 500×375 to three labels, median of {len(two[OURS])} answers",
        rows,
        faster_than_the_article=round(median_ms(two[ARTICLE]) / ours, 2),
        faster_than_tf_function=round(median_ms(two[COMPILED]) / ours, 2),
        faster_than_the_best_of_onnx_runtime_and_openvino=round(
            min(median_ms(two[name]) for name in ENGINES if not name.startswith("LiteRT")) / ours,
            2,
        ),
        ours_by_parts_ms=by_parts,
    )


def in_8_bits(name: str) -> bool:
    return name == OURS or "8-bit" in name


def parts(peers: Path) -> dict[str, float]:
    """Median milliseconds of each part of an answer of ours."""
    photos = [path.read_bytes() for path in sorted((peers / "photos").glob("*.jpg"))] * 3
    bundle = read_bundle(peers / "bundle")
    total = median_ms(answer_all(DogBreedClassifier(bundle), photos))
    # Only now, as the threads of two networks would wait for each other.
    network, config = Network(bundle), bundle.config
    times: dict[str, list[float]] = {"decoding": [], "resizing": [], "network, with scaling": []}
    for photo in photos:
        marks = [time.perf_counter()]
        image = load_image(photo)
        marks.append(time.perf_counter())
        frame = to_square(image, config["image_size"], config["preprocessing"]["resize"])
        marks.append(time.perf_counter())
        network.submit(lambda frame=frame: frame).result()
        marks.append(time.perf_counter())
        for name, (begin, end) in zip(times, itertools.pairwise(marks), strict=True):
            times[name].append(end - begin)
    found = {name: median_ms(seconds) for name, seconds in times.items()}
    found |= {"softmax, detector, set": total - sum(found.values()), "whole": total}
    return {name: round(milliseconds, 2) for name, milliseconds in found.items()}


def answer_all(classifier: DogBreedClassifier, photos: list[bytes]) -> list[float]:
    """Seconds of each answer, one after the other."""
    marks = [time.perf_counter()]
    for photo in photos:
        classifier.predict(photo)
        marks.append(time.perf_counter())
    return [end - begin for begin, end in itertools.pairwise(marks)]


if __name__ == "__main__":
    main()
