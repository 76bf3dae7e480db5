"""What a visitor of the page downloads and waits for, in headless Chromium.

    python -m benchmarks.visit

A visit begins with an empty cache and loads the page twice: bytes, seconds from the address until a
photo can be chosen, and seconds from the upload of a JPEG of 500×375 to the answer. Server and
browser share the cores, and no network lies between them. An empty Gradio app takes turns.
"""

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.jpeg import draw_photo
from benchmarks.results import benchmark_parser, publish
from benchmarks.start_time import EMPTY, EMPTY_APP
from tests.e2e.conftest import FLAGS
from tests.helpers.chromium import find_chromium
from tests.helpers.running import running_page, running_process

# What says that each page can be used.
READY = {"the page": "#photo input[type=file]", EMPTY: ".gradio-container footer button"}
COLUMNS = ("requests", "MB", "s until it can be used", "s from upload to answer")


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "visit.json")
    parser.add_argument("--visits", type=int, default=10)
    options = parser.parse_args()
    measured: dict[str, list[tuple]] = defaultdict(list)
    with (
        running_page() as page,
        running_process(code=EMPTY_APP) as (empty, _),
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as folder,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        photo = Path(folder) / "photo.jpg"
        for number in range(options.visits + 1):
            photo.write_bytes(draw_photo((500, 375), number))
            for name, address in (("the page", page), (EMPTY, empty)):
                for line, numbers in visit(browser, name, address, photo):
                    # The first visit warms the servers.
                    if number:
                        measured[line].append(numbers)
        browser.close()
    rows = [
        {"": line} | dict(zip(COLUMNS, map(median, zip(*visits, strict=True)), strict=True))
        for line, visits in measured.items()
    ]
    publish(options.output, f"A visit in Chromium, median of {options.visits}", rows)


def median(values: tuple) -> float | None:
    """The median, None where there is nothing to measure."""
    return None if None in values else statistics.median(values)


def visit(
    browser: Browser, name: str, address: str, photo: Path
) -> Iterator[tuple[str, tuple[int, float, float, float | None]]]:
    """Load a page with an empty cache and once more; yields the numbers of both as in the table."""
    context = browser.new_context()
    page = context.new_page()
    sizes: list[float] = []
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    for line in (name, f"{name}, once more"):
        sizes.clear()
        started = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.locator(READY[name]).first.wait_for(state="attached")
        ready = time.perf_counter() - started
        # What is loaded later, such as fonts and other tabs.
        page.wait_for_timeout(1500)
        loaded = len(sizes), sum(sizes) / 1e6
        yield line, (*loaded, ready, answer_seconds(page, photo) if name != EMPTY else None)
    context.close()


def answer_seconds(page: Page, photo: Path) -> float:
    """Seconds from the choice of a photo until its answer can be read."""
    started = time.perf_counter()
    page.locator("#photo input[type=file]").set_input_files(photo)
    page.locator("#sentence .answer").wait_for()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
