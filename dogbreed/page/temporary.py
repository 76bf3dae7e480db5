"""The folder of a page's temporary files: cleaned by age, and removed when the page stops."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "dogbreed-page-"
_LOCK = "lock"
_FILES = "files"
# A folder that is younger may belong to a page that has not locked it yet.
_YOUNG = 60


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make the folder of one page; first remove those of pages that were killed.

    Yields:
        An empty folder, which is removed at the end of the block, with all that is in it.
    """
    root = Path(tempfile.gettempdir())
    for other in root.glob(f"{_PREFIX}*"):
        _remove_if_left(other)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    try:
        # The system gives the lock back when the process ends, however it ends.
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            files = folder / _FILES
            files.mkdir()
            yield files
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_if_left(folder: Path) -> None:
    """Remove a folder that this user made and whose page does not run any more."""
    with contextlib.suppress(OSError):
        made = folder.lstat()
        if (
            folder.is_symlink()
            or made.st_uid != os.getuid()
            or time.time() - made.st_ctime < _YOUNG
        ):
            return
        # Without a lock it was killed between two lines, or is not a page's; both are rare.
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def cleaning(folder: Path, keep_seconds: float, every: float) -> Iterator[None]:
    """Within this block, remove what has been in a folder for too long.

    Args:
        folder: Everything in it is removed when it is old, whoever wrote it.
        keep_seconds: How long files are kept.
        every: Seconds between two rounds.
    """
    stopped = threading.Event()

    def clean() -> None:
        while not stopped.wait(every):
            remove_old(folder, keep_seconds)

    thread = threading.Thread(target=clean, name="dogbreed-cleaning", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def remove_old(folder: Path, keep_seconds: float) -> None:
    """Remove the files in a folder that have not changed for so long, and folders left empty.

    Args:
        folder: It stays itself.
        keep_seconds: Counted from the last change of a file or of its name.
    """
    limit = time.time() - keep_seconds
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(root) / name
            # What is in use, or just going, has its turn in the next round.
            with contextlib.suppress(OSError):
                if path.lstat().st_ctime < limit:
                    path.unlink()
        # Fails as long as there is something in it; a young one may be about to get a file.
        with contextlib.suppress(OSError):
            if Path(root) != folder and Path(root).stat().st_ctime < limit:
                Path(root).rmdir()
