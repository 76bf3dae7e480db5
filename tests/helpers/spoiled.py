"""A bundle to spoil, changes of its config, and how it is refused."""

import json
from pathlib import Path

import pytest

from dogbreed.bundle import CONFIG, read_bundle
from dogbreed.errors import BundleError
from tests.helpers.tiny_bundle import assert_one_sentence, write_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A valid bundle to spoil."""
    return write_bundle(tmp_path / "bundle")


def change_config(path: Path, **changes) -> None:
    """Change fields of a config.json; None takes a field away."""
    config = {**json.loads((path / CONFIG).read_text()), **changes}
    config = {field: value for field, value in config.items() if value is not None}
    (path / CONFIG).write_text(json.dumps(config))


def refusal(path: Path, **options) -> str:
    """The message for a bundle that is refused."""
    with pytest.raises(BundleError) as caught:
        read_bundle(path, **options)
    message = str(caught.value)
    assert_one_sentence(message)
    return message
