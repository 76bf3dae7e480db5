"""What training needs of the disk: one writer at a time, room, and a word when it is full."""

import contextlib
import errno
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from dogbreed.errors import UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# As libraries that do not pass on the number of the error word it; the last one is NumPy.
_FULL_IN_WORDS = re.compile(
    r"no space left on device|file too large|disk quota exceeded|\d+ requested and \d+ written",
    re.IGNORECASE,
)


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


@contextlib.contextmanager
def full_disk_explained() -> Iterator[None]:
    """Turn the errors of a full disk, whichever library raises them, into one sentence.

    Raises:
        UsageError: The disk is full.
    """
    try:
        yield
    # TensorFlow and h5py raise several kinds.
    except Exception as error:
        if not _says_full(error):
            raise
        raise UsageError(
            "The disk is full; free some space and give the same command again, which continues "
            "where it was."
        ) from error


def _says_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if _FULL_IN_WORDS.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False
