"""The three ways to use a model that its card names work as they stand there."""

import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from dogbreed.bundle import CARD, DEFAULT_BUNDLE
from tests.helpers.running import free_port, wait_for
from tests.helpers.shapes import draw_shape
from tests.helpers.shell import Shell
from tests.hub import LocalHub


@pytest.fixture(scope="module")
def ann(tmp_path_factory) -> Iterator[Shell]:
    """A user of a Hub that has the included model as ann/dogs."""
    root = tmp_path_factory.mktemp("hub")
    with LocalHub(root) as hub:
        hub.add_user("ann", "hf_ann")
        ann = Shell(hub, root / "home", "hf_ann")
        assert ann.dogbreed("push", DEFAULT_BUNDLE, "ann/dogs").code == 0
        yield ann


def block(hub: LocalHub, language: str) -> str:
    """The first block of code in a language, from the card that is on the Hub."""
    card = hub.files("ann/dogs")[CARD].decode()
    return re.findall(rf"^```{language}\n(.*?)^```$", card, re.MULTILINE | re.DOTALL)[0]


def test_python_the_shell_and_the_page(ann, tmp_path):
    draw_shape(0, 1).save(tmp_path / "photo.jpg")
    # Where it is installed, any folder will do; here the package is a folder of the tests.
    environ = ann.environ(PYTHONPATH=str(DEFAULT_BUNDLE.parent.parent))
    where = {"cwd": tmp_path, "env": environ, "text": True}

    python = [sys.executable, "-c", block(ann.hub, "python")]
    run = subprocess.run(python, **where, capture_output=True, timeout=300)
    assert run.returncode == 0, run.stderr
    labels = list(eval(run.stdout))
    assert len(labels) == 3

    predict, serve = (shlex.split(line) for line in block(ann.hub, "sh").splitlines())
    assert predict[0] == serve[0] == "python" and "ann/dogs" in predict
    run = subprocess.run([sys.executable, *predict[1:]], **where, capture_output=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert [line.rpartition(":")[0] for line in run.stdout.splitlines()[:3]] == labels

    port = free_port()
    page = subprocess.Popen([sys.executable, *serve[1:], f"--port={port}"], **where)
    try:
        wait_for(f"http://127.0.0.1:{port}/api/health", page)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health") as answer:
            assert answer.status == 200
    finally:
        page.terminate()
        page.wait(timeout=60)
