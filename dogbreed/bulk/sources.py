"""Where the photos of a bulk job are: which files, on this disk or behind an address."""

import glob
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import fsspec

from dogbreed.errors import DatasetError, UsageError
from dogbreed.photo_files import names_a_photo, visible_files

# Files with photos in them, by how their names end. Everything else is a photo by itself.
PARQUET, TAR, PHOTOS = "parquet", "tar", "photos"
_ENDINGS = {".parquet": PARQUET, ".tar": TAR, ".tar.gz": TAR, ".tgz": TAR}
# What Arrow reads without further packages.
_ARROW = {"s3", "gs", "gcs", "abfs", "abfss", "hdfs"}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", re.ASCII)
_PATTERN = re.compile(r"[*?\[]")
# By what a file system says whether a file is still the same, best first.
_VERSIONS = ("blob_id", "ETag", "etag", "mtime", "LastModified", "last_modified")


@dataclass(frozen=True)
class Listing:
    """The files of a source that are answered, all of one kind.

    Attributes:
        address: What was asked for, in full.
        kind: `photos`, `parquet` or `tar`.
        files: Their paths, in the order in which they are answered.
        fingerprint: Changes with any name, size or time of change.
    """

    address: str
    kind: str
    files: list[str]
    fingerprint: str


@dataclass
class _Found:
    files: list[str] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, path: str, version: str) -> None:
        self.files.append(path)
        self.digest.update(f"{path}\t{version}\n".encode(errors="surrogateescape"))


def list_source(source: str) -> Listing:
    """List the photos of a source, or the Parquet or WebDataset files that contain them.

    Photos by themselves take precedence over Parquet files, and these over WebDataset files. What
    is kept in memory of a file is its path.

    Args:
        source: Folder, file or glob pattern; id of a dataset on the Hub; or an address of anything
            that Arrow or fsspec reads.

    Raises:
        DogBreedError: There is no such source, it cannot be read, or it contains no photos.
    """
    address = full_address(source)
    found = {kind: _Found() for kind in (PHOTOS, PARQUET, TAR)}
    try:
        files = _remote_files(address) if "://" in address else _local_files(address)
        for path, version in files:
            kind = kind_of(path)
            if kind != PHOTOS or names_a_photo(os.path.basename(path)) or path == address:
                found[kind].add(path, version)
    except (DatasetError, UsageError):
        raise
    except Exception as error:
        # Every file system raises errors of its own.
        raise DatasetError(f"{source} cannot be read ({reason(error)}); check the name.") from error
    for kind, these in found.items():
        if these.files:
            return Listing(address, kind, these.files, these.digest.hexdigest())
    raise UsageError(
        f"{source} contains no photos, and neither Parquet nor WebDataset files; name another "
        "source."
    )


def full_address(source: str) -> str:
    """Return an absolute path or pattern, or an address with its protocol.

    Raises:
        UsageError: It is neither there nor the name of something elsewhere.
    """
    if "://" in source:
        return source.removeprefix("file://") if source.startswith("file://") else source
    path = os.path.abspath(os.path.expanduser(source))
    if os.path.exists(path) or _PATTERN.search(source):
        return path
    if _HUB_ID.fullmatch(source):
        return f"hf://datasets/{source}"
    raise UsageError(f"There is no file or folder {source}; check the path.")


def kind_of(path: str) -> str:
    """What a file is by its name."""
    lowered = path.lower()
    return next((kind for end, kind in _ENDINGS.items() if lowered.endswith(end)), PHOTOS)


def file_system(address: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Open the file system of an address of `Listing`; also return the path in it."""
    scheme, separator, _ = address.partition("://")
    if scheme in _ARROW and separator:
        from fsspec.implementations.arrow import ArrowFSWrapper
        from pyarrow.fs import FileSystem

        arrow, path = FileSystem.from_uri(address)
        return ArrowFSWrapper(arrow), path
    return fsspec.url_to_fs(address) if separator else (fsspec.filesystem("file"), address)


def reason(error: BaseException) -> str:
    """Return the first sentence of an error, without a period, for the middle of another."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).strip().splitlines()
    return re.split(r"[.!?]\s", lines[0])[0].rstrip(". ") if lines else type(error).__name__


def _local_files(address: str) -> Iterator[tuple[str, str]]:
    matches = [address] if os.path.exists(address) else sorted(glob.glob(address, recursive=True))
    seen = set()
    for match in matches:
        for path in visible_files(match) if os.path.isdir(match) else [match]:
            # A pattern may match a folder and what is in it.
            if len(matches) > 1:
                if path in seen:
                    continue
                seen.add(path)
            status = os.stat(path)
            yield path, f"{status.st_size} {status.st_mtime_ns}"


def _remote_files(address: str) -> Iterator[tuple[str, str]]:
    system, path = file_system(address)
    if _PATTERN.search(path):
        matches = system.glob(path, detail=True)
        files = [info for info in matches.values() if info["type"] == "file"]
        yield from ((info["name"], _version(info)) for info in sorted(files, key=_name))
        return
    info = system.info(path)
    if info["type"] == "file":
        yield info["name"], _version(info)
        return
    for _, folders, names in system.walk(path, detail=True, on_error="raise"):
        for name in [name for name in folders if name.startswith(".")]:
            del folders[name]
        visible = [info for name, info in names.items() if name and not name.startswith(".")]
        yield from ((info["name"], _version(info)) for info in sorted(visible, key=_name))


def _name(info: dict[str, Any]) -> str:
    return info["name"]


def _version(info: dict[str, Any]) -> str:
    stated = (info[name] for name in _VERSIONS if info.get(name) is not None)
    return f"{info.get('size')} {next(stated, '')}"
