"""Serve the page until it is stopped, and print in plain words where it is."""

import contextlib
import io
import os
import signal
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from gradio.tunneling import CURRENT_TUNNELS

from dogbreed.classifier import DogBreedClassifier
from dogbreed.corrections import Corrections
from dogbreed.errors import UsageError
from dogbreed.page.build import build_page, launch_options, page_texts
from dogbreed.page.limits import CLEAN_EVERY, KEEP_SECONDS
from dogbreed.page.temporary import cleaning

# What uvicorn reads; here it decides for all headers that proxies add.
_PROXIES = "FORWARDED_ALLOW_IPS"


def serve(
    classifier: DogBreedClassifier,
    folder: Path,
    *,
    host: str | None = None,
    port: int | None = None,
    root_path: str | None = None,
    share: bool = False,
    auth: tuple[str, str] | None = None,
    mcp: bool = False,
    examples: Sequence[Path] = (),
    corrections: Corrections | None = None,
) -> None:
    """Serve the page; returns when it is interrupted or terminated.

    Args:
        classifier: The model that answers.
        folder: Gradio's folder for temporary files, which is cleaned by age.
        host: Address to listen on; if left out, 127.0.0.1.
        port: If left out, the first free one from 7860.
        root_path: The path, or the whole address, under which a proxy offers the page.
        share: Also make a public link through Gradio's tunnel.
        auth: User and password that visitors must give.
        mcp: Also expose the endpoints as MCP tools.
        examples: Photos that visitors can try.
        corrections: See `build_page`.

    Raises:
        UsageError: The page cannot be served like this.
    """
    # Terminated like interrupted, so that temporary files are deleted in either case.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    check_address(host or "127.0.0.1", port)
    i18n = page_texts(classifier, corrections is not None)
    page = build_page(classifier, i18n, auth is not None, examples, corrections)
    options = launch_options(classifier, i18n, root_path, trusted_proxies())
    try:
        # Gradio's own words about the tunnel end in several lines of advice.
        with contextlib.redirect_stdout(io.StringIO()):
            page.launch(
                server_name=host,
                server_port=port,
                share=share,
                auth=auth,
                mcp_server=mcp,
                prevent_thread_lock=True,
                quiet=True,
                **options,
            )
    except OSError as error:
        raise UsageError(
            f"The page cannot be started ({_first_line(error)}); choose another --port or --host."
        ) from error
    with cleaning(folder, KEEP_SECONDS, CLEAN_EVERY), contextlib.suppress(KeyboardInterrupt):
        _say_where(page, share, mcp)
        threading.Event().wait()
    # What a second interruption would leave behind.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    page.close(verbose=False)
    for tunnel in CURRENT_TUNNELS:
        tunnel.kill()


def _say_where(page: gr.Blocks, share: bool, mcp: bool) -> None:
    print(f"The page is at {page.local_url}", flush=True)
    if page.share_url:
        print(f"Anyone can open it at {page.share_url} for up to a week.", flush=True)
    elif share:
        print(
            "No public link could be made, because Gradio's tunnel cannot be reached; "
            "the page is still available at the address above.",
            flush=True,
        )
    if mcp:
        print(f"MCP clients can connect to {page.local_url}gradio_api/mcp/", flush=True)


def trusted_proxies() -> set[str]:
    """Addresses of proxies whose headers are believed: this computer, or `$FORWARDED_ALLOW_IPS`.

    A Space is reached only through the Hub's own proxy. The variable is emptied for uvicorn, which
    would replace the address of the proxy by that of the visitor, before it can be compared.
    """
    default = "*" if "SPACE_ID" in os.environ else "127.0.0.1,::1"
    proxies = os.environ.get(_PROXIES, default)
    os.environ[_PROXIES] = ""
    return {address.strip() for address in proxies.split(",") if address.strip()}


def check_address(host: str, port: int | None) -> None:
    """Refuse an address before the server does so, in its own, longer words.

    Raises:
        UsageError: The page cannot listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port or 0), family=family).close()
    except (OSError, OverflowError):
        place = f"port {port}" if port else "any port"
        raise UsageError(
            f"The page cannot listen on {place} of {host}, which is in use, not allowed, or not an "
            "address of this computer; choose another --port or --host."
        ) from None


def _first_line(error: OSError) -> str:
    return str(error).partition(". ")[0].partition("\n")[0]
