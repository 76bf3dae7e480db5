"""What a request may bring: so many bytes, headers that can be trusted, nothing to be fetched."""

import asyncio
import json
import logging
import traceback
from collections.abc import Collection
from pathlib import Path

from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dogbreed.full_disk import says_full
from dogbreed.page.refusals import NO_ROOM

_LOG = logging.getLogger(__name__)
_UPLOAD = "/gradio_api/upload"
_CALL = "/gradio_api/call/"
# Gradio would fetch web addresses for a visitor, and cut videos with an external program.
_CLOSED = ("/gradio_api/file=http:", "/gradio_api/file=https:", "/gradio_api/process_recording")
_FORWARDED = (b"x-forwarded-", b"forwarded", b"x-gradio-server", b"x-real-ip")


class RequestGuard:
    """Refuses requests that are too large or ask for what the page does not offer."""

    def __init__(
        self,
        app: ASGIApp,
        upload_bytes: int,
        other_bytes: int,
        body_seconds: float,
        proxies: Collection[str],
    ) -> None:
        self.app = app
        self.upload_bytes = upload_bytes
        self.other_bytes = other_bytes
        self.body_seconds = body_seconds
        self.proxies = proxies

    @classmethod
    def configured(
        cls,
        upload_bytes: int,
        other_bytes: int,
        body_seconds: float,
        proxies: Collection[str],
    ) -> Middleware:
        """The middleware as Starlette takes it.

        Args:
            upload_bytes: How large one upload may be, with all its files.
            other_bytes: How large the body of any other request may be.
            body_seconds: How long a body may take to arrive.
            proxies: Addresses whose `X-Forwarded-…` headers are believed; `*` for all.
        """
        return Middleware(
            cls,
            upload_bytes=upload_bytes,
            other_bytes=other_bytes,
            body_seconds=body_seconds,
            proxies=proxies,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI defines it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = _path(scope)
        if path.lower().startswith(_CLOSED):
            await _refuse(send, 403, "This page does not offer that; upload the photo instead.")
            return
        limit = self.upload_bytes if path.startswith(_UPLOAD) else self.other_bytes
        if _content_length(scope) > limit:
            await _refuse(send, 413, _too_large(limit))
            return
        body = _LimitedBody(receive, send, limit, self.body_seconds)
        try:
            await self.app(self._trusted(scope), body.receive, body.send)
        except ClientDisconnect:
            # The visitor has left, or was cut off.
            pass
        except Exception as error:
            # Gradio's routes fail so on requests that they cannot read; a line of log is enough.
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(last.filename).name}:{last.lineno}"
            _LOG.warning("%s failed: %s at %s", scope["path"][:80], type(error).__name__, place)
            if not body.answered:
                await _refuse(send, *_failure(path, error))

    def _trusted(self, scope: Scope) -> Scope:
        """The request without headers in which a stranger pretends to be a proxy."""
        client = scope.get("client")
        if client is None or "*" in self.proxies or client[0] in self.proxies:
            return scope
        headers = [row for row in scope["headers"] if not row[0].lower().startswith(_FORWARDED)]
        return {**scope, "headers": headers}


class _LimitedBody:
    """Cuts a request off once more bytes have arrived than its limit, or when its time is over.

    Attributes:
        answered: Whether an answer has begun.
    """

    def __init__(self, receive: Receive, send: Send, limit: int, seconds: float) -> None:
        self._receive, self._send, self._limit = receive, send, limit
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._arrived = 0
        self._complete = self._cut = False
        self.answered = False

    async def receive(self) -> Message:
        """The next message; a disconnection once there was too much, or it took too long."""
        if self._cut:
            return {"type": "http.disconnect"}
        # With all of the body there, this waits for the visitor to leave.
        deadline = None if self._complete else self._deadline
        try:
            async with asyncio.timeout_at(deadline):
                message = await self._receive()
        except TimeoutError:
            return await self._cut_off(408, "This request took too long to arrive; try again.")
        self._complete = not message.get("more_body", False)
        self._arrived += len(message.get("body", b""))
        if self._arrived > self._limit:
            return await self._cut_off(413, _too_large(self._limit))
        return message

    async def _cut_off(self, status: int, sentence: str) -> Message:
        self._cut = True
        if not self.answered:
            self.answered = True
            await _refuse(self._send, status, sentence)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Pass a message on, unless the answer has been given here."""
        if not self._cut:
            self.answered = True
            await self._send(message)


def _path(scope: Scope) -> str:
    """The path below the root path, with one slash where there are several."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return "/" + path.lstrip("/")


def _content_length(scope: Scope) -> int:
    text = dict(scope["headers"]).get(b"content-length", b"0")
    return int(text) if text.isdigit() else 0


def _failure(path: str, error: Exception) -> tuple[int, str]:
    if says_full(error):
        return 507, NO_ROOM
    if path.startswith(_CALL):
        return 400, "This request cannot be read; see the examples on the API tab."
    return 500, "Something went wrong on the server; try again."


def _too_large(limit: int) -> str:
    return f"This request is larger than {limit // 1_000_000} MB; send less at a time."


async def _refuse(send: Send, status: int, sentence: str) -> None:
    """Answer with one sentence, as JSON like Gradio's own, and close the connection."""
    body = json.dumps({"detail": sentence}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
