"""Models on the local Hub, put there without the code under test."""

from pathlib import Path

from dogbreed.bundle import WEIGHTS
from tests.helpers.tiny_bundle import write_bundle
from tests.hub import LocalHub

# Run with a JSON list of arguments of `from_pretrained`, and a photo.
ANSWER = """
import json, sys
from dogbreed import DogBreedClassifier
classifier = DogBreedClassifier.from_pretrained(*json.loads(sys.argv[1]))
evidence = classifier.evidence_map(sys.argv[2])
print(json.dumps([evidence.tolist(), classifier.bundle.source, classifier.bundle.commit]))
"""


def put(hub: LocalHub, repo_id: str, folder: Path, **changes: bytes | None) -> str:
    """Commit a bundle to the local Hub, without the code under test."""
    if not hub.repo_exists(repo_id):
        hub.create_repo(repo_id)
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    files |= changes
    return hub.commit_files(repo_id, {k: v for k, v in files.items() if v is not None})


def tiny(tmp_path: Path, name: str = "model", **changes) -> Path:
    """A small bundle with Keras weights in addition to what serving needs."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(b"weights" * 1000)
    return write_bundle(folder, **changes)


def downloads(hub: LocalHub) -> list[str]:
    """The files that were downloaded."""
    return [r.path.split("/")[-1] for r in hub.requests if r.method == "GET" and "." in r.path]
