"""What the local Hub reports about a repository: its card, files, folders and last changes."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.hub.cards import card_data
from tests.hub.storage import Commit, Entry, Repo, lfs_pointer

Json = dict[str, Any]


def repo_info(repo: Repo, commit: Commit, blobs: bool = False) -> Json:
    """All that `model_info`, `dataset_info` and `space_info` show, for one commit."""
    state = repo.state
    card = card_data(repo, commit)
    info: Json = {
        "_id": hashlib.sha1(f"{repo.type}/{repo.id}".encode()).hexdigest()[:24],
        "id": repo.id,
        "author": repo.owner,
        "sha": commit.oid,
        "createdAt": state["created"],
        "lastModified": commit.date,
        "private": state["private"],
        "gated": state["gated"],
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": tags(card),
        "cardData": card,
        "siblings": [_sibling(path, entry, blobs) for path, entry in commit.files.items()],
        "usedStorage": sum(entry.size for entry in commit.files.values()),
    }
    if repo.type == "model":
        info["modelId"] = repo.id
        for key in ("library_name", "pipeline_tag", "model-index"):
            if key in card:
                info[key] = card[key]
    elif repo.type == "space":
        host = repo.id.replace("/", "-").lower()
        info["sdk"] = card.get("sdk", state["space"]["sdk"])
        info["subdomain"] = host
        info["host"] = f"https://{host}.hf.space"
        info["models"] = card.get("models", [])
        info["datasets"] = card.get("datasets", [])
    return info


def tags(card: Json) -> list[str]:
    """The card's own tags and those that the Hub derives from its other fields."""
    found = list(card.get("tags") or [])
    found += [card[key] for key in ("library_name", "pipeline_tag", "sdk") if card.get(key)]
    prefixes = {"license": "license", "datasets": "dataset", "base_model": "base_model"}
    for key, prefix in prefixes.items():
        values = card.get(key) or []
        found += [f"{prefix}:{v}" for v in ([values] if isinstance(values, str) else values)]
    return list(dict.fromkeys(found))


def _sibling(path: str, entry: Entry, blobs: bool) -> Json:
    item: Json = {"rfilename": path}
    if blobs:
        item |= {"size": entry.size, "blobId": entry.oid}
        if entry.lfs:
            item["lfs"] = _lfs(entry) | {"sha256": entry.sha256}
    return item


def _lfs(entry: Entry) -> Json:
    return {"size": entry.size, "pointerSize": len(lfs_pointer(entry.sha256, entry.size))}


def path_item(commit: Commit, path: str) -> Json | None:
    """A file or folder of a commit as the tree lists it; `None` if there is no such path."""
    entry = commit.files.get(path)
    if entry is not None:
        item = {"type": "file", "path": path, "oid": entry.oid, "size": entry.size}
        return item | ({"lfs": _lfs(entry) | {"oid": entry.sha256}} if entry.lfs else {})
    inside = [(p, e.oid) for p, e in commit.files.items() if p.startswith(f"{path}/")]
    if not inside:
        return None
    oid = hashlib.sha1(repr(inside).encode()).hexdigest()
    return {"type": "directory", "path": path, "oid": oid, "size": 0}


def tree(commit: Commit, folder: str, recursive: bool) -> list[Json] | None:
    """The contents of a folder, `None` if it does not exist; the root always does."""
    prefix = f"{folder}/" if folder else ""
    paths: set[str] = set()
    for path in commit.files:
        if path.startswith(prefix):
            parts = path.removeprefix(prefix).split("/")
            depth = len(parts) if recursive else 1
            paths |= {prefix + "/".join(parts[:n]) for n in range(1, depth + 1)}
    if folder and not paths:
        return None
    items = [path_item(commit, path) for path in sorted(paths)]
    return [item for item in items if item is not None]


def add_last_commits(items: list[Json], history: list[Commit]) -> None:
    """Add to each path when it last changed, which the client asks for with `expand`."""
    for item in items:
        for newer, older in zip(history, [*history[1:], None], strict=True):
            before = path_item(older, item["path"]) if older else None
            if before is None or before["oid"] != item["oid"]:
                item["lastCommit"] = {"id": newer.oid, "title": newer.title, "date": newer.date}
                break
