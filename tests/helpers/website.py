"""The page without a server: exported once for all tests, and served as a static host does."""

import contextlib
import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from dogbreed.bundle import DEFAULT_BUNDLE, read_bundle
from dogbreed.web.export import export_web
from dogbreed.web.litert import FOLDER

# What the Hub sends with every file of a Space that asks for it.
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def exported_site(tmp_path_factory) -> Path:
    """The page with the model that comes with the package, one for all workers of the tests.

    Skips the test where npm cannot fetch LiteRT.js.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    site = shared / "website"
    with FileLock(shared / "website.lock"):
        if not site.exists():
            export_web(read_bundle(DEFAULT_BUNDLE), site)
    if not (site / FOLDER).is_dir():
        pytest.skip("npm cannot fetch @litertjs/core; see the log")
    return site


@contextlib.contextmanager
def served(folder: Path, isolated: bool = False) -> Iterator[str]:
    """Serve a folder as it is; yields the address.

    Args:
        folder: What to serve.
        isolated: Send the headers that isolate the page, so that it may use threads.
    """

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            for name, value in ISOLATION.items() if isolated else ():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


class WebVisit:
    """A visitor's open page, with what it asked of other hosts.

    Attributes:
        page: Playwright's page.
        foreign: Addresses elsewhere that were asked for.
    """

    # The network may have to be compiled on a busy machine.
    PATIENCE = 180_000

    def __init__(self, browser, address: str, **context: object):
        self.context = browser.new_context(
            **({"viewport": {"width": 1200, "height": 900}} | context)
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(self.PATIENCE)
        self.foreign: list[str] = []
        self.context.on("request", lambda request: self._note(request.url, address))
        self.page.goto(address)

    def _note(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.foreign.append(url)

    def wait_until_ready(self) -> None:
        """Wait until the network is loaded."""
        self.page.wait_for_selector("body.ready")

    def wait_until_kept(self) -> None:
        """Wait until the page says that it works without a network."""
        self.page.locator("#status").get_by_text("works without a network").wait_for()

    def answer(self, photo: Path) -> list[str]:
        """Choose a photo in the file dialog; returns the labels."""
        self.page.set_input_files("#photo-file", photo)
        return self.labels()

    def labels(self) -> list[str]:
        """The labels, once there are any."""
        self.page.wait_for_selector("#photo.answered")
        return self.page.locator("#labels .name").all_inner_texts()

    def open_tab(self, name: str) -> None:
        """Open a tab by its title."""
        self.page.get_by_role("tab", name=name, exact=True).click()

    def layer(self) -> list[int]:
        """The opacity of the pixels of the evidence."""
        return self.page.evaluate(
            """() => {
                const canvas = document.querySelector("#evidence");
                const { width, height } = canvas;
                const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
                return Array.from(data.filter((_, place) => place % 4 === 3));
            }"""
        )
