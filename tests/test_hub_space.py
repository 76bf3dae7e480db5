"""The page is put on a Space: what is uploaded, how it is set up, what is reported."""

import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from huggingface_hub import SpaceCard

from dogbreed.bundle import CONFIG, NETWORK, REJECTION, read_bundle
from dogbreed.hub.gradio_space import space_files
from tests.helpers.running import ROOT
from tests.helpers.shell import Shell
from tests.helpers.tiny_bundle import assert_one_sentence, write_trusted
from tests.hub import LocalHub
from tests.hub.cards import SPACE_KEYS

HEAVY = ("tensorflow", "datasets", "keras", "matplotlib")


@pytest.fixture
def hub(tmp_path):
    with LocalHub(tmp_path / "hub", build_polls=0) as hub:
        hub.add_user("ann", "hf_ann")
        hub.add_user("ann", "hf_read", write=False)
        yield hub


@pytest.fixture
def bundle(tmp_path) -> Path:
    return write_trusted(tmp_path / "shapes")


def deployed(hub: LocalHub) -> dict[str, bytes]:
    files = hub.files("ann/page", "space")
    assert files.pop(".gitattributes")
    return files


def settings(hub: LocalHub) -> dict:
    return hub.settings("ann/page", "space")["space"]


def variables(hub: LocalHub) -> dict[str, str]:
    return {name: setting["value"] for name, setting in settings(hub)["variables"].items()}


def put_model(hub: LocalHub, bundle: Path) -> str:
    hub.create_repo("ann/dogs")
    names = (CONFIG, NETWORK, REJECTION)
    return hub.commit_files("ann/dogs", {name: (bundle / name).read_bytes() for name in names})


def read_card(hub: LocalHub, tmp_path: Path) -> SpaceCard:
    path = tmp_path / "space.md"
    path.write_bytes(deployed(hub)["README.md"])
    return SpaceCard.load(path)


def test_a_space_with_a_model_of_the_hub(hub, ann, bundle, tmp_path):
    commit = put_model(hub, bundle)
    run = ann.dogbreed("deploy-space", "ann/page", "--model", "ann/dogs@main")
    assert (run.code, run.out) == (0, f"{hub.endpoint}/spaces/ann/page\n")
    assert f"Waiting for {hub.endpoint}/spaces/ann/page to start" in run.err

    files = deployed(hub)
    package = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / "dogbreed").glob("*.py")
    }
    assert {name: files[name] for name in package} == package
    assert files["app.py"] == (ROOT / "app.py").read_bytes()
    needed = [(ROOT / f"requirements-{what}.txt").read_bytes() for what in ("serve", "mcp")]
    assert files["requirements.txt"] == b"".join(needed)
    assert not [name for name in files if "train" in name or NETWORK in name or "pycache" in name]
    lines = files["requirements.txt"].decode().splitlines()
    assert not [line for line in lines if line.startswith(HEAVY)]

    data = read_card(hub, tmp_path).data
    assert (data.sdk, data.sdk_version, data.app_file) == ("gradio", version("gradio"), "app.py")
    assert isinstance(data.python_version, str) and data.license == "apache-2.0"
    assert data.models == ["ann/dogs"] and data.datasets is None
    assert {"dogbreed", "mcp-server"} <= {*data.tags}
    assert data.suggested_hardware == "cpu-basic"
    place = f"{hub.endpoint}/spaces/ann/page/resolve/main/"
    assert data.thumbnail.removeprefix(place) in files and data.thumbnail.startswith(place)
    assert data.to_dict().keys() <= SPACE_KEYS
    assert data.preload_from_hub == [f"ann/dogs {CONFIG},{NETWORK},{REJECTION} {commit}"]
    assert data.title and data.emoji and data.colorFrom and data.colorTo
    assert 0 < len(data.short_description) <= 60
    assert variables(hub) == {"DOGBREED_MODEL": "ann/dogs@main"}
    assert len(hub.commits("ann/page", "space")) == 2
    assert settings(hub)["hardware"] == "cpu-basic"


