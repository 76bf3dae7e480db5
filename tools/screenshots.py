"""Take the screenshots of the README from a running page, with the project's own drawings.

python -m tools.screenshots
"""

import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.e2e.conftest import CAMERA_FLAGS, EXAMPLES, FLAGS, Visit, write_video
from tests.helpers.running import running_page

DOCS = Path(__file__).parent.parent / "docs"
DESKTOP = {"width": 1100, "height": 1000}
PHONE = {"width": 390, "height": 1500}


def photo_tab(browser, address: str, name: str, viewport: dict, scheme: str) -> None:
    """The answer to a drawing."""
    visit = Visit(browser, address, viewport=viewport, color_scheme=scheme, locale="en")
    visit.upload(EXAMPLES / "pointed.png")
    visit.wait_for_evidence(visit.labels()[0])
    save(visit, name)


def live_tab(browser, address: str) -> None:
    """The camera on a drawing."""
    visit = Visit(browser, address, viewport={"width": 1100, "height": 640}, locale="en")
    visit.start_camera()
    visit.labels("#live-labels")
    save(visit, "live")


def save(visit: Visit, name: str) -> None:
    """Write the picture once bars have stopped growing."""
    visit.page.wait_for_timeout(1500)
    visit.page.screenshot(path=DOCS / f"screenshot-{name}.png")
    visit.context.close()


def main() -> None:
    """Start the page and the browsers, take all four."""
    chromium = shutil.which("chromium")
    with (
        running_page() as address,
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as folder,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        photo_tab(browser, address, "desktop-light", DESKTOP, "light")
        photo_tab(browser, address, "desktop-dark", DESKTOP, "dark")
        photo_tab(browser, address, "phone", PHONE, "light")
        browser.close()
        film = write_video(Path(folder) / "film.mjpeg", [Image.open(EXAMPLES / "golden.png")], 20)
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[*FLAGS, *CAMERA_FLAGS, f"--use-file-for-fake-video-capture={film}"],
        )
        live_tab(browser, address)
        browser.close()


if __name__ == "__main__":
    main()
