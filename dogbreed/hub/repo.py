"""One repository on the Hub: opened, compared with local files, changed in one commit."""

import hashlib
import logging
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    ModelInfo,
    SpaceHardware,
    SpaceInfo,
)
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash

from dogbreed.bundle import CARD, sha256
from dogbreed.errors import HubError, UsageError

# Path in the repository to the file on this disk, or to its content.
Files = dict[str, Path | bytes]

# The Hub writes it, and it says how the other files are stored.
_KEPT = {".gitattributes"}
# The card of a repository that was created on the Hub's pages and has no content yet.
_BLANK_CARD = re.compile(
    rb"\A---\n.*?^---\s*(Check out the configuration reference at \S+\s*)?\Z",
    re.DOTALL | re.MULTILINE,
)
# Larger files are not read to find out whose they are.
_LONGEST_READ = 10_000_000

_log = logging.getLogger("dogbreed")


@dataclass(frozen=True)
class State:
    """What a branch contains.

    Attributes:
        head: The commit that it is at.
        files: Its files by path, without those that the Hub needs.
    """

    head: str
    files: dict[str, RepoFile]


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

    def open(
        self,
        *,
        private: bool,
        sdk: str | None = None,
        hardware: SpaceHardware | None = None,
    ) -> None:
        """Create the repository unless it exists, and make sure that it may be written to.

        Args:
            private: Visible only to its owner; an existing repository is never changed.
            sdk: How a new Space runs, such as `gradio`; a model has none.
            hardware: What a new Space runs on; if left out the Hub chooses.

        Raises:
            HubError: It exists and is public, though it should be private.
            UsageError: The name does not have the form `user/name`.
        """
        info = self.find(private=private)
        if info is None:
            self.api.create_repo(
                self.id,
                repo_type=self.type,
                private=private,
                space_sdk=sdk,
                space_hardware=hardware,
            )
        elif info.private and not private:
            _log.warning("%s stays private; make it public on %s/settings.", self.id, self.page)

    def find(self, *, private: bool) -> ModelInfo | SpaceInfo | None:
        """Look for the repository; if it exists, make sure that it may be written to.

        Args:
            private: Whether it has to be private.

        Returns:
            What the Hub knows about it; None if it does not exist.

        Raises:
            HubError: It is public, though it should be private.
            UsageError: The name does not have the form `user/name`.
        """
        if self.id.count("/") != 1:
            raise UsageError(f"{self.id} does not include the owner; name it as user/name.")
        # A missing or wrong token is reported here; later it looks like a missing repository.
        self.api.whoami()
        try:
            find = self.api.space_info if self.type == "space" else self.api.model_info
            info = find(self.id)
        except RepositoryNotFoundError:
            return None
        if private and not info.private:
            raise HubError(
                f"{self.id} exists already and is public; make it private on its page, or choose "
                "another name."
            )
        self.api.auth_check(self.id, repo_type=self.type, write=True)
        return info

    def try_creating(self) -> None:
        """Create the repository and delete it at once: only that shows that it can be created.

        It is private: if the process is killed in between, all that is left is an empty repository
        that nobody else sees. One that exists already is refused by the Hub, and not deleted.
        """
        self.api.create_repo(self.id, repo_type=self.type, private=True)
        self.api.delete_repo(self.id, repo_type=self.type)

    def state(self, branch: str = "main") -> State:
        """What a branch contains; one that does not exist is created from main later."""
        try:
            info = self.api.repo_info(self.id, repo_type=self.type, revision=branch)
        except RevisionNotFoundError:
            info = self.api.repo_info(self.id, repo_type=self.type)
        head = str(info.sha)
        tree = self.api.list_repo_tree(self.id, repo_type=self.type, revision=head, recursive=True)
        files = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
        return State(head, {path: file for path, file in files.items() if path not in _KEPT})

    def read(self, state: State, path: str) -> bytes | None:
        """The content of a file; None if it is missing or too large to be one of ours."""
        if path not in state.files or state.files[path].size > _LONGEST_READ:
            return None
        with tempfile.TemporaryDirectory() as folder:
            file = self.api.hf_hub_download(
                self.id, path, repo_type=self.type, revision=state.head, local_dir=folder
            )
            return Path(file).read_bytes()

    def refuse_foreign(self, state: State, is_ours: Callable[[str], bool], contents: str) -> None:
        """Make sure that a branch contains nothing that somebody would miss.

        Args:
            state: What the branch contains.
            is_ours: Whether a path may be replaced without asking.
            contents: What belongs there, for the message.

        Raises:
            HubError: It contains other files.
        """
        foreign = sorted(path for path in state.files if not is_ours(path))
        if foreign == [CARD] and _BLANK_CARD.match(self.read(state, CARD) or b""):
            return
        if foreign:
            more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
            raise HubError(
                f"{self.id} contains files that are not part of {contents} "
                f"({', '.join(foreign[:3])}{more}); choose another name, or add --replace to "
                "delete them."
            )

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


def compare(state: State, files: Files) -> Change:
    """Find what has to be done to a branch so that it contains exactly `files`."""
    changed = [
        CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
        for name, content in files.items()
        if name not in state.files or not _is_same(state.files[name], content)
    ]
    stale = sorted(state.files.keys() - files.keys())
    return Change(state.head, [*changed, *map(CommitOperationDelete, stale)])


def _is_same(entry: RepoFile, content: Path | bytes) -> bool:
    if entry.lfs is None:
        return entry.blob_id == git_hash(
            content.read_bytes() if isinstance(content, Path) else content
        )
    if isinstance(content, Path):
        return entry.lfs.sha256 == sha256(content)
    return entry.lfs.sha256 == hashlib.sha256(content).hexdigest()
