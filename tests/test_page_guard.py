"""What a request may bring."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Receive, Send

from dogbreed.page.guard import RequestGuard
from tests.helpers.coroutine import run

PROXY = "10.0.0.1"


async def echo(request: Request) -> JSONResponse:
    """How much arrived, and with which headers."""
    body = await request.body()
    return JSONResponse({"bytes": len(body), "headers": list(request.headers)})


async def fail(request: Request) -> JSONResponse:
    raise KeyError("/home/anna/secret")


def client(peer: str = "203.0.113.7", proxies: tuple[str, ...] = (PROXY,)) -> TestClient:
    """A visitor of a site that the guard is in front of."""
    routes = [
        Route("/{path:path}", echo, methods=["GET", "POST"]),
    ]
    routes.insert(0, Route("/gradio_api/call/predict", fail, methods=["POST"]))
    routes.insert(0, Route("/fail", fail))
    guard = RequestGuard.configured(2000, 1000, body_seconds=30, proxies=proxies)
    return TestClient(Starlette(routes=routes, middleware=[guard]), client=(peer, 1234))


def chunks(count: int):
    """A body of so many times 100 bytes, of unknown length."""
    for _ in range(count):
        yield b"x" * 100


@pytest.mark.parametrize(("path", "limit"), [("/gradio_api/queue/join", 10), ("/upload", 10)])
def test_a_large_request_is_refused_by_its_stated_length(path, limit):
    assert client().post(path, content=b"x" * 100 * limit).json()["bytes"] == 100 * limit
    answer = client().post(path, content=b"x" * (100 * limit + 1))
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("This request is larger than")
    assert answer.headers["connection"] == "close"


def test_uploads_may_be_larger():
    assert client().post("/gradio_api/upload", content=b"x" * 2000).status_code == 200
    assert client().post("/gradio_api/upload", content=b"x" * 2001).status_code == 413


def test_a_body_without_a_stated_length_is_cut_off_while_it_arrives():
    assert client().post("/any", content=chunks(10)).json()["bytes"] == 1000
    assert client().post("/any", content=chunks(11)).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://127.0.0.1:8000/",
        "/gradio_api/file=HTTPS://dogs.example/",
        "/gradio_api/process_recording",
    ],
)
def test_what_the_page_does_not_offer_is_refused(path):
    answer = client().get(path)
    assert answer.status_code == 403 and "does not offer" in answer.json()["detail"]


FORWARDED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "1.2.3.4",
    "X-Gradio-Server": "http://evil.example",
    "Forwarded": "host=evil.example",
}


def test_a_stranger_is_not_a_proxy():
    seen = client().get("/any", headers=FORWARDED).json()["headers"]
    assert not {name.lower() for name in FORWARDED} & set(seen)
    assert "user-agent" in seen


@pytest.mark.parametrize(("peer", "proxies"), [(PROXY, (PROXY,)), ("203.0.113.7", ("*",))])
def test_a_proxy_that_is_trusted_may_say_where_the_page_is(peer, proxies):
    seen = client(peer, proxies).get("/any", headers=FORWARDED).json()["headers"]
    assert {name.lower() for name in FORWARDED} <= set(seen)


@pytest.mark.parametrize(("path", "status"), [("/gradio_api/call/predict", 400), ("/fail", 500)])
def test_a_failure_is_told_in_one_sentence_and_logged_in_one_line(path, status, caplog):
    answer = client().request("POST" if status == 400 else "GET", path)
    assert answer.status_code == status
    assert "/home/anna" not in answer.text and answer.json()["detail"].endswith(".")
    (record,) = caplog.records
    assert "KeyError at test_page_guard.py:" in record.getMessage()
    assert "/home/anna" not in record.getMessage() and record.exc_info is None


def test_a_body_that_never_ends_is_cut_off_and_a_complete_one_may_wait():
    async def ask(parts: list[bytes], more: bool) -> tuple[list, list]:
        """What is sent, and the messages that the site behind the guard got."""
        sent, seen = [], []

        async def receive() -> dict:
            if parts:
                return {"type": "http.request", "body": parts.pop(0), "more_body": more}
            await asyncio.sleep(30 if more else 1)
            return {"type": "http.disconnect"}

        async def send(message: dict) -> None:
            sent.append(message)

        async def site(scope: dict, receive: Receive, send: Send) -> None:
            while not seen or seen[-1]["type"] != "http.disconnect":
                seen.append(await receive())

        guard = RequestGuard(site, 2000, 1000, body_seconds=0.5, proxies=())
        scope = {"type": "http", "path": "/any", "headers": [], "client": ("1.2.3.4", 1)}
        await guard(scope, receive, send)
        return sent, seen

    sent, seen = run(ask([b"a", b"b"], more=True))
    assert sent[0]["status"] == 408 and b"took too long" in sent[1]["body"]
    assert [each["type"] for each in seen] == ["http.request"] * 2 + ["http.disconnect"]
    sent, seen = run(ask([b"a"], more=False))
    assert sent == [] and seen[-1] == {"type": "http.disconnect"}
