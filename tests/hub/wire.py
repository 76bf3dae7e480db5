"""Between the network and the local Hub's routes: a log of requests, and deliberate faults."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect

Message = dict[str, Any]
SLOW_PIECE = 16 * 1024


@dataclass
class Request:
    """One request as the server saw it; the counts are of the bodies, without headers."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int | None = None
    received: int = 0
    sent: int = 0


@dataclass
class Fault:
    """What goes wrong with the next matching requests; see `LocalHub.fail_next`."""

    method: str | None = None
    path_contains: str = ""
    times: int | None = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "Deliberate fault"
    cut_after: int | None = None
    cut_upload_after: int | None = None
    delay: float = 0.0
    bytes_per_second: float | None = None
    used: int = 0

    def matches(self, request: Request) -> bool:
        if self.times is not None and self.used >= self.times:
            return False
        return self.method in (None, request.method) and self.path_contains in request.path


class Wire:
    """ASGI middleware: logs each request, then passes it on or makes it fail."""

    def __init__(self, app: Callable[..., Any], cdn_port: Callable[[], int]) -> None:
        self.app = app
        self.cdn_port = cdn_port
        self.requests: list[Request] = []
        self.crashes: list[Exception] = []
        self.faults: list[Fault] = []
        self.lock = threading.Lock()

    async def __call__(self, scope: Message, receive: Callable, send: Callable) -> None:
        # Routing on the path as it was sent keeps an encoded slash inside a branch's name.
        raw_path = scope["raw_path"].decode("ascii")
        scope = {**scope, "path": raw_path}
        request = Request(
            method=scope["method"],
            path=unquote(raw_path),
            query=scope["query_string"].decode("ascii"),
            headers={k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]},
        )
        with self.lock:
            self.requests.append(request)
            fault = next((f for f in self.faults if f.matches(request)), None) or Fault()
            fault.used += 1
        connection = _Connection(request, fault, receive, send)
        await asyncio.sleep(fault.delay)
        if fault.status is not None:
            await connection.answer(fault.status, fault.message, fault.headers)
        elif raw_path.startswith("/cdn/") != (scope["server"][1] == self.cdn_port()):
            await connection.answer(404, "The Hub and its file storage are two hosts.", {})
        else:
            try:
                await connection.run(self.app, scope)
            except ClientDisconnect:
                pass
            except Exception as error:
                self.crashes.append(error)
                raise


class _Connection:
    """Both directions of a request: counted, and cut off or slowed down if a fault requires it."""

    def __init__(self, request: Request, fault: Fault, receive: Callable, send: Callable) -> None:
        self.request = request
        self.fault = fault
        self._receive = receive
        self._send = send
        self.cut = False
        self.started = False

    async def run(self, app: Callable[..., Any], scope: Message) -> None:
        try:
            await app(scope, self.receive, self.send)
        except Exception:
            # A route that was reading when the upload was cut off raises an error of its own.
            if not self.cut:
                raise
        if self.cut and not self.started:
            # An incomplete answer makes uvicorn close the connection.
            headers = [(b"content-length", b"1")]
            start = {"type": "http.response.start", "status": 200, "headers": headers}
            await self._send(start)

    async def receive(self) -> Message:
        message = await self._receive()
        self.request.received += len(message.get("body", b""))
        limit = self.fault.cut_upload_after
        if limit is not None and self.request.received > limit:
            self.cut = True
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        if self.cut:
            return
        if message["type"] == "http.response.start":
            self.started = True
            self.request.status = message["status"]
            await self._send(message)
            return
        body = message.get("body", b"")
        limit = self.fault.cut_after
        if limit is not None and self.request.sent + len(body) > limit:
            self.cut = True
            body = body[: limit - self.request.sent]
        more = self.cut or message.get("more_body", False)
        await self._send_body(body, more)

    async def _send_body(self, body: bytes, more: bool) -> None:
        rate = self.fault.bytes_per_second
        step = SLOW_PIECE if rate else max(len(body), 1)
        pieces = [body[i : i + step] for i in range(0, len(body), step)] or [b""]
        for number, piece in enumerate(pieces, start=1):
            # Counted first: a client that has read the last byte must find it in the log.
            self.request.sent += len(piece) if self.request.method != "HEAD" else 0
            last = number == len(pieces)
            await self._send(
                {"type": "http.response.body", "body": piece, "more_body": more or not last}
            )
            if rate:
                await asyncio.sleep(len(piece) / rate)

    async def answer(self, status: int, message: str, headers: dict[str, str]) -> None:
        """Answer instead of the routes, once the whole upload has been read."""
        while (await self.receive()).get("more_body", False):
            pass
        body = json.dumps({"error": message}).encode()
        fields = {"content-type": "application/json", "content-length": str(len(body)), **headers}
        raw = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in fields.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})
        await self.send({"type": "http.response.body", "body": body})
