"""Cut a source into chunks, each of which one worker answers into one file."""

import pyarrow as pa
import pyarrow.parquet as pq

from dogbreed.bulk.pieces import Chunk, in_batches, read_ahead
from dogbreed.bulk.sources import PARQUET, PHOTOS, Listing, file_system, reason
from dogbreed.errors import DatasetError, UsageError

# A small job has a hundred files, so that its progress shows; a large one files of this many rows.
MOST_PHOTOS, FEWEST_PHOTOS, FILES = 4096, 64, 100
_IMAGE_NAMES = ("image", "photo", "img")


def cut(listing: Listing, size: int | None, column: str | None) -> list[Chunk]:
    """Cut a source into chunks; the same source is always cut in the same way.

    Args:
        listing: The source.
        size: Photos in a chunk; None for one that suits their number. Row groups of Parquet files
            stay whole, and a WebDataset file is one chunk.
        column: Column of the photos in Parquet files, if it was named.

    Raises:
        DogBreedError: A Parquet file is damaged, or it is not clear where its photos are.
    """
    if column is not None and listing.kind != PARQUET:
        raise UsageError("--image-column goes with Parquet files; leave it out.")
    if listing.kind == PHOTOS:
        pieces = in_batches(listing.files, size or _suitable(len(listing.files)))
        return [Chunk(n, PHOTOS, files, len(files)) for n, files in enumerate(pieces)]
    if listing.kind == PARQUET:
        return _cut_parquet(listing, size, column)
    return [Chunk(n, listing.kind, [file], None) for n, file in enumerate(listing.files)]


def _suitable(photos: int) -> int:
    return min(MOST_PHOTOS, max(FEWEST_PHOTOS, photos // FILES))


def _cut_parquet(listing: Listing, size: int | None, column: str | None) -> list[Chunk]:
    system, _ = file_system(listing.address)

    def read_footer(file: str) -> tuple[list[int], str]:
        try:
            with system.open(file, "rb") as opened:
                parquet = pq.ParquetFile(opened)
                name = _image_column(parquet.schema_arrow, file, column)
                groups = range(parquet.num_row_groups)
                return [parquet.metadata.row_group(number).num_rows for number in groups], name
        except (OSError, pa.ArrowException) as error:
            raise DatasetError(
                f"{file} cannot be read as a Parquet file ({reason(error)}); remove it, or get it "
                "again."
            ) from None

    footers = list(read_ahead(read_footer, listing.files))
    rows = sum(sum(groups) for groups, _ in footers)
    if not rows:
        raise UsageError(f"{listing.address} contains no rows; name another source.")
    size, chunks = size or _suitable(rows), list[Chunk]()
    for file, (groups, name) in zip(listing.files, footers, strict=True):
        first, photos, waiting = 0, 0, list[int]()
        for number, count in enumerate(groups):
            photos += count
            waiting.append(number)
            if photos >= size or (number == len(groups) - 1 and photos):
                chunks.append(Chunk(len(chunks), PARQUET, [file], photos, waiting, first, name))
                first, photos, waiting = first + photos, 0, []
    return chunks


def _image_column(schema: pa.Schema, file: str, wanted: str | None) -> str:
    possible = [column.name for column in schema if _may_contain_photos(column.type)]
    if wanted is not None:
        if wanted in possible:
            return wanted
        raise UsageError(
            f"{file} has no column {wanted} of photos; name one of its columns: "
            f"{', '.join(possible or schema.names)}."
        )
    named = [name for name in possible if name.lower() in _IMAGE_NAMES]
    for names in (named, possible):
        if len(names) == 1:
            return names[0]
    if possible:
        raise UsageError(
            f"{file} has several columns that may be photos ({', '.join(possible)}); choose one "
            "with --image-column."
        )
    raise UsageError(f"{file} has no column of encoded photos; name another source.")


def _may_contain_photos(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        # As `datasets` stores images.
        return any(part.name == "bytes" and _is_binary(part.type) for part in kind)
    return _is_binary(kind)


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
