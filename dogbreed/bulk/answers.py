"""The answers to the photos of a chunk as a Parquet file; this is what a worker does."""

import io
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dogbreed.bulk.pieces import Chunk, in_batches
from dogbreed.bulk.reading import Encoded, photos_of
from dogbreed.bulk.schema import SCHEMA
from dogbreed.bundle import CONFIG, Bundle, sha256
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import BundleError, InvalidImageError
from dogbreed.prediction import Prediction

_ROWS_AT_ONCE = 1024
_NONE = dict.fromkeys(SCHEMA.names)


@dataclass(frozen=True)
class Questions:
    """What all chunks of a job have in common.

    Attributes:
        address: Of the source, see `Listing`.
        model: Folder of a bundle, or `user/name@commit`.
        fingerprint: Of that bundle.
        top_k: Labels for each photo.
        engine: See `DogBreedClassifier.from_pretrained`.
    """

    address: str
    model: str
    fingerprint: str
    top_k: int
    engine: str | None = None


def fingerprint(bundle: Bundle) -> str:
    """Hash a bundle: its config states the hash of every other file."""
    return sha256(bundle.path / CONFIG)


def answer_chunk(questions: Questions, chunk: Chunk) -> tuple[int, bytes]:
    """Answer all photos of a chunk on one core.

    Returns:
        How many photos there were, and a Parquet file with a row for each of them.

    Raises:
        DogBreedError: This machine has not the source, or not the same model.
    """
    classifier = _classifier(questions.model, questions.fingerprint, questions.engine)
    rows = _rows(classifier, photos_of(questions.address, chunk), questions.top_k)
    file, count = io.BytesIO(), 0
    with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for some in in_batches(rows, _ROWS_AT_ONCE):
            writer.write_table(pa.Table.from_pylist(some, SCHEMA))
            count += len(some)
    return count, file.getvalue()


@lru_cache(maxsize=1)
def _classifier(model: str, expected: str, engine: str | None) -> DogBreedClassifier:
    """Load the model once in each worker, for one core."""
    # There is a worker for each core. This is what `Network` asks for their number.
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    classifier = DogBreedClassifier.from_pretrained(model, engine=engine)
    if fingerprint(classifier.bundle) != expected:
        raise BundleError(
            f"The machine {os.uname().nodename} has another model at {model}; give all machines "
            "the same one, or name one on the Hub."
        )
    return classifier


def _rows(
    classifier: DogBreedClassifier, photos: Iterator[tuple[str, Encoded]], top_k: int
) -> Iterator[dict[str, Any]]:
    """Yield a row for each photo, in their order."""
    # Photos that were handed over, and among them those that there was nothing to hand over of.
    waiting = deque[tuple[str, str | None]]()

    def readable() -> Iterator[bytes]:
        for name, data in photos:
            waiting.append((name, data if isinstance(data, str) else None))
            if not isinstance(data, str):
                yield data

    def refused() -> Iterator[dict[str, Any]]:
        while waiting and waiting[0][1] is not None:
            name, why = waiting.popleft()
            yield {**_NONE, "path": name, "error": why}

    for answer in classifier.predict_each(readable(), top_k):
        yield from refused()
        name, _ = waiting.popleft()
        yield _row(name, answer)
    yield from refused()


def _row(name: str, answer: Prediction | InvalidImageError) -> dict[str, Any]:
    if isinstance(answer, InvalidImageError):
        return {**_NONE, "path": name, "error": str(answer)}
    return {
        "path": name,
        "labels": answer.labels,
        "probabilities": answer.probabilities,
        "is_dog": answer.is_dog,
        "looks_like_dog": answer.looks_like_dog,
        "prediction_set": answer.prediction_set,
        "note": answer.note,
        "error": None,
    }
