"""Make a repository of the Hub hold given files: one commit, or none if it holds them already."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash

from dogbreed.bundle import sha256
from dogbreed.errors import HubError, UsageError

# Path in the repository to the file's place on this disk, or to its content.
Files = dict[str, Path | bytes]

# The Hub makes it, and it says how the other files are stored.
_KEPT = {".gitattributes"}


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
