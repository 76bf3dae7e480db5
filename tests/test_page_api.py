"""What programs can do with the page: endpoints, MCP tools, and the lines on the API tab."""

import base64
import json
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from dogbreed import DogBreedClassifier
from dogbreed.page.api import CURL, Endpoints
from dogbreed.wording import as_json
from tests.helpers.running import ROOT, running_page
from tests.helpers.shapes import draw_shape

DRAWING = ROOT / "dogbreed" / "page" / "static" / "examples" / "golden.png"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The address of a running page that is open to MCP clients."""
    pytest.importorskip("mcp")
    files = tmp_path_factory.mktemp("files")
    with running_page("--mcp", TMPDIR=str(files)) as address:
        yield address
    # Uploads must not outlive the page.
    assert list(files.rglob("*.png")) == []


@pytest.fixture(scope="module")
def classifier() -> DogBreedClassifier:
    return DogBreedClassifier.from_pretrained()


def read_json(address: str) -> object:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.load(answer)


def test_an_endpoint_answers_like_python(classifier):
    endpoints, expected = Endpoints(classifier), classifier.predict(DRAWING)
    assert endpoints.predict(str(DRAWING)) == expected.as_dict()
    assert endpoints.details(str(DRAWING)) == as_json(expected, classifier.bundle)


def test_what_cannot_be_used_is_told_in_one_sentence(classifier, tmp_path):
    (tmp_path / "empty.png").touch()
    endpoints = Endpoints(classifier)
    for function in (endpoints.predict, endpoints.details):
        with pytest.raises(gr.Error, match=r"^'This file is empty; choose a photo.'$"):
            function(str(tmp_path / "empty.png"))


def test_the_client_curl_and_the_shell_agree(page, classifier):
    expected = classifier.predict(DRAWING)
    answer = Client(page, verbose=False).predict(handle_file(DRAWING), api_name="/predict")
    found = {row["label"]: row["confidence"] for row in answer["confidences"]}
    assert list(found) == list(expected.labels)
    assert list(found.values()) == pytest.approx(expected.probabilities)
    assert answer["label"] == expected.labels[0]

    command = CURL.replace("{url}", page).replace("dog.jpg", str(DRAWING))
    run = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True
    )
    data = next(line for line in run.stdout.splitlines() if line.startswith("data: "))
    (answer,) = json.loads(data.removeprefix("data: "))
    assert tuple(row["label"] for row in answer["confidences"]) == expected.labels

    shell = subprocess.run(
        [sys.executable, "-m", "dogbreed", "predict", str(DRAWING)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = shell.stdout.strip().splitlines()[:3]
    assert tuple(line.rsplit(":", 1)[0] for line in lines) == expected.labels


def test_details_are_those_of_the_shell(page, classifier):
    answer = Client(page, verbose=False).predict(handle_file(DRAWING), api_name="/details")
    assert answer == as_json(classifier.predict(DRAWING), classifier.bundle)


def test_a_photo_outside_the_limits_is_told(page, tmp_path):
    draw_shape(0, 1).resize((5, 5)).save(tmp_path / "small.png")
    with pytest.raises(AppError, match="5×5 pixels; it needs at least 8×8"):
        Client(page, verbose=False).predict(
            handle_file(tmp_path / "small.png"), api_name="/predict"
        )


def test_only_two_functions_are_open_to_programs(page):
    info = read_json(f"{page}/gradio_api/info")
    assert list(info["named_endpoints"]) == ["/predict", "/details"]
    assert info["unnamed_endpoints"] == {}
    for endpoint in info["named_endpoints"].values():
        (parameter,) = endpoint["parameters"]
        assert parameter["parameter_name"] == "photo"


def test_they_are_tools_for_mcp_clients(page):
    tools = read_json(f"{page}/gradio_api/mcp/schema")
    assert [tool["name"].rpartition("_")[2] for tool in tools] == ["predict", "details"]
    for tool in tools:
        assert "three most probable breeds" in " ".join(tool["description"].split())
        assert list(tool["inputSchema"]["properties"]) == ["photo"]


def test_an_mcp_client_gets_an_answer(page, classifier):
    anyio = pytest.importorskip("anyio")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def ask() -> str:
        async with (
            streamablehttp_client(f"{page}/gradio_api/mcp/") as (receive, send, _),
            ClientSession(receive, send) as session,
        ):
            await session.initialize()
            tool, _ = (await session.list_tools()).tools
            content = base64.b64encode(DRAWING.read_bytes()).decode()
            photo = f"data:image/png;base64,{content}"
            answer = await session.call_tool(tool.name, {"photo": photo})
            assert not answer.isError, answer
            return answer.content[0].text

    # The browser tests leave an event loop in this thread.
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(anyio.run, ask).result()
    assert classifier.predict(DRAWING).labels[0] in answer
