"""How the page is served, as a process: options, refusals, privacy, what a shared link shows."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from gradio_client import Client, handle_file

from tests.helpers.running import ROOT, running_page
from tests.helpers.shapes import draw_shape

DRAWING = ROOT / "dogbreed" / "page" / "static" / "examples" / "golden.png"


@pytest.fixture(scope="module")
def page():
    """The address of a running page."""
    with running_page() as address:
        yield address


def read(address: str, **headers: str) -> str:
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def refusal(*options: str, **environment: str) -> str:
    """The one sentence with which app.py ends."""
    run = subprocess.run(
        [sys.executable, "app.py", *options],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 2, run.stdout + run.stderr
    lines = [line for line in run.stderr.splitlines() if not line.startswith("INFO")]
    assert len(lines) == 1, run.stderr
    return lines[0]


def test_a_shared_link_shows_title_description_and_picture(page):
    html = read(page)
    for wanted in (
        "<title>What breed is this dog?</title>",
        '<meta property="og:title" content="What breed is this dog?" />',
        f'<meta property="og:image" content="{page}/pwa_icon/512" />',
        '<meta name="description" content="Upload a photo',
    ):
        assert html.count(wanted) == 1, wanted
    assert html.count("og:image") == 1
    assert "@Gradio" not in html and "raw.githubusercontent" not in html.split("<script>")[0]
    with urllib.request.urlopen(f"{page}/pwa_icon/512", timeout=30) as icon:
        assert icon.read(8) == b"\x89PNG\r\n\x1a\n"


def test_it_can_be_installed_as_an_app(page):
    manifest = json.loads(read(f"{page}/manifest.json"))
    assert manifest["name"] == "What breed is this dog?"
    assert {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}


def test_photos_are_deleted_after_their_time(tmp_path):
    photo = tmp_path / "visitor.png"
    draw_shape(0, 1).save(photo)
    code = (
        "import os, sys, pathlib, time; os.environ['GRADIO_TEMP_DIR'] = sys.argv[1]\n"
        "import dogbreed.page.build as ui; ui.KEEP_SECONDS, ui.CLEAN_EVERY = 5, 1\n"
        "from dogbreed import DogBreedClassifier\n"
        "from gradio_client import Client, handle_file\n"
        "classifier = DogBreedClassifier.from_pretrained(); i18n = ui.page_texts(classifier)\n"
        "page = ui.build_page(classifier, i18n)\n"
        "_, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **ui.launch_options(i18n))\n"
        "client = Client(url, verbose=False)\n"
        "client.predict(handle_file(sys.argv[2]), api_name='/predict')\n"
        "there = lambda: list(pathlib.Path(sys.argv[1]).rglob('visitor.png'))\n"
        "print('stored', len(there())); deadline = time.time() + 30\n"
        "while there() and time.time() < deadline: time.sleep(0.2)\n"
        "print('left', len(there()))"
    )
    folder = tmp_path / "files"
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(photo)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "stored 0" not in run.stdout and "stored" in run.stdout, run.stderr
    assert "left 0" in run.stdout


def test_a_password_is_asked_for(tmp_path):
    with running_page(DOGBREED_AUTH="anna:se:cret") as address:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            read(f"{address}/gradio_api/info")
        client = Client(address, auth=("anna", "se:cret"), verbose=False)
        assert client.predict(handle_file(DRAWING), api_name="/predict")["label"]


@pytest.mark.parametrize("auth", ["anna", ":secret", "anna:"])
def test_a_malformed_password_is_told(auth):
    told = "app.py: --auth and $DOGBREED_AUTH take the form user:password."
    assert refusal(f"--auth={auth}") == told
    assert refusal(DOGBREED_AUTH=auth) == told


def test_a_port_in_use_is_told():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert f"cannot listen on port {port}" in refusal(f"--port={port}")


def test_an_impossible_port_or_host_is_told():
    assert "cannot listen on port 99999" in refusal("--port=99999")
    assert "not an address of this computer" in refusal("--host=203.0.113.7", "--port=7999")


def test_mcp_without_its_package_is_told(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\nfind = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'mcp' else find(name, *rest)\n"
    )
    told = refusal("--mcp", PYTHONPATH=str(tmp_path))
    assert told == 'app.py: --mcp needs an extra package: pip install "gradio[mcp]".'


def test_a_tunnel_that_cannot_be_had_is_told_and_the_page_goes_on():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    # A proxy where nothing listens: the tunnel can be reached nowhere.
    dead = {name: "http://127.0.0.1:9" for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")}
    process = subprocess.Popen(
        [sys.executable, "app.py", f"--port={port}", "--share"],
        cwd=ROOT,
        env={**os.environ, **dead, "NO_PROXY": "127.0.0.1,localhost"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = []
        deadline = time.monotonic() + 90
        while not any("No public link" in line for line in lines):
            assert time.monotonic() < deadline and process.poll() is None, lines
            lines.append(process.stdout.readline())
        assert "<title>" in read(f"http://127.0.0.1:{port}/")
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert not any("Traceback" in line for line in lines)


def test_a_wrong_model_ends_with_one_sentence(tmp_path):
    told = refusal(f"--model={tmp_path}")
    assert told.startswith("app.py: ") and "is no model bundle" in told
