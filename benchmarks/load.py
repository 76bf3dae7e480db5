"""Many visitors at once for minutes, some of whom behave badly: errors, memory and files left.

    python -m benchmarks.load --clients 64 --seconds 600

Half of the visitors ask through `/api/predict`, half through Gradio's queue, each again as soon as
it is answered, with photos that no one has sent before. With them come visitors of each kind of
`bad_visitors`. The page keeps photos for one minute instead of ten, and waits half a minute instead
of ten for a request, so that both happen often enough.
"""

import itertools
import json
import os
import re
import statistics
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx2

from benchmarks.bad_visitors import BAD_VISITS, Answer, Visit
from benchmarks.jpeg import draw_photo
from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import call_each, resident_megabytes, timed
from tests.helpers.running import running_process

PHOTO_SIZE, PHOTOS = (1200, 900), 32
# Between two looks at the memory and the page.
PAUSE_SECONDS = 5
KEEP_SECONDS, CLEAN_EVERY, BODY_SECONDS = 60, 5, 30
CODE = f"""
import sys
from dogbreed.page import build, photo, serve, sessions
serve.KEEP_SECONDS = photo.KEEP_SECONDS = sessions.KEEP_SECONDS = {KEEP_SECONDS}
serve.CLEAN_EVERY, build.BODY_SECONDS = {CLEAN_EVERY}, {BODY_SECONDS}
from dogbreed.cli import main
sys.exit(main(["serve", *sys.argv[1:]]))
"""


@dataclass
class Visits:
    """What the visitors of one kind got.

    Attributes:
        seconds: Of each answer.
        refused: How often each sentence was said.
        errors: How often everything else happened.
        left: How often nobody waited for an answer.
    """

    seconds: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    left: int = 0

    def add(self, visit: Callable[[], Answer]) -> None:
        """Make one visit, and note what came of it."""
        try:
            seconds, answer = timed(visit)
        except Exception as error:
            self.errors[repr(error)[:200]] += 1
            return
        if answer is None:
            self.left += 1
            return
        status, body = answer
        sentence = refusal(body) if status == 200 or body.startswith("{") else None
        if status == 200 and sentence is None:
            self.seconds.append(seconds)
        elif sentence and re.fullmatch(r"[A-Z][^\n]*\.", sentence):
            self.refused[sentence] += 1
        else:
            self.errors[f"{status}: {body[:200]}"] += 1

    def row(self, name: str, visitors: int) -> dict:
        """A line of the table."""
        seconds = sorted(self.seconds)
        return {
            "visitors who": name,
            "at once": visitors,
            "answered": len(seconds),
            "refused in a sentence": self.refused.total(),
            "left": self.left,
            "other errors": self.errors.total(),
            "median, s": statistics.median(seconds) if seconds else None,
            "p95, s": seconds[int(0.95 * len(seconds))] if seconds else None,
            "longest, s": seconds[-1] if seconds else None,
        }


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "load.json")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--bad", type=int, default=4, help="bad visitors of each kind")
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    kinds: dict[str, tuple[Visit, int]] = {
        "ask /api/predict": (post, -(-options.clients // 2)),
        "ask through the queue": (ask, options.clients // 2),
        **{name: (then_pause(visit), options.bad) for name, visit in BAD_VISITS.items()},
    }
    found = {name: Visits() for name in kinds}
    photos = new_photos()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_process(code=CODE, TMPDIR=folder) as (address, process),
        ThreadPoolExecutor(1) as background,
    ):
        # The first answers allocate buffers that stay.
        call_each([partial(post, address, next(photos))] * 4, 5)
        memory, files = [resident_megabytes(process.pid)], [0]
        visits = [
            partial(visit_once, found[name], visit, address, photos)
            for name, (visit, count) in kinds.items()
            for _ in range(count)
        ]
        asking = background.submit(call_each, visits, options.seconds)
        page_loads = []
        while not asking.done():
            page_loads.append(timed(lambda: read_page(address))[0])
            memory.append(resident_megabytes(process.pid))
            files.append(files_in(folder))
            time.sleep(PAUSE_SECONDS)
        asking.result()
        time.sleep(KEEP_SECONDS + 3 * CLEAN_EVERY)
        memory.append(resident_megabytes(process.pid))
        files.append(files_in(folder))
    publish(
        options.output,
        f"Photos of {PHOTO_SIZE[0]}×{PHOTO_SIZE[1]}, {options.seconds:.0f} seconds",
        [found[name].row(name, count) for name, (_, count) in kinds.items()],
        sentences=dict(sum((visits.refused for visits in found.values()), Counter())),
        other_errors=dict(sum((visits.errors for visits in found.values()), Counter())),
        longest_load_of_the_page_in_seconds=round(max(page_loads), 2),
        memory_in_mb_over_time=[round(megabytes) for megabytes in memory],
        temporary_files_over_time=files,
        lines_with_a_traceback=process.printed.count("Traceback"),
    )


def visit_once(visits: Visits, visit: Visit, address: str, photos: Iterator[bytes]) -> None:
    """One visit with a new photo."""
    visits.add(partial(visit, address, next(photos)))


def then_pause(visit: Visit) -> Visit:
    """The same visit with a second after it, since hanging up takes no time."""

    def run(address: str, photo: bytes) -> Answer:
        try:
            return visit(address, photo)
        finally:
            time.sleep(1)

    return run


def new_photos() -> Iterator[bytes]:
    """Photos without end, no two of which are the same file, for any number of threads."""
    drawn = [draw_photo(PHOTO_SIZE, seed) for seed in range(PHOTOS)]
    # What follows the end of a JPEG does not matter; `map` and `count` are safe with threads.
    return map(lambda number: drawn[number % PHOTOS] + b"%d" % number, itertools.count())


def files_in(folder: str) -> int:
    """Count the files of visitors in the page's temporary folder."""
    # Unlike a pattern, it does not mind what is being deleted.
    pages = Path(folder).glob("*/files")
    return sum(len(names) for page in pages for _, _, names in os.walk(page))


def read_page(address: str) -> None:
    """Load the page's HTML."""
    with urllib.request.urlopen(address, timeout=60) as page:
        page.read()


def post(address: str, photo: bytes) -> Answer:
    """Send a photo and get its answer, in one request."""
    answer = httpx2.post(f"{address}/api/predict", files={"photo": ("a.jpg", photo)}, timeout=120)
    return answer.status_code, answer.text


def ask(address: str, photo: bytes) -> Answer:
    """Upload a photo, ask for its breed and wait for the answer."""
    with httpx2.Client(base_url=address, timeout=120) as client:
        upload = client.post("/gradio_api/upload", files={"files": ("dog.jpg", photo)})
        if upload.status_code != 200:
            return upload.status_code, upload.text
        file = {"path": upload.json()[0], "meta": {"_type": "gradio.FileData"}}
        asked = client.post("/gradio_api/call/predict", json={"data": [file]})
        if asked.status_code != 200:
            return asked.status_code, asked.text
        answer = client.get(f"/gradio_api/call/predict/{asked.json()['event_id']}")
        return answer.status_code, answer.text


def refusal(body: str) -> str | None:
    """What an answer says is wrong; None if it has labels."""
    if body.startswith("event:"):
        event, data = re.findall(r"event: (\w+)\ndata: (.*)", body)[-1]
        if event == "complete" and '"confidences"' in data:
            return None
        told = json.loads(data)
        return str(told["error"] if isinstance(told, dict) else told)
    answer = json.loads(body)
    return None if "labels" in answer else str(answer.get("detail", answer))


if __name__ == "__main__":
    main()
