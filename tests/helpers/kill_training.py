"""Kills a training at random moments, resumes it, and compares the bundle with an undisturbed one.

    python -m tests.helpers.kill_training --times 50
    python -m tests.helpers.kill_training --times 50 --fill

With `--fill` its disk is full from that moment on instead, until it has ended with a sentence about
it; this needs the right to mount a small disk.

The data are made here: colored shapes of 96 pixels. A moment is a share of the processor time of a
whole training, so that a busy machine does not move it. What is resumed may be killed again; when a
training ends by itself, its bundle is compared, and the next one begins with an empty cache.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from dogbreed.bundle import WEIGHTS, read_bundle
from tests.helpers.running import ROOT
from tests.helpers.shapes import write_backbone, write_folder, write_negatives
from tests.helpers.small_disk import fill, make_room, small_disk


@dataclasses.dataclass
class Found:
    """What the kills have shown.

    Attributes:
        kills: The moment of each, or of each full disk, as a share of a whole training.
        compared: How many bundles were compared.
        differences: What differed, or failed.
    """

    kills: list[float] = dataclasses.field(default_factory=list)
    compared: int = 0
    differences: list[str] = dataclasses.field(default_factory=list)


def quick_options(folder: Path) -> list[str]:
    """Write small data into a folder; return options of a training on them that takes seconds."""
    return [
        f"--dataset={write_folder(folder / 'shapes')}",
        f"--not-dogs={write_negatives(folder / 'negatives')}",
        f"--backbone-weights={write_backbone(folder / 'tiny.weights.h5')}",
        "--image-size=75",
        "--validation-per-class=3",
        "--learning-rate=0.01",
        "--l2=0",
        "--augment-views=0",
        "--epochs=3",
    ]


def start(options: list[str], folder: Path, *, with_cache: bool = True, **how) -> subprocess.Popen:
    """Start a training with output, and cache, in a folder, in a process group of its own."""
    command = [sys.executable, "train.py", *options, f"--output={folder / 'model'}"]
    if with_cache:
        command.append(f"--cache-dir={folder / 'cache'}")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(
        command, cwd=ROOT, start_new_session=True, text=True, **{**quiet, **how}
    )


def train_whole(options: list[str], folder: Path) -> float:
    """Train without a disturbance; return the processor seconds that it took."""
    process = start(options, folder)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"the training ended with {process.returncode}"
    return used.ru_utime + used.ru_stime


def kill_when(process: subprocess.Popen, seen: Callable[[], object], seconds: float = 240) -> None:
    """Kill a training as soon as something is seen."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_at(process: subprocess.Popen, seconds: float) -> bool:
    """Kill a training after some processor seconds; whether it was still there."""
    _wait_until(process, seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def fill_at(disk: Path, process: subprocess.Popen, seconds: float) -> bool:
    """Fill the disk of a training after some processor seconds; whether it ended with exit code 2.

    Afterwards there is room again.
    """
    _wait_until(process, seconds)
    fill(disk)
    code = process.wait()
    make_room(disk)
    return code == 2


def _wait_until(process: subprocess.Popen, seconds: float) -> None:
    while process.poll() is None and _processor_seconds(process.pid) < seconds:
        time.sleep(0.01)


def differences(bundle: Path, expected: Path) -> list[str]:
    """Compare every file of two bundles, except for logs, which contain the time.

    Returns:
        A line for everything that differs, and for what lies next to the bundle.
    """
    found, wanted = (json.loads((path / "config.json").read_text()) for path in (bundle, expected))
    # Every file has the hash that the config says.
    read_bundle(bundle, found["files"])
    lines = []
    for config in (found, wanted):
        # Keras writes the time into it, so the arrays are compared.
        del config["files"][WEIGHTS]
        for name in [name for name in config["files"] if name.startswith("runs/")]:
            del config["files"][name]
    for name in sorted(set(found["files"]) | set(wanted["files"])):
        if found["files"].get(name) != wanted["files"].get(name):
            lines.append(f"{name} differs")
    lines += [f"{key} of the config differs" for key in wanted if found.get(key) != wanted[key]]
    if not _same_arrays(bundle / WEIGHTS, expected / WEIGHTS):
        lines.append(f"{WEIGHTS} differs")
    left = {path.name for path in bundle.parent.iterdir()} - {"model", "cache"}
    left |= {path.name for path in bundle.parent.rglob("*.partial")}
    return lines + [f"{name} is left" for name in sorted(left)]


def disturb_often(
    options: list[str],
    whole: tuple[Path, float],
    folder: Path,
    disturb: Callable[[subprocess.Popen, float], bool],
    *,
    times: int,
    seed: int,
) -> Found:
    """Disturb trainings this often, and let each be resumed until it ends.

    Args:
        options: Of the training.
        whole: Bundle of a training that nothing has disturbed, and its processor seconds.
        folder: Where to train.
        disturb: Disturbs a training after some processor seconds; whether that ended it.
        times: How many disturbances.
        seed: Decides the moments.
    """
    bundle, seconds = whole
    rng, found = random.Random(seed), Found()
    begun = False
    while len(found.kills) < times or begun:
        # The last one is not killed any more.
        moment = rng.random() if len(found.kills) < times else float("inf")
        process = start(options, folder)
        if disturb(process, moment * seconds):
            found.kills.append(moment)
            print(f"{len(found.kills)}: ended at {moment:.0%}", flush=True)
            begun = True
            if (folder / "model").exists():
                read_bundle(folder / "model")
            continue
        if process.returncode:
            found.differences.append(f"ended with {process.returncode} after {found.kills[-3:]}")
        else:
            found.compared += 1
            different = differences(folder / "model", bundle)
            print("compared:", *different or ["the same"], flush=True)
            found.differences += different
        shutil.rmtree(folder)
        folder.mkdir()
        begun = False
    return found


def _processor_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _same_arrays(one: Path, other: Path) -> bool:
    def arrays(path: Path) -> dict[str, np.ndarray]:
        read = {}
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item: (
                    read.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
                )
            )
        return read

    first, second = arrays(one), arrays(other)
    return set(first) == set(second) and all(
        np.array_equal(first[name], second[name]) for name in first
    )


def main() -> int:
    """Kill as often as asked, print what was found."""
    parser = argparse.ArgumentParser(description="Kill trainings, resume them, compare.")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fill", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as name, small_disk(Path(name) / "disk", 500) as mounted:
        root, disk = Path(name), Path(name) / "disk"
        if options.fill and not mounted:
            parser.error("this process may not mount a disk")
        (root / "whole").mkdir()
        (disk / "disturbed").mkdir()
        given = quick_options(root)
        seconds = train_whole(given, root / "whole")
        print(f"A whole training takes {seconds:.0f} s of processor time.", flush=True)
        found = disturb_often(
            given,
            (root / "whole" / "model", seconds),
            disk / "disturbed",
            partial(fill_at, disk) if options.fill else kill_at,
            times=options.times,
            seed=options.seed,
        )
    print(
        f"{len(found.kills)} {'full disks' if options.fill else 'kills'}, from "
        f"{min(found.kills):.0%} to {max(found.kills):.0%} of a training; {found.compared} bundles "
        f"compared, {len(found.differences)} differences."
    )
    print(*found.differences, sep="\n")
    return 1 if found.differences else 0


if __name__ == "__main__":
    sys.exit(main())
