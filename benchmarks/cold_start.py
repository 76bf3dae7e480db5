"""From the start of a process to its first answer, in the shell: ours and the article's script.

    python -m benchmarks.peers my-model --dataset path/to/stanford-dogs
    python -m benchmarks.cold_start

The two take turns. A first round, which is not counted, brings the files into the system's cache.
Peak memory is the maximum resident set that the system reports for the process; Linux includes the
process that started it, so this one imports nothing large.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from tqdm import tqdm

from benchmarks.contenders import OURS_OPENVINO, PEERS, usable
from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import timed
from dogbreed.bundle import read_bundle

OURS, ARTICLE = "python -m dogbreed predict", "the article's script"
WITH_OPENVINO = f"{OURS} --engine openvino"
ROOT = Path(__file__).parent.parent


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "cold_start.json")
    parser.add_argument("--peers", type=Path, default=PEERS)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    # The processes run in the repository's folder.
    peers = options.peers.resolve()
    bundle, photo = peers / "bundle", peers / "photos" / "000.jpg"
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "names.json"
        names.write_text(json.dumps(read_bundle(bundle).names), encoding="utf-8")
        predict = ["dogbreed", "predict", photo, "--model", bundle, "--engine"]
        commands = {
            OURS: [*predict, "litert"],
            WITH_OPENVINO: [*predict, "openvino"],
            ARTICLE: ["benchmarks.article_script", peers / "keras.keras", names, photo],
        }
        if OURS_OPENVINO not in usable(options.peers):
            del commands[WITH_OPENVINO]
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for number in tqdm(range(options.rounds + 1), unit="round"):
            for name, command in commands.items():
                run = timed(partial(peak_of, command))
                if number:
                    measured[name].append(run)
    rows = []
    for name, runs in measured.items():
        seconds, megabytes = (statistics.median(column) for column in zip(*runs, strict=True))
        rows.append({"": name, "seconds": seconds, "peak memory, MB": megabytes})
    ours, *_, article = rows
    publish(
        options.output,
        f"Process start to first answer, median of {options.rounds}",
        rows,
        starts_faster_by=round(article["seconds"] / ours["seconds"], 2),
        share_of_its_memory=round(ours["peak memory, MB"] / article["peak memory, MB"], 3),
    )


def peak_of(command: list) -> float:
    """Run a Python module, which must succeed; the peak of its memory in megabytes."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Unlike subprocess, this reports what a single child has used.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed with exit code {process.returncode}.")
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
