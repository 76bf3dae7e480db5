"""The photos in folders, found by their names."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from dogbreed.errors import UsageError
from dogbreed.images.kinds import PHOTO_SUFFIXES

# Those in formats that cannot be read are listed too, so that each is reported rather than silently
# left out.
LISTED = PHOTO_SUFFIXES | {".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw"}


def names_a_photo(name: str) -> bool:
    """Whether a file is a photo by its name; what is hidden is not one."""
    # macOS and file managers keep their own files in hidden ones.
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in LISTED


def visible_files(folder: str | Path) -> Iterator[str]:
    """Yield the files in a folder and the folders in it, linked ones too; nothing hidden.

    Only one folder's names are in memory at once. The order is always the same.

    Raises:
        UsageError: A folder cannot be read.
    """
    seen = set()

    def refuse(error: OSError) -> NoReturn:
        raise UsageError(f"The folder {error.filename} cannot be read: {error.strerror}.")

    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            # A link to a folder that was read already, perhaps to the one that contains it.
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(place, name)
            if not name.startswith(".") and os.path.isfile(path):
                yield path
