"""Bundles are pushed to the Hub: in one commit, whole or not at all."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from dogbreed.bundle import CARD, CARD_PLACEHOLDER, CONFIG, NETWORK, WEIGHTS
from tests.helpers.running import ROOT
from tests.helpers.shell import Shell
from tests.helpers.tiny_bundle import assert_one_sentence, draw_disc, write_bundle
from tests.hub import LocalHub

METRICS = [
    {"name": "top_1", "value": 0.8767, "dataset": "dogs", "split": "test", "count": 2141},
    {"name": "top_3", "value": 0.9757, "dataset": "dogs", "split": "test", "count": 2141},
    {"name": "top_1", "value": 0.7, "dataset": "dogs", "split": "validation", "count": 10},
]
TITLE = "Top-1 87.67 %, top-3 97.57 % on 2141 photos of dogs/test"


@pytest.fixture
def hub(tmp_path):
    with LocalHub(tmp_path / "hub") as hub:
        hub.add_user("ann", "hf_ann", organizations=("club",))
        hub.add_user("ann", "hf_read", write=False)
        hub.add_user("bob", "hf_bob")
        yield hub


@pytest.fixture
def bundle(tmp_path) -> Path:
    """A small bundle with Keras weights, logs and a card."""
    folder = tmp_path / "model"
    (folder / "runs" / "search").mkdir(parents=True)
    (folder / "runs" / "search" / "events.out.tfevents.1").write_bytes(b"\0events")
    (folder / WEIGHTS).write_bytes(os.urandom(300_000))
    write_bundle(folder, metrics=METRICS)
    (folder / CARD).write_text(f"---\nlicense: apache-2.0\n---\n\nLoad `{CARD_PLACEHOLDER}`.\n")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def pushed(hub: LocalHub, repo_id: str = "ann/dogs", revision: str = "main") -> dict[str, bytes]:
    files = hub.files(repo_id, revision=revision)
    assert files.pop(".gitattributes")
    return files


def test_a_bundle_arrives_whole_in_one_commit(hub, ann, bundle):
    run = ann.dogbreed("push", bundle, "ann/dogs", "--tag", "v1")
    assert (run.code, run.out) == (0, f"{hub.endpoint}/ann/dogs\n")
    expected = contents(bundle)
    expected[CARD] = expected[CARD].replace(CARD_PLACEHOLDER.encode(), b"ann/dogs")
    assert pushed(hub) == expected
    assert "runs/search/events.out.tfevents.1" in expected
    newest, first = hub.commits("ann/dogs")
    assert (newest.title, first.title) == (TITLE, "initial commit")
    assert hub.refs("ann/dogs") == {"branches": {"main": newest.oid}, "tags": {"v1": newest.oid}}
    assert not hub.settings("ann/dogs")["private"]
    # The bundle on this disk stays as it is.
    assert CARD_PLACEHOLDER in (bundle / CARD).read_text()


def test_the_same_bundle_again_makes_no_commit(hub, ann, bundle):
    command = ("push", bundle, "ann/dogs", "--tag", "v1")
    assert ann.dogbreed(*command).code == 0
    hub.clear_requests()
    run = ann.dogbreed(*command)
    assert (run.code, run.out) == (0, f"{hub.endpoint}/ann/dogs\n")
    assert len(hub.commits("ann/dogs")) == 2
    assert not [r for r in hub.requests if r.method == "PUT" or "/commit/" in r.path]


def test_another_bundle_replaces_all_of_it_in_one_commit(hub, ann, bundle, tmp_path):
    assert ann.dogbreed("push", bundle, "ann/dogs").code == 0
    other = write_bundle(tmp_path / "other", temperature=2.0)
    assert ann.dogbreed("push", other, "ann/dogs").code == 0
    assert pushed(hub) == contents(other)
    assert len(hub.commits("ann/dogs")) == 3
    assert hub.commits("ann/dogs")[0].title == "Model of 3 classes"


def test_a_private_repository_a_branch_and_a_club(hub, ann, bundle):
    run = ann.dogbreed("push", bundle, "club/dogs", "--private", "--revision", "try")
    assert (run.code, run.out) == (0, f"{hub.endpoint}/club/dogs/tree/try\n")
    assert hub.settings("club/dogs")["private"]
    assert NETWORK in hub.files("club/dogs", revision="try")
    assert set(hub.files("club/dogs")) == {".gitattributes"}
    assert ann.dogbreed("push", bundle, "club/dogs", "--private", "--revision", "try").code == 0
    assert len(hub.commits("club/dogs", revision="try")) == 2


def test_a_tag_of_another_state_is_not_moved(hub, ann, bundle, tmp_path, record_property):
    assert ann.dogbreed("push", bundle, "ann/dogs", "--tag", "v1").code == 0
    refs = hub.refs("ann/dogs")
    other = write_bundle(tmp_path / "other", temperature=2.0)
    hub.clear_requests()
    run = ann.dogbreed("push", other, "ann/dogs", "--tag", "v1")
    record_property("failure", "push: the tag names another state")
    record_property("sentence", run.last)
    assert run.code == 2 and "already names another state" in run.last
    assert_one_sentence(run.last)
    assert hub.refs("ann/dogs") == refs
    assert not [r for r in hub.requests if r.method in ("PUT", "POST")], "something was uploaded"


def test_a_push_that_was_killed_can_be_repeated(hub, ann, bundle):
    hub.fail_next("PUT", "/cdn/upload", delay=60)
    command = [sys.executable, "-m", "dogbreed", "push", str(bundle), "ann/dogs"]
    process = subprocess.Popen(command, cwd=ROOT, env=ann.environ(), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not [r for r in hub.requests if r.method == "PUT"]:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert pushed(hub) == {}
    hub.clear_faults()
    assert ann.dogbreed("push", bundle, "ann/dogs").code == 0
    assert pushed(hub).keys() == contents(bundle).keys()
    assert len(hub.commits("ann/dogs")) == 2


def test_an_upload_that_was_cut_off_and_a_limit_are_overcome(hub, ann, bundle):
    faults = [
        hub.fail_next("PUT", "/cdn/upload", cut_upload_after=100_000),
        hub.fail_next("POST", "preupload", status=429, headers={"Retry-After": "0"}),
    ]
    assert ann.dogbreed("push", bundle, "ann/dogs").code == 0
    assert [fault.used for fault in faults] == [1, 1]
    assert pushed(hub)[WEIGHTS] == (bundle / WEIGHTS).read_bytes()
    assert len(hub.commits("ann/dogs")) == 2


def unprepared(hub: LocalHub, bundle: Path) -> None:
    """There is nothing on the Hub yet."""


def public(hub: LocalHub, bundle: Path) -> None:
    hub.create_repo("ann/dogs")


def of_bob(hub: LocalHub, bundle: Path) -> None:
    hub.create_repo("bob/dogs")


def down(hub: LocalHub, bundle: Path) -> None:
    hub.stop()


def fails_with(status: int, **fault):
    def prepare(hub: LocalHub, bundle: Path) -> None:
        hub.fail_next("POST", "/commit/", status=status, **fault)

    return prepare


def damaged(hub: LocalHub, bundle: Path) -> None:
    (bundle / "metrics" / "history.csv").write_text("epoch,loss\n1,0.1\n")


def incomplete(hub: LocalHub, bundle: Path) -> None:
    (bundle / WEIGHTS).unlink()


def bad_card(hub: LocalHub, bundle: Path) -> None:
    (bundle / CARD).write_text("---\nlicense: [1, 2]\n---\n")


FAILURES = {
    "not signed in": (unprepared, None, ["ann/dogs"], "not signed in to the Hub; run `hf auth"),
    "a bad token": (unprepared, "hf_wrong", ["ann/dogs"], "does not accept your token"),
    "a token that only reads": (public, "hf_read", ["ann/dogs"], "Your token does not permit"),
    "the name of somebody else": (unprepared, "hf_ann", ["bob/cats"], "Your token does not permit"),
    "a repository of somebody else": (of_bob, "hf_ann", ["bob/dogs"], "Your token does not permit"),
    "a name without user": (unprepared, "hf_ann", ["dogs"], "name it as user/name"),
    "a name that cannot be": (unprepared, "hf_ann", ["ann/do gs"], "name it as user/name"),
    "private, but it is public": (public, "hf_ann", ["ann/dogs", "--private"], "and is public"),
    "no network": (down, "hf_ann", ["ann/dogs"], "cannot be reached"),
    "the Hub is unavailable": (fails_with(503), "hf_ann", ["ann/dogs"], "(error 503); try again"),
    "a limit": (
        fails_with(429, headers={"Retry-After": "7"}),
        "hf_ann",
        ["ann/dogs"],
        "try again in 7 seconds",
    ),
    "somebody else has pushed": (fails_with(412), "hf_ann", ["ann/dogs"], "in the meantime"),
    "a damaged file": (damaged, "hf_ann", ["ann/dogs"], "history.csv is damaged"),
    "a missing file": (incomplete, "hf_ann", ["ann/dogs"], f"{WEIGHTS} is missing"),
    "a card that the Hub refuses": (bad_card, "hf_ann", ["ann/dogs"], '"license" must be a string'),
}


@pytest.mark.parametrize("case", FAILURES)
def test_each_failure_is_one_sentence(case, hub, bundle, tmp_path, record_property):
    prepare, token, arguments, expected = FAILURES[case]
    prepare(hub, bundle)
    run = Shell(hub, tmp_path / "home", token).dogbreed("push", bundle, *arguments)
    record_property("failure", f"push: {case}")
    record_property("sentence", run.last)
    assert run.code == 2 and run.out == ""
    assert run.last.startswith("dogbreed: ") and expected in run.last
    assert_one_sentence(run.last)
    if "/" in arguments[0] and hub.repo_exists(arguments[0]):
        assert set(hub.files(arguments[0])) == {".gitattributes"}


def test_python_pushes_and_saves(hub, ann, bundle, tmp_path):
    draw_disc().save(tmp_path / "photo.png")
    code = (
        "import sys; from dogbreed import DogBreedClassifier\n"
        "classifier = DogBreedClassifier.from_pretrained(sys.argv[1])\n"
        "print(classifier.push_to_hub('ann/dogs', private=True, tag='v1'))\n"
        "loaded = DogBreedClassifier.from_pretrained('ann/dogs@v1')\n"
        "loaded.save_pretrained(sys.argv[2])\n"
        "print(loaded.push_to_hub('ann/copy'))\n"
        "saved = DogBreedClassifier.from_pretrained(sys.argv[2])\n"
        "print(*(c.predict(sys.argv[3]).as_dict() for c in (classifier, saved)), sep='\\n')"
    )
    run = ann.python(code, bundle, tmp_path / "saved", tmp_path / "photo.png")
    first, copy, *answers = run.out.splitlines()
    assert (first, copy) == (f"{hub.endpoint}/ann/dogs", f"{hub.endpoint}/ann/copy")
    assert answers[0] == answers[1]
    assert hub.settings("ann/dogs")["private"] and "v1" in hub.refs("ann/dogs")["tags"]
    # What serving does not need is downloaded for the copy, and only then.
    assert pushed(hub, "ann/copy") == pushed(hub, "ann/dogs")
    assert contents(tmp_path / "saved").keys() == {CONFIG, NETWORK}
    assert json.loads((tmp_path / "saved" / CONFIG).read_text())["metrics"] == METRICS


def test_the_client_can_read_the_card_that_arrives(hub, ann, bundle, tmp_path):
    assert ann.dogbreed("push", bundle, "ann/dogs").code == 0
    path = tmp_path / "card.md"
    path.write_bytes(pushed(hub)[CARD])
    card = ModelCard.load(path)
    assert card.data.license == "apache-2.0" and "Load `ann/dogs`." in card.text


FOREIGN = {
    "another model": {CONFIG: '{"model_type": "bert"}', "my_thesis_weights.bin": b"\0" * 99},
    "no model at all": {"my_thesis_weights.bin": b"\0" * 99, "notes.md": "# Mine\n"},
    "a file next to a bundle": {"my_thesis_weights.bin": b"\0" * 99},
    "an odd config": {CONFIG: "[" * 9999, "my_thesis_weights.bin": b"\0" * 99},
}


@pytest.mark.parametrize("case", FOREIGN)
def test_another_repository_is_not_emptied(case, hub, ann, bundle, record_property):
    if case == "a file next to a bundle":
        assert ann.dogbreed("push", bundle, "ann/dogs").code == 0
    else:
        hub.create_repo("ann/dogs")
    hub.commit_files("ann/dogs", FOREIGN[case])
    before = pushed(hub)
    hub.clear_requests()
    command = ("push", bundle, "ann/dogs", "--tag=v1", "--revision=try")
    run = ann.dogbreed(*command)
    record_property("failure", f"push: {case}")
    record_property("sentence", run.last)
    assert run.code == 2 and "files that are not part of a model bundle" in run.last
    assert "my_thesis_weights.bin" in run.last and "add --replace to delete them" in run.last
    assert_one_sentence(run.last)
    assert pushed(hub) == before
    assert hub.refs("ann/dogs")["branches"].keys() == {"main"}, "a branch was left behind"
    assert not [r for r in hub.requests if r.method in ("PUT", "POST")], "something was changed"

    assert ann.dogbreed(*command, "--replace").code == 0
    assert pushed(hub, revision="try").keys() == contents(bundle).keys()
    assert pushed(hub) == before


CHECK = "import sys; from dogbreed.hub import check_push\n"
CHECK += "from dogbreed.errors import DogBreedError\n"
CHECK += "try: check_push('ann/dogs', private=len(sys.argv) > 1)\n"
CHECK += "except DogBreedError as error: sys.exit(f'refused: {error}')"


@pytest.mark.parametrize("arguments", [[], ["private"]])
def test_a_check_leaves_no_repository(hub, ann, arguments):
    assert ann.python(CHECK, *arguments).code == 0
    assert not hub.repo_exists("ann/dogs")
    assert [r.path for r in hub.requests if r.method == "DELETE"] == ["/api/repos/delete"]


def test_a_check_that_is_killed_leaves_nothing_that_others_see(hub, ann):
    hub.fail_next("DELETE", delay=60)
    process = subprocess.Popen([sys.executable, "-c", CHECK], cwd=ROOT, env=ann.environ())
    deadline = time.monotonic() + 60
    while not [r for r in hub.requests if r.method == "DELETE"]:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert hub.settings("ann/dogs")["private"]
    assert set(hub.files("ann/dogs")) == {".gitattributes"}


def test_a_check_refuses_what_the_push_would(hub, ann):
    hub.create_repo("ann/dogs")
    head = hub.commit_files("ann/dogs", {"my_thesis_weights.bin": b"\0" * 99})
    run = ann.python(CHECK)
    assert run.code == 1 and "not part of a model bundle (my_thesis_weights.bin)" in run.last
    assert hub.commits("ann/dogs")[0].oid == head


def test_a_private_repository_stays_private_with_a_notice(hub, ann, bundle):
    hub.create_repo("ann/dogs", private=True)
    run = ann.dogbreed("push", bundle, "ann/dogs")
    assert run.code == 0 and hub.settings("ann/dogs")["private"]
    assert f"ann/dogs stays private; make it public on {hub.endpoint}/ann/dogs/settings" in run.err
    assert "stays private" not in ann.dogbreed("push", bundle, "ann/dogs", "--private").err
