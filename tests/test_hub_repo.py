"""A repository on the Hub is opened, compared and changed; the local Hub stands in for the Hub."""

from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, constants
from huggingface_hub.errors import HfHubHTTPError

from dogbreed.errors import HubError, UsageError
from dogbreed.hub.repo import Change, Repo, compare
from tests.hub import LocalHub

WEIGHTS = bytes(range(256)) * 100


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with LocalHub(tmp_path / "hub") as hub:
        hub.add_user("ann", "hf_ann")
        hub.add_user("ann", "hf_read", write=False)
        # What the client makes of $HF_ENDPOINT when it is imported.
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
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
    space.open(private=False, sdk="gradio", hardware="cpu-upgrade")
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
    change = compare(
        repo.state(),
        {
            "a.txt": b"a",
            "b.txt": tmp_path / "b.txt",
            "w.h5": tmp_path / "same.h5",
            "v.h5": tmp_path / "other.h5",
            "new/d.txt": b"d",
        },
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
    change = compare(repo.state(), {name: local})
    assert change == Change(head, [])
    hub.clear_requests()
    assert repo.commit(change, "Nothing") == head
    assert hub.requests == []


def test_a_branch_is_compared_with_itself(hub, repo):
    hub.commit_files("ann/dogs", {"a.txt": b"a"})
    repo.api.create_branch("ann/dogs", branch="try")
    hub.commit_files("ann/dogs", {"a.txt": b"b"}, branch="try")
    assert shown(compare(repo.state("try"), {"a.txt": b"b"})) == []
    assert shown(compare(repo.state(), {"a.txt": b"b"})) == [("+", "a.txt")]
    assert repo.state("a branch that does not exist yet") == repo.state()


def test_a_commit_on_a_changed_branch_is_refused(hub, repo):
    change = compare(repo.state(), {"a.txt": b"a"})
    hub.commit_files("ann/dogs", {"b.txt": b"b"})
    with pytest.raises(HfHubHTTPError) as error:
        repo.commit(change, "Late")
    assert error.value.response.status_code == 412
    assert "a.txt" not in hub.files("ann/dogs")


def test_a_tag_names_a_commit(hub, repo):
    hub.create_tag("ann/dogs", "v1")
    assert repo.commit_of("v1") == hub.commits("ann/dogs")[0].oid
    assert repo.commit_of("v2") is None


def test_trying_to_create_leaves_nothing(hub):
    Repo("ann/new", token="hf_ann").try_creating()
    assert not hub.repo_exists("ann/new")
    (made,) = [request for request in hub.requests if request.path == "/api/repos/create"]
    assert made.method == "POST"


def test_trying_to_create_never_deletes_what_exists(hub, repo):
    head = hub.commit_files("ann/dogs", {"a.txt": b"a"})
    with pytest.raises(HfHubHTTPError):
        repo.try_creating()
    assert hub.commits("ann/dogs")[0].oid == head


def test_a_file_is_read_unless_it_is_large(hub, repo, monkeypatch):
    hub.commit_files("ann/dogs", {"a.txt": b"a", "w.h5": WEIGHTS})
    state = repo.state()
    assert repo.read(state, "a.txt") == b"a" and repo.read(state, "w.h5") == WEIGHTS
    assert repo.read(state, "b.txt") is None
    monkeypatch.setattr("dogbreed.hub.repo._LONGEST_READ", len(WEIGHTS) - 1)
    hub.clear_requests()
    assert repo.read(state, "w.h5") is None
    assert hub.requests == []


def test_foreign_files_are_named_and_refused(hub, repo):
    hub.commit_files("ann/dogs", {f"{name}.txt": b"" for name in "abcde"})
    repo.refuse_foreign(repo.state(), lambda path: path.endswith(".txt"), "a list of letters")
    with pytest.raises(HubError) as error:
        repo.refuse_foreign(repo.state(), lambda path: path == "a.txt", "a list of letters")
    assert "files that are not part of a list of letters (b.txt, c.txt, d.txt and 1 more)" in str(
        error.value
    )
    assert "--replace" in str(error.value)


BLANK = "---\ntitle: Dogs\nsdk: gradio\n---\n"
REFERENCE = "\nCheck out the configuration reference at https://huggingface.co/docs/reference\n"


@pytest.mark.parametrize("card", [BLANK, BLANK + REFERENCE])
def test_the_blank_card_of_a_new_repository_is_not_missed(hub, repo, card):
    hub.commit_files("ann/dogs", {"README.md": card})
    repo.refuse_foreign(repo.state(), lambda path: False, "a bundle")


@pytest.mark.parametrize("card", ["# My thesis\n", BLANK + "# My thesis\n", BLANK + BLANK + "x"])
def test_a_card_with_text_is_missed(hub, repo, card):
    hub.commit_files("ann/dogs", {"README.md": card})
    with pytest.raises(HubError, match=r"README\.md"):
        repo.refuse_foreign(repo.state(), lambda path: False, "a bundle")
