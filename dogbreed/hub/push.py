"""Push a bundle to the Hub, so that anybody can load it by name."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash

from dogbreed.bundle import CARD, CARD_PLACEHOLDER, CONFIG, Bundle, sha256
from dogbreed.errors import HubError, UsageError
from dogbreed.hub import load_bundle
from dogbreed.hub.errors import told_plainly
from dogbreed.hub.load import complete

# Path in the repository to the file's place on this disk, or to its content.
Files = dict[str, Path | bytes]

# The Hub makes it, and it says how the other files are stored.
_KEPT = {".gitattributes"}


def push_bundle(
    source: Bundle | str | Path,
    repo_id: str,
    *,
    private: bool = False,
    revision: str | None = None,
    tag: str | None = None,
    token: str | None = None,
) -> str:
    """Make a model repository hold exactly a bundle, in one commit.

    A push that was cut off leaves the repository as it was and can be repeated; pushing what is
    there already makes no commit.

    Args:
        source: The bundle, or where it is, see `hub.load_bundle`.
        repo_id: `user/name`; it is created if needed.
        private: Only its owner may see it.
        revision: Branch to push to, created from `main` if needed; `main` if left out.
        tag: Name for the pushed state.
        token: Hub token; if left out the one of `hf auth login` or `$HF_TOKEN`.

    Returns:
        The address of its page.

    Raises:
        BundleError: The bundle is incomplete or damaged.
        HubError: The Hub cannot be reached or refuses it, or the tag names another state.
    """
    bundle = complete(source if isinstance(source, Bundle) else load_bundle(source, files=()))
    api = _client(token)
    branch = revision or "main"
    with told_plainly(repo_id, revision=revision):
        page = open_repo(api, repo_id, private=private)
        if revision is not None:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        change = compare(api, repo_id, files_to_push(bundle, repo_id), branch=branch)
        tagged = _tagged(api, repo_id, tag)
        if tagged is not None and (change.operations or tagged != change.head):
            raise _tag_taken(repo_id, tag)
        made = commit(api, repo_id, change, commit_message(bundle), branch=branch)
        if tag is not None and tagged is None:
            api.create_tag(repo_id, tag=tag, revision=made)
    return f"{page}/tree/{revision}" if revision else page


def check_push(
    repo_id: str, *, private: bool = False, tag: str | None = None, token: str | None = None
) -> None:
    """Make sure that a push will be let through, before there is something to push.

    The repository is created if needed: only that shows that it can be.

    Args:
        repo_id, private, tag, token: See `push_bundle`.

    Raises:
        HubError: The Hub cannot be reached or refuses it, or the tag is taken.
    """
    api = _client(token)
    with told_plainly(repo_id):
        open_repo(api, repo_id, private=private)
        if _tagged(api, repo_id, tag) is not None:
            raise _tag_taken(repo_id, tag)


def files_to_push(bundle: Bundle, repo_id: str) -> Files:
    """The files of a bundle; in its card the repository's name stands for the placeholder."""
    files: Files = {name: bundle.path / name for name in [CONFIG, *bundle.config["files"]]}
    card = bundle.path / CARD
    if card.is_file():
        files[CARD] = card.read_bytes().replace(CARD_PLACEHOLDER.encode(), repo_id.encode())
    return files


def commit_message(bundle: Bundle) -> str:
    """The headline figures, and what they were measured on."""
    titles = {"top_1": "Top-1", "top_3": "top-3"}
    figures = [f"{titles[m['name']]} {100 * m['value']:.2f} %" for m in bundle.headline]
    if not figures:
        return f"Model of {len(bundle.labels)} classes"
    test = bundle.headline[-1]
    return f"{', '.join(figures)} on {test['count']} photos of {test['dataset']}/{test['split']}"


def _client(token: str | None) -> HfApi:
    return HfApi(token=token, library_name="dogbreed")


def _tagged(api: HfApi, repo_id: str, tag: str | None) -> str | None:
    """The commit that a tag names, if there is such a tag."""
    if tag is None:
        return None
    tags = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo_id).tags}
    return tags.get(tag)


def _tag_taken(repo_id: str, tag: str) -> HubError:
    return HubError(
        f"The tag {tag} of {repo_id} already names another state of it; choose another tag."
    )


@dataclass(frozen=True)
class Change:
    """What has to be done to a branch so that it holds the given files.

    Attributes:
        head: The commit that it is at.
        operations: What the client takes; none if the files are there already.
    """

    head: str
    operations: list[CommitOperationAdd | CommitOperationDelete]


def open_repo(
    api: HfApi, repo_id: str, *, repo_type: str = "model", private: bool = False, **settings
) -> str:
    """Create a repository unless it exists, and make sure that it may be written to.

    Args:
        api: Client with the user's token.
        repo_id: `user/name`.
        repo_type: `model` or `space`.
        private: Only its owner may see it; an existing one is never changed.
        settings: Further arguments of `create_repo`, for a new repository.

    Returns:
        The address of its page.

    Raises:
        HubError: It exists and anybody can see it, though it should be private.
        UsageError: The name has not the form `user/name`.
        Exception: What the client raises.
    """
    if repo_id.count("/") != 1:
        raise UsageError(f"{repo_id} does not say whose repository it is; name it as user/name.")
    # A token that is missing or wrong is told here; later it looks like a missing repository.
    api.whoami()
    try:
        info = api.repo_info(repo_id, repo_type=repo_type)
    except RepositoryNotFoundError:
        return str(api.create_repo(repo_id, repo_type=repo_type, private=private, **settings))
    if private and not info.private:
        raise HubError(
            f"{repo_id} exists already and anybody can see it; make it private on its page, or "
            "choose another name."
        )
    api.auth_check(repo_id, repo_type=repo_type, write=True)
    return f"{api.endpoint}/{'spaces/' if repo_type == 'space' else ''}{repo_id}"


def compare(
    api: HfApi, repo_id: str, files: Files, *, repo_type: str = "model", branch: str = "main"
) -> Change:
    """Find what has to be added, replaced and deleted."""
    where = {"repo_id": repo_id, "repo_type": repo_type}
    head = api.repo_info(**where, revision=branch).sha
    tree = api.list_repo_tree(**where, revision=head, recursive=True)
    there = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
    changed = [
        CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
        for name, content in files.items()
        if name not in there or not _is_same(there[name], content)
    ]
    stale = [CommitOperationDelete(name) for name in sorted(there.keys() - files.keys() - _KEPT)]
    return Change(head, [*changed, *stale])


def commit(
    api: HfApi,
    repo_id: str,
    change: Change,
    message: str,
    *,
    repo_type: str = "model",
    branch: str = "main",
) -> str:
    """Upload what has changed and make one commit of it.

    The commit comes last, so a repository never holds a part of it.

    Returns:
        The hash of the commit that the branch is at.
    """
    if not change.operations:
        return change.head
    made = api.create_commit(
        repo_id,
        change.operations,
        commit_message=message,
        repo_type=repo_type,
        revision=branch,
        parent_commit=change.head,
    )
    return made.oid


def _is_same(entry: RepoFile, content: Path | bytes) -> bool:
    if entry.lfs is not None:
        is_file = isinstance(content, Path)
        return entry.lfs.sha256 == (
            sha256(content) if is_file else hashlib.sha256(content).hexdigest()
        )
    return entry.blob_id == git_hash(
        content if isinstance(content, bytes) else content.read_bytes()
    )
