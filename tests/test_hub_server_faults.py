"""The local Hub with the real clients: what it refuses, and what is damaged, cut off or down."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

os.environ["HF_HUB_DISABLE_XET"] = "1"  # read once, when huggingface_hub is imported

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import (
    BadRequestError,
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.lfs import UploadInfo, post_lfs_batch_info
from huggingface_hub.utils import get_session

from tests.helpers import hub_client
from tests.helpers.hub_client import WEIGHTS, client, count, status_of
from tests.hub import MIB, LocalHub

hub, ann, bundle = hub_client.hub, hub_client.ann, hub_client.bundle


def test_damaged_and_missing_uploads_are_refused(hub: LocalHub, ann: HfApi) -> None:
    hub.create_repo("ann/dogs")
    hub.create_repo("ann/other")
    hub.commit_files("ann/other", {"model.tflite": WEIGHTS})
    where = {"repo_type": "model", "repo_id": "ann/dogs", "endpoint": hub.endpoint}
    info = UploadInfo.from_bytes(WEIGHTS)
    actions, _, _ = post_lfs_batch_info([info], token="hf_ann", **where)
    address = actions[0]["actions"]["upload"]["href"]
    elsewhere = address.replace(hub.cdn, hub.endpoint)
    assert get_session().put(elsewhere, content=WEIGHTS).status_code == 404
    assert get_session().put(address, content=WEIGHTS[:-1] + b"?").status_code == 400
    assert get_session().put(address.replace("=", "=0"), content=WEIGHTS).status_code == 403

    operation = CommitOperationAdd("model.tflite", WEIGHTS)
    operation._upload_mode, operation._is_uploaded = "lfs", True
    with pytest.raises(BadRequestError, match="LFS pointer pointed to a file that does not exist"):
        ann.create_commit("ann/dogs", [operation], commit_message="Without its bytes")
    assert len(hub.commits("ann/dogs")) == 1


def test_a_bad_card_is_refused_before_the_upload(hub: LocalHub, ann: HfApi, bundle: Path) -> None:
    ann.create_repo("ann/page", repo_type="space", space_sdk="gradio")
    card = f"---\nsdk: gradio\nshort_description: {'too long ' * 9}\n---\n"
    (bundle / "README.md").write_text(card)
    with pytest.raises(ValueError, match="short_description"):
        ann.upload_folder(repo_id="ann/page", repo_type="space", folder_path=bundle)
    assert len(hub.commits("ann/page", "space")) == 1


def test_refusals_are_the_clients_own_exceptions(hub: LocalHub, ann: HfApi, tmp_path: Path) -> None:
    bob, nobody = client(hub, "hf_bob"), client(hub)
    for name in ("private", "gated"):
        hub.create_repo(f"ann/{name}")
        hub.commit_files(f"ann/{name}", {"config.json": "{}"})
    hub.set_private("ann/private")
    hub.set_gated("ann/gated")

    def status(api: HfApi, repo: str, name: str = "config.json") -> tuple[type[Exception], int]:
        with pytest.raises(HfHubHTTPError) as error:
            api.hf_hub_download(repo, name, cache_dir=tmp_path / "cache")
        return type(error.value), status_of(error)

    for repo in ("ann/private", "ann/missing"):
        assert status(bob, repo) == (RepositoryNotFoundError, 404)
        assert status(nobody, repo) == (RepositoryNotFoundError, 401)
    assert status(bob, "ann/gated") == (GatedRepoError, 403)
    assert status(nobody, "ann/gated") == (GatedRepoError, 401)
    assert status(ann, "ann/gated", "absent.json") == (RemoteEntryNotFoundError, 404)
    assert status(client(hub, "hf_wrong"), "ann/gated") == (HfHubHTTPError, 401)
    hub.set_gated("ann/gated", granted=("bob",))
    assert Path(bob.hf_hub_download("ann/gated", "config.json", cache_dir=tmp_path / "c")).exists()

    hub.add_user("ann", "hf_read", write=False)
    reader = client(hub, "hf_read")
    for api, expected in ((bob, 403), (reader, 403), (nobody, 401)):
        with pytest.raises(HfHubHTTPError) as error:
            api.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="ann/gated")
        assert status_of(error) == expected


def test_a_cut_download_is_resumed(hub: LocalHub, tmp_path: Path) -> None:
    content = os.urandom(12 * MIB)
    hub.create_repo("ann/dogs")
    hub.commit_files("ann/dogs", {"model.tflite": content})
    # The client writes what it receives in pieces of 10 MiB.
    hub.fail_next("GET", "model.tflite", cut_after=11 * MIB)
    path = client(hub).hf_hub_download("ann/dogs", "model.tflite", cache_dir=tmp_path / "cache")
    assert Path(path).read_bytes() == content
    cut, rest = (r for r in hub.requests if r.path.startswith("/cdn/"))
    assert (cut.status, cut.sent) == (200, 11 * MIB)
    assert (rest.status, rest.sent) == (206, 2 * MIB)
    assert rest.headers["range"] == f"bytes={10 * MIB}-"


def test_faults_after_which_the_client_tries_again(
    hub: LocalHub, ann: HfApi, bundle: Path, tmp_path: Path
) -> None:
    hub.create_repo("ann/dogs")
    limited = hub.fail_next("POST", "preupload", status=429, headers={"Retry-After": "0"})
    cut = hub.fail_next("PUT", "/cdn/upload", cut_upload_after=1000)
    ann.upload_folder(repo_id="ann/dogs", folder_path=bundle)
    assert (limited.used, cut.used) == (1, 1)
    assert [r.status for r in hub.requests if r.method == "PUT"] == [None, 200]
    assert hub.files("ann/dogs")["model.tflite"] == WEIGHTS
    assert len(hub.commits("ann/dogs")) == 2

    where = {"repo_id": "ann/dogs", "filename": "config.json", "cache_dir": tmp_path / "cache"}
    hub.fail_next("HEAD", "config.json", delay=0.5)
    ann.hf_hub_download(**where, etag_timeout=0.2)
    assert count(hub, "HEAD") == 2
    broken = hub.fail_next("HEAD", status=503, times=None)
    assert Path(ann.hf_hub_download(**where)).read_text() == '{"a": 1}'
    assert broken.used == 1
    hub.clear_faults()
    hub.fail_next("GET", "model.tflite", bytes_per_second=1_000_000)
    start = time.monotonic()
    ann.hf_hub_download(**where | {"filename": "model.tflite"})
    assert time.monotonic() - start > 0.2


def test_without_the_server_the_cache_answers(hub: LocalHub, ann: HfApi, tmp_path: Path) -> None:
    hub.create_repo("ann/dogs")
    hub.commit_files("ann/dogs", {"config.json": "old"})
    where = {"repo_id": "ann/dogs", "filename": "config.json", "cache_dir": tmp_path / "cache"}
    ann.hf_hub_download(**where)
    hub.stop()
    assert Path(ann.hf_hub_download(**where)).read_text() == "old"
    hub.commit_files("ann/dogs", {"config.json": "new"})
    hub.start()
    assert Path(ann.hf_hub_download(**where)).read_text() == "new"


def test_a_bug_in_the_server_is_reported(tmp_path: Path) -> None:
    with pytest.raises(json.JSONDecodeError), LocalHub(tmp_path) as hub:
        assert get_session().post(f"{hub.endpoint}/api/validate-yaml").status_code == 500
