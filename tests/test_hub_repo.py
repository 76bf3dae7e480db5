"""A repository on the Hub is opened, compared and changed; the local Hub stands in for the Hub."""

from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, constants
from huggingface_hub.errors import HfHubHTTPError

from dogbreed.errors import HubError, UsageError
from dogbreed.hub.repo import Change, Repo
from tests.hub import LocalHub

WEIGHTS = bytes(range(256)) * 100


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with LocalHub(tmp_path / "hub") as hub:
        hub.add_user("ann", "hf_ann")
        hub.add_user("ann", "hf_read", write=False)
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        yield hub


@pytest.fixture
def repo(hub) -> Repo:
    hub.create_repo("ann/dogs")
    return Repo("ann/dogs", token="hf_ann")


def shown(change: Change) -> list[tuple[str, str]]:
    """Each operation as + or - and a path."""
    signs = {CommitOperationAdd: "+", CommitOperationDelete: "-"}
    return [(signs[type(operation)], operation.path_in_repo) for operation in change.operations]


@pytest.mark.parametrize("private", [False, True])
def test_a_missing_repository_is_created(hub, private):
    repo = Repo("ann/new", token="hf_ann")
    repo.open(private=private)
    assert hub.settings("ann/new")["private"] is private
    assert repo.page == f"{hub.endpoint}/ann/new"


def test_a_missing_space_is_created_for_gradio(hub):
    space = Repo("ann/page", "space", "hf_ann")
    space.open(private=False, hardware="cpu-upgrade")
    settings = hub.settings("ann/page", "space")["space"]
    assert (settings["sdk"], settings["hardware"]) == ("gradio", "cpu-upgrade")
    assert space.page == f"{hub.endpoint}/spaces/ann/page"


def test_an_existing_repository_is_not_changed(hub, repo):
    repo.open(private=False)
    hub.set_private("ann/dogs")
    repo.open(private=False)
    assert hub.settings("ann/dogs")["private"]
    assert len(hub.commits("ann/dogs")) == 1


def test_a_public_repository_is_not_taken_for_a_private_one(repo):
    with pytest.raises(HubError, match="exists already and is public"):
        repo.open(private=True)


@pytest.mark.parametrize("name", ["dogs", "ann/dogs/more"])
def test_a_name_without_an_owner_is_refused(hub, name):
    with pytest.raises(UsageError, match="name it as user/name"):
        Repo(name, token="hf_ann").open(private=False)
    assert hub.requests == []


@pytest.mark.parametrize("token", ["hf_read", "hf_wrong"])
def test_a_token_that_may_not_write_is_refused(repo, token):
    with pytest.raises(HfHubHTTPError):
        Repo("ann/dogs", token=token).open(private=False)


def test_a_change_adds_replaces_and_deletes(hub, repo, tmp_path):
    files = {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c", "w.h5": WEIGHTS, "v.h5": WEIGHTS}
    head = hub.commit_files("ann/dogs", files)
    (tmp_path / "b.txt").write_bytes(b"B")
    (tmp_path / "same.h5").write_bytes(WEIGHTS)
    (tmp_path / "other.h5").write_bytes(WEIGHTS[::-1])
    change = repo.compare(
        {
            "a.txt": b"a",
            "b.txt": tmp_path / "b.txt",
            "w.h5": tmp_path / "same.h5",
            "v.h5": tmp_path / "other.h5",
            "new/d.txt": b"d",
        }
    )
    assert change.head == head
    assert sorted(shown(change)) == [
        ("+", "b.txt"),
        ("+", "new/d.txt"),
        ("+", "v.h5"),
        ("-", "c.txt"),
    ]
    assert repo.commit(change, "Tidy") == hub.commits("ann/dogs")[0].oid
    there = hub.files("ann/dogs")
    assert there.pop(".gitattributes")
    assert there == {
        "a.txt": b"a",
        "b.txt": b"B",
        "new/d.txt": b"d",
        "w.h5": WEIGHTS,
        "v.h5": WEIGHTS[::-1],
    }


@pytest.mark.parametrize("content", [WEIGHTS, b"text"], ids=["large", "regular"])
@pytest.mark.parametrize("on_disk", [False, True])
def test_the_same_files_are_no_change(hub, repo, tmp_path, content, on_disk):
    name = "w.h5" if content is WEIGHTS else "a.txt"
    head = hub.commit_files("ann/dogs", {name: content})
    local: Path | bytes = content
    if on_disk:
        local = tmp_path / name
        local.write_bytes(content)
    change = repo.compare({name: local})
    assert change == Change(head, [])
    hub.clear_requests()
    assert repo.commit(change, "Nothing") == head
    assert hub.requests == []


def test_a_branch_is_compared_with_itself(hub, repo):
    hub.commit_files("ann/dogs", {"a.txt": b"a"})
    repo.api.create_branch("ann/dogs", branch="try")
    hub.commit_files("ann/dogs", {"a.txt": b"b"}, branch="try")
    assert shown(repo.compare({"a.txt": b"b"}, "try")) == []
    assert shown(repo.compare({"a.txt": b"b"})) == [("+", "a.txt")]


def test_a_commit_on_a_changed_branch_is_refused(hub, repo):
    change = repo.compare({"a.txt": b"a"})
    hub.commit_files("ann/dogs", {"b.txt": b"b"})
    with pytest.raises(HfHubHTTPError) as error:
        repo.commit(change, "Late")
    assert error.value.response.status_code == 412
    assert "a.txt" not in hub.files("ann/dogs")


def test_a_tag_names_a_commit(hub, repo):
    hub.create_tag("ann/dogs", "v1")
    assert repo.commit_of("v1") == hub.commits("ann/dogs")[0].oid
    assert repo.commit_of("v2") is None
