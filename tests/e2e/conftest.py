"""A running page and Debian's Chromium; without Chromium these tests are skipped."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from dogbreed.web.export import STATIC
from tests.helpers.running import running_page
from tests.helpers.tiny_bundle import draw_disc, write_trusted
from tests.helpers.website import WebVisit, exported_site, served

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CAMERA_FLAGS = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
EXAMPLES = Path(__file__).parent.parent / "helpers" / "drawings"


def write_video(path: Path, pictures: list[Image.Image], repeat: int) -> Path:
    """Write an MJPEG film, as Chromium's fake camera plays it.

    Args:
        path: A name that ends in .mjpeg.
        pictures: What it shows, one after the other.
        repeat: How many frames each is shown for.
    """
    with path.open("wb") as file:
        for picture in pictures:
            frame = io.BytesIO()
            picture.convert("RGB").resize((480, 360)).save(frame, "JPEG", quality=90)
            for _ in range(repeat):
                file.write(frame.getvalue())
    return path


@pytest.fixture(scope="session")
def browser(playwright_session, chromium_path):
    """A browser without a camera."""
    browser = playwright_session.chromium.launch(executable_path=chromium_path, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def camera_film(tmp_path_factory) -> Path:
    """A film of one drawing."""
    drawing = Image.open(EXAMPLES / "spotted.png")
    return write_video(tmp_path_factory.mktemp("film") / "film.mjpeg", [drawing], 20)


@pytest.fixture(scope="session")
def camera_browser(playwright_session, chromium_path, camera_film):
    """A browser whose camera plays the film, and that always grants it."""
    browser = playwright_session.chromium.launch(
        executable_path=chromium_path,
        args=[*FLAGS, *CAMERA_FLAGS, f"--use-file-for-fake-video-capture={camera_film}"],
    )
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def address(chromium_path):
    """The address of a running page."""
    with running_page() as address:
        yield address


@pytest.fixture(scope="session")
def example_address(chromium_path, tmp_path_factory):
    """The address of a page with a small model and an example, a red disc."""
    folder = tmp_path_factory.mktemp("examples")
    draw_disc(200).save(folder / "disc.png")
    model = write_trusted(tmp_path_factory.mktemp("models") / "bundle")
    with running_page(f"--examples={folder}", f"--model={model}") as address:
        yield address


class Visit:
    """A visitor's open page, with what it asked of other hosts."""

    def __init__(self, browser, address: str, **context):
        self.context = browser.new_context(
            **({"viewport": {"width": 1200, "height": 900}} | context)
        )
        self.page = self.context.new_page()
        self.foreign: list[str] = []
        self.page.on("request", lambda request: self._note(request.url, address))
        self.page.goto(address)
        self.page.locator("#photo").wait_for(timeout=60_000)

    def _note(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.foreign.append(url)

    def upload(self, *files: Path | dict, where: str = "#photo") -> None:
        """Choose files in the file dialog."""
        self.page.locator(f"{where} input[type=file]").set_input_files(list(files))

    def labels(self, where: str = "#labels") -> list[str]:
        """The breeds, once there are any; folded where there is no dog."""
        rows = self.page.locator(f"{where} .confidence-set")
        rows.first.wait_for(state="attached", timeout=30_000)
        return [text.strip() for text in self.page.locator(f"{where} dt").all_text_contents()]

    def wait_for_evidence(self, label: str) -> str:
        """Wait until the evidence for a label lies over the photo; returns its address."""
        picture = self.page.locator(f"#photo img[alt*='{label}']")
        picture.wait_for(timeout=30_000)
        return picture.get_attribute("src")

    def open_tab(self, name: str) -> None:
        """Open a tab by its title; on a small screen it may be in a menu."""
        tab = self.page.get_by_role("tab", name=name, exact=True)
        if not tab.is_visible():
            self.page.locator(".overflow-menu > button").first.click()
            tab = self.page.locator(".overflow-dropdown").get_by_text(name, exact=True)
        tab.click()

    def allow_camera(self, where: str, show: Callable[[], None]) -> None:
        """Allow the camera and wait for its picture.

        Chromium's fake camera may give none where the machine is busy; then the page is read anew.

        Args:
            where: The component, as a CSS selector.
            show: Brings the component's camera into view.
        """
        for last in (False, False, True):
            show()
            self.page.locator(where).get_by_role("button", name="Click to Access Webcam").click()
            try:
                self.page.wait_for_function(
                    "where => document.querySelector(`${where} video`)?.videoWidth > 0",
                    arg=where,
                    timeout=30_000 if last else 10_000,
                )
                return
            except PlaywrightTimeoutError:
                if last:
                    raise
            self.page.reload()
            self.page.locator("#photo").wait_for(timeout=60_000)

    def start_camera(self) -> None:
        """Open the live tab and start the stream."""
        self.allow_camera("#camera", partial(self.open_tab, "Live"))
        self.page.get_by_role("button", name="capture photo").locator("visible=true").click()


@pytest.fixture
def visit(browser, address):
    """Opens pages; they are closed after the test."""
    visits = []

    def open_page(browser=browser, address=address, **context) -> Visit:
        visits.append(Visit(browser, address, **context))
        return visits[-1]

    yield open_page
    for each in visits:
        each.context.close()


@pytest.fixture(scope="session")
def website(chromium_path, tmp_path_factory) -> Path:
    """The folder of the page without a server."""
    return exported_site(tmp_path_factory)


@pytest.fixture
def web_visit(browser, website):
    """Opens the page without a server; everything is closed after the test."""
    visits = []
    with served(website) as address:

        def open_page(browser=browser, address=address, **context) -> WebVisit:
            visits.append(WebVisit(browser, address, **context))
            return visits[-1]

        yield open_page
        for each in visits:
            each.context.close()


@pytest.fixture
def noise_photo(tmp_path) -> Path:
    """A photo of nothing, 400 × 300."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 255, (300, 400, 3), dtype=np.uint8))
    ImageDraw.Draw(image).ellipse((100, 50, 300, 250), fill=(180, 120, 60))
    image.save(tmp_path / "noise.jpg")
    return tmp_path / "noise.jpg"


@pytest.fixture(scope="module")
def modules(browser):
    """A page that can import the modules, without the rest of the page."""
    with served(STATIC) as address:
        page = browser.new_page()
        page.goto(f"{address}LICENSE.txt")
        yield page
        page.close()
