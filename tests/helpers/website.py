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
