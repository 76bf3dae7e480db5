"""The page as a process, started as a user starts it; and what else runs."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def processes(name: str) -> list[int]:
    """The processes whose title begins with this, as Ray names its workers."""
    listed = subprocess.run(
        ["ps", "-axo", "pid=,args="], capture_output=True, text=True, check=True
    )
    lines = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    return [int(line[0]) for line in lines if line[1:] and line[1].startswith(name)]


def wait_for(address: str, process: subprocess.Popen) -> None:
    """Wait until a page answers at an address; fails if its process ends or takes minutes."""
    deadline = time.monotonic() + 240
    while True:
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline, "the page did not come up"
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)


@contextlib.contextmanager
def running_process(
    *options: str, code: str | None = None, folder: Path = ROOT, **environment: str
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Run app.py until the block ends.

    Args:
        options: Options of app.py.
        code: What is run in place of app.py.
        folder: Where app.py is, and where it is run.
        environment: Additional environment variables.

    Yields:
        The address of the page, and its process.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, *(["-c", code] if code else ["app.py"]), f"--port={port}", *options],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(address, process)
        yield address, process
    finally:
        process.terminate()
        process.printed, _ = process.communicate(timeout=30)


@contextlib.contextmanager
def running_page(*options: str, **environment: str) -> Iterator[str]:
    """Run app.py until the block ends; yields only the address."""
    with running_process(*options, **environment) as (address, _):
        yield address
