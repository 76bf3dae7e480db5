"""One photo, from JPEG bytes to three labels: in headless Chromium, and by `predict`.

    python -m benchmarks.web

The page runs on WebAssembly, with one thread and, isolated, with one for each core; Python runs
with one core and with all. All four take turns, so that other programs disturb them alike.
"""

import base64
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from loky import cpu_count
from playwright.sync_api import Browser, sync_playwright

from benchmarks.jpeg import draw_photo
from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import median_ms, timed
from dogbreed import DogBreedClassifier
from dogbreed.bundle import DEFAULT_BUNDLE, read_bundle
from dogbreed.web.export import export_web
from tests.e2e.conftest import FLAGS
from tests.helpers.chromium import find_chromium
from tests.helpers.website import served

_LOAD = """async () => {
    const [{ Classifier }, { readJson, readModel }] =
        await Promise.all(["classifier", "model"].map((name) => import(`/${name}.js`)));
    const site = await readJson("site.json");
    window.classifier = new Classifier(await readModel(site));
    return classifier.load(site, () => {});
}"""
_ANSWER = """async (photo) => {
    const bytes = Uint8Array.from(atob(photo), (each) => each.charCodeAt(0));
    const start = performance.now();
    await classifier.answer(new Blob([bytes]));
    return (performance.now() - start) / 1000;
}"""


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "web.json")
    parser.add_argument("--photos", type=int, default=30)
    options = parser.parse_args()
    photos = [draw_photo((500, 375), seed) for seed in range(options.photos + 1)]
    with ExitStack() as stack:
        ways = {**python_ways(stack), **browser_ways(stack)}
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for photo in photos:
            for name, answer in ways.items():
                seconds[name].append(answer(photo))
    # The first photo of each is not counted.
    medians = {name: median_ms(times[1:]) for name, times in seconds.items()}
    best = min(medians.values())
    rows = [
        {"": name, "ms": milliseconds, "times the fastest": milliseconds / best}
        for name, milliseconds in medians.items()
    ]
    title = f"JPEG of 500×375 to three labels, median of {options.photos} answers"
    publish(options.output, title, rows)


def python_ways(stack: ExitStack) -> dict[str, Callable[[bytes], float]]:
    """`predict` with one core and with all, each in a process of its own."""
    ways = {}
    context = multiprocessing.get_context("spawn")
    for cores in sorted({1, cpu_count()}):
        here, there = context.Pipe()
        process = context.Process(target=_answer_in_process, args=(there, cores), daemon=True)
        process.start()
        stack.callback(process.terminate)
        ways[f"predict, {cores} {'core' if cores == 1 else 'cores'}"] = partial(_ask, here)
    return ways


def _ask(connection: Connection, photo: bytes) -> float:
    connection.send(photo)
    return connection.recv()


def _answer_in_process(connection: Connection, cores: int) -> None:
    """Answer photos with some cores; sends back the seconds of each."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    classifier = DogBreedClassifier.from_pretrained(DEFAULT_BUNDLE)
    while True:
        connection.send(timed(partial(classifier.predict, connection.recv()))[0])


def browser_ways(stack: ExitStack) -> dict[str, Callable[[bytes], float]]:
    """The page with one thread, and isolated with several."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "site"
    export_web(read_bundle(DEFAULT_BUNDLE), folder)
    playwright = stack.enter_context(sync_playwright())
    browser: Browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
    stack.callback(browser.close)
    ways = {}
    for isolated in (False, True):
        # A file without a service worker, from which the modules can be imported all the same.
        page = browser.new_page()
        page.goto(stack.enter_context(served(folder, isolated)) + "LICENSE.txt")
        threads = page.evaluate(_LOAD)["threads"]
        name = f"Chromium, {threads} {'thread' if threads == 1 else 'threads'}"
        ways[name] = partial(_ask_page, page.evaluate)
    return ways


def _ask_page(evaluate: Callable[..., float], photo: bytes) -> float:
    return evaluate(_ANSWER, base64.b64encode(photo).decode())


if __name__ == "__main__":
    main()
