"""The local Hub's repositories on disk: each file stored once under its SHA-256, and commits.

Layout of the root folder, for a test that looks at it from another process:

    objects/ab/abcdef…                        every file's bytes
    repos/models/ann/dogs/repo.json           settings, branches, tags
    repos/models/ann/dogs/commits/<oid>.json  one commit: parent, message, every path and its object
    repos/models/ann/dogs/lfs/<sha256>        empty: this large file was uploaded to this repository
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.hub.errors import HttpError, entry_not_found, revision_not_found

# Endings that go to large storage in a new repository, whatever the size.
LFS_SUFFIXES = (
    *("7z", "arrow", "bin", "gz", "h5", "joblib", "keras", "msgpack", "npy", "npz", "onnx"),
    *("parquet", "pb", "pickle", "pkl", "pt", "pth", "safetensors", "tar", "tflite", "xz", "zip"),
)
GITATTRIBUTES = "".join(
    f"{pattern} filter=lfs diff=lfs merge=lfs -text\n"
    for pattern in (*(f"*.{suffix}" for suffix in LFS_SUFFIXES), "*tfevents*")
).encode()


@dataclass(frozen=True)
class Entry:
    """One file of a commit: `oid` is what git would call it (for LFS: the pointer's hash)."""

    sha256: str
    size: int
    oid: str
    lfs: bool

    @classmethod
    def regular(cls, content: bytes) -> Entry:
        return cls(hashlib.sha256(content).hexdigest(), len(content), git_oid(content), False)

    @classmethod
    def large(cls, sha256: str, size: int) -> Entry:
        return cls(sha256, size, git_oid(lfs_pointer(sha256, size)), True)


@dataclass(frozen=True)
class Commit:
    """A state of a repository; `files` is complete, not a difference to the parent."""

    oid: str
    parent: str | None
    title: str
    message: str
    author: str
    date: str
    files: dict[str, Entry]


def git_oid(content: bytes) -> str:
    """The SHA-1 that git gives to a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def lfs_pointer(sha256: str, size: int) -> bytes:
    """The text that git keeps instead of a large file."""
    version = "https://git-lfs.github.com/spec/v1"
    return f"version {version}\noid sha256:{sha256}\nsize {size}\n".encode()


def now() -> str:
    """The time as the Hub writes it."""
    seconds = time.time()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1e6):06d}Z"


def write_atomically(path: Path, content: str) -> None:
    """Other processes see the old file or the new one, never a part."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(content)
    os.replace(temporary, path)


class Objects:
    """Bytes under their own SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.incoming = folder / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    def put(self, content: bytes) -> str:
        with self.temporary() as path:
            path.write_bytes(content)
            return self.adopt(path, hashlib.sha256(content).hexdigest())

    def adopt(self, path: Path, sha256: str) -> str:
        """Take over a finished file whose hash the caller has computed."""
        target = self.path(sha256)
        target.parent.mkdir(exist_ok=True)
        os.replace(path, target)
        return sha256

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A file to write into; gone afterwards unless `adopt` has moved it."""
        handle, name = tempfile.mkstemp(dir=self.incoming)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)


