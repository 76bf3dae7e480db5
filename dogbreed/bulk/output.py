"""The folder of a bulk job's answers: whole files only, and what they are the answers to."""

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from filelock import FileLock, Timeout

from dogbreed.bulk.schema import SCHEMA
from dogbreed.bundle import write_beside
from dogbreed.errors import UsageError
from dogbreed.subject import DOG

# Hidden, so that whoever reads the folder as Parquet passes them over.
MANIFEST, _LOCK = ".manifest.json", ".lock"
_PART = re.compile(r"part-(\d{5,})\.parquet")
# What must be as it was when the job is continued, and how to say that it is not.
_DECIDING = {
    "source": "it answers {before} and not {now}",
    "listing": "the files of the source have changed since it was begun",
    "model": "it was begun with another model",
    "top_k": "it was begun with --top-k {before}",
    "image_column": "it was begun with another --image-column",
    "batch_size": "it was begun with another --batch-size",
}


@dataclass(frozen=True)
class Manifest:
    """What an output answers. Its attributes are compared when a job is continued.

    Attributes:
        source: Address of the photos.
        listing: Fingerprint of their files.
        model: Fingerprint of the bundle.
        top_k, image_column, batch_size: As they were given.
    """

    source: str
    listing: str
    model: str
    top_k: int
    image_column: str | None
    batch_size: int | None


@dataclass(frozen=True)
class Summary:
    """What a whole output contains.

    Attributes:
        photos: How many rows.
        rejected: How many of them do not look like a dog.
        errors: How often there was each error.
        breeds: How often each label came first in photos that were not rejected.
        subject: What the photos of the model show.
    """

    photos: int
    rejected: int
    errors: Counter[str]
    breeds: Counter[str]
    subject: str = DOG


@contextmanager
def opened(folder: Path, manifest: Manifest) -> Iterator[set[int]]:
    """Make a folder, or continue one, as the only job that writes to it.

    Yields:
        The numbers of the chunks whose answers are there.

    Raises:
        UsageError: It cannot be written, or contains something else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(f"Another job is writing to {folder}; wait for it, or end it.") from None
    except OSError as error:
        raise UsageError(f"--output {folder} cannot be written: {error.strerror}.") from None
    try:
        _check(folder, manifest)
        for partial in folder.glob(".*.partial"):
            partial.unlink()
        yield {int(part[1]) for path in folder.iterdir() if (part := _PART.fullmatch(path.name))}
    finally:
        lock.release()


def _check(folder: Path, manifest: Manifest) -> None:
    path = folder / MANIFEST
    now = dataclasses.asdict(manifest)
    if not path.exists():
        if any(not file.name.startswith(".") for file in folder.iterdir()):
            raise UsageError(
                f"The folder {folder} contains files that are not answers of `dogbreed bulk`; name "
                "a new one."
            )
        _write(path, json.dumps(now, indent=2).encode())
        return
    try:
        before = json.loads(path.read_bytes())
    except (OSError, ValueError):
        before = None
    if not isinstance(before, dict):
        raise UsageError(f"{path} is damaged; name a new --output.")
    for name, difference in _DECIDING.items():
        if before.get(name) != now[name]:
            why = difference.format(before=before.get(name), now=now[name])
            raise UsageError(
                f"The answers in {folder} cannot be continued, since {why}; name a new --output."
            )


def write_part(folder: Path, number: int, part: bytes) -> None:
    """Write the answers to one chunk; the file appears when it is complete.

    Raises:
        UsageError: It cannot be written, as on a full disk.
    """
    _write(folder / f"part-{number:05d}.parquet", part)


def _write(path: Path, content: bytes) -> None:
    try:
        with write_beside(path) as file:
            file.write(content)
    except OSError as error:
        raise UsageError(
            f"{path.parent} cannot be written ({error.strerror}); give the same command again to "
            "continue once that is solved."
        ) from None


def rows_of(folder: Path, numbers: set[int]) -> int:
    """Return how many photos these chunks had, from the ends of their files."""
    files = [str(folder / f"part-{number:05d}.parquet") for number in sorted(numbers)]
    return ds.dataset(files, SCHEMA, format="parquet").count_rows() if files else 0


def summarize(folder: Path, subject: str = DOG) -> Summary:
    """Count what a whole output contains, in the memory of a few files."""
    photos, rejected, errors, breeds = 0, 0, Counter[str](), Counter[str]()
    files = [str(path) for path in sorted(folder.glob("part-*.parquet"))]
    answers = ds.dataset(files, SCHEMA, format="parquet")
    columns = {
        "error": ds.field("error"),
        "dog": ds.field("looks_like_dog"),
        "first": pc.list_element(ds.field("labels"), 0),
    }
    for batch in answers.to_batches(columns=columns, batch_readahead=1, fragment_readahead=1):
        photos += len(batch)
        rejected += pc.sum(pc.invert(batch["dog"])).as_py() or 0
        _add(errors, batch["error"])
        _add(breeds, batch["first"].filter(batch["dog"]))
    return Summary(photos, rejected, errors, breeds, subject)


def _add(counter: Counter[str], values: pa.Array) -> None:
    for pair in pc.value_counts(values.drop_null()).to_pylist():
        counter[pair["values"]] += pair["counts"]
