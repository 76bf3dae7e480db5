"""Answers a second that a visitor with a camera sees, in headless Chromium.

python -m benchmarks.live --seconds 20
"""

import itertools
import tempfile
from pathlib import Path

from PIL import Image, ImageEnhance
from playwright.sync_api import sync_playwright

from benchmarks.results import benchmark_parser, publish
from tests.e2e.conftest import CAMERA_FLAGS, EXAMPLES, FLAGS, Visit, write_video
from tests.helpers.chromium import find_chromium
from tests.helpers.running import running_page

# In a film that changes steadily every answer differs, and so does the list of breeds.
_COUNT = """() => {
    window.times = [];
    let last = "";
    new MutationObserver(() => {
        const meters = [...document.querySelectorAll("#live-labels meter")];
        const now = meters.map((meter) => meter.getAttribute("value")).join();
        if (now && now !== last) window.times.push(performance.now());
        last = now;
    }).observe(document.querySelector("#live-labels"), {
        attributes: true, childList: true, subtree: true,
    });
}"""


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "live.json")
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    times = answer_times(options.seconds)
    gaps = sorted(after - before for before, after in itertools.pairwise(times))
    row = {
        "seconds": options.seconds,
        "answers": len(times),
        "answers a second": len(times) / options.seconds,
        "median gap, ms": gaps[len(gaps) // 2],
        "p95 of the gaps, ms": gaps[int(0.95 * len(gaps))],
    }
    publish(options.output, "Answers to a camera", [row])


def answer_times(seconds: float) -> list[float]:
    """Milliseconds since the page was opened of each answer that it shows in this time."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_page() as address,
        sync_playwright() as playwright,
    ):
        camera = f"--use-file-for-fake-video-capture={film(Path(folder) / 'film.mjpeg')}"
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=[*FLAGS, *CAMERA_FLAGS, camera]
        )
        visit = Visit(browser, address)
        visit.start_camera()
        visit.labels("#live-labels")
        visit.page.evaluate(_COUNT)
        visit.page.wait_for_timeout(1000 * seconds)
        times = visit.page.evaluate("window.times")
        browser.close()
    return times


def film(path: Path) -> Path:
    """Write a film of drawings, each of which gets steadily brighter."""
    examples = [Image.open(file).convert("RGB") for file in sorted(EXAMPLES.iterdir())]
    pictures = [
        ImageEnhance.Brightness(example).enhance(0.5 + step / 40)
        for example in examples
        for step in range(40)
    ]
    return write_video(path, pictures, 1)


if __name__ == "__main__":
    main()