def test_a_space_with_its_own_model(hub, ann, bundle, tmp_path):
    assert ann.dogbreed("deploy-space", "ann/page", "--bundle", bundle, "--private").code == 0
    files = deployed(hub)
    for name in (CONFIG, NETWORK, REJECTION):
        assert files[f"model/{name}"] == (bundle / name).read_bytes()
    assert variables(hub) == {"DOGBREED_MODEL": "model"}
    assert hub.settings("ann/page", "space")["private"]
    data = read_card(hub, tmp_path).data
    assert data.models is None and "preload_from_hub" not in data.to_dict()


def test_without_a_model_the_default_one_is_uploaded(hub, ann):
    assert ann.dogbreed("deploy-space", "ann/page").code == 0
    shipped = ROOT / "dogbreed" / "default_model"
    files = deployed(hub)
    assert files[f"model/{NETWORK}"] == (shipped / NETWORK).read_bytes()
    assert [name for name in files if name.endswith(NETWORK)] == [f"model/{NETWORK}"]


def test_the_dataset_of_the_hub_is_named(hub, ann, tmp_path):
    bundle = write_trusted(tmp_path / "with-data", training={"dataset": "ann/photos"})
    assert ann.dogbreed("deploy-space", "ann/page", "--bundle", bundle).code == 0
    assert read_card(hub, tmp_path).data.datasets == ["ann/photos"]


def test_a_space_on_zero_gpu_stays_there(hub, ann, bundle, tmp_path):
    command = ("deploy-space", "ann/page", "--bundle", bundle)
    assert ann.dogbreed(*command, "--hardware", "zero-a10g").code == 0
    files = deployed(hub)
    assert files["app.py"] == (ROOT / "dogbreed" / "hub" / "zero_gpu_app.py").read_bytes()
    assert "spaces~=" in files["requirements.txt"].decode()
    data = read_card(hub, tmp_path).data
    assert (data.sdk, data.python_version) == ("gradio", "3.12.12")
    assert data.suggested_hardware == settings(hub)["hardware"] == "zero-a10g"
    assert data.to_dict().keys() <= SPACE_KEYS
    assert ann.dogbreed(*command).code == 0
    assert deployed(hub) == files and len(hub.commits("ann/page", "space")) == 2
    # On other hardware it is the ordinary app again.
    assert ann.dogbreed(*command, "--hardware", "cpu-upgrade").code == 0
    assert deployed(hub)["app.py"] == (ROOT / "app.py").read_bytes()


def test_a_free_account_is_told_what_is_free_and_that_works(hub, bundle, tmp_path):
    hub.add_user("ben", "hf_ben", paid=False)
    ben = Shell(hub, tmp_path / "home-of-ben", "hf_ben")
    run = ben.dogbreed("deploy-space", "ben/page", "--bundle", bundle, "--private")
    assert run.code == 2 and not hub.repo_exists("ben/page", "space")
    assert_one_sentence(run.last)
    commands = re.findall(r"`python -m dogbreed (deploy-space [^`]+)`", run.last)
    same = f"deploy-space ben/page --bundle {bundle} --private"
    assert commands == [f"{same} --sdk static", f"{same} --hardware zero-a10g"]
    for command in commands:
        run = ben.dogbreed(*command.split())
        assert run.code == 0, run.err
    assert hub.settings("ben/page", "space")["private"]


def test_deploying_again_updates_in_one_commit_or_in_none(hub, ann, bundle):
    put_model(hub, bundle)
    command = ("deploy-space", "ann/page", "--bundle", bundle)
    assert ann.dogbreed(*command).code == 0
    hub.clear_requests()
    assert ann.dogbreed(*command).code == 0
    assert len(hub.commits("ann/page", "space")) == 2
    assert not [r for r in hub.requests if r.method in ("POST", "PUT")]

    # What was part of an older version of the page goes without asking.
    hub.commit_files("ann/page", {"dogbreed/old.py": "print()"}, "space")
    assert (
        ann.dogbreed("deploy-space", "ann/page", "--model=ann/dogs", "--hardware=cpu-upgrade").code
        == 0
    )
    assert len(hub.commits("ann/page", "space")) == 4
    assert not [
        name for name in deployed(hub) if name == "dogbreed/old.py" or name.startswith("model/")
    ]
    assert variables(hub) == {"DOGBREED_MODEL": "ann/dogs"}
    assert settings(hub)["hardware"] == "cpu-upgrade"
    # The hardware is kept if no other is asked for.
    assert ann.dogbreed("deploy-space", "ann/page", "--model=ann/dogs").code == 0
    assert settings(hub)["hardware"] == "cpu-upgrade"
    assert len(hub.commits("ann/page", "space")) == 4


