"""Visitors who behave badly: too many at once, who hang up, who never finish their upload."""

import base64
import json
import os
import socket
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dogbreed.page.limits import MOST_WAITING
from tests.helpers.running import ROOT, running_process

DRAWING = ROOT / "tests" / "helpers" / "drawings" / "golden.png"
# Keeps files and bodies for seconds instead of minutes.
CODE = (
    "import sys, dogbreed.page.build as build, dogbreed.page.serve as serve\n"
    "serve.KEEP_SECONDS, serve.CLEAN_EVERY, build.BODY_SECONDS = 5, 0.5, 5\n"
    "from dogbreed.cli import main\n"
    "sys.exit(main(['serve', *sys.argv[1:]]))"
)
HEAD = (
    "POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
    "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    '--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nhalf'
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The address of a running page, and where its files are."""
    folder = tmp_path_factory.mktemp("tmp")
    with running_process(code=CODE, TMPDIR=str(folder)) as (address, process):
        yield address, folder
    assert "Traceback" not in process.printed, process.printed


def begin(address: str) -> socket.socket:
    """Begin an upload, and leave it there."""
    place = urlsplit(address)
    connection = socket.create_connection((place.hostname, place.port), timeout=30)
    connection.sendall(HEAD.encode())
    return connection


def ask(address: str) -> int:
    """Send a photo as data; returns the status with which it is taken, and reads no answer."""
    data = base64.b64encode(DRAWING.read_bytes()).decode()
    body = json.dumps({"photo": {"url": f"data:image/png;base64,{data}"}}).encode()
    call = f"{address}/gradio_api/call/v2/predict"
    request = urllib.request.Request(call, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        assert json.load(error)["detail"].startswith("Queue is full")
        return error.code


def answers(address: str) -> bool:
    """Whether the page answers a photo."""
    return ask(address) == 200


def files(folder: Path) -> list[str]:
    # Unlike a pattern, it does not mind what is being deleted.
    pages = folder.glob("*/files")
    return [name for page in pages for _, _, names in os.walk(page) for name in names]


def test_an_upload_that_never_ends_is_cut_off(page):
    address, _ = page
    with begin(address) as connection:
        started = time.monotonic()
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert b"408" in answer.splitlines()[0] and b"took too long" in answer
    assert time.monotonic() - started < 30


def test_uploads_that_are_broken_off_leave_nothing(page):
    address, folder = page
    for _ in range(8):
        begin(address).close()
    assert answers(address)
    deadline = time.monotonic() + 60
    while files(folder) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert files(folder) == []


def test_a_full_queue_refuses_in_one_sentence_and_goes_on(page):
    address, _ = page
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda _: ask(address), range(3 * MOST_WAITING)))
    assert set(found) <= {200, 503} and 200 in found
    deadline = time.monotonic() + 60
    while not answers(address):
        assert time.monotonic() < deadline
        time.sleep(1)
