"""Answers a second that a visitor with a camera sees, in headless Chromium.

python -m benchmarks.live --seconds 20
"""

import argparse
import itertools
import json
import shutil
import tempfile
from pathlib import Path

from PIL import Image, ImageEnhance
from playwright.sync_api import sync_playwright

from tests.e2e.conftest import CAMERA_FLAGS, EXAMPLES, FLAGS, Visit, write_video
from tests.helpers.running import running_page

# Every answer to a film that changes steadily differs, and so changes the list of breeds.
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


def film(path: Path) -> Path:
    """Three drawings, each ever brighter."""
    drawings = [Image.open(file).convert("RGB") for file in sorted(EXAMPLES.glob("*.png"))]
    pictures = [
        ImageEnhance.Brightness(drawing).enhance(0.5 + step / 40)
        for drawing in drawings
        for step in range(40)
    ]
    return write_video(path, pictures, 1)


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--output", type=Path, default=Path("live.json"))
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_page() as address,
        sync_playwright() as playwright,
    ):
        camera = f"--use-file-for-fake-video-capture={film(Path(folder) / 'film.mjpeg')}"
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*FLAGS, *CAMERA_FLAGS, camera]
        )
        visit = Visit(browser, address)
        visit.start_camera()
        visit.labels("#live-labels")
        visit.page.evaluate(_COUNT)
        visit.page.wait_for_timeout(1000 * options.seconds)
        times = visit.page.evaluate("window.times")
        browser.close()
    gaps = sorted(after - before for before, after in itertools.pairwise(times))
    result = {
        "seconds": options.seconds,
        "answers": len(times),
        "answers_per_second": round(len(times) / options.seconds, 2),
        "gap_ms_median": round(gaps[len(gaps) // 2]),
        "gap_ms_p95": round(gaps[int(0.95 * len(gaps))]),
    }
    for name, value in result.items():
        print(f"{name:20} {value}")
    options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
