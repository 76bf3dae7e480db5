"""A small disk that a test can fill."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

BALLAST = "ballast"


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """Mount a small disk at a new folder; yields whether this process may."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mounted = shutil.which("mount") and not subprocess.run(mount, capture_output=True).returncode
    try:
        yield bool(mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path, leave: int = 0) -> None:
    """Fill a disk with a file, but for some bytes."""
    with (disk / BALLAST).open("wb", buffering=0) as file, contextlib.suppress(OSError):
        file.write(bytes(max(0, shutil.disk_usage(disk).free - leave)))
        # What is written meanwhile may have made room, or taken it.
        while not leave and file.write(bytes(4096)):
            pass


def grow(disk: Path, megabytes: int) -> None:
    """Give a disk more room."""
    mount = ["mount", "-o", f"remount,size={megabytes}m", str(disk)]
    subprocess.run(mount, check=True)


def make_room(disk: Path) -> None:
    """Take the file away again."""
    (disk / BALLAST).unlink()
