"""Two bundles side by side: the time of one answer, interleaved so that both see the same machine.

python -m benchmarks.two_models old-model new-model --photo dog.jpg
"""

import argparse
import statistics
import time
from pathlib import Path

from dogbreed import DogBreedClassifier

WARM_UP = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs=2, metavar="BUNDLE")
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    photo = options.photo.read_bytes()
    classifiers = [DogBreedClassifier.from_pretrained(Path(path)) for path in options.bundles]
    times: list[list[float]] = [[], []]
    for number in range(WARM_UP + options.rounds):
        # Each goes first half of the time.
        for which in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            classifiers[which].predict(photo)
            if number >= WARM_UP:
                times[which].append(time.perf_counter() - started)
    medians = [statistics.median(series) for series in times]
    for bundle, median in zip(options.bundles, medians, strict=True):
        size = sum(file.stat().st_size for file in Path(bundle).glob("*.*") if file.is_file())
        print(f"{bundle:40} {1000 * median:7.2f} ms   {size / 1e6:.1f} MB at its top level")
    print(f"second over first: {medians[1] / medians[0]:.3f}")


if __name__ == "__main__":
    main()
