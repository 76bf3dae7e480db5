"""LiteRT.js is fetched in the pinned version, or not at all."""

import hashlib
import os
import stat
from pathlib import Path

import pytest

from dogbreed.errors import UsageError
from dogbreed.web.litert import FILES, fetch_library
from tests.helpers.tiny_bundle import assert_one_sentence


def put_npm(folder: Path, script: str, monkeypatch) -> None:
    """Make a program the only npm there is."""
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")


def test_what_npm_delivers_is_the_pinned_version():
    library = fetch_library()
    if library is None:
        pytest.skip("npm cannot fetch @litertjs/core")
    assert library.keys() == FILES.keys()
    for name, file in FILES.items():
        assert hashlib.sha256(library[name]).hexdigest() == file.sha256, name
        assert len(library[name]) == file.size


def test_another_package_is_refused(tmp_path, monkeypatch):
    names = ("litertjs-core-2.5.3.tgz", "litertjs-wasm-utils-2.5.3.tgz")
    put_npm(tmp_path, "\n".join(f"echo other > {name}" for name in names), monkeypatch)
    with pytest.raises(UsageError, match=r"npm delivered another @litertjs/core 2\.5\.3") as caught:
        fetch_library()
    assert_one_sentence(str(caught.value))


def test_without_a_registry_there_is_no_library(tmp_path, monkeypatch, caplog):
    put_npm(tmp_path, "exit 1", monkeypatch)
    assert fetch_library() is None
    assert "npm cannot fetch LiteRT.js" in caplog.text
