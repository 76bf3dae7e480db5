"""Clients of a local Hub, what they upload, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError

from tests.hub import LocalHub

CARD = "---\nlicense: mit\nlibrary_name: keras\ntags:\n- dogs\n---\n# Dogs\n"
WEIGHTS = bytes(range(256)) * 1024


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    assert constants.HF_HUB_DISABLE_XET, "set HF_HUB_DISABLE_XET=1 before the client's import"
    with LocalHub(tmp_path / "hub") as hub:
        hub.add_user("ann", "hf_ann")
        hub.add_user("bob", "hf_bob")
        yield hub


def client(hub: LocalHub, token: str | bool = False) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=token)


@pytest.fixture
def ann(hub: LocalHub) -> HfApi:
    return client(hub, "hf_ann")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "runs").mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    (folder / "config.json").write_text('{"a": 1}')
    (folder / "model.tflite").write_bytes(WEIGHTS)
    (folder / "runs" / "notes.txt").write_text("sit\n")
    return folder


def status_of(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    return error.value.response.status_code


def count(hub: LocalHub, method: str) -> int:
    return sum(request.method == method for request in hub.requests)
