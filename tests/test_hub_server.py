"""The local Hub with the real clients: what they upload, download and are told."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

os.environ["HF_HUB_DISABLE_XET"] = "1"  # read once, when huggingface_hub is imported

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RevisionNotFoundError,
)

from tests.helpers import hub_client
from tests.helpers.hub_client import CARD, WEIGHTS, client, count, status_of
from tests.helpers.parquet import image_parquet, jpeg
from tests.hub import LocalHub

hub, ann, bundle = hub_client.hub, hub_client.ann, hub_client.bundle


def test_tokens_belong_to_users(hub: LocalHub, ann: HfApi) -> None:
    assert ann.whoami()["name"] == "ann"
    hub.add_user("ann", "hf_read", write=False)
    reader = client(hub, "hf_read").whoami()
    assert (reader["name"], reader["auth"]["accessToken"]["role"]) == ("ann", "read")
    with pytest.raises(HfHubHTTPError, match="Invalid user token") as error:
        client(hub, "hf_wrong").whoami()
    assert status_of(error) == 401


def test_repositories_are_created_and_deleted(hub: LocalHub, ann: HfApi) -> None:
    bob = client(hub, "hf_bob")
    url = ann.create_repo("ann/dogs", private=True)
    assert (url.repo_id, hub.settings("ann/dogs")["private"]) == ("ann/dogs", True)
    assert ann.create_repo("ann/dogs", exist_ok=True) == url
    with pytest.raises(HfHubHTTPError, match="already created") as error:
        ann.create_repo("ann/dogs")
    assert status_of(error) == 409
    hub.create_repo("ann/dogs", "dataset")
    with pytest.raises(HfHubHTTPError, match='under the namespace "ann"') as error:
        bob.create_repo("ann/cats")
    assert status_of(error) == 403

    ann.update_repo_settings("ann/dogs", private=False, gated="auto")
    assert bob.model_info("ann/dogs").gated == "auto"
    ann.delete_repo("ann/dogs")
    assert (hub.repo_exists("ann/dogs"), hub.repo_exists("ann/dogs", "dataset")) == (False, True)


def test_the_same_folder_twice_is_one_commit(hub: LocalHub, ann: HfApi, bundle: Path) -> None:
    ann.create_repo("ann/dogs")
    folder = {"repo_id": "ann/dogs", "folder_path": bundle}
    made = ann.upload_folder(**folder, commit_message="First", commit_description="91 %")
    files = hub.files("ann/dogs")
    assert files.pop(".gitattributes")
    local = [path for path in bundle.rglob("*") if path.is_file()]
    assert files == {path.relative_to(bundle).as_posix(): path.read_bytes() for path in local}
    newest, first = hub.commits("ann/dogs")
    assert (newest.oid, newest.title, newest.message) == (made.oid, "First", "91 %")
    assert (newest.files["model.tflite"].lfs, newest.files["config.json"].lfs) == (True, False)
    assert [c.commit_id for c in ann.list_repo_commits("ann/dogs")] == [newest.oid, first.oid]

    hub.clear_requests()
    assert ann.upload_folder(**folder).oid == made.oid
    assert len(hub.commits("ann/dogs")) == 2
    assert count(hub, "PUT") == 0


def test_a_large_file_goes_up_in_parts(tmp_path: Path) -> None:
    with LocalHub(tmp_path, part_size=100_000) as hub:
        hub.add_user("ann", "hf_ann")
        hub.create_repo("ann/dogs")
        file = [CommitOperationAdd("w.h5", WEIGHTS)]
        client(hub, "hf_ann").create_commit("ann/dogs", file, commit_message="Large")
        sizes = [r.received for r in hub.requests if "/parts/" in r.path]
        assert sizes == [100_000, 100_000, len(WEIGHTS) - 200_000]
        assert hub.files("ann/dogs")["w.h5"] == WEIGHTS


def test_commits_check_their_parent_and_delete(hub: LocalHub, ann: HfApi, bundle: Path) -> None:
    ann.create_repo("ann/dogs")
    old = ann.upload_folder(repo_id="ann/dogs", folder_path=bundle).oid
    delete = [CommitOperationDelete("runs/"), CommitOperationDelete("config.json")]
    ann.create_commit("ann/dogs", delete, commit_message="Tidy", parent_commit=old)
    assert set(hub.files("ann/dogs")) == {".gitattributes", "README.md", "model.tflite"}
    assert "config.json" in hub.files("ann/dogs", revision=old)
    late = [CommitOperationAdd("late.txt", b"late")]
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as error:
        ann.create_commit("ann/dogs", late, commit_message="Late", parent_commit=old)
    assert status_of(error) == 412
    with pytest.raises(RemoteEntryNotFoundError):
        ann.delete_file("config.json", "ann/dogs")
    assert len(hub.commits("ann/dogs")) == 3


def test_the_token_stays_with_the_hub(hub: LocalHub, ann: HfApi, tmp_path: Path) -> None:
    hub.create_repo("ann/dogs", private=True)
    head = hub.commit_files("ann/dogs", {"config.json": "{}", "model.tflite": WEIGHTS})
    where = {"repo_id": "ann/dogs", "cache_dir": tmp_path / "cache"}
    model = Path(ann.hf_hub_download(filename="model.tflite", **where))
    assert model.read_bytes() == WEIGHTS
    assert model.resolve().name == hashlib.sha256(WEIGHTS).hexdigest()
    assert model.parent.name == head
    (stored,) = (r for r in hub.requests if r.path.startswith("/cdn/"))
    assert (stored.path.split("/")[-1], stored.sent) == ("model.tflite", len(WEIGHTS))
    assert "authorization" not in stored.headers

    hub.clear_requests()
    ann.hf_hub_download(filename="model.tflite", **where)
    assert (count(hub, "HEAD"), count(hub, "GET")) == (1, 0)


def test_a_snapshot_fetches_what_the_patterns_allow(hub: LocalHub, tmp_path: Path) -> None:
    hub.create_repo("ann/dogs")
    files = {"config.json": "{}", "model.tflite": WEIGHTS, "model.weights.h5": WEIGHTS * 2}
    hub.commit_files("ann/dogs", files)
    where = {"allow_patterns": ["config.json", "*.tflite"], "cache_dir": tmp_path / "cache"}
    folder = client(hub).snapshot_download("ann/dogs", **where)
    assert {p.name for p in Path(folder).iterdir()} == {"config.json", "model.tflite"}
    assert not [r for r in hub.requests if "weights" in r.path]


def test_branches_tags_and_hashes(hub: LocalHub, ann: HfApi, bundle: Path, tmp_path: Path) -> None:
    hub.create_repo("ann/dogs")
    first = hub.commit_files("ann/dogs", {"config.json": "1"})
    ann.create_tag("ann/dogs", tag="v1")
    ann.create_branch("ann/dogs", branch="try/this")
    with pytest.raises(HfHubHTTPError) as error:
        ann.create_tag("ann/dogs", tag="v1")
    assert status_of(error) == 409
    ann.upload_folder(repo_id="ann/dogs", folder_path=bundle, revision="try/this")
    second = hub.commit_files("ann/dogs", {"config.json": "2"})

    def config(revision: str) -> str:
        where = {"cache_dir": tmp_path / "cache", "revision": revision}
        return Path(ann.hf_hub_download("ann/dogs", "config.json", **where)).read_text()

    expected = {"main": "2", "v1": "1", "try/this": '{"a": 1}', first: "1", second: "2"}
    assert {revision: config(revision) for revision in expected} == expected
    refs = ann.list_repo_refs("ann/dogs")
    assert {b.name for b in refs.branches} == {"main", "try/this"}
    assert [(t.name, t.target_commit) for t in refs.tags] == [("v1", first)]
    with pytest.raises(RevisionNotFoundError):
        config("v2")
    with pytest.raises(RevisionNotFoundError):
        ann.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="ann/dogs", revision="gone")
    ann.delete_tag("ann/dogs", tag="v1")
    assert not hub.refs("ann/dogs")["tags"]


def test_trees_and_information(tmp_path: Path) -> None:
    with LocalHub(tmp_path, page_size=2) as hub:
        api = client(hub)
        hub.create_repo("ann/dogs")
        hub.create_repo("bob/cats")
        hub.create_repo("ann/secret", private=True)
        hub.commit_files("ann/dogs", {"README.md": CARD, "a/b/c.txt": "c"}, message="One")
        head = hub.commit_files("ann/dogs", {"a/d.h5": WEIGHTS}, message="Two")

        items = list(api.list_repo_tree("ann/dogs", recursive=True, expand=True))
        tree = [".gitattributes", "README.md", "a", "a/b", "a/b/c.txt", "a/d.h5"]
        assert [item.path for item in items] == tree
        titles = [item.last_commit.title for item in items]
        assert titles == ["initial commit", "One", "Two", "One", "One", "Two"]
        assert [item.path for item in api.list_repo_tree("ann/dogs", "a")] == ["a/b", "a/d.h5"]
        file, folder = api.get_paths_info("ann/dogs", ["a/d.h5", "a/b", "nothing"])
        digest = hashlib.sha256(WEIGHTS).hexdigest()
        assert (file.lfs.sha256, file.lfs.size, folder.path) == (digest, len(WEIGHTS), "a/b")

        info = api.model_info("ann/dogs", files_metadata=True)
        assert (info.sha, info.card_data.license, info.library_name) == (head, "mit", "keras")
        assert {s.rfilename: s.size for s in info.siblings}["a/d.h5"] == len(WEIGHTS)
        assert [m.id for m in api.list_models()] == ["ann/dogs", "bob/cats"]
        assert [m.id for m in api.list_models(author="bob")] == ["bob/cats"]
        assert [m.id for m in api.list_models(search="CAT")] == ["bob/cats"]
        assert [m.id for m in api.list_models(filter="dogs")] == ["ann/dogs"]


def test_a_space_builds_and_then_runs(hub: LocalHub, ann: HfApi) -> None:
    variables = [{"key": "DOGBREED_MODEL", "value": "ann/dogs"}]
    ann.create_repo("ann/page", repo_type="space", space_sdk="gradio", space_variables=variables)
    assert ann.get_space_runtime("ann/page").stage == "NO_APP_FILE"
    hub.commit_files("ann/page", {"app.py": "print()"}, "space")
    stages = [ann.get_space_runtime("ann/page").stage for _ in range(4)]
    assert stages == ["BUILDING", "BUILDING", "RUNNING", "RUNNING"]
    assert ann.add_space_variable("ann/page", "B", "2")["DOGBREED_MODEL"].value == "ann/dogs"
    ann.add_space_secret("ann/page", "HF_TOKEN", "hf_x", description="d")
    assert ann.get_space_secrets("ann/page")["HF_TOKEN"].description == "d"
    assert hub.settings("ann/page", "space")["space"]["secrets"]["HF_TOKEN"]["value"] == "hf_x"
    ann.delete_space_variable("ann/page", "B")
    assert set(ann.get_space_variables("ann/page")) == {"DOGBREED_MODEL"}
    assert ann.request_space_hardware("ann/page", "cpu-upgrade").requested_hardware == "cpu-upgrade"
    hub.set_space_outcome("ann/page", "BUILD_ERROR", "no such package")
    runtime = ann.wait_for_space("ann/page", poll_interval=0.01).raw
    assert (runtime["stage"], runtime["errorMessage"]) == ("BUILD_ERROR", "no such package")
    with pytest.raises(HfHubHTTPError) as error:
        client(hub, "hf_bob").add_space_variable("ann/page", "B", "3")
    assert status_of(error) == 403
    info = ann.space_info("ann/page")
    assert (info.sdk, info.runtime.stage) == ("gradio", "BUILD_ERROR")
    assert list(ann.fetch_space_logs("ann/page", build=True)) == ["no such package\n"]


def test_datasets_loads_a_dataset(hub: LocalHub, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    breeds = ["corgi", "husky"]
    small, large = [(jpeg(16), 0)], [(jpeg(16), 0), (jpeg(17), 1)]
    for repo in ("someone/dogs", "someone/folder", "bob/dogs"):
        hub.create_repo(repo, "dataset", private=repo != "someone/folder")
    train, test = "data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"
    seed = {train: image_parquet(small, breeds), test: image_parquet([(jpeg(18), 1)], breeds)}
    hub.commit_files("someone/dogs", seed, "dataset")
    hub.create_tag("someone/dogs", "v1", "dataset")
    hub.commit_files("someone/dogs", {train: image_parquet(large, breeds)}, "dataset")
    folder = {"train/corgi/a.jpg": jpeg(20), "train/husky/b.jpg": jpeg(21)}
    hub.commit_files("someone/folder", folder, "dataset")

    hub.add_user("someone", "hf_someone")
    output = tmp_path / "found.json"
    command = [sys.executable, "-m", "tests.helpers.load_datasets", output]
    subprocess.run(command, env=hub.environ("hf_someone"), check=True, timeout=120)
    assert json.loads(output.read_text()) == {
        "someone/dogs": {"train": [[16, 0], [17, 1]], "test": [[18, 1]]},
        "someone/folder": {"train": [[20, 0], [21, 1]]},
        "v1": {"train": [[16, 0]], "test": [[18, 1]]},
        "hidden": "Dataset 'bob/dogs' doesn't exist on the Hub or cannot be accessed.",
    }
    assert hub.files("someone/folder", "dataset")["seen.bin"] == bytes(9)
