"""From the start of a process to its first answer, in the shell: ours and the article's script.

    python -m benchmarks.peers my-model --dataset path/to/stanford-dogs
    python -m benchmarks.cold_start

In turns; the files lie in the system's cache, since each has run before. Peak memory is what the
system counts for the process (maximum resident set); it counts in what started it, so this imports
nothing large.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from benchmarks.contenders import PEERS
from benchmarks.results import publish
from dogbreed.bundle import read_bundle

OURS, ARTICLE = "python -m dogbreed predict", "the article's script"
ROOT = Path(__file__).parent.parent


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, default=PEERS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--output", type=Path, default=Path("cold_start.json"))
    options = parser.parse_args()
    bundle, photo = options.peers / "bundle", options.peers / "photos" / "000.jpg"
    with tempfile.TemporaryDirectory() as folder:
        labels = Path(folder) / "labels.json"
        labels.write_text(json.dumps(read_bundle(bundle).names), encoding="utf-8")
        network = options.peers / "keras.keras"
        commands = {
            OURS: [sys.executable, "-m", "dogbreed", "predict", photo, "--model", bundle],
            ARTICLE: [sys.executable, "benchmarks/article_script.py", network, labels, photo],
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for number in tqdm(range(options.rounds + 1), unit="round"):
            for name, command in commands.items():
                measured = run(command)
                if number:
                    found[name].append(measured)
    rows = []
    for name, runs in found.items():
        seconds, megabytes = (statistics.median(column) for column in zip(*runs, strict=True))
        rows.append({"": name, "seconds": seconds, "peak memory, MB": megabytes})
    ours, article = rows[0], rows[1]
    publish(
        options.output,
        f"Process start to first answer, median of {options.rounds}",
        rows,
        starts_faster_by=round(article["seconds"] / ours["seconds"], 2),
        share_of_its_memory=round(ours["peak memory, MB"] / article["peak memory, MB"], 3),
    )


def run(command: list) -> tuple[float, float]:
    """Seconds and peak megabytes of a command that must succeed."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    # subprocess does not tell what a single child has used.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed with {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