class Repo:
    """One repository. Everything is read from disk on each call: there is no second copy."""

    def __init__(self, folder: Path, objects: Objects, lock: threading.RLock) -> None:
        self.folder = folder
        self.objects = objects
        self.lock = lock

    @property
    def state(self) -> dict[str, Any]:
        with self.lock:
            return json.loads((self.folder / "repo.json").read_text())

    @contextmanager
    def edit(self) -> Iterator[dict[str, Any]]:
        """The settings, saved when the block ends without an error."""
        with self.lock:
            state = self.state
            yield state
            write_atomically(self.folder / "repo.json", json.dumps(state, indent=1))

    @property
    def id(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def owner(self) -> str:
        return self.folder.parent.name

    @property
    def type(self) -> str:
        return self.folder.parent.parent.name.removesuffix("s")

    def load_commit(self, oid: str) -> Commit:
        data = json.loads((self.folder / "commits" / f"{oid}.json").read_text())
        files = {path: Entry(**entry) for path, entry in data.pop("files").items()}
        return Commit(oid=oid, files=files, **data)

    def resolve(self, revision: str) -> Commit:
        """The commit that a branch, a tag, a hash or the first digits of a hash names."""
        state = self.state
        oid = state["branches"].get(revision) or state["tags"].get(revision)
        if oid is None and len(revision) >= 7:
            found = [p.stem for p in (self.folder / "commits").glob("*.json")]
            matching = [name for name in found if name.startswith(revision)]
            oid = matching[0] if len(matching) == 1 else None
        if oid is None:
            raise revision_not_found(revision)
        return self.load_commit(oid)

    def history(self, revision: str) -> list[Commit]:
        """The commits that lead to a revision, newest first."""
        commits = [self.resolve(revision)]
        while commits[-1].parent is not None:
            commits.append(self.load_commit(commits[-1].parent))
        return commits

    def commit(
        self,
        branch: str,
        author: str,
        changes: Mapping[str, Entry | None],
        title: str,
        message: str = "",
        expected_parent: str | None = None,
    ) -> Commit:
        """Put one commit on a branch; `None` deletes a path. All of it happens, or nothing."""
        with self.lock:
            head = self.state["branches"].get(branch)
            if head is None and self.state["branches"]:
                raise revision_not_found(branch)
            if expected_parent is not None and not (head or "").startswith(expected_parent):
                raise HttpError(412, "A commit has happened since. Please refresh and try again.")
            files = dict(self.load_commit(head).files) if head else {}
            for path, entry in changes.items():
                if entry is not None:
                    files[path] = entry
                elif files.pop(path, None) is None:
                    message = f"A file with this name doesn't exist: {path}"
                    raise entry_not_found(message, head or "")
            body = {
                "parent": head,
                "title": title,
                "message": message,
                "author": author,
                "date": now(),
                "files": {path: asdict(files[path]) for path in sorted(files)},
            }
            oid = hashlib.sha1(json.dumps([self.type, self.id, body]).encode()).hexdigest()
            write_atomically(self.folder / "commits" / f"{oid}.json", json.dumps(body, indent=1))
            with self.edit() as state:
                state["branches"][branch] = oid
            return self.load_commit(oid)

    def read(self, entry: Entry) -> bytes:
        return self.objects.path(entry.sha256).read_bytes()

    def has_lfs(self, sha256: str, size: int | None = None) -> bool:
        """Whether a large file was uploaded to this repository, not only to another one."""
        if not (self.folder / "lfs" / sha256).exists():
            return False
        return size is None or self.objects.path(sha256).stat().st_size == size

    def add_lfs(self, sha256: str) -> None:
        (self.folder / "lfs" / sha256).touch()

    def is_large(self, commit: Commit, path: str, size: int, sample: bytes, limit: int) -> bool:
        """Whether a file goes to large storage: by its pattern, its size, or binary content."""
        attributes = commit.files.get(".gitattributes")
        lines = self.read(attributes).decode().splitlines() if attributes else []
        patterns = [line.split()[0] for line in lines if "filter=lfs" in line]
        names = (path, path.rsplit("/", 1)[-1])
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns for name in names):
            return True
        return size > limit or b"\0" in sample

    def store(self, commit: Commit, path: str, content: bytes | Path, limit: int) -> Entry:
        """Store a file as an upload would have and return its entry for a commit."""
        if isinstance(content, Path):
            content = content.read_bytes()
        sha256 = self.objects.put(content)
        if content and self.is_large(commit, path, len(content), content[:512], limit):
            self.add_lfs(sha256)
            return Entry.large(sha256, len(content))
        return Entry.regular(content)


class Storage:
    """All repositories below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = threading.RLock()
        self.objects = Objects(root / "objects")

    def _folder(self, repo_type: str, repo_id: str) -> Path:
        owner, name = repo_id.split("/")
        return self.root / "repos" / f"{repo_type}s" / owner / name

    def find(self, repo_type: str, repo_id: str) -> Repo | None:
        folder = self._folder(repo_type, repo_id)
        if not (folder / "repo.json").exists():
            return None
        return Repo(folder, self.objects, self.lock)

    def list(self, repo_type: str) -> list[Repo]:
        found = sorted((self.root / "repos" / f"{repo_type}s").glob("*/*/repo.json"))
        return [Repo(path.parent, self.objects, self.lock) for path in found]

    def create(self, repo_type: str, repo_id: str, private: bool, readme: bytes | None) -> Repo:
        """A new repository with the first commit that the Hub makes itself."""
        folder = self._folder(repo_type, repo_id)
        for name in ("commits", "lfs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        state = {
            "private": private,
            "gated": False,
            "granted": [],
            "created": now(),
            "branches": {},
            "tags": {},
            "space": {},
        }
        write_atomically(folder / "repo.json", json.dumps(state, indent=1))
        repo = Repo(folder, self.objects, self.lock)
        first = {".gitattributes": GITATTRIBUTES}
        if readme is not None:
            first["README.md"] = readme
        entries = {}
        for path, content in first.items():
            self.objects.put(content)
            entries[path] = Entry.regular(content)
        repo.commit("main", repo.owner, entries, "initial commit")
        return repo

    def delete(self, repo: Repo) -> None:
        shutil.rmtree(repo.folder)
