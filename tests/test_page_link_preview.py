"""What a shared link shows."""

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dogbreed.page.link_preview import HeadMiddleware, with_tags

HTML = (
    "<html><head>"
    '<meta property="og:title" content="Gradio" />\n<meta name="twitter:site" content="@Gradio" />'
    '<meta charset="utf-8" /></head><body>ü</body></html>'
)


@pytest.fixture
def client() -> TestClient:
    """A visitor of a site that the middleware is in front of."""
    routes = [
        Route("/", lambda request: HTMLResponse(HTML), methods=["GET", "POST"]),
        Route("/other", lambda request: HTMLResponse(HTML)),
    ]
    middleware = [HeadMiddleware.configured("Dogs & more", 'A "dog"')]
    return TestClient(Starlette(routes=routes, middleware=middleware), "http://dogs.example")


def test_the_tags_of_the_page_take_the_place_of_gradios(client):
    answer = client.get("/?__theme=dark")
    assert "Gradio" not in answer.text and '<meta charset="utf-8" />' in answer.text
    for wanted in (
        "<title>Dogs &amp; more</title>",
        '<meta name="description" content="A &quot;dog&quot;" />',
        '<meta property="og:title" content="Dogs &amp; more" />',
        '<meta property="og:url" content="http://dogs.example/" />',
        '<meta property="og:image" content="http://dogs.example/pwa_icon/512" />',
    ):
        assert answer.text.count(wanted) == 1, wanted
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.text.endswith("ü</body></html>")


def test_everything_else_passes_untouched(client):
    assert client.get("/other").text == HTML
    assert client.post("/").text == HTML
    assert client.get("/nowhere").status_code == 404


@pytest.mark.parametrize("response", [JSONResponse({"a": 1}), PlainTextResponse("<head>")])
def test_only_a_web_page_is_changed(response):
    site = Starlette(
        routes=[Route("/", lambda request: response)],
        middleware=[HeadMiddleware.configured("Dogs", "A dog")],
    )
    assert TestClient(site).get("/").content == response.body


def test_a_query_is_not_part_of_the_address():
    html = with_tags("<head></head>", "Dogs", "A dog", "https://dogs.example/dog/?a=1#b")
    assert 'content="https://dogs.example/dog/"' in html
    assert 'content="https://dogs.example/dog/pwa_icon/512"' in html


@pytest.mark.parametrize("root_path", ["/dogs", "https://example.org/dogs"])
def test_behind_a_path_the_address_has_it(root_path):
    site = Starlette(
        routes=[Route("/", lambda request: HTMLResponse(HTML))],
        middleware=[HeadMiddleware.configured("Dogs", "A dog", root_path)],
    )
    html = TestClient(site, "https://example.org").get("/").text
    assert '<meta property="og:url" content="https://example.org/dogs/" />' in html
    assert 'content="https://example.org/dogs/pwa_icon/512"' in html
