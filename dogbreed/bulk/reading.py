"""The photos of a chunk, still encoded, in the memory of a few."""

import os
import tarfile
from collections.abc import Iterator
from itertools import chain

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from dogbreed.bulk.pieces import Chunk, read_ahead
from dogbreed.bulk.sources import PARQUET, PHOTOS, file_system, reason
from dogbreed.errors import DatasetError
from dogbreed.images.limits import MAX_BYTES
from dogbreed.photo_files import names_a_photo

# A larger file is refused by its size, so no more of it is read.
_MOST = MAX_BYTES + 1
_ROWS_AT_ONCE = 8
# Of a column: pages are read one after the other instead of all at once.
_BUFFER = 1 << 20
# The file of a photo, or why there is none.
Encoded = bytes | str


def photos_of(address: str, chunk: Chunk) -> Iterator[tuple[str, Encoded]]:
    """Yield the name of each photo of a chunk, and its bytes or the reason why there are none.

    Args:
        address: Of the source.
        chunk: A part of it.

    Raises:
        DatasetError: The whole source is not there, as on a machine that does not share it.
    """
    system, _ = file_system(address)
    if chunk.kind == PHOTOS:
        photos = read_ahead(lambda file: (file, _read(system, file)), chunk.files)
        first = next(photos)
        if isinstance(first[1], str):
            _check_there(system, address, first[0])
        photos = chain([first], photos)
    else:
        (file,) = chunk.files
        _check_there(system, address, file)
        read = _parquet_rows if chunk.kind == PARQUET else _tar_members
        photos = (
            (f"{file}#{name}" if name else file, data) for name, data in read(system, file, chunk)
        )
    for name, data in photos:
        yield _full_name(system, address, name), data


def _read(system: fsspec.AbstractFileSystem, file: str) -> Encoded:
    try:
        with system.open(file, "rb") as opened:
            return opened.read(_MOST)
    except Exception as error:
        # Every file system raises errors of its own.
        return f"The file cannot be read: {type(error).__name__}."


def _check_there(system: fsspec.AbstractFileSystem, address: str, file: str) -> None:
    """Tell one file that is gone from a source that this machine cannot reach."""
    if "://" not in address and not os.path.isdir(os.path.dirname(file)):
        raise DatasetError(
            f"The folder {os.path.dirname(file)} is not on the machine {os.uname().nodename}; all "
            "machines of a cluster must see the photos at the same path."
        )


def _parquet_rows(
    system: fsspec.AbstractFileSystem, file: str, chunk: Chunk
) -> Iterator[tuple[str, Encoded]]:
    row, end = chunk.first_row, chunk.first_row + (chunk.photos or 0)
    try:
        with system.open(file, "rb") as opened:
            parquet = pq.ParquetFile(opened, buffer_size=_BUFFER, pre_buffer=False)
            batches = parquet.iter_batches(
                _ROWS_AT_ONCE, chunk.row_groups, [chunk.column], use_threads=False
            )
            for batch in batches:
                for cell in batch.column(chunk.column).to_pylist():
                    data = cell["bytes"] if isinstance(cell, dict) else cell
                    yield str(row), "The row contains no photo." if data is None else data
                    row += 1
    except (OSError, pa.ArrowException):
        for missing in range(row, end):
            yield str(missing), "The Parquet file is damaged in this part."


def _tar_members(
    system: fsspec.AbstractFileSystem, file: str, chunk: Chunk
) -> Iterator[tuple[str, Encoded]]:
    try:
        with system.open(file, "rb") as opened, tarfile.open(fileobj=opened, mode="r|*") as archive:
            for member in archive:
                if member.isfile() and names_a_photo(os.path.basename(member.name)):
                    content = archive.extractfile(member)
                    if content is not None:
                        yield member.name, content.read(_MOST)
    except (OSError, EOFError, tarfile.TarError) as error:
        yield "", f"The WebDataset file is damaged from here on: {reason(error)}."


def _full_name(system: fsspec.AbstractFileSystem, address: str, name: str) -> str:
    """What to call a photo in the answers; a name that is not Unicode is written with escapes."""
    name = system.unstrip_protocol(name) if "://" in address else name
    return name.encode(errors="backslashreplace").decode()
