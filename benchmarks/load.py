"""Many visitors at once: each sends photos one after the other through the API.

python -m benchmarks.load --clients 16 --seconds 120
"""

import argparse
import io
import json
import statistics
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

from tests.helpers.running import running_process


def resident_megabytes(pid: int) -> float:
    """Memory of a process that lies in RAM, as Linux counts it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no VmRSS")


def draw_photo(folder: Path, number: int) -> Path:
    """A photo of 1200 × 900 that no one has sent before."""
    rng = np.random.default_rng(number)
    small = Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8))
    path = folder / f"{number}.jpg"
    small.resize((1200, 900), Image.Resampling.BICUBIC).save(path)
    return path


def send_photos(
    address: str, number: int, until: float, folder: Path, times: list, errors: list
) -> None:
    """What one visitor does."""
    client = Client(address, verbose=False)
    index = 0
    while time.monotonic() < until:
        photo = draw_photo(folder, 1_000_000 * number + index)
        index += 1
        start = time.monotonic()
        try:
            answer = client.predict(handle_file(photo), api_name="/predict")
            if len(answer["confidences"]) != 3:
                raise RuntimeError(f"not three labels: {answer}")
            times.append((start, time.monotonic() - start))
        except Exception as error:
            errors.append(repr(error))
        photo.unlink()


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--output", type=Path, default=Path("load.json"))
    options = parser.parse_args()
    times: list[tuple[float, float]] = []
    errors: list[str] = []
    with tempfile.TemporaryDirectory() as folder, running_process() as (address, process):
        # The first answers make buffers that stay.
        send_photos(address, 0, time.monotonic() + 5, Path(folder), [], errors)
        memory = [resident_megabytes(process.pid)]
        start = time.monotonic()
        threads = [
            threading.Thread(
                target=send_photos,
                args=(address, n, start + options.seconds, Path(folder), times, errors),
            )
            for n in range(1, options.clients + 1)
        ]
        for thread in threads:
            thread.start()
        page_loads = []
        while any(thread.is_alive() for thread in threads):
            before = time.monotonic()
            with urllib.request.urlopen(address, timeout=60) as page:
                io.BytesIO(page.read())
            page_loads.append(time.monotonic() - before)
            memory.append(resident_megabytes(process.pid))
            time.sleep(5)
        memory.append(resident_megabytes(process.pid))
    taken = sorted(seconds for _, seconds in times)
    result = {
        "clients": options.clients,
        "seconds": options.seconds,
        "requests": len(times) + len(errors),
        "errors": len(errors),
        "p50_s": round(statistics.median(taken), 2),
        "p95_s": round(taken[int(0.95 * len(taken))], 2),
        "longest_s": round(taken[-1], 2),
        "page_load_longest_s": round(max(page_loads), 2),
        "memory_mb": [round(value) for value in memory],
    }
    for name, value in result.items():
        print(f"{name:20} {value}")
    for error in errors[:5]:
        print(error)
    options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
