"""What a shared link shows: title, description and picture of the page.

Gradio writes tags of its own, and adds what `launch(head=…)` takes by script, which no preview
reads. So the tags are replaced in the HTML before it leaves.
"""

import re
from html import escape
from urllib.parse import urlsplit, urlunsplit

from gradio.route_utils import get_root_url
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_GRADIO_TAGS = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*?/>')
THEME_COLOR = "#0f766e"


class HeadMiddleware:
    """Replaces the preview tags of the page at `/`; everything else passes untouched."""

    def __init__(self, app: ASGIApp, title: str, description: str, root_path: str | None) -> None:
        self.app = app
        self.title = title
        self.description = description
        self.root_path = root_path

    @classmethod
    def configured(cls, title: str, description: str, root_path: str | None = None) -> Middleware:
        """The middleware as Starlette takes it.

        Args:
            title: Title of the page.
            description: One sentence about it.
            root_path: The path, or the whole address, under which a proxy offers the page.
        """
        return Middleware(cls, title=title, description=description, root_path=root_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI defines it."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        response = _Response()
        await self.app(scope, receive, response.collect)
        if response.is_html:
            address = get_root_url(Request(scope), "/", self.root_path)
            html = response.body.decode("utf-8")
            response.replace(with_tags(html, self.title, self.description, address))
        await response.send(send)


class _Response:
    """A response that is held back until all of it is there."""

    def __init__(self) -> None:
        self.start: Message = {}
        self.body = b""

    async def collect(self, message: Message) -> None:
        """Take a part of it, as an ASGI server would."""
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")

    @property
    def is_html(self) -> bool:
        """Whether it is a web page."""
        headers = dict(self.start["headers"])
        return headers.get(b"content-type", b"").startswith(b"text/html")

    def replace(self, html: str) -> None:
        """Give it another body."""
        self.body = html.encode("utf-8")
        length = str(len(self.body)).encode()
        headers = {**dict(self.start["headers"]), b"content-length": length}
        self.start = {**self.start, "headers": list(headers.items())}

    async def send(self, send: Send) -> None:
        """Pass it on."""
        await send(self.start)
        await send({"type": "http.response.body", "body": self.body})


def with_tags(html: str, title: str, description: str, address: str) -> str:
    """Put the tags of this page in place of Gradio's.

    Args:
        html: The page.
        title: Title of the page.
        description: One sentence about it.
        address: Where visitors find it, since the picture needs its full address.
    """
    address = urlunsplit(urlsplit(address)._replace(query="", fragment="")).rstrip("/")
    tags = [
        f"<title>{escape(title)}</title>",
        f'<meta name="description" content="{escape(description)}" />',
        '<meta name="twitter:card" content="summary" />',
        f'<meta name="theme-color" content="{THEME_COLOR}" />',
    ]
    for name, value in (
        ("type", "website"),
        ("url", f"{address}/"),
        ("title", title),
        ("description", description),
        ("image", f"{address}/pwa_icon/512"),
    ):
        tags.append(f'<meta property="og:{name}" content="{escape(value)}" />')
    return _GRADIO_TAGS.sub("", html).replace("<head>", "<head>" + "".join(tags), 1)
