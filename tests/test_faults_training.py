"""A training that is killed at any moment, or that fills the disk, loses nothing.

Killed at three moments; `python -m tests.helpers.kill_training --times 50` kills at random ones.
"""

import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from dogbreed.bundle import NETWORK
from tests.helpers.kill_training import differences, kill_when, start
from tests.helpers.running import processes
from tests.helpers.small_disk import fill, make_room, small_disk


def assert_full(process: subprocess.Popen) -> None:
    """It ends with one sentence and the exit code of a mistake."""
    _, said = process.communicate()
    assert process.returncode == 2, said[-2000:]
    assert "Traceback" not in said
    last = said.strip().splitlines()[-1]
    assert last.startswith("train.py: ") and "free some space" in last


def test_a_disk_that_is_nearly_full_is_refused(trained_options, tmp_path):
    with small_disk(tmp_path / "disk", 20) as mounted:
        if not mounted:
            pytest.skip("this process may not mount a disk")
        assert_full(start(trained_options, tmp_path / "disk", stderr=subprocess.PIPE))


def assert_fills(options: list[str], disk: Path) -> None:
    """A disk that fills up during the features is said; then there is room again."""
    training = start(options, disk, stderr=subprocess.PIPE)
    while not list(disk.glob("cache/features/*/*/.lock")) and training.poll() is None:
        time.sleep(0.01)
    fill(disk)
    assert_full(training)
    assert not (disk / "model").exists()
    make_room(disk)


def kill_a_worker(training: subprocess.Popen, task: str) -> None:
    """Kill one of Ray's workers at a task, which is the name of a function."""
    while not (computing := processes(f"ray::{task}")):
        assert training.poll() is None
        time.sleep(0.05)
    os.kill(computing[0], signal.SIGKILL)


def test_a_training_that_is_disturbed_at_any_moment_continues_to_the_same_bundle(
    trained_options, trained_bundle, cluster, tmp_path
):
    """On a disk that fills up, then killed in features, fit and export; nothing is done twice.

    Ray's workers compute most features and the answers, and one is killed at each; the export that
    is killed does without them.
    """
    with small_disk(tmp_path / "disk", 500) as mounted:
        disk = tmp_path / "disk"
        if mounted:
            assert_fills(trained_options, disk)

        def features() -> dict[Path, int]:
            shards = disk.glob("cache/features/*/plain/*.npy")
            return {shard: shard.stat().st_mtime_ns for shard in shards}

        def epochs() -> int:
            histories = disk.glob("cache/fits/lr*/history.json")
            return max((len(json.loads(path.read_text())) for path in histories), default=0)

        on_ray = [*trained_options, f"--ray={cluster}"]
        training = start(on_ray, disk)
        kill_a_worker(training, "compute_shard")
        kill_when(training, features)
        computed = features()
        kill_when(start(on_ray, disk), lambda: epochs() >= 3)
        assert 3 <= epochs() < 20
        kill_when(start(trained_options, disk), (disk / ".model.partial" / NETWORK).exists)
        assert not (disk / "model").exists()
        training = start(on_ray, disk)
        kill_a_worker(training, "answer_photos")
        assert training.wait() == 0
        assert features().items() >= computed.items()
        assert differences(disk / "model", trained_bundle) == []


def test_files_that_cannot_grow_are_said(trained_options, trained_bundle, tmp_path):
    """With a limit for each file, which stops the weights; what comes before is in the cache."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    pipe = subprocess.PIPE
    assert_full(start(trained_options, tmp_path, with_cache=False, stderr=pipe, preexec_fn=limit))
    assert not (tmp_path / "model").exists()
