"""The time of one answer of two bundles, which take turns so that both see the same machine.

python -m benchmarks.two_models old-model new-model --photo dog.jpg
"""

from functools import partial
from pathlib import Path

from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import median_ms, timed
from dogbreed import DogBreedClassifier

WARM_UP = 20


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "two_models.json")
    parser.add_argument("bundles", type=Path, nargs=2, metavar="BUNDLE")
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    photo = options.photo.read_bytes()
    classifiers = [DogBreedClassifier.from_pretrained(path) for path in options.bundles]
    times: list[list[float]] = [[], []]
    for number in range(WARM_UP + options.rounds):
        # Each goes first half of the time.
        for which in (0, 1) if number % 2 else (1, 0):
            seconds, _ = timed(partial(classifiers[which].predict, photo))
            if number >= WARM_UP:
                times[which].append(seconds)
    first, second = (median_ms(series) for series in times)
    rows = [
        {
            "bundle": str(bundle),
            "ms": median,
            "network, MB": classifier.bundle.network.stat().st_size / 1e6,
        }
        for bundle, classifier, median in zip(
            options.bundles, classifiers, (first, second), strict=True
        )
    ]
    publish(
        options.output,
        f"One answer, median of {options.rounds}",
        rows,
        second_over_first=round(second / first, 3),
    )


if __name__ == "__main__":
    main()
