"""The page without a server is put on a static Space, which is free for any account."""

import json
from pathlib import Path

import pytest
from huggingface_hub import SpaceCard

from dogbreed.bundle import CONFIG, NETWORK, REJECTION, read_bundle
from dogbreed.web.export import site_files
from tests.helpers.shell import Run, Shell
from tests.helpers.tiny_bundle import assert_one_sentence, write_bundle, write_trusted
from tests.hub import LocalHub


@pytest.fixture
def hub(tmp_path):
    with LocalHub(tmp_path / "hub", build_polls=0) as hub:
        hub.add_user("ann", "hf_ann", paid=False)
        yield hub


@pytest.fixture
def bundle(tmp_path) -> Path:
    return write_trusted(tmp_path / "shapes")


def deploy(ann: Shell, *arguments: object) -> Run:
    # Without npm the page loads LiteRT.js from the CDN.
    return ann.dogbreed("deploy-space", "ann/page", "--sdk=static", *arguments, PATH="")


def deployed(hub: LocalHub) -> dict[str, bytes]:
    files = hub.files("ann/page", "space")
    del files[".gitattributes"]
    return files


def put_model(hub: LocalHub, bundle: Path) -> None:
    hub.create_repo("ann/dogs")
    names = (CONFIG, NETWORK, REJECTION)
    hub.commit_files("ann/dogs", {name: (bundle / name).read_bytes() for name in names})


def test_a_free_account_gets_the_page_with_its_model(hub, ann, bundle, tmp_path, monkeypatch):
    run = deploy(ann, f"--bundle={bundle}")
    assert (run.code, run.out) == (0, f"{hub.endpoint}/spaces/ann/page\n"), run.err
    assert hub.settings("ann/page", "space")["space"]["sdk"] == "static"
    assert len(hub.commits("ann/page", "space")) == 2
    files = deployed(hub)
    (tmp_path / "README.md").write_bytes(files.pop("README.md"))
    monkeypatch.setenv("PATH", "")
    wanted = {
        name: content if isinstance(content, bytes) else content.read_bytes()
        for name, content in site_files(read_bundle(bundle)).items()
    }
    assert files == wanted

    data = SpaceCard.load(tmp_path / "README.md").data
    assert (data.sdk, data.app_file, data.license) == ("static", "index.html", "apache-2.0")
    assert data.custom_headers == {
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "cross-origin",
    }
    assert "dogbreed" in data.tags and data.models is None
    assert data.thumbnail == f"{hub.endpoint}/spaces/ann/page/resolve/main/icon.png"
    assert 0 < len(data.short_description) <= 60


def test_deploying_again_updates_in_one_commit_or_in_none(hub, ann, bundle, tmp_path):
    assert deploy(ann, f"--bundle={bundle}").code == 0
    assert deploy(ann, f"--bundle={bundle}").code == 0
    assert len(hub.commits("ann/page", "space")) == 2
    # What was part of an older version of the page goes without asking.
    site = json.loads(deployed(hub)["site.json"])
    site["shell"].append("old.js")
    hub.commit_files("ann/page", {"site.json": json.dumps(site), "old.js": "old"}, "space")
    other = write_bundle(tmp_path / "other")
    assert deploy(ann, f"--bundle={other}").code == 0
    assert len(hub.commits("ann/page", "space")) == 4
    assert not {"old.js", "model/rejection.json"} & deployed(hub).keys()


def test_another_file_in_the_space_is_not_deleted_without_asking(hub, ann, bundle):
    assert deploy(ann, f"--bundle={bundle}").code == 0
    hub.commit_files("ann/page", {"visitors.csv": "ann\n"}, "space")
    run = deploy(ann, f"--bundle={bundle}")
    assert run.code == 2 and "(visitors.csv)" in run.last
    assert_one_sentence(run.last)
    assert deploy(ann, f"--bundle={bundle}", "--replace").code == 0
    assert "visitors.csv" not in deployed(hub)


def test_a_model_of_the_hub_is_copied_and_named(hub, ann, bundle, tmp_path):
    put_model(hub, bundle)
    run = deploy(ann, "--model=ann/dogs")
    assert run.code == 0, run.err
    files = deployed(hub)
    assert files[f"model/{NETWORK}"] == (bundle / NETWORK).read_bytes()
    assert json.loads(files["site.json"])["origin"] == "ann/dogs"
    (tmp_path / "README.md").write_bytes(files["README.md"])
    assert SpaceCard.load(tmp_path / "README.md").data.models == ["ann/dogs"]


def test_a_private_model_is_not_published(hub, ann, bundle):
    put_model(hub, bundle)
    hub.set_private("ann/dogs")
    run = deploy(ann, "--model=ann/dogs")
    assert run.code == 2 and "ann/dogs is private" in run.last and "--private" in run.last
    assert_one_sentence(run.last)
    assert not hub.repo_exists("ann/page", "space")
    assert deploy(ann, "--model=ann/dogs", "--private").code == 0
    # It stays private, so it may be updated.
    assert deploy(ann, "--model=ann/dogs").code == 0


def test_a_static_space_has_no_hardware(hub, ann, bundle):
    run = deploy(ann, f"--bundle={bundle}", "--hardware=cpu-basic")
    assert run.code == 2 and "leave --hardware out" in run.last
    assert_one_sentence(run.last)
    assert not hub.repo_exists("ann/page", "space")