def test_a_private_model_needs_a_secret(hub, ann, bundle):
    put_model(hub, bundle)
    hub.set_private("ann/dogs")
    run = ann.dogbreed("deploy-space", "ann/page", "--model", "ann/dogs")
    assert run.code == 0
    assert "ann/dogs is private: give the Space a secret HF_TOKEN" in run.err


def nothing(hub: LocalHub) -> None:
    """There is nothing on the Hub yet."""


def outcome(stage: str, error: str | None):
    def prepare(hub: LocalHub) -> None:
        hub.create_repo("ann/page", "space")
        hub.set_space_outcome("ann/page", stage, error)

    return prepare


def wants_money(hub: LocalHub) -> None:
    message = "Gradio Spaces on cpu-basic need a PRO subscription"
    hub.fail_next("POST", "/repos/create", status=402, message=message)


FAILURES = {
    "it does not build": (
        outcome("BUILD_ERROR", "No matching distribution found for gradio"),
        [],
        "BUILD_ERROR (No matching distribution found for gradio); see its logs at",
    ),
    "it does not start": (
        outcome("RUNTIME_ERROR", "exit code 2"),
        [],
        "spaces/ann/page?logs=container",
    ),
    "it is paused": (outcome("PAUSED", None), [], "PAUSED (no reason given)"),
    "the Hub wants a subscription": (wants_money, [], "need a PRO subscription); free for any"),
    "hardware that does not exist": (nothing, ["--hardware=abacus"], "Invalid hardware flavor"),
    "a model that does not exist": (nothing, ["--model=ann/none"], "There is no model ann/none"),
    "a folder as --model": (nothing, ["--model=tests"], "tests is not a model bundle"),
    "a bundle that is not one": (nothing, ["--bundle=tests"], "tests is not a model bundle"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_each_failure_is_one_sentence(case, hub, ann, bundle, tmp_path, record_property):
    prepare, arguments, expected = FAILURES[case]
    prepare(hub)
    if not any(argument.startswith(("--model", "--bundle")) for argument in arguments):
        arguments = [*arguments, f"--bundle={bundle}"]
    run = ann.dogbreed("deploy-space", "ann/page", *arguments)
    record_property("failure", f"Space: {case}")
    record_property("sentence", run.last)
    assert run.code == 2 and run.out == ""
    assert expected in run.last
    assert_one_sentence(run.last)


def test_a_token_that_only_reads_is_reported_before_anything_changes(hub, bundle, tmp_path):
    hub.create_repo("ann/page", "space")
    reader = Shell(hub, tmp_path / "home", "hf_read")
    run = reader.dogbreed("deploy-space", "ann/page", "--bundle", bundle)
    assert run.code == 2 and "does not permit that for the Space ann/page" in run.last
    assert len(hub.commits("ann/page", "space")) == 1 and variables(hub) == {}


def test_an_installed_package_asks_to_deploy_from_a_clone(hub, ann, bundle, tmp_path):
    skip = shutil.ignore_patterns("default_model", "train", "__pycache__")
    shutil.copytree(ROOT / "dogbreed", tmp_path / "site" / "dogbreed", ignore=skip)
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); os.chdir(sys.argv[1])\n"
        "from dogbreed.cli import main; sys.exit(main(sys.argv[2:]))"
    )
    command = ["deploy-space", "ann/page", f"--bundle={bundle}"]
    run = ann.python(code, tmp_path / "site", *command)
    assert run.code == 2 and "deploy from a clone of the project" in run.last
    assert not hub.repo_exists("ann/page", "space")


