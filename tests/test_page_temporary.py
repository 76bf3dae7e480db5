"""The folder of a page's temporary files."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from dogbreed.page import temporary
from dogbreed.page.temporary import cleaning, remove_old, temporary_folder
from tests.helpers.running import ROOT

HOLD = (
    "from dogbreed.page.temporary import temporary_folder\n"
    "with temporary_folder() as folder:\n"
    "    (folder / 'visitor.png').write_bytes(b'photo'); print(folder, flush=True); input()"
)


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """The system's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(temporary, "_YOUNG", 0)
    return tmp_path


def hold(root: Path) -> tuple[subprocess.Popen, Path]:
    """A process that has a folder, and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, Path(process.stdout.readline().strip())


def test_it_is_empty_and_goes_with_all_that_is_in_it(root):
    with temporary_folder() as folder:
        assert list(folder.iterdir()) == []
        (folder / "a").mkdir()
        (folder / "a" / "photo.png").write_bytes(b"photo")
    assert list(root.iterdir()) == []


def test_the_folder_of_a_killed_page_goes_at_the_next_start_and_a_running_ones_stays(root):
    killed, left = hold(root)
    running, used = hold(root)
    killed.kill()
    killed.communicate()
    assert (left / "visitor.png").exists()
    with temporary_folder():
        assert not left.parent.exists()
        assert (used / "visitor.png").exists()
    running.communicate("\n")
    assert list(root.iterdir()) == []


def test_what_is_not_a_pages_folder_stays(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "lock").touch()
    (root / "dogbreed-page-link").symlink_to(elsewhere)
    (root / "dogbreed-page-mine").mkdir()
    (root / "dogbreed-model").mkdir()
    (root / "dogbreed-model" / "lock").touch()
    with temporary_folder():
        pass
    assert (elsewhere / "lock").exists()
    assert {path.name for path in root.iterdir()} == {
        "dogbreed-page-link",
        "dogbreed-page-mine",
        "dogbreed-model",
    }


def test_a_folder_that_was_just_made_is_left_alone(root, monkeypatch):
    monkeypatch.setattr(temporary, "_YOUNG", 60)
    (root / "dogbreed-page-new").mkdir()
    (root / "dogbreed-page-new" / "lock").touch()
    with temporary_folder():
        assert (root / "dogbreed-page-new" / "lock").exists()


def test_old_files_and_empty_folders_go_whoever_wrote_them(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "photo.png").write_bytes(b"photo")
    (tmp_path / "empty").touch()
    # A copy that keeps its old date has been here no longer than others.
    os.utime(tmp_path / "empty", (0, 0))
    (tmp_path / "dangling").symlink_to("nowhere")
    remove_old(tmp_path, 60)
    assert (tmp_path / "a" / "b" / "photo.png").exists() and (tmp_path / "empty").exists()
    time.sleep(0.3)
    (tmp_path / "young.png").touch()
    remove_old(tmp_path, 0.25)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [tmp_path / "young.png"]
    # Folders that have just become empty count as changed.
    time.sleep(0.3)
    (tmp_path / "young.png").touch()
    for _ in range(2):
        remove_old(tmp_path, 0.25)
        time.sleep(0.3)
        (tmp_path / "young.png").touch()
    assert list(tmp_path.iterdir()) == [tmp_path / "young.png"]


def test_cleaning_goes_on_until_the_block_is_left(tmp_path):
    with cleaning(tmp_path, keep_seconds=0.2, every=0.05):
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "photo.png").touch()
        deadline = time.monotonic() + 10
        while (tmp_path / "a").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert list(tmp_path.iterdir()) == []
    (tmp_path / "photo.png").touch()
    time.sleep(0.5)
    assert (tmp_path / "photo.png").exists()
