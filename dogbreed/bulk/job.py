"""A bulk job from the list of its photos to the summary, in order."""

import sys
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from dogbreed.bulk.answers import Questions, answer_chunk, fingerprint
from dogbreed.bulk.chunks import cut
from dogbreed.bulk.engine import run_tasks, workers
from dogbreed.bulk.output import Manifest, Summary, opened, rows_of, summarize, write_part
from dogbreed.bulk.pieces import Chunk
from dogbreed.bulk.sources import list_source
from dogbreed.hub import load_bundle


@dataclass(frozen=True)
class BulkOptions:
    """What `dogbreed bulk` takes; its `--help` says what each is for."""

    source: str
    output: Path
    model: str | None = None
    engine: str | None = None
    top_k: int = 3
    image_column: str | None = None
    ray: str | None = None
    workers: int | None = None
    batch_size: int | None = None


def run(options: BulkOptions) -> Summary:
    """Answer all photos of a source; a job that was killed continues where it was.

    Raises:
        DogBreedError: Source, model, output or cluster cannot be used.
    """
    bundle = load_bundle(options.model)
    listing = list_source(options.source)
    chunks = cut(listing, options.batch_size, options.image_column)
    manifest = Manifest(
        source=listing.address,
        listing=listing.fingerprint,
        model=fingerprint(bundle),
        top_k=options.top_k,
        image_column=options.image_column,
        batch_size=options.batch_size,
    )
    # The workers load the commit that was checked here.
    model = f"{bundle.repo_id}@{bundle.commit}" if bundle.repo_id else str(bundle.path.resolve())
    questions = Questions(listing.address, model, manifest.model, options.top_k, options.engine)
    with opened(options.output, manifest) as done:
        todo = [chunk for chunk in chunks if chunk.number not in done]
        if todo:
            _answer(questions, todo, done, options)
        return summarize(options.output, bundle.subject)


def _answer(questions: Questions, todo: list[Chunk], done: set[int], options: BulkOptions) -> None:
    """Answer what is left to do, and show how far it is."""
    before, photos = rows_of(options.output, done), 0
    tasks = ((str(chunk.number), (questions, chunk)) for chunk in todo)
    with workers(options.ray, options.workers) as count, _bar(before) as bar:
        # Without the start of Ray.
        bar.unpause()
        sizes = {str(chunk.number): chunk.photos for chunk in todo}
        # A worker that is done finds the next chunk waiting.
        answered = run_tasks(answer_chunk, tasks, 2 * count)
        for finished, (name, (found, part)) in enumerate(answered, 1):
            write_part(options.output, int(name), part)
            photos += found
            del sizes[name]
            # Files of which it is not known count like those that were answered.
            left = sum(photos / finished if n is None else n for n in sizes.values())
            bar.total = before + photos + round(left)
            bar.update(found)


def _bar(before: int) -> tqdm:
    """Photos a second and the time left; in a log a line a minute."""
    seldom = 0.2 if sys.stderr.isatty() else 60
    return tqdm(unit="photo", initial=before, mininterval=seldom, maxinterval=seldom)
