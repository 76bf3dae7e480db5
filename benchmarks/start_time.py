"""Time from process start until the page can be reached, beside an empty Gradio app.

python -m benchmarks.start_time --rounds 5
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.helpers.running import ROOT, free_port

_EMPTY = """\
import sys, gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    pass
page.launch(server_port=int(sys.argv[1].split("=")[1]))
"""


def measure(command: list[str]) -> float:
    """Seconds until the page of one process answers."""
    port = free_port()
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command, f"--port={port}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                return time.perf_counter() - start
            except OSError:
                time.sleep(0.02)
    finally:
        process.terminate()
        process.wait(timeout=30)


def main() -> None:
    """Measure by turns, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("start_time.json"))
    options = parser.parse_args()
    commands = {"empty": ["-c", _EMPTY], "page": ["app.py"]}
    for command in commands.values():
        measure(command)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            times[name].append(measure(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    allowed = 1.2 * medians["empty"] + 1
    for name, median in medians.items():
        print(f"{name:8} {median:6.2f} s   {' '.join(f'{value:.2f}' for value in times[name])}")
    print(f"allowed  {allowed:6.2f} s   1.2 × empty + 1 s")
    result = {"times": times, "medians": medians, "allowed": allowed}
    options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
