"""A full disk, said in one sentence whichever library finds it."""

import contextlib
import errno
import re
from collections.abc import Iterator

from dogbreed.errors import DogBreedError, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# As libraries that do not pass on the number of the error word it; the last one is NumPy.
_FULL_IN_WORDS = re.compile(
    r"no space left on device|file too large|disk quota exceeded|\d+ requested and \d+ written",
    re.IGNORECASE,
)


@contextlib.contextmanager
def full_disk_explained() -> Iterator[None]:
    """Turn the errors of a full disk, whichever library raises them, into one sentence.

    Raises:
        UsageError: The disk is full.
    """
    try:
        yield
    except DogBreedError:
        # It has a sentence that knows more.
        raise
    # TensorFlow and h5py raise several kinds.
    except Exception as error:
        if not says_full(error):
            raise
        raise UsageError(
            "The disk is full; free some space and give the same command again, which continues a "
            "training or a bulk job where it was."
        ) from error


def says_full(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, is that of a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if _FULL_IN_WORDS.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False
