"""Repositories that want to do harm, and a Hub that answers nonsense: one sentence each."""

import json
from pathlib import Path

import pytest

from dogbreed.bundle import CONFIG, NETWORK
from tests.helpers.on_hub import downloads, put, tiny
from tests.helpers.tiny_bundle import assert_one_sentence
from tests.hub import MIB, LocalHub


def with_files(**stated: object):
    """A repository whose config.json states something else about its files."""

    def prepare(hub: LocalHub, tmp_path: Path) -> None:
        folder = tiny(tmp_path)
        config = json.loads((folder / CONFIG).read_text())
        config["files"] |= stated
        put(hub, "ann/dogs", folder, **{CONFIG: json.dumps(config).encode()})

    return prepare


def outside(name: str):
    def prepare(hub: LocalHub, tmp_path: Path) -> None:
        folder = tiny(tmp_path)
        config = json.loads((folder / CONFIG).read_text())
        config["files"][name] = config["files"][NETWORK]
        put(hub, "ann/dogs", folder, **{CONFIG: json.dumps(config).encode()})

    return prepare


def with_config(content: bytes):
    def prepare(hub: LocalHub, tmp_path: Path) -> None:
        put(hub, "ann/dogs", tiny(tmp_path), **{CONFIG: content})

    return prepare


def replaced(content: bytes):
    def prepare(hub: LocalHub, tmp_path: Path) -> None:
        put(hub, "ann/dogs", tiny(tmp_path), **{NETWORK: content})

    return prepare


def wrong_hash(hub: LocalHub, tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    network = bytearray((folder / NETWORK).read_bytes())
    network[100] ^= 1
    put(hub, "ann/dogs", folder, **{NETWORK: bytes(network)})


def fails(method: str, name: str, **fault):
    """A Hub on which requests for a file fail; `{hub}` stands for its address."""

    def prepare(hub: LocalHub, tmp_path: Path) -> None:
        put(hub, "ann/dogs", tiny(tmp_path))
        headers = {k: v.format(hub=hub.endpoint) for k, v in fault.get("headers", {}).items()}
        hub.fail_next(method, name, times=None, **fault | {"headers": headers})

    return prepare


AROUND = {"Location": "{hub}/ann/dogs/resolve/main/config.json"}

HOSTILE = {
    "a wrong hash": (wrong_hash, "model.tflite of ann/dogs is damaged"),
    "a truncated file": (replaced(b"TFL3"), "model.tflite of ann/dogs is damaged"),
    "an endless file": (replaced(bytes(30 * MIB)), "model.tflite of ann/dogs is damaged"),
    "a download that always ends early": (fails("GET", NETWORK, cut_after=50), "cannot be reached"),
    "a huge config": (with_config(b" " * (10 * MIB)), "its config.json has 10485760 bytes"),
    "a config of brackets": (with_config(b"[" * 100_000), "config.json"),
    "a config with a bomb": (
        with_config(b'{"format_version": ' + b"9" * 5000 + b"}"),
        "config.json",
    ),
    "a config that is not text": (with_config(b"\xff\xfe\x00{"), "config.json"),
    "a file above the bundle": (outside("../../evil.py"), "names a file outside the bundle"),
    "a file anywhere": (outside("/tmp/evil.py"), "names a file outside the bundle"),
    "files that are a list": (with_config(b'{"format_version": 1, "files": []}'), "config.json"),
    "a size that is not a number": (with_files(**{NETWORK: {"size": "big"}}), "is damaged"),
    "no hash": (with_files(**{NETWORK: None}), "model.tflite"),
    "redirects without end": (fails("HEAD", CONFIG, status=302, headers=AROUND), "redirects"),
    "downloads that redirect": (fails("GET", NETWORK, status=302, headers=AROUND), "ann/dogs"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_each_attack_is_one_sentence(case, hub, bob, photo, tmp_path, record_property):
    prepare, expected = HOSTILE[case]
    prepare(hub, tmp_path)
    run = bob.dogbreed("predict", photo, "--model", "ann/dogs")
    record_property("failure", f"hostile: {case}")
    record_property("sentence", run.last)
    assert run.code == 2 and run.out == ""
    assert expected in run.last
    assert run.last.isprintable() and len(run.last) < 600
    assert_one_sentence(run.last)
    assert not list(tmp_path.glob("**/evil.py")) and not Path("/tmp/evil.py").exists()


@pytest.mark.parametrize(("case", "allowed"), [("a huge config", 0), ("an endless file", 1)])
def test_what_is_too_large_is_not_downloaded(case, allowed, hub, bob, photo, tmp_path):
    prepare, _ = HOSTILE[case]
    prepare(hub, tmp_path)
    hub.clear_requests()
    assert bob.dogbreed("predict", photo, "--model", "ann/dogs").code == 2
    assert len(downloads(hub)) == allowed
    assert sum(request.sent for request in hub.requests) < MIB


def test_what_the_hub_says_is_shown_as_far_as_it_is_text(hub, bob, tmp_path):
    said = "\x1b]0;owned\x07\x1b[2J hf_SecretOfBob " + "long " * 200
    hub.fail_next("GET", "whoami", status=400, message=said, times=None)
    run = bob.dogbreed("push", tiny(tmp_path), "bob/dogs")
    assert run.code == 2 and "owned" in run.last
    assert run.last.isprintable() and len(run.last) < 600 and "SecretOfBob" not in run.err
    assert_one_sentence(run.last)


def test_names_are_not_patterns(hub, bob, tmp_path):
    """A push of a hostile model gets the files that it states, not all that match them."""
    with_files(**{"[a-z]*": {"sha256": "0" * 64, "size": 1}})(hub, tmp_path)
    hub.commit_files("ann/dogs", {"more/huge.bin": bytes(MIB)})
    hub.clear_requests()
    run = bob.dogbreed("push", "ann/dogs", "bob/dogs")
    assert run.code == 2 and "[a-z]*" in run.last
    assert "huge.bin" not in downloads(hub)
    assert not hub.repo_exists("bob/dogs")
