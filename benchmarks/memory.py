"""Memory of a process that answers photos: after 1, 100 and 5,000 of them, and at most.

    python -m benchmarks.peers my-model --dataset path/to/stanford-dogs
    python -m benchmarks.memory

Ours with four callers at once, so that every thread and interpreter is there; the article's way,
which is not made for several, with one, and fewer photos, since it takes its time.
"""

import argparse
import multiprocessing
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from benchmarks.contenders import ARTICLE, OURS, PEERS, load
from benchmarks.results import publish

CALLERS = 4


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, default=PEERS)
    parser.add_argument("--output", type=Path, default=Path("memory.json"))
    options = parser.parse_args()
    cases = ((OURS, CALLERS, (1, 100, 1000, 5000)), (ARTICLE, 1, (1, 100, 500)))
    rows = []
    for case in cases:
        # A process each, that has imported nothing else.
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
    """Resident and peak megabytes of this process after so many answers."""
    photos = [path.read_bytes() for path in sorted((peers / "photos").glob("*.jpg"))]
    answer = load(name, peers, multiprocessing.cpu_count())
    rows, done = [], 0
    with ThreadPoolExecutor(callers) as pool:
        for count in counts:
            while done < count:
                # Few at a time, since what waits takes memory too.
                turn = range(done, min(done + 4 * callers, count))
                done += len(list(pool.map(answer, (photos[n % len(photos)] for n in turn))))
            rows.append(
                {
                    "": name,
                    "callers": callers,
                    "answers": done,
                    "MB": psutil.Process().memory_info().rss / 2**20,
                    "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                }
            )
    return rows


if __name__ == "__main__":
    main()
