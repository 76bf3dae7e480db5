"""Models are loaded from the Hub by name: downloads, messages, and the cache."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tqdm import tqdm

from dogbreed import DogBreedClassifier
from dogbreed.bundle import CONFIG, DEFAULT_BUNDLE, NETWORK
from tests.helpers.on_hub import ANSWER, downloads, put, tiny
from tests.helpers.running import ROOT, free_port
from tests.helpers.shell import Shell
from tests.helpers.tiny_bundle import assert_one_sentence, build_network, draw_disc, write_bundle
from tests.hub import MIB, LocalHub


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


@pytest.mark.parametrize("obstacle", ["no network", "unavailable", "offline mode"])
def test_a_cached_copy_is_used_with_a_notice(obstacle, hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    command = ("predict", photo, "--model", "ann/dogs")
    online = bob.dogbreed(*command)
    assert "cached copy" not in online.err
    environ = {}
    if obstacle == "no network":
        hub.stop()
    elif obstacle == "unavailable":
        hub.fail_next("HEAD", status=503, times=None)
    else:
        environ = {"HF_HUB_OFFLINE": "1"}
    cached = bob.dogbreed(*command, **environ)
    assert (cached.code, cached.out) == (0, online.out)
    (notice,) = [line for line in cached.err.splitlines() if "Hub" in line]
    assert notice.endswith("; using the cached copy of ann/dogs.")


def test_a_cached_copy_does_not_hide_a_refusal(hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    command = ("predict", photo, "--model", "ann/dogs")
    assert bob.dogbreed(*command).code == 0
    run = bob.dogbreed(*command, HF_TOKEN="hf_wrong")
    assert run.code == 2 and "does not accept your token" in run.last


def test_a_download_that_was_cut_off_is_resumed(hub, bob, photo):
    put(hub, "ann/dogs", DEFAULT_BUNDLE)
    cut = hub.fail_next("GET", NETWORK, cut_after=15 * MIB)
    # Bars are for a terminal; the client shows them elsewhere if this is set.
    run = bob.dogbreed("predict", photo, "--json", "--model", "ann/dogs", TQDM_POSITION="-1")
    here = Shell(hub, bob.home).dogbreed("predict", photo, "--json")
    assert (cut.used, run.code, run.out) == (1, 0, here.out)
    # The network in two parts, then the arrays of the rejection rule.
    _, second, _ = (r for r in hub.requests if r.path.startswith("/cdn/"))
    assert second.status == 206 and second.headers["range"] == f"bytes={10 * MIB}-"
    whole = tqdm.format_sizeof((DEFAULT_BUNDLE / NETWORK).stat().st_size)
    assert f"{whole}/{whole}" in run.err, "no progress was shown"


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


def test_an_update_that_was_cut_off_leaves_the_old_copy_usable(hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path, "old", temperature=0.5))
    command = ("predict", photo, "--json", "--model", "ann/dogs")
    old = bob.dogbreed(*command)
    network = build_network(features=True)
    put(hub, "ann/dogs", tiny(tmp_path, "new", network=network, temperature=2.0))
    cut = hub.fail_next("GET", NETWORK, status=503, times=None)
    run = bob.dogbreed(*command)
    assert cut.used and (run.code, run.out) == (0, old.out)
    assert "temporarily unavailable (error 503); using the cached copy of ann/dogs." in run.err
    hub.stop()
    offline = bob.dogbreed(*command)
    assert (offline.code, offline.out) == (0, old.out)
    hub.start()
    hub.clear_faults()
    assert bob.dogbreed(*command).out != old.out


@pytest.fixture
def read_only(hub, tmp_path) -> Iterator[Shell]:
    """A user who has used a model whose cache can no longer be written."""
    home = tmp_path / "home"
    user = Shell(hub, home, "hf_bob", obeys_permissions=True)
    put(hub, "ann/dogs", tiny(tmp_path, temperature=0.5))
    photo = tmp_path / "photo.png"
    draw_disc().save(photo)
    assert user.dogbreed("predict", photo, "--model", "ann/dogs").code == 0
    folders = [home, *(path for path in home.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield user
    for folder in folders:
        folder.chmod(0o755)


def test_a_read_only_cache_is_enough(read_only, hub, photo):
    run = read_only.dogbreed("predict", photo, "--model", "ann/dogs")
    assert run.code == 0 and "cache" not in run.err


def test_a_read_only_cache_gives_the_old_copy_with_a_notice(read_only, hub, photo, tmp_path):
    command = ("predict", photo, "--json", "--model", "ann/dogs")
    old = read_only.dogbreed(*command)
    put(hub, "ann/dogs", tiny(tmp_path, "new", temperature=2.0))
    run = read_only.dogbreed(*command)
    assert (run.code, run.out) == (0, old.out)
    (notice,) = [line for line in run.err.splitlines() if "cache" in line]
    assert f"The cache {read_only.home}/hub cannot be written (Permission denied)" in notice
    assert notice.endswith("; using the cached copy of ann/dogs.")


def test_a_cache_that_cannot_be_written_is_named(read_only, hub, photo, tmp_path, record_property):
    put(hub, "ann/cats", tiny(tmp_path, "cats"))
    run = read_only.dogbreed("predict", photo, "--model", "ann/cats")
    record_property("failure", "load: the cache cannot be written")
    record_property("sentence", run.last)
    assert run.code == 2 and f"The cache {read_only.home}/hub cannot be written" in run.last
    assert "set HF_HOME to another folder" in run.last
    assert_one_sentence(run.last)


def test_a_file_in_place_of_the_cache_is_named(hub, bob, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    file = tmp_path / "file"
    file.write_text("")
    run = bob.dogbreed("predict", photo, "--model", "ann/dogs", HF_HOME=str(file / "home"))
    assert run.code == 2 and f"The cache {file}/home/hub cannot be written" in run.last
    assert_one_sentence(run.last)
