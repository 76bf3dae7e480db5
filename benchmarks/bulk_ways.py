"""Answering many files on all cores: through `dogbreed bulk`, and by processes with one core each.

Both are set up before they are measured, so that the start of Ray and of the processes is apart.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dogbreed.bulk.answers import Questions, answer_chunk, fingerprint
from dogbreed.bulk.chunks import cut
from dogbreed.bulk.engine import run_tasks, workers
from dogbreed.bulk.output import write_part
from dogbreed.bulk.sources import list_source
from dogbreed.bundle import read_bundle
from dogbreed.classifier import DogBreedClassifier

# Answers all photos; the number of them.
AnswerAll = Callable[[], int]
_TRIALS = 8
_ONE_CORE = {"LOKY_MAX_CPU_COUNT": "1", "OMP_NUM_THREADS": "1"}


def write_copies(folder: Path, photos: list[bytes], count: int) -> Path:
    """Write this many files, the photos in turns."""
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:07d}.jpg").write_bytes(photos[number % len(photos)])
    return folder


@contextmanager
def through_bulk(folder: Path, model: Path, cores: int) -> Iterator[AnswerAll]:
    """Yield what answers a folder by the parts that `dogbreed bulk` is made of."""
    listing = list_source(str(folder))
    chunks = cut(listing, None, None)
    known = fingerprint(read_bundle(model))
    questions = Questions(listing.address, str(model.resolve()), known, 3)
    tasks = [(str(chunk.number), (questions, chunk)) for chunk in chunks]
    with workers(None, cores) as count, tempfile.TemporaryDirectory() as output:

        def answer_all() -> int:
            photos = 0
            for name, (found, part) in run_tasks(answer_chunk, tasks, 2 * count):
                write_part(Path(output), int(name), part)
                photos += found
            return photos

        # Every worker loads the model.
        list(run_tasks(answer_chunk, tasks[: 2 * count], count))
        yield answer_all


@contextmanager
def by_plain_processes(folder: Path, model: Path, cores: int) -> Iterator[AnswerAll]:
    """Yield what answers a folder in processes that share nothing, each with one core."""
    before = {name: os.environ.get(name) for name in _ONE_CORE}
    os.environ.update(_ONE_CORE)
    files = sorted(map(str, folder.iterdir()))
    shares = [files[number::cores] for number in range(cores)]
    try:
        with multiprocessing.get_context("spawn").Pool(cores, _load, [model]) as pool:
            list(pool.imap_unordered(_answer, [files[:_TRIALS]] * cores, chunksize=1))
            yield lambda: sum(pool.imap_unordered(_answer, shares, chunksize=1))
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _load(model: Path) -> None:
    global _classifier
    _classifier = DogBreedClassifier.from_pretrained(model)


def _answer(files: list[str]) -> int:
    return sum(1 for _ in _classifier.predict_each(files))
