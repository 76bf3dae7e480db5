"""From the start of the process until the page can be reached, compared with an empty Gradio app.

python -m benchmarks.start_time --rounds 5
"""

import statistics
import subprocess
import sys
import time
import urllib.request

from tqdm import tqdm

from benchmarks.results import benchmark_parser, publish
from tests.helpers.running import ROOT, free_port

EMPTY_APP = """\
import sys, gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    pass
page.launch(server_port=int(sys.argv[1].split("=")[1]))
"""
EMPTY = "an empty Gradio app"
COMMANDS = {EMPTY: ["-c", EMPTY_APP], "python app.py": ["app.py"]}


def main() -> None:
    """Measure in turns, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "start_time.json")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in tqdm(range(options.rounds + 1), unit="round"):
        for name, command in COMMANDS.items():
            seconds = measure(command)
            # The first round brings the files into the system's cache.
            if number:
                times[name].append(seconds)
    rows = [
        {
            "": name,
            "median, s": statistics.median(seconds),
            "shortest, s": min(seconds),
            "longest, s": max(seconds),
        }
        for name, seconds in times.items()
    ]
    publish(
        options.output,
        f"Process start until the page answers, median of {options.rounds}",
        rows,
        # What this project allows itself.
        limit_s=round(1.2 * statistics.median(times[EMPTY]) + 1, 2),
    )


def measure(command: list[str]) -> float:
    """Seconds until the page of one process answers."""
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command, f"--port={port}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                return time.perf_counter() - started
            except OSError:
                time.sleep(0.02)
        raise SystemExit(f"{command[0]} ended with exit code {process.returncode}.")
    finally:
        process.terminate()
        process.wait(timeout=30)


if __name__ == "__main__":
    main()
