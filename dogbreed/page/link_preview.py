"""What a shared link shows: title, description and picture of the page.

Gradio's own page names itself there, and what `launch(head=…)` adds arrives by script, which no
preview reads. So the tags are exchanged in the page before it leaves.
"""

import re
from html import escape
from urllib.parse import urlsplit, urlunsplit

from gradio.route_utils import get_root_url
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OLD_TAGS = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*?/>')


class HeadMiddleware:
    """Exchanges the preview tags of the page at `/`; everything else passes untouched."""

    def __init__(self, app: ASGIApp, title: str, description: str):
        self.app = app
        self.title = title
        self.description = description

    @classmethod
    def configured(cls, title: str, description: str) -> Middleware:
        """The middleware as Starlette takes it.

        Args:
            title: Title of the page.
            description: One sentence about it.
        """
        return Middleware(cls, title=title, description=description)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI defines it."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                await finish()

        async def finish() -> None:
            headers = dict(start["headers"])
            content = bytes(body)
            if headers.get(b"content-type", b"").startswith(b"text/html"):
                address = get_root_url(Request(scope), "/", None)
                content = self.exchange(content.decode("utf-8"), address).encode("utf-8")
                headers[b"content-length"] = str(len(content)).encode()
            await send({**start, "headers": list(headers.items())})
            await send({"type": "http.response.body", "body": content})

        await self.app(scope, receive, collect)

    def exchange(self, html: str, address: str) -> str:
        """Put the tags of this page in place of Gradio's.

        Args:
            html: The page.
            address: Where visitors find it, for the picture, which must be named in full.
        """
        address = urlunsplit(urlsplit(address)._replace(query="", fragment="")).rstrip("/")
        picture = f"{address}/pwa_icon/512"
        tags = [
            f"<title>{escape(self.title)}</title>",
            f'<meta name="description" content="{escape(self.description)}" />',
            '<meta name="twitter:card" content="summary" />',
            '<meta name="theme-color" content="#0f766e" />',
        ]
        for name, value in (
            ("type", "website"),
            ("url", f"{address}/"),
            ("title", self.title),
            ("description", self.description),
            ("image", picture),
        ):
            tags.append(f'<meta property="og:{name}" content="{escape(value)}" />')
        return _OLD_TAGS.sub("", html).replace("<head>", "<head>" + "".join(tags), 1)
