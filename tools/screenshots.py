"""Take screenshots of every tab of the page, on a desktop and a phone, light and dark.

python -m tools.screenshots screenshots/
python -m tools.screenshots screenshots/ --photo dog.jpg
"""

import argparse
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from dogbreed.page.i18n import texts
from tests.e2e.conftest import CAMERA_FLAGS, EXAMPLES, FLAGS, Visit, write_video
from tests.helpers.chromium import find_chromium
from tests.helpers.running import running_page

SIZES = {"desktop": (1440, 900), "phone": (360, 740)}
SCHEMES = ("light", "dark")


def build_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the screenshots are written")
    parser.add_argument(
        "--photo",
        type=Path,
        default=EXAMPLES / "pointed.png",
        help="what is uploaded and what the camera sees (default: a drawing of the tests)",
    )
    parser.add_argument(
        "--no-dog",
        type=Path,
        default=EXAMPLES / "golden.png",
        help="what does not look like a dog (default: a drawing of the tests)",
    )
    return parser


def take(
    browser: Browser, address: str, options: argparse.Namespace, size: str, scheme: str
) -> None:
    """Take those of one size in one color scheme."""
    width, height = SIZES[size]
    words = texts()
    visit = Visit(
        browser,
        address,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        locale="en",
    )

    def save(tab: str) -> None:
        # Once bars have stopped growing.
        visit.page.wait_for_timeout(1500)
        visit.page.screenshot(path=options.folder / f"{tab}-{size}-{scheme}.png")

    save("empty")
    visit.upload(options.photo)
    visit.page.locator("#sentence .answer").wait_for()
    save("photo")
    if visit.page.locator("#show-evidence").is_visible():
        visit.page.locator("#show-evidence input").check()
        visit.wait_for_evidence(visit.labels()[0])
        save("evidence")
    visit.upload(options.no_dog)
    visit.page.locator("#sentence .no-dog").wait_for()
    save("no-dog")
    visit.start_camera()
    visit.labels("#live-labels")
    save("live")
    visit.open_tab(words["tab_several"])
    visit.upload(options.photo, *sorted(EXAMPLES.glob("*.png")), where="#several-files")
    cells = visit.page.locator("#several-table").get_by_text(options.photo.name)
    cells.locator("visible=true").first.wait_for(timeout=30_000)
    save("several")
    for tab in ("api", "about"):
        visit.open_tab(words[f"tab_{tab}"])
        save(tab)
    visit.context.close()


def main(arguments: list[str] | None = None) -> None:
    """Start the page and a browser, and take all screenshots."""
    options = build_parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    with (
        running_page() as address,
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as folder,
    ):
        film = write_video(Path(folder) / "film.mjpeg", [Image.open(options.photo)], 20)
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=[*FLAGS, *CAMERA_FLAGS, f"--use-file-for-fake-video-capture={film}"],
        )
        for size in SIZES:
            for scheme in SCHEMES:
                take(browser, address, options, size, scheme)
        browser.close()


if __name__ == "__main__":
    main()
