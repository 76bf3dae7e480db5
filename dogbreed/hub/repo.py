"""One repository on the Hub: opened, compared with local files, changed in one commit."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, SpaceHardware
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash

from dogbreed.bundle import sha256
from dogbreed.errors import HubError, UsageError

# Path in the repository to the file on this disk, or to its content.
Files = dict[str, Path | bytes]

# The Hub writes it, and it says how the other files are stored.
_KEPT = {".gitattributes"}


@dataclass(frozen=True)
class Change:
    """What has to be done to a branch so that it contains exactly the given files.

    Attributes:
        head: The commit that it is at.
        operations: What the client takes; empty if the files are there already.
    """

    head: str
    operations: list[CommitOperationAdd | CommitOperationDelete]


@dataclass(frozen=True)
class Repo:
    """A repository on the Hub; what its methods raise is what the client raises.

    Attributes:
        id: `user/name`.
        type: `model` or `space`.
        token: Hub token; if left out the one of `hf auth login` or `$HF_TOKEN`.
    """

    id: str
    type: Literal["model", "space"] = "model"
    token: str | None = None

    @cached_property
    def api(self) -> HfApi:
        """The client."""
        return HfApi(token=self.token, library_name="dogbreed")

    @property
    def page(self) -> str:
        """The address that people open."""
        return f"{self.api.endpoint}/{'spaces/' if self.type == 'space' else ''}{self.id}"

    def open(self, *, private: bool, hardware: SpaceHardware | None = None) -> None:
        """Create the repository unless it exists, and make sure that it may be written to.

        Args:
            private: Visible only to its owner; an existing repository is never changed.
            hardware: What a new Space runs on; if left out the Hub chooses.

        Raises:
            HubError: It exists and is public, though it should be private.
            UsageError: The name does not have the form `user/name`.
        """
        if self.id.count("/") != 1:
            raise UsageError(f"{self.id} does not include the owner; name it as user/name.")
        # A missing or wrong token is reported here; later it looks like a missing repository.
        self.api.whoami()
        try:
            info = self.api.repo_info(self.id, repo_type=self.type)
        except RepositoryNotFoundError:
            self.api.create_repo(
                self.id,
                repo_type=self.type,
                private=private,
                space_sdk="gradio" if self.type == "space" else None,
                space_hardware=hardware,
            )
            return
        if private and not info.private:
            raise HubError(
                f"{self.id} exists already and is public; make it private on its page, or choose "
                "another name."
            )
        self.api.auth_check(self.id, repo_type=self.type, write=True)

    def compare(self, files: Files, branch: str = "main") -> Change:
        """Find what has to be added, replaced and deleted."""
        head = str(self.api.repo_info(self.id, repo_type=self.type, revision=branch).sha)
        tree = self.api.list_repo_tree(self.id, repo_type=self.type, revision=head, recursive=True)
        there = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
        changed = [
            CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
            for name, content in files.items()
            if name not in there or not _is_same(there[name], content)
        ]
        stale = sorted(there.keys() - files.keys() - _KEPT)
        return Change(head, [*changed, *map(CommitOperationDelete, stale)])

    def commit(self, change: Change, message: str, branch: str = "main") -> str:
        """Upload what has changed and make one commit of it.

        The commit comes last, so the repository never contains a part of it.

        Returns:
            The hash of the commit that the branch is at.
        """
        if not change.operations:
            return change.head
        made = self.api.create_commit(
            self.id,
            change.operations,
            commit_message=message,
            repo_type=self.type,
            revision=branch,
            parent_commit=change.head,
        )
        return made.oid

    def commit_of(self, tag: str) -> str | None:
        """The commit that a tag names, if there is such a tag."""
        tags = self.api.list_repo_refs(self.id, repo_type=self.type).tags
        return {ref.name: ref.target_commit for ref in tags}.get(tag)


def _is_same(entry: RepoFile, content: Path | bytes) -> bool:
    if entry.lfs is None:
        return entry.blob_id == git_hash(
            content.read_bytes() if isinstance(content, Path) else content
        )
    if isinstance(content, Path):
        return entry.lfs.sha256 == sha256(content)
    return entry.lfs.sha256 == hashlib.sha256(content).hexdigest()
