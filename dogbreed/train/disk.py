"""What training needs of the disk: one writer at a time, and room."""

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from dogbreed.errors import UsageError


@contextlib.contextmanager
def locked(folder: Path, what: str = "") -> Iterator[None]:
    """Make a folder and be the only training that writes to it; wait for another one.

    The lock ends with the process that has it, however that ends. What a killed process has left
    half written is removed.

    Args:
        folder: The folder.
        what: What it stands for, in words, if not for itself.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        computed = what or folder.name
        print(f"Another training is computing {computed}; waiting for it.", file=sys.stderr)
        lock.acquire()
    try:
        for partial in folder.glob(".*.partial"):
            partial.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def check_space(folder: Path, needed: int, purpose: str) -> None:
    """Refuse to begin what does not fit on the disk.

    Args:
        folder: Where it is to be written.
        needed: Bytes.
        purpose: What needs them, several things.

    Raises:
        UsageError: There is less free space.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{purpose} need {needed / 1e9:.1f} GB in {folder}, which has {free / 1e9:.1f} GB "
            "left; free some space or choose another folder."
        )
