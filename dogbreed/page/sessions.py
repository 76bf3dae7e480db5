"""What Gradio keeps for each visitor, forgotten some time after the visitor has left.

By itself it keeps the settings of every component, 0.1 MB, for each of the last 10,000 sessions,
the messages of the last 2,000, and the ids of their events for all. A program that asks without a
session gets a new one for each question.
"""

import re
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
from starlette.types import ASGIApp, Receive, Scope, Send

from dogbreed.page.limits import KEEP_SECONDS, MOST_UNREAD

# Where Gradio keeps them, by session, and events by id; none of this is documented.
UNREAD = "_queue.pending_event_ids_session"
MESSAGES = ("_queue.pending_messages_per_session", UNREAD)
STATES = ("state_holder.session_data", "state_holder.time_last_used")
EVENTS = "_queue.event_ids_to_events"
# An open page keeps the first open; the others carry answers, for a session or for one question.
_CONNECTION = re.compile(r"/gradio_api/(?:(?:heartbeat|call/.+)/(?P<session>[^/]+)|queue/data)")


class Sessions:
    """Forgets the sessions of a page that nobody has used for as long as photos are kept."""

    def __init__(self, page: gr.Blocks) -> None:
        """Begin without any.

        Args:
            page: Whose sessions they are.
        """
        self._page = page
        self._connections: Counter[str] = Counter()
        # When those without a connection were last used, the oldest first.
        self._left: OrderedDict[str, float] = OrderedDict()

    @contextmanager
    def connected(self, session: str) -> Iterator[None]:
        """Keep a session as long as the block runs, and forget its messages if all were sent."""
        self._connections[session] += 1
        self._left.pop(session, None)
        try:
            yield
        finally:
            self._connections[session] -= 1
            if not self._connections[session]:
                del self._connections[session]
                if not self._unread(session):
                    self._forget(session, MESSAGES)
                self._leave(session)

    async def after_event(self, session: str, event: str | None) -> None:
        """Forget what is not needed after an event.

        Args:
            session: Whose event it was.
            event: Its id; a session of the same name was made by Gradio for this event alone.
        """
        if session == event:
            self._forget(session, STATES)
        if len(self._unread(session)) > MOST_UNREAD:
            await self._page._queue.clean_events(session_hash=session)
            self._forget(session, MESSAGES)
        if session not in self._connections:
            self._leave(session)

    def _leave(self, session: str) -> None:
        """Note that a session has no connection now, and forget those that left long ago."""
        now = time.monotonic()
        if any(session in self._table(name) for name in STATES + MESSAGES):
            self._left[session] = now
            self._left.move_to_end(session)
        while self._left and self._left[oldest := next(iter(self._left))] < now - KEEP_SECONDS:
            del self._left[oldest]
            if self._unread(oldest) & self._table(EVENTS).keys():
                # Still in the queue, which fails where a message has no place.
                self._left[oldest] = now
            else:
                self._forget(oldest, STATES + MESSAGES)

    def _forget(self, session: str, names: tuple[str, ...]) -> None:
        for name in names:
            self._table(name).pop(session, None)

    def _unread(self, session: str) -> set[str]:
        """The events of a session whose answer was not sent yet."""
        return self._table(UNREAD).get(session, set())

    def _table(self, name: str) -> dict[str, Any]:
        """One of Gradio's tables; empty if it was renamed, so that the page goes on without."""
        try:
            return attrgetter(name)(self._page)
        except AttributeError:
            return {}


class ConnectionMiddleware:
    """Tells the page's `Sessions` who is connected."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI defines it."""
        session = connecting(scope)
        sessions = getattr(getattr(scope.get("app"), "blocks", None), "sessions", None)
        if session is None or sessions is None:
            await self.app(scope, receive, send)
            return
        with sessions.connected(session):
            await self.app(scope, receive, send)


def connecting(scope: Scope) -> str | None:
    """The session that a request stays connected for; None if it is another request."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    found = _CONNECTION.fullmatch(scope["path"].removeprefix(scope.get("root_path", "")))
    if found is None:
        return None
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return found["session"] or query.get("session_hash", [None])[0]
