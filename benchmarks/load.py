"""Many visitors at once, each of whom sends photos one after the other through the API.

python -m benchmarks.load --clients 16 --seconds 120
"""

import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from gradio_client import Client, handle_file

from benchmarks.jpeg import draw_photo
from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import call_each, resident_megabytes, timed
from tests.helpers.running import running_process

PHOTO_SIZE = (1200, 900)
# Between two looks at the memory and the page.
PAUSE_SECONDS = 5


@dataclass
class Answers:
    """What the visitors got.

    Attributes:
        seconds: Of each answer.
        errors: Each question that was not answered as it should be.
    """

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "load.json")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    answers = Answers()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_process() as (address, process),
        ThreadPoolExecutor(1) as background,
    ):
        # The first answers allocate buffers that stay.
        call_each([visitor(address, 0, Path(folder), Answers())], 5)
        memory = [resident_megabytes(process.pid)]
        visitors = [
            visitor(address, number, Path(folder), answers)
            for number in range(1, options.clients + 1)
        ]
        asking = background.submit(call_each, visitors, options.seconds)
        page_loads = []
        while not asking.done():
            page_loads.append(timed(lambda: read_page(address))[0])
            memory.append(resident_megabytes(process.pid))
            time.sleep(PAUSE_SECONDS)
        asking.result()
        memory.append(resident_megabytes(process.pid))
    for error in answers.errors[:5]:
        print(error)
    seconds = sorted(answers.seconds)
    row = {
        "clients": options.clients,
        "seconds": options.seconds,
        "requests": len(seconds) + len(answers.errors),
        "errors": len(answers.errors),
        "median, s": statistics.median(seconds),
        "p95, s": seconds[int(0.95 * len(seconds))],
        "longest, s": seconds[-1],
        "longest load of the page, s": max(page_loads),
    }
    publish(
        options.output,
        f"Photos of {PHOTO_SIZE[0]}×{PHOTO_SIZE[1]} through the API",
        [row],
        memory_in_mb_over_time=[round(megabytes) for megabytes in memory],
    )


def read_page(address: str) -> None:
    """Load the page's HTML."""
    with urllib.request.urlopen(address, timeout=60) as page:
        page.read()


def visitor(address: str, number: int, folder: Path, answers: Answers) -> Callable[[], None]:
    """What one visitor does again and again: ask about a photo that no one has sent before."""
    client = Client(address, verbose=False)
    path, seeds = folder / f"{number}.jpg", iter(range(1_000_000 * number, 2**32))

    def ask() -> None:
        path.write_bytes(draw_photo(PHOTO_SIZE, next(seeds)))
        try:
            seconds, answer = timed(lambda: client.predict(handle_file(path), api_name="/predict"))
            if len(answer["confidences"]) != 3:
                raise RuntimeError(f"not three labels: {answer}")
            answers.seconds.append(seconds)
        except Exception as error:
            answers.errors.append(repr(error))

    return ask


if __name__ == "__main__":
    main()
