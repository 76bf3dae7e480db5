"""How the page is served, as a process: options, refusals, privacy, what a shared link shows."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from gradio_client import Client, handle_file

from tests.helpers.mcp_client import call_tool
from tests.helpers.running import ROOT, running_page, running_process

DRAWING = ROOT / "tests" / "helpers" / "drawings" / "golden.png"


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


def test_photos_are_deleted_after_their_time_whoever_wrote_them(tmp_path):
    pytest.importorskip("mcp")
    code = (
        "import sys, dogbreed.page.serve as serve\n"
        "serve.KEEP_SECONDS, serve.CLEAN_EVERY = 6, 0.5\n"
        "from dogbreed.cli import main\n"
        "sys.exit(main(['serve', *sys.argv[1:]]))"
    )
    with running_process("--mcp", code=code, TMPDIR=str(tmp_path)) as (address, _):
        (folder,) = tmp_path.glob("dogbreed-page-*/files")
        client = Client(address, verbose=False)
        client.predict(handle_file(DRAWING), api_name="/predict")
        # Each looked for at once: on a busy machine the first goes before the second comes.
        assert there(folder)
        before = {*there(folder)}
        call_tool(address, DRAWING)
        assert {*there(folder)} - before
        deadline = time.monotonic() + 60
        while there(folder) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert there(folder) == []
    assert list(tmp_path.glob("dogbreed-*")) == []


def there(folder: Path) -> list[Path]:
    """Every file in a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


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


def test_mcp_with_a_password_is_refused_before_anything_starts():
    told = "app.py: --mcp does not work with --auth or $DOGBREED_AUTH; choose one of them."
    # Not even the model is loaded.
    assert refusal("--mcp", "--auth=anna:secret", "--model=missing") == told
    assert refusal("--mcp", DOGBREED_AUTH="anna:secret") == told


@pytest.mark.parametrize("path", ["dogs", "ftp://dogs.example/"])
def test_a_root_path_that_is_none_is_told(path):
    told = "app.py: --root-path takes a path such as /page, or a whole address."
    assert refusal(f"--root-path={path}") == told


def test_behind_a_path_the_preview_and_all_addresses_have_it():
    with running_page("--root-path=/dogs/") as address:
        html = read(address)
        place = address + "/dogs"
        assert f'<meta property="og:url" content="{place}/" />' in html
        assert f'<meta property="og:image" content="{place}/pwa_icon/512" />' in html
        config = json.loads(read(f"{address}/config"))
        assert config["root"] == place
    with running_page(GRADIO_ROOT_PATH="https://example.org/dogs") as address:
        assert '<meta property="og:url" content="https://example.org/dogs/" />' in read(address)


def test_a_proxy_for_the_web_does_not_keep_the_page_from_starting():
    # Nothing listens there; Gradio asks its own page when it starts.
    dead = dict.fromkeys(("HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9")
    with running_process(**dead, NO_PROXY="", no_proxy="") as (address, process):
        deadline = time.monotonic() + 60
        while "The page is at" not in process.stdout.readline():
            assert process.poll() is None and time.monotonic() < deadline
        assert "<title>" in read(address)


def test_no_free_port_is_told_in_one_sentence():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        # Other programs may leave one of the usual hundred ports in the meantime.
        told = refusal(GRADIO_SERVER_PORT=str(port), GRADIO_NUM_PORTS="1")
    assert told == (
        f"app.py: The page cannot be started (Cannot find empty port in range: {port}-{port}); "
        "choose another --port or --host."
    )


def test_what_is_printed_while_the_page_runs_is_seen():
    code = (
        "import sys, threading, dogbreed.page.serve as serve\n"
        "say = serve._say_where\n"
        "def say_more(*given):\n"
        "    say(*given); threading.Timer(0.1, print, ['seen'], {'flush': True}).start()\n"
        "serve._say_where = say_more\n"
        "from dogbreed.cli import main\n"
        "sys.exit(main(['serve', *sys.argv[1:]]))"
    )
    with running_process(code=code) as (_, process):
        time.sleep(1)
    assert "seen" in process.printed
    assert process.returncode == 0 and "Keyboard" not in process.printed


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
    assert told.startswith("app.py: ") and "is not a model bundle" in told
