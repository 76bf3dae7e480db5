"""What `deploy-space` has put on the Hub starts from those files alone, as the Hub starts it."""

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.helpers.running import ROOT, running_process
from tests.helpers.shell import Shell
from tests.helpers.tiny_bundle import draw_disc, write_trusted
from tests.hub import LocalHub


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Iterator[LocalHub]:
    with LocalHub(tmp_path_factory.mktemp("hub"), build_polls=0) as hub:
        hub.add_user("ann", "hf_ann")
        yield hub


@pytest.fixture
def scheduler() -> Iterator[tuple[str, list[str]]]:
    """The address of what stands in for ZeroGPU's scheduler, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


def download(hub: LocalHub, repo_id: str, folder: Path) -> Path:
    """The Space's files in an empty folder."""
    for name, content in hub.files(repo_id, "space").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def answers(folder: Path, tmp_path: Path, **environment: str) -> None:
    """Start the app of a Space and ask it, by the shell and as an MCP client."""
    photo = tmp_path / "dog.png"
    draw_disc().save(photo)
    # The Hub sets these; and there is no package but that of the Space.
    environment |= {"SPACE_ID": "ann/page", "DOGBREED_MODEL": "model", "PYTHONPATH": ""}
    with running_process(folder=folder, **environment) as (address, process):
        command = ["curl", "-sf", "-F", f"photo=@{photo}", f"{address}/api/predict"]
        answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        assert answer["labels"][0]["name"] == "Red disc"
        command = ["curl", "-sf", f"{address}/gradio_api/mcp/schema"]
        tools = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        assert [tool["name"].rpartition("_")[2] for tool in tools] == ["predict", "details"]
    assert "Traceback" not in process.printed and str(ROOT) not in process.printed


def test_a_gradio_space_starts(hub, tmp_path):
    bundle = write_trusted(tmp_path / "shapes")
    ann = Shell(hub, tmp_path / "home", "hf_ann")
    assert ann.dogbreed("deploy-space", "ann/page", f"--bundle={bundle}").code == 0
    answers(download(hub, "ann/page", tmp_path / "space"), tmp_path)


def test_a_space_on_zero_gpu_starts_and_says_that_it_has_a_function(hub, tmp_path, scheduler):
    pytest.importorskip("spaces", reason="see requirements-zerogpu.txt")
    bundle = write_trusted(tmp_path / "shapes")
    ann = Shell(hub, tmp_path / "home", "hf_ann")
    command = ("deploy-space", "ann/zero", f"--bundle={bundle}", "--hardware=zero-a10g")
    assert ann.dogbreed(*command).code == 0
    address, asked = scheduler
    folder = download(hub, "ann/zero", tmp_path / "space")
    zero = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": address}
    answers(folder, tmp_path, **zero)
    # ZeroGPU stops an app that does not report this; nothing asks for a GPU.
    assert asked == ["/startup-report"]
