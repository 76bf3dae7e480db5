"""A bulk job in pieces, and how to go through many of anything in the memory of a few."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

# Files that are being fetched at once.
AHEAD = 4

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True)
class Chunk:
    """What one worker answers at a time.

    Attributes:
        number: Names the file of its answers.
        kind: As in `Listing`.
        files: Photos; or the one Parquet or WebDataset file.
        photos: How many, None if a WebDataset file would have to be read to know.
        row_groups: Which of a Parquet file.
        first_row: The first of their rows in the file.
        column: The column of a Parquet file that contains the photos.
    """

    number: int
    kind: str
    files: list[str]
    photos: int | None
    row_groups: list[int] = field(default_factory=list)
    first_row: int = 0
    column: str = ""


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of this many items; the last one may be shorter."""
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch


def read_ahead(read: Callable[[T], S], items: Iterable[T]) -> Iterator[S]:
    """Yield `read(item)` for each, in order; a few of them are read at once."""
    items = iter(items)
    with ThreadPoolExecutor(AHEAD) as threads:
        waiting = [threads.submit(read, item) for item in islice(items, AHEAD)]
        while waiting:
            result = waiting.pop(0).result()
            waiting += [threads.submit(read, item) for item in islice(items, 1)]
            yield result
