"""The scripts in tools/ that need no browser."""

import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from dogbreed.bundle import CARD, CONFIG, DEFAULT_BUNDLE, WEIGHTS, read_bundle, write_config
from dogbreed.errors import BundleError
from tools import audit, drawings
from tools.release_model import main, release


@pytest.fixture
def trained(tmp_path) -> Path:
    """The model that comes with the package, as training writes one: with weights and logs."""
    folder = tmp_path / "trained"
    shutil.copytree(DEFAULT_BUNDLE, folder)
    (folder / WEIGHTS).write_bytes(os.urandom(1000))
    (folder / "runs").mkdir()
    (folder / "runs" / "events.out.tfevents.1").write_bytes(b"events")
    (folder / CARD).write_text("# An old card\n")
    config = json.loads((folder / CONFIG).read_text())
    del config["files"]
    write_config(folder, config)
    return folder


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_release_replaces_the_model_without_weights_and_logs(trained, tmp_path):
    destination = tmp_path / "package" / "default_model"
    destination.mkdir(parents=True)
    (destination / "left-over.txt").write_text("of the old model")
    bundle = release(trained, destination)
    assert files(destination) == files(trained) - {WEIGHTS, "runs/events.out.tfevents.1"}
    assert bundle.path == destination
    assert bundle.config["files"].keys() == files(destination) - {CARD, CONFIG}
    assert read_bundle(destination, bundle.config["files"]).labels == read_bundle(trained).labels
    assert "An old card" not in (destination / CARD).read_text()
    assert str(bundle.headline[0]["count"]) in (destination / CARD).read_text()
    assert [path.name for path in destination.parent.iterdir()] == ["default_model"]


def test_a_failed_release_leaves_the_old_model(trained, tmp_path, capsys):
    destination = tmp_path / "package" / "default_model"
    shutil.copytree(DEFAULT_BUNDLE, destination)
    (trained / "model.tflite").write_bytes(b"damaged")
    with pytest.raises(BundleError):
        release(trained, destination)
    assert files(destination) == files(DEFAULT_BUNDLE)
    assert [path.name for path in destination.parent.iterdir()] == ["default_model"]
    assert main([str(trained)]) == 2
    assert capsys.readouterr().err.startswith("release_model: ")


def test_the_drawings_are_those_of_the_page_and_the_tests(tmp_path):
    drawings.main(tmp_path)
    names = files(tmp_path)
    assert len(names) == 5
    for name in names:
        with Image.open(tmp_path / name) as drawn, Image.open(drawings.ROOT / name) as shown:
            difference = ImageChops.difference(drawn.convert("RGB"), shown.convert("RGB"))
        assert max(ImageStat.Stat(difference).mean) < 1


FOUND = [
    {"name": "a", "version": "1.0", "vulns": []},
    {
        "name": "b",
        "version": "2.0",
        "vulns": [
            {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.1", "3.0"]},
            {"id": "PYSEC-2", "aliases": ["CVE-2"], "fix_versions": []},
        ],
    },
]


def test_an_audit_fails_for_what_is_not_known():
    failures, notes = audit.judge(FOUND, {})
    assert failures == ["b 2.0: PYSEC-1, fixed in 2.1, 3.0", "b 2.0: PYSEC-2, fixed in no version"]
    assert notes == []


def test_an_audit_accepts_what_has_a_reason():
    text = "# Comments.\n\nPYSEC-2  only with XML\nCVE-1  only on Windows\nCVE-3  is gone\n"
    failures, notes = audit.judge(FOUND, audit.read_ignored(text))
    assert failures == []
    assert notes == [
        "b 2.0: PYSEC-1, known: only on Windows",
        "b 2.0: PYSEC-2, known: only with XML",
        "CVE-3 is not found any more; remove it",
    ]


def test_an_audit_counts_what_it_could_not_look_up():
    skipped = {"name": "c", "skip_reason": "not found"}
    failures, notes = audit.judge([*FOUND[:1], skipped], {"CVE-3": "is gone"})
    assert (failures, notes) == ([], ["1 of 2 packages could not be looked up"])


def test_a_known_finding_needs_a_reason():
    with pytest.raises(ValueError, match="PYSEC-9 has no reason"):
        audit.read_ignored("PYSEC-9\n")
    audit.read_ignored(audit.IGNORED.read_text(encoding="utf-8"))


def test_an_audit_without_the_database_says_so(monkeypatch, capsys, tmp_path):
    (tmp_path / "pip_audit.py").write_text("raise ConnectionError('no network')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert audit.main() == 0
    assert "cannot be reached; no package was looked up" in capsys.readouterr().out
