"""Serve the page until it is stopped, and print in plain words where it is."""

import contextlib
import importlib.util
import io
import signal
import socket

from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import UsageError
from dogbreed.page.build import build_page, launch_options, page_texts


def serve(
    classifier: DogBreedClassifier,
    host: str | None = None,
    port: int | None = None,
    share: bool = False,
    auth: tuple[str, str] | None = None,
    mcp: bool = False,
) -> None:
    """Serve the page; returns when it is interrupted or terminated.

    Args:
        classifier: The model that answers.
        host: Address to listen on; if left out, 127.0.0.1.
        port: If left out, the first free one from 7860.
        share: Also make a public link through Gradio's tunnel.
        auth: User and password that visitors must give.
        mcp: Also expose the endpoints as MCP tools.

    Raises:
        UsageError: The page cannot be served like this.
    """
    if mcp and importlib.util.find_spec("mcp") is None:
        raise UsageError('--mcp needs an extra package: pip install "gradio[mcp]".')
    # Terminated like interrupted, so that temporary files are deleted in either case.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _check_address(host or "127.0.0.1", port)
    i18n = page_texts(classifier)
    page = build_page(classifier, i18n)
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
            **launch_options(i18n),
        )
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
    with contextlib.redirect_stdout(io.StringIO()):
        page.block_thread()


def _check_address(host: str, port: int | None) -> None:
    """Refuse an address before the server does so, in its own, longer words."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port or 0), family=family).close()
    except (OSError, OverflowError):
        place = f"port {port}" if port else "any port"
        raise UsageError(
            f"The page cannot listen on {place} of {host}, which is in use, not allowed, or not an "
            "address of this computer; choose another --port or --host."
        ) from None
