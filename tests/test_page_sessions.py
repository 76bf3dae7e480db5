"""What the page remembers: all about visitors who are there, nothing about those who have left.

Most of it is in attributes that Gradio does not document; if it renames one, these tests fail.
"""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file

from benchmarks.bad_visitors import leave_before_answer
from benchmarks.load import ask, post
from dogbreed import DogBreedClassifier
from dogbreed.corrections import TABLE, Corrections
from dogbreed.page import sessions
from dogbreed.page.build import build_page, launch_options, page_texts
from dogbreed.page.cli import GRADIO_SETTINGS
from dogbreed.page.i18n import texts
from dogbreed.page.sessions import EVENTS, MESSAGES, STATES, Sessions
from tests.helpers.coroutine import run
from tests.helpers.running import ROOT, free_port
from tests.helpers.tiny_bundle import write_trusted

PHOTO = (ROOT / "tests" / "helpers" / "drawings" / "golden.png").read_bytes()
SENT = {"url": f"data:image/png;base64,{base64.b64encode(PHOTO).decode()}"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the page keeps corrections."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def page(folder, tmp_path_factory) -> Iterator[gr.Blocks]:
    """A running page with a small bundle, in this process."""
    files = tmp_path_factory.mktemp("page")
    classifier = DogBreedClassifier.from_pretrained(write_trusted(files / "bundle"))
    i18n = page_texts(classifier, collecting=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**GRADIO_SETTINGS, "GRADIO_TEMP_DIR": str(files)}.items():
            patch.setenv(name, value)
        page = build_page(classifier, i18n, corrections=Corrections(folder, classifier.bundle))
        options = launch_options(classifier, i18n)
        page.launch(server_port=free_port(), prevent_thread_lock=True, quiet=True, **options)
        yield page
        page.close(verbose=False)


def remembered(page: gr.Blocks) -> dict[str, set[str]]:
    """What is in each of Gradio's tables; fails if it calls one something else."""
    tables = {name: set(attrgetter(name)(page)) for name in (*STATES, *MESSAGES, EVENTS)}
    return {name: keys for name, keys in tables.items() if keys}


def another_asks(page: gr.Blocks) -> None:
    """Ask as a program does, through a session for this question alone."""
    answer = ask(page.local_url.rstrip("/"), PHOTO)
    assert answer is not None and "confidences" in answer[1]


def wait_until_forgotten(page: gr.Blocks) -> None:
    """Ask until nothing is remembered: what is old is forgotten when something happens."""
    deadline = time.monotonic() + 14
    while remembered(page) and time.monotonic() < deadline:
        another_asks(page)
        time.sleep(0.1)
    assert remembered(page) == {}


def join(page: gr.Blocks, session: str, handler: str, *data: Any) -> None:
    """Ask as a browser does, which has a session, and read no answer."""
    (number,) = (number for number, fn in page.fns.items() if fn.name == handler)
    body = json.dumps({"fn_index": number, "session_hash": session, "data": data}).encode()
    request = urllib.request.Request(
        f"{page.local_url}gradio_api/queue/join", body, {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=30).close()


def tell(page: gr.Blocks, session: str, handler: str, *data: Any) -> list[Any]:
    """Ask as a browser does; returns the answer."""
    join(page, session, handler, *data)
    with connected(page, f"queue/data?session_hash={session}") as stream:
        messages = [json.loads(line.removeprefix(b"data: ")) for line in stream if line.strip()]
    (completed,) = (each for each in messages if each["msg"] == "process_completed")
    assert completed["success"], completed
    return completed["output"]["data"]


def connected(page: gr.Blocks, path: str) -> AbstractContextManager[Any]:
    return urllib.request.urlopen(f"{page.local_url}gradio_api/{path}", timeout=30)


def opened(page: gr.Blocks, session: str) -> AbstractContextManager[Any]:
    """Have the page open, as a browser does."""
    return connected(page, f"heartbeat/{session}")


def wait_for_events(page: gr.Blocks) -> None:
    deadline = time.monotonic() + 30
    while page._queue.event_ids_to_events:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_visitor_is_remembered_as_long_as_the_page_is_open(page, folder, monkeypatch):
    monkeypatch.setattr(sessions, "KEEP_SECONDS", 0)
    with opened(page, "visitor"):
        # A second tab of the same session is closed.
        with opened(page, "visitor"):
            labels, _ = tell(page, "visitor", "answer", SENT)
        assert labels["confidences"]
        deadline = time.monotonic() + 14
        while page.sessions._connections["visitor"] != 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        another_asks(page)
        another_asks(page)
        said, _ = tell(page, "visitor", "confirm", None)
        assert said == texts("en", "dog")["correct_thanks"]
        (row,) = (folder / TABLE).read_text().splitlines()
        assert json.loads(row)["label"]
    wait_until_forgotten(page)


def test_who_has_left_is_remembered_as_long_as_photos_are(page, monkeypatch):
    assert tell(page, "visitor", "answer", SENT)[0]["confidences"]
    join(page, "other", "predict", None)
    wait_for_events(page)
    another_asks(page)
    assert {"visitor", "other"} <= set(page.state_holder.session_data)
    # The answer to the other can still be fetched.
    assert "other" in page._queue.pending_messages_per_session
    monkeypatch.setattr(sessions, "KEEP_SECONDS", 0)
    wait_until_forgotten(page)


def test_who_hangs_up_in_the_middle_is_forgotten(page, monkeypatch):
    for _ in range(20):
        assert leave_before_answer(page.local_url.rstrip("/"), PHOTO) is None
    with opened(page, "visitor"):
        join(page, "visitor", "answer", SENT)
        connected(page, "queue/data?session_hash=visitor").close()
    monkeypatch.setattr(sessions, "KEEP_SECONDS", 0)
    wait_until_forgotten(page)


def test_gradios_client_is_remembered_until_it_is_closed(page, tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "KEEP_SECONDS", 0)
    photo = tmp_path / "photo.png"
    photo.write_bytes(PHOTO)
    # MCP tools are answered through such a client too.
    client = Client(page.local_url, verbose=False)
    for _ in range(2):
        assert client.predict(handle_file(photo), api_name="/predict")["confidences"]
        another_asks(page)
    assert client.session_hash in page.state_holder.session_data
    client.close()
    wait_until_forgotten(page)


def test_answered_programs_are_forgotten_at_once(page):
    for _ in range(3):
        another_asks(page)
    assert post(page.local_url.rstrip("/"), PHOTO)[0] == 200
    deadline = time.monotonic() + 5
    while remembered(page) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert remembered(page) == {}


def test_who_is_refused_since_the_queue_is_full_is_not_remembered(page, monkeypatch):
    monkeypatch.setattr(page._queue, "max_size", 0)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        join(page, "late", "predict", None)
    assert remembered(page) == {}


def test_who_never_reads_is_cut_off(page, monkeypatch):
    monkeypatch.setattr(sessions, "MOST_UNREAD", 5)
    for _ in range(20):
        join(page, "deaf", "predict", None)
    wait_for_events(page)
    assert len(page._queue.pending_event_ids_session.get("deaf", ())) <= 6
    monkeypatch.setattr(sessions, "KEEP_SECONDS", 0)
    wait_until_forgotten(page)


def test_nothing_fails_where_gradio_has_renamed_its_tables(monkeypatch):
    monkeypatch.setattr(sessions, "KEEP_SECONDS", 0)
    kept = Sessions(SimpleNamespace(_queue=SimpleNamespace()))
    with kept.connected("visitor"):
        run(kept.after_event("visitor", "event"))
    run(kept.after_event("event", "event"))


def test_events_are_not_recorded(page):
    another_asks(page)
    another_asks(page)
    wait_for_events(page)
    assert len(page._queue.event_analytics) == 1
    assert page._queue.cached_event_analytics_summary == {"functions": {}}
