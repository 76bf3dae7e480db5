"""The files of a folder: photos, pictures that cannot be read, and the rest."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dogbreed.errors import DatasetError
from dogbreed.images.kinds import PHOTO_SUFFIXES

_CAMERA_RAW = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2")
# Pictures that are not read here, so that a class of them does not vanish without a word.
_OTHER_PICTURES = frozenset((*(".jxl", ".jp2", ".psd", ".svg", ".ppm", ".ico"), *_CAMERA_RAW))


@dataclass(frozen=True)
class Listing:
    """The files of a folder; all paths are relative to it, with forward slashes.

    Attributes:
        photos: Files that can be expected to be photos.
        unreadable: Pictures that cannot be read, each with the reason.
        others: All other files, and empty folders, which end in a slash.
    """

    root: Path
    photos: list[str]
    unreadable: dict[str, str]
    others: list[str]

    def pictures(self) -> list[str]:
        """Return all files that people take for photos."""
        return sorted([*self.photos, *self.unreadable])


def list_folder(root: Path) -> Listing:
    """List a folder with all folders below it, also linked ones; hidden files do not count.

    Nothing is decoded: a suffix and the first bytes decide.

    Raises:
        DatasetError: A folder cannot be read.
    """
    names = _walk(root, "", (os.path.realpath(root),))
    return sort_files(root, names, lambda name: _unreadable(root / name))


def sort_files(
    root: Path, names: Iterable[str], why_not: Callable[[str], str | None] = lambda name: None
) -> Listing:
    """Sort files by their suffix.

    Args:
        root: Folder that they are in.
        names: Their paths, relative to it.
        why_not: Says why what looks like a photo by its suffix cannot be read, None if it can.
    """
    photos, unreadable, others = [], {}, []
    for name in names:
        suffix = os.path.splitext(name)[1].lower()
        if suffix in PHOTO_SUFFIXES:
            reason = why_not(name)
        elif suffix in _OTHER_PICTURES:
            reason = kind_of(name)
        else:
            others.append(name)
            continue
        if reason is None:
            photos.append(name)
        else:
            unreadable[name] = reason
    return Listing(root, photos, unreadable, others)


def _walk(root: Path, folder: str, ancestors: tuple[str, ...]) -> Iterator[str]:
    """Yield the path of each file below a folder, and of empty folders, relative to the root."""
    try:
        with os.scandir(root / folder) as found:
            visible = [entry for entry in found if not entry.name.startswith(".")]
    except OSError as error:
        raise DatasetError(f"{root / folder} cannot be read: {error.strerror}.") from None
    if folder and not visible:
        yield folder
    for entry in sorted(visible, key=lambda entry: entry.name):
        name = f"{folder}{entry.name}"
        if not _is_folder(entry):
            yield name
        # A link may lead back to a folder above.
        elif (real := os.path.realpath(entry.path)) not in ancestors:
            yield from _walk(root, f"{name}/", (*ancestors, real))


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link to itself.
        return False


def _unreadable(path: Path) -> str | None:
    """Say why a photo cannot be read, as far as its name and its first bytes show it."""
    try:
        path.name.encode()
        with open(path, "rb", buffering=0) as file:
            start = file.read(1)
    except UnicodeEncodeError:
        return "with a name that is not UTF-8"
    except OSError:
        return "that cannot be opened"
    return None if start else "empty"


def kind_of(name: str) -> str:
    """Return what a person calls files like this one, such as NEF or TXT."""
    if name.endswith("/"):
        return "without any file"
    suffix = PurePosixPath(name).suffix.lower()
    return suffix[1:].upper() or "without a suffix"
