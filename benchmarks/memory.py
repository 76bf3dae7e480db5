"""Memory of a process that answers photos: after 1, 100 and 5,000 of them, and at its peak.

    python -m benchmarks.peers my-model --dataset path/to/stanford-dogs
    python -m benchmarks.memory

Ours has four callers at once, so that every thread and interpreter exists. The article's way is not
made for several callers, so it has one, and fewer photos, since it is slow.
"""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from loky import cpu_count

from benchmarks.contenders import (
    ARTICLE,
    OURS,
    OURS_OPENVINO,
    PEERS,
    load,
    read_photos,
    usable,
)
from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import peak_megabytes, resident_megabytes

CALLERS = 4


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "memory.json")
    parser.add_argument("--peers", type=Path, default=PEERS)
    options = parser.parse_args()
    cases = (
        (OURS, CALLERS, (1, 100, 1000, 5000)),
        (OURS_OPENVINO, CALLERS, (1, 100, 1000, 5000)),
        (ARTICLE, 1, (1, 100, 500)),
    )
    names, rows = usable(options.peers), []
    for case in (case for case in cases if case[0] in names):
        # Each in a process that has imported nothing else.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rows += pool.apply(measure, (options.peers, *case))
    ours = {row["answers"]: row["MB"] for row in rows if row[""] == OURS}
    peaks = {row[""]: row["peak MB"] for row in rows}
    publish(
        options.output,
        "Memory of the process that answers",
        rows,
        after_5000_over_after_100=round(ours[5000] / ours[100], 3),
        peak_over_the_articles=round(peaks[OURS] / peaks[ARTICLE], 3),
    )


def measure(peers: Path, name: str, callers: int, counts: tuple[int, ...]) -> list[dict]:
    """Resident and peak megabytes of this process after each of these numbers of answers."""
    photos = read_photos(peers)
    answer = load(name, peers, cpu_count())
    rows, done = [], 0
    with ThreadPoolExecutor(callers) as pool:
        for count in counts:
            while done < count:
                # A few at a time, since photos that wait take memory too.
                turn = range(done, min(done + 4 * callers, count))
                done += len(list(pool.map(answer, (photos[n % len(photos)] for n in turn))))
            rows.append(
                {
                    "": name,
                    "callers": callers,
                    "answers": done,
                    "MB": resident_megabytes(),
                    "peak MB": peak_megabytes(),
                }
            )
    return rows


if __name__ == "__main__":
    main()