STRAY = (
    *(".env", ".DS_Store", "cli.py~", "#cli.py#", ".#cli.py", "notes.txt", "hub/keys.json"),
    *("page/static/.DS_Store", "page/static/icon.psd", "page/locales/en.json.orig"),
    ".git/config.py",
)


def test_only_what_belongs_to_the_page_is_uploaded(hub, ann, bundle, tmp_path):
    clone = tmp_path / "clone"
    skip = shutil.ignore_patterns("default_model", "__pycache__")
    shutil.copytree(ROOT / "dogbreed", clone / "dogbreed", ignore=skip)
    for path in (ROOT / "app.py", *ROOT.glob("requirements-*.txt")):
        shutil.copy(path, clone)
    for name in STRAY:
        (clone / "dogbreed" / name).parent.mkdir(exist_ok=True)
        (clone / "dogbreed" / name).write_text("KEEP-THIS-SECRET\n")
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); os.chdir(sys.argv[1])\n"
        "from dogbreed.cli import main; sys.exit(main(sys.argv[2:]))"
    )
    run = ann.python(code, clone, "deploy-space", "ann/page", f"--bundle={bundle}")
    assert run.code == 0, run.err
    files = deployed(hub)
    assert not [name for name, content in files.items() if b"KEEP-THIS-SECRET" in content]
    assert "dogbreed/page/static/page.js" in files


# What a page does not need.
LEFT_OUT = tuple(f"dogbreed/{name}/" for name in ("bulk", "default_model", "train", "web"))


def test_all_of_the_package_that_git_tracks_is_uploaded(bundle):
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a clone")
    command = ["git", "ls-files", "dogbreed"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    wanted = {
        name
        for name in tracked.stdout.splitlines()
        if not name.startswith(LEFT_OUT) and (ROOT / name).exists()
    }
    assert wanted <= space_files("ann/page", read_bundle(bundle)).keys()


FOREIGN = {
    "another app": {"app.py": "import mine", "secret_sauce.py": "print()"},
    "a package of the same name": {
        "dogbreed/mine.py": "print()",
        "README.md": "---\nsdk: x\n---\n",
    },
    "a card with text": {"README.md": "---\nsdk: gradio\n---\n\n# The app of my thesis\n"},
}


@pytest.mark.parametrize("case", FOREIGN)
def test_another_space_is_not_emptied(case, hub, ann, bundle, record_property):
    hub.create_repo("ann/page", "space")
    hub.commit_files("ann/page", FOREIGN[case], "space")
    before = hub.files("ann/page", "space")
    hub.clear_requests()
    run = ann.dogbreed("deploy-space", "ann/page", f"--bundle={bundle}")
    record_property("failure", f"Space: {case}")
    record_property("sentence", run.last)
    assert run.code == 2
    assert "ann/page contains files that are not part of this page" in run.last
    assert (
        any(name in run.last for name in FOREIGN[case])
        and "add --replace to delete them" in run.last
    )
    assert_one_sentence(run.last)
    assert hub.files("ann/page", "space") == before and variables(hub) == {}
    assert not [r for r in hub.requests if r.method in ("PUT", "POST")], "something was changed"

    run = ann.dogbreed("deploy-space", "ann/page", f"--bundle={bundle}", "--replace")
    assert run.code == 0, run.err
    assert not {"secret_sauce.py", "dogbreed/mine.py"} & deployed(hub).keys()
    # From now on it is the page's own.
    assert ann.dogbreed("deploy-space", "ann/page", f"--bundle={bundle}").code == 0


def test_a_file_in_the_pages_space_is_not_deleted_without_asking(hub, ann, bundle):
    command = ("deploy-space", "ann/page", f"--bundle={bundle}")
    assert ann.dogbreed(*command).code == 0
    hub.commit_files("ann/page", {"visitors.csv": "ann\n"}, "space")
    run = ann.dogbreed(*command)
    assert run.code == 2 and "(visitors.csv)" in run.last
    assert "visitors.csv" in deployed(hub)
