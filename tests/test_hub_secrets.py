"""No token in anything that is printed, uploaded, cached or written."""

import json
from pathlib import Path

import pytest

from dogbreed.bundle import CARD, CARD_PLACEHOLDER
from tests.helpers.shell import Run, Shell
from tests.helpers.tiny_bundle import draw_disc, write_trusted
from tests.hub import LocalHub

TOKEN = "hf_QkXwVtSecretOfAnnZyPmLn"
LOUD = {"HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug"}


@pytest.fixture
def hub(tmp_path):
    with LocalHub(tmp_path / "hub", build_polls=0) as hub:
        hub.add_user("ann", TOKEN)
        hub.add_user("bob", "hf_bob")
        yield hub


@pytest.fixture
def ann(hub, tmp_path) -> Shell:
    return Shell(hub, tmp_path / "home", TOKEN)


@pytest.fixture
def bundle(tmp_path) -> Path:
    folder = write_trusted(tmp_path / "model")
    (folder / CARD).write_text(f"---\nlicense: apache-2.0\n---\n\n# {CARD_PLACEHOLDER}\n")
    return folder


def assert_no_token(hub: LocalHub, runs: list[Run], *folders: Path) -> None:
    """Search what was printed, the files in folders, and the addresses of requests."""
    for run in runs:
        assert TOKEN not in run.out + run.err
    searched = 0
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                searched += 1
                assert TOKEN.encode() not in path.read_bytes(), path
    assert searched > 0
    for request in hub.requests:
        assert TOKEN not in request.path + request.query
        sent = {name for name, value in request.headers.items() if TOKEN in value}
        assert sent <= {"authorization"}


def test_no_token_is_shown_or_written(hub, ann, bundle, tmp_path):
    photo = tmp_path / "photo.png"
    draw_disc().save(photo)
    commands = [
        ("push", bundle, "ann/dogs", "--tag=v1"),
        ("predict", photo, "--json", "--model=ann/dogs@v1"),
        ("deploy-space", "ann/page", "--model=ann/dogs", "--private"),
        ("deploy-space", "ann/other", f"--bundle={bundle}"),
    ]
    runs = [ann.dogbreed(*command) for command in commands]
    assert [run.code for run in runs] == [0, 0, 0, 0], [run.err for run in runs]
    assert any("authorization" in request.headers for request in hub.requests)
    # All that was uploaded, the cache, the bundle itself.
    assert_no_token(hub, runs, tmp_path / "hub", tmp_path / "home", bundle)


FAILURES = {
    "a refusal": ({"status": 403, "message": f"Token {TOKEN} may not do that"}, {}),
    "an unavailable Hub": ({"status": 501}, {}),
    "a bad answer": ({"status": 200}, {}),
    "a cut connection": ({"cut_after": 1}, {}),
    "a proxy": ({}, {"ALL_PROXY": f"http://ann:{TOKEN}@127.0.0.1:9"}),
    "a strange proxy": ({}, {"ALL_PROXY": f"gopher://ann:{TOKEN}@127.0.0.1:9"}),
    "a token with an accent": ({}, {"HF_TOKEN": f"{TOKEN}é"}),
}


@pytest.mark.parametrize("case", FAILURES)
def test_no_token_is_shown_when_something_fails(case, hub, ann, bundle, tmp_path):
    fault, environ = FAILURES[case]
    hub.create_repo("ann/dogs", private=True)
    hub.commit_files("ann/dogs", {p.name: p for p in bundle.iterdir() if p.is_file()})
    draw_disc().save(tmp_path / "photo.png")
    commands = [
        ("push", bundle, "ann/new"),
        ("predict", tmp_path / "photo.png", "--model=ann/dogs"),
        ("deploy-space", "ann/page", f"--bundle={bundle}"),
    ]
    if fault:
        hub.fail_next(times=None, **fault)
    # In one process, which saves most of the time.
    code = "import json, sys; from dogbreed.cli import main\n"
    code += "print([main(command) for command in json.loads(sys.argv[1])])"
    run = ann.python(code, json.dumps([[str(word) for word in c] for c in commands]), **environ)
    assert run.out == "[2, 2, 2]\n", run.err
    assert_no_token(hub, [run], tmp_path / "hub", bundle)


def test_the_loudest_log_has_no_token(hub, ann, bundle):
    """The client writes requests down as curl commands, for which it takes the token out."""
    run = ann.dogbreed("push", bundle, "ann/dogs", **LOUD)
    assert run.code == 0 and "curl" in run.err
    assert TOKEN not in run.out + run.err
