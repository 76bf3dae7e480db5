"""What programs can do with the page: endpoints, MCP tools, and the lines on the API tab."""

import base64
import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from dogbreed import DogBreedClassifier
from dogbreed.page.api import Endpoints, examples
from dogbreed.page.uploads import NO_PHOTO, NOT_FETCHED, NOT_UPLOADED
from dogbreed.wording import as_json
from tests.helpers.mcp_client import call_tool
from tests.helpers.running import ROOT, running_page, running_process
from tests.helpers.shapes import draw_shape

DRAWING = ROOT / "tests" / "helpers" / "drawings" / "golden.png"


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


def test_the_client_and_the_shell_agree(page, classifier):
    expected = classifier.predict(DRAWING)
    answer = Client(page, verbose=False).predict(handle_file(DRAWING), api_name="/predict")
    found = {row["label"]: row["confidence"] for row in answer["confidences"]}
    assert list(found) == list(expected.labels)
    assert list(found.values()) == pytest.approx(expected.probabilities)
    assert answer["label"] == expected.labels[0]

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
    pytest.importorskip("mcp")
    assert classifier.predict(DRAWING).labels[0] in call_tool(page, DRAWING)


@pytest.mark.parametrize("name", ["dog.jpg", "a [1], b {2}; ü & c.jpg", "50% (copy).jpg"])
def test_the_lines_for_curl_work_for_any_name_of_a_file(page, classifier, tmp_path, name):
    shutil.copy(DRAWING, tmp_path / name)
    command = examples(auth=False)["Gradio"].replace("{url}", page).replace("photo.jpg", name)
    assert answer_of(command, tmp_path)["label"] == classifier.predict(DRAWING).labels[0]


def test_the_line_for_curl_is_the_first_and_gets_the_answer_of_details(page, classifier, tmp_path):
    shutil.copy(DRAWING, tmp_path / "photo.jpg")
    (name, line), *_ = examples(auth=False).items()
    assert name == "curl" and line == "curl -F photo=@photo.jpg {url}/api/predict"
    expected = as_json(classifier.predict(DRAWING), classifier.bundle)
    assert json.loads(printed(line.replace("{url}", page), tmp_path)) == expected


def test_the_page_describes_the_routes_for_programs(page):
    paths = read_json(f"{page}/openapi.json")["paths"]
    assert {"multipart/form-data", "image/*"} <= {
        *paths["/api/predict"]["post"]["requestBody"]["content"]
    }
    assert {"200", "401", "413", "415", "422", "503"} == {
        *paths["/api/predict"]["post"]["responses"]
    }
    assert [*paths["/api/health"]] == ["get"]
    assert read_json(f"{page}/api/health") == {"status": "ok"}


def test_the_lines_work_with_a_password(classifier, tmp_path):
    shutil.copy(DRAWING, tmp_path / "photo.jpg")
    with running_page("--auth=anna:se:cret") as address:
        lines = {
            name: code.replace("{url}", address)
            .replace("USER", "anna")
            .replace("PASSWORD", "se:cret")
            for name, code in examples(auth=True).items()
        }
        best = classifier.predict(DRAWING).labels[0]
        assert json.loads(printed(lines["curl"], tmp_path))["labels"][0]["name"] == best
        assert answer_of(lines["Gradio"], tmp_path)["label"] == best
        run = subprocess.run(
            [sys.executable, "-c", lines["Python"]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert best in run.stdout, run.stderr
        # Without it, nothing.
        for name in ("curl", "Gradio"):
            open_lines = examples(auth=False)[name].replace("{url}", address)
            run = subprocess.run(
                ["bash", "-c", open_lines], cwd=tmp_path, capture_output=True, text=True
            )
            assert best not in run.stdout


def printed(command: str, folder: Path) -> str:
    """What a few lines in the shell print."""
    run = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return run.stdout


def answer_of(command: str, folder: Path) -> dict:
    """What the last line of a few in the shell prints, if it is an event of Gradio's."""
    lines = printed(command, folder).splitlines()
    data = next(line for line in lines if line.startswith("data: "))
    (answer,) = json.loads(data.removeprefix("data: "))
    return answer


@pytest.mark.parametrize(
    ("photo", "told"),
    [
        (None, NO_PHOTO),
        ({"url": "http://127.0.0.1/dog.jpg"}, NOT_FETCHED),
        ({"path": "/etc/hostname"}, NOT_UPLOADED),
        ({"url": "data:;base64,AAAA"}, "This file is not an image that can be read"),
    ],
)
@pytest.mark.parametrize("endpoint", ["predict", "details"])
def test_what_is_not_a_photo_is_an_error_and_never_an_empty_answer(page, endpoint, photo, told):
    event, data = post(page, endpoint, {"photo": photo})
    assert event == "error" and data["error"].startswith(told)


def test_a_photo_can_be_sent_as_data(page, classifier):
    data = "data:image/png;base64," + base64.b64encode(DRAWING.read_bytes()).decode()
    event, (answer,) = post(page, "predict", {"photo": {"url": data}})
    assert event == "complete" and answer["label"] == classifier.predict(DRAWING).labels[0]


def test_a_request_that_cannot_be_read_is_told():
    with running_process() as (address, process):
        for name, body in (("predict", b"{}"), ("nothing", b"{}"), ("predict", b"[")):
            call = f"{address}/gradio_api/call/v2/{name}"
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(call, data=body, headers=headers)
            with pytest.raises(urllib.error.HTTPError) as told:
                urllib.request.urlopen(request, timeout=30)
            assert 400 <= told.value.code < 500
        post(address, "predict", {"photo": {"path": "x"}})
    assert "Traceback" not in process.printed and str(ROOT) not in process.printed


def post(address: str, endpoint: str, body: dict) -> tuple[str, object]:
    """Call an endpoint; returns the event at the end and its data."""
    call = f"{address}/gradio_api/call/v2/{endpoint}"
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(call, data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        number = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{call}/{number}", timeout=60) as answer:
        *_, event, data = answer.read().decode().strip().splitlines()
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))
