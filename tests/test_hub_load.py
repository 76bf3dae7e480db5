"""Models are loaded from the Hub by name: downloads and messages."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from dogbreed import DogBreedClassifier
from dogbreed.bundle import CONFIG, NETWORK
from tests.helpers.on_hub import ANSWER, downloads, put, tiny
from tests.helpers.running import ROOT, free_port
from tests.helpers.shell import Shell
from tests.helpers.tiny_bundle import assert_one_sentence, write_bundle
from tests.hub import LocalHub


def test_only_what_serving_needs_is_downloaded_and_only_once(hub, bob, photo, tmp_path):
    folder = tiny(tmp_path)
    commit = put(hub, "ann/dogs", folder)
    local = DogBreedClassifier.from_pretrained(folder).evidence_map(photo).tolist()
    run = bob.python(ANSWER, json.dumps(["ann/dogs"]), photo)
    assert json.loads(run.out) == [local, "ann/dogs", commit]
    assert sorted(set(downloads(hub))) == [CONFIG, NETWORK]

    hub.clear_requests()
    run = bob.python(ANSWER, json.dumps(["ann/dogs"]), photo)
    assert json.loads(run.out)[0] == local
    assert downloads(hub) == []
    assert {request.method for request in hub.requests} == {"HEAD"}


def test_a_revision_is_a_branch_a_tag_or_a_commit(hub, bob, photo, tmp_path):
    first = put(hub, "ann/dogs", tiny(tmp_path, "first", temperature=0.5))
    hub.create_tag("ann/dogs", "v1")
    put(hub, "ann/dogs", tiny(tmp_path, "second", temperature=2.0))
    code = (
        "import json, sys; from dogbreed import DogBreedClassifier as Classifier\n"
        "sources = json.loads(sys.argv[1])\n"
        "bundles = [Classifier.from_pretrained(*source).bundle for source in sources]\n"
        "print(json.dumps([[b.source, b.config['temperature']] for b in bundles]))"
    )
    sources = [["ann/dogs"], ["ann/dogs@v1"], ["ann/dogs", "v1"], ["ann/dogs@" + first]]
    run = bob.python(code, json.dumps(sources))
    assert json.loads(run.out) == [
        ["ann/dogs", 2.0],
        ["ann/dogs@v1", 0.5],
        ["ann/dogs@v1", 0.5],
        [f"ann/dogs@{first}", 0.5],
    ]
    # The environment names it too, for the shell and for the page.
    run = bob.dogbreed("predict", photo, "--json", DOGBREED_MODEL="ann/dogs@v1")
    sharp = json.loads(run.out)[0]["labels"][0]["probability"]
    run = bob.dogbreed("predict", photo, "--json", DOGBREED_MODEL="ann/dogs")
    assert sharp > json.loads(run.out)[0]["labels"][0]["probability"]


def test_a_folder_comes_before_the_hub(hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    write_bundle(tmp_path / "ann" / "dogs", temperature=3.0)
    code = (
        "import os, sys; os.chdir(sys.argv[1]); from dogbreed import DogBreedClassifier\n"
        "print(DogBreedClassifier.from_pretrained('ann/dogs').bundle.config['temperature'])"
    )
    assert bob.python(code, tmp_path, PYTHONPATH=str(ROOT)).out.strip() == "3.0"
    assert hub.requests == []


def damaged(hub: LocalHub, tmp_path: Path) -> None:
    network = bytearray((tiny(tmp_path) / NETWORK).read_bytes())
    network[100] ^= 1
    put(hub, "ann/dogs", tmp_path / "model", **{NETWORK: bytes(network)})


def with_config(**changes):
    """A repository whose config.json has other fields."""

    def prepare(hub: LocalHub, tmp_path: Path) -> None:
        path = tiny(tmp_path) / CONFIG
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        put(hub, "ann/dogs", tmp_path / "model")

    return prepare


def without(name: str):
    """A repository that lacks a file."""

    def prepare(hub: LocalHub, tmp_path: Path) -> None:
        put(hub, "ann/dogs", tiny(tmp_path), **{name: None})

    return prepare


def good(hub: LocalHub, tmp_path: Path) -> None:
    put(hub, "ann/dogs", tiny(tmp_path))


def private(hub: LocalHub, tmp_path: Path) -> None:
    good(hub, tmp_path)
    hub.set_private("ann/dogs")


def gated(hub: LocalHub, tmp_path: Path) -> None:
    good(hub, tmp_path)
    hub.set_gated("ann/dogs")


def other_model(hub: LocalHub, tmp_path: Path) -> None:
    hub.create_repo("ann/dogs")
    hub.commit_files("ann/dogs", {CONFIG: '{"model_type": "bert"}', NETWORK: b"0"})


def down(hub: LocalHub, tmp_path: Path) -> None:
    good(hub, tmp_path)
    hub.stop()


def broken(hub: LocalHub, tmp_path: Path) -> None:
    good(hub, tmp_path)
    # The client retries other errors six times; this one it reports at once.
    hub.fail_next("HEAD", CONFIG, status=501, times=None)


FAILURES = {
    "a name that does not exist": (lambda *_: None, "hf_bob", "", "There is no model ann/dogs"),
    "the same, not signed in": (lambda *_: None, None, "", "There is no model ann/dogs"),
    "a private repository": (private, "hf_bob", "", "or it is private; check the name"),
    "a gated repository": (gated, "hf_bob", "", "request access at http"),
    "a gated repository, not signed in": (gated, None, "", "with `hf auth login` and request"),
    "a bad token": (good, "hf_wrong", "", "does not accept your token; sign in again"),
    "a revision that does not exist": (good, "hf_bob", "@v9", "no branch, tag or commit v9"),
    "a repository that is not a bundle": (without(CONFIG), "hf_bob", "", "it has no config.json"),
    "a model of another kind": (other_model, "hf_bob", "", "has no format_version"),
    "a wrong format version": (with_config(format_version=9), "hf_bob", "", "upgrade dogbreed"),
    "a wrong hash": (damaged, "hf_bob", "", "hf cache rm model/ann/dogs"),
    "a file is missing": (without(NETWORK), "hf_bob", "", "incomplete: it has no model.tflite"),
    "no network, no cached copy": (down, "hf_bob", "", "use the model that comes with this"),
    "the Hub is unavailable": (broken, "hf_bob", "", "use the model that comes with this"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_each_failure_is_one_sentence(case, hub, photo, tmp_path, record_property):
    prepare, token, revision, expected = FAILURES[case]
    prepare(hub, tmp_path)
    shell = Shell(hub, tmp_path / "home", token)
    run = shell.dogbreed("predict", photo, "--model", f"ann/dogs{revision}")
    record_property("failure", f"load: {case}")
    record_property("sentence", run.last)
    assert run.code == 2 and run.out == ""
    assert run.last.startswith("dogbreed: ") and expected in run.last
    assert "ann/dogs" in run.last or "token" in run.last
    assert str(tmp_path) not in run.last, "the cache is not a name for a model"
    assert_one_sentence(run.last)


def test_what_a_config_forbids_is_not_downloaded(hub, bob, photo, tmp_path):
    with_config(format_version=9)(hub, tmp_path)
    assert bob.dogbreed("predict", photo, "--model", "ann/dogs").code == 2
    assert set(downloads(hub)) == {CONFIG}


def test_its_owner_loads_a_private_model(hub, photo, tmp_path):
    private(hub, tmp_path)
    ann = Shell(hub, tmp_path / "home", "hf_ann")
    assert ann.dogbreed("predict", photo, "--model", "ann/dogs").out.startswith("Red disc: ")


def test_a_limit_of_the_hub_is_waited_for(hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    limited = [
        hub.fail_next("HEAD", CONFIG, status=429, headers={"Retry-After": "0"}, times=2),
        hub.fail_next("GET", NETWORK, status=429, headers={"Retry-After": "0"}),
    ]
    assert bob.dogbreed("predict", photo, "--model", "ann/dogs").code == 0
    assert [fault.used for fault in limited] == [2, 1]


def test_a_revision_of_a_folder_is_refused(bob, tmp_path):
    folder = tiny(tmp_path)
    code = "import sys; from dogbreed import *\n"
    code += "try: DogBreedClassifier.from_pretrained(sys.argv[1], 'v1')\n"
    code += "except DogBreedError as error: print(error)"
    run = bob.python(code, folder).out.strip()
    assert_one_sentence(run)
    assert "is a folder and has no revision v1" in run


def test_the_page_reports_why_it_does_not_start(hub, bob, record_property):
    run = bob.script("app.py", "--model=ann/none")
    (line,) = run.err.strip().splitlines()
    assert run.code == 2 and line.startswith("app.py: There is no model ann/none")


def test_the_page_starts_with_the_default_model_if_allowed(hub, bob, tmp_path):
    hub.stop()
    port = free_port()
    command = ["app.py", "--model=ann/dogs", "--fallback=default", f"--port={port}"]
    log = tmp_path / "log.txt"
    with log.open("w") as out:
        page = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=bob.environ(), stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + 60
        while "The page is at" not in log.read_text():
            assert page.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=10) as answer:
            assert answer.status == 200
    finally:
        page.terminate()
        page.wait(timeout=20)
    run = log.read_text()
    assert re.search(r"app\.py: The Hub cannot be reached .*--fallback default", run)
    assert "app.py: starting with the model that comes with the package instead." in run


def test_loading_imports_nothing_heavy(hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    code = (
        "import sys; import dogbreed.hub\n"
        "print({'tensorflow', 'keras', 'datasets', 'gradio', 'huggingface_hub'} & set(sys.modules))"
        "\nfrom dogbreed import DogBreedClassifier\n"
        "DogBreedClassifier.from_pretrained(sys.argv[1])\n"
        "print({'tensorflow', 'keras', 'datasets', 'gradio', 'huggingface_hub'} & set(sys.modules))"
    )
    # The client is loaded only if the Hub is needed.
    assert bob.python(code, tmp_path / "model").out.splitlines() == ["set()", "set()"]
    assert bob.python(code, "ann/dogs").out.splitlines() == ["set()", "{'huggingface_hub'}"]


PAGES = {
    "{hub}/ann/dogs": None,
    "{hub}/ann/dogs/": None,
    "{hub}/ann/dogs?library=keras#use": None,
    "{hub}/ann/dogs/tree/v1": "v1",
    "{hub}/ann/dogs/tree/try%2Fthis": "try/this",
}


@pytest.mark.parametrize("page", PAGES)
def test_the_address_of_a_models_page_names_it(page, hub, bob, photo, tmp_path):
    commit = put(hub, "ann/dogs", tiny(tmp_path))
    hub.create_tag("ann/dogs", "v1")
    hub.create_tag("ann/dogs", "try/this")
    run = bob.python(ANSWER, json.dumps([page.format(hub=hub.endpoint)]), photo)
    _, source, read_at = json.loads(run.out)
    revision = PAGES[page]
    assert (source, read_at) == (f"ann/dogs@{revision}" if revision else "ann/dogs", commit)


@pytest.mark.parametrize(
    "page",
    [
        "{hub}/spaces/ann/page",
        "{hub}/datasets/ann/dogs",
        "{hub}/ann",
        "{hub}/ann/dogs/blob/main/config.json",
        "https://example.com/ann/dogs",
        "ftp://huggingface.co/ann/dogs",
    ],
)
def test_another_address_is_refused(page, hub, bob, photo):
    page = page.format(hub=hub.endpoint)
    run = bob.dogbreed("predict", photo, "--model", page)
    assert run.code == 2 and f"{page} is not the address of a model on the Hub" in run.last
    assert_one_sentence(run.last)
    assert hub.requests == []
