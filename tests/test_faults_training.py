"""A training that is killed at any moment, or that fills the disk, loses nothing.

One kill; `python -m tests.helpers.kill_training --times 50` kills more often.
"""

import contextlib
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.kill_training import differences, kill_often, quick_options, start, train_whole

KILLS = 1


@pytest.fixture(scope="module")
def options(tmp_path_factory) -> list[str]:
    return quick_options(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def whole(options, tmp_path_factory) -> tuple[Path, float]:
    """A bundle that nothing has disturbed, and the processor seconds that it took."""
    folder = tmp_path_factory.mktemp("whole")
    seconds = train_whole(options, folder)
    return folder / "model", seconds


def test_a_training_that_is_killed_at_any_moment_continues_to_the_same_bundle(
    options, whole, tmp_path
):
    bundle, seconds = whole
    (tmp_path / "killed").mkdir()
    found = kill_often(options, bundle, seconds, tmp_path / "killed", KILLS, seed=10)
    assert len(found.kills) == KILLS and found.compared
    assert found.differences == []


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """Mount a small disk at a folder, if this process may."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mounted = shutil.which("mount") and not subprocess.run(mount, capture_output=True).returncode
    try:
        yield bool(mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def assert_full(process: subprocess.Popen) -> None:
    """It ends with one sentence and the exit code of a mistake."""
    _, said = process.communicate()
    assert process.returncode == 2, said[-2000:]
    assert "Traceback" not in said
    last = said.strip().splitlines()[-1]
    assert last.startswith("train.py: ") and "free some space" in last


def test_a_disk_that_is_nearly_full_is_refused(options, tmp_path):
    with small_disk(tmp_path / "disk", 20) as mounted:
        if not mounted:
            pytest.skip("this process may not mount a disk")
        assert_full(start(options, tmp_path / "disk", stderr=subprocess.PIPE))


def test_a_disk_that_fills_up_is_said_and_nothing_is_lost(options, whole, tmp_path):
    """During the features; then there is room."""
    with small_disk(tmp_path / "disk", 500) as mounted:
        if not mounted:
            pytest.skip("this process may not mount a disk")
        disk = tmp_path / "disk"
        training = start(options, disk, stderr=subprocess.PIPE)
        while not list(disk.glob("cache/features/*/*/.lock")) and training.poll() is None:
            time.sleep(0.01)
        with (disk / "ballast").open("wb") as file, contextlib.suppress(OSError):
            while file.write(bytes(1_000_000)):
                file.flush()
        assert_full(training)
        assert not (disk / "model").exists()
        (disk / "ballast").unlink()
        assert start(options, disk).wait() == 0
        assert differences(disk / "model", whole[0]) == []


def test_files_that_cannot_grow_are_said(options, tmp_path):
    """With a limit for each file, which stops the weights after everything else."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    assert_full(start(options, tmp_path, stderr=subprocess.PIPE, preexec_fn=limit))
    assert not (tmp_path / "model").exists()
