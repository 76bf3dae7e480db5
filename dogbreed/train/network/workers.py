"""The workers of a Ray cluster compute the features of shards, and what a network answers.

A task is a shard, or some photos to answer. This process reads their files and sends them, and the
worker sends features or answers back, so only this machine needs the photos, the cache and the
bundle. A worker builds each network once, from what each machine gets once.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice

import numpy as np
import tensorflow as tf

from dogbreed.bulk.engine import run_tasks, share, workers
from dogbreed.bundle import Bundle, sha256
from dogbreed.errors import InvalidImageError, UsageError
from dogbreed.images.sources import read_bytes
from dogbreed.train.data.photos import Photos
from dogbreed.train.network.backbone import build_backbone
from dogbreed.train.network.frozen import FrozenPart, Wanted, best_precision
from dogbreed.train.network.served import Ask, NetworkCopy, Served, Shown, answer_photos

# Photos that a worker answers at a time, in about a second.
ANSWERED = 32


@dataclass(frozen=True)
class Parts:
    """What a worker builds a `FrozenPart` from; equal if it computes the same."""

    fingerprint: str
    size: int
    resize: str
    seed: int
    weights: list[np.ndarray] = field(compare=False)


@contextmanager
def joined(address: str) -> Iterator["Workers"]:
    """Join a cluster, or start Ray on this machine, for the time of the block.

    Args:
        address: As `bulk.engine.workers` takes it.

    Raises:
        UsageError: There is no such cluster, or it cannot be joined.
    """
    with workers(address, None) as count:
        yield Workers(count)


class Workers:
    """Those of the cluster that was joined."""

    def __init__(self, count: int):
        """Set how many of them work at once."""
        self._count = count
        self._shared: dict[FrozenPart, object] = {}

    def compute_shards(
        self, frozen: FrozenPart, photos: Photos, rows: Mapping[int, range], wanted: Wanted
    ) -> Iterator[tuple[int, list[np.ndarray]]]:
        """Compute the features of shards, each by one worker on one core.

        Args:
            frozen: The network.
            photos: The photos of one split.
            rows: For the number of each shard its rows.
            wanted: What is computed of them.

        Yields:
            The number and the features of each shard, as they are done; see `FrozenPart.batches`.

        Raises:
            UsageError: A machine of the cluster cannot compute the same, or cannot compute at all.
        """
        if frozen not in self._shared:
            weights = frozen.backbone.get_weights()
            self._shared[frozen] = share(
                Parts(frozen.fingerprint, frozen.size, frozen.resize, frozen.seed, weights)
            )
        parts = self._shared[frozen]
        tasks = (
            (str(number), (parts, wanted, shard, [_file(photos.encoded(row)) for row in shard]))
            for number, shard in rows.items()
        )
        for number, features in run_tasks(compute_shard, tasks, self._count):
            yield int(number), features

    def open(self, bundle: Bundle) -> Ask:
        """Let the network of a bundle answer on the workers, on one core each."""
        file = np.fromfile(bundle.network, np.uint8)
        copy = share(NetworkCopy(sha256(bundle.network), bundle.config, file))
        return partial(self._answer, copy)

    def _answer(self, copy: object, photos: Iterable[Shown]) -> Iterator[Served]:
        photos = iter(photos)
        batches = iter(lambda: list(islice(photos, ANSWERED)), [])
        tasks = (
            (str(number), (copy, [(_file(file), view, seed) for file, view, seed in batch]))
            for number, batch in enumerate(batches)
        )
        # Answers that came before their turn.
        early, turn = dict[int, list[Served]](), 0
        # A worker that is done finds the next task waiting.
        for number, answers in run_tasks(answer_photos, tasks, 2 * self._count):
            early[int(number)] = answers
            while turn in early:
                yield from early.pop(turn)
                turn += 1


def _file(photo: bytes | str) -> np.ndarray:
    """The bytes of a photo; workers read them where Ray has stored them, without a copy."""
    try:
        return np.frombuffer(read_bytes(photo), np.uint8)
    except InvalidImageError:
        # Nor can nothing be decoded.
        return np.empty(0, np.uint8)


def compute_shard(
    parts: Parts, wanted: Wanted, rows: Sequence[int], files: list[np.ndarray]
) -> list[np.ndarray]:
    """Compute the features of one shard; this is what a worker does.

    Returns:
        The float16 features at each boundary.

    Raises:
        UsageError: This machine has not the processor for it.
    """
    if wanted.precision == "bfloat16" != best_precision():
        raise UsageError(
            f"The machine {os.uname().nodename} cannot compute in bfloat16, but the one where the "
            "command runs can; use machines with the same kind of processor."
        )
    photos = ((row, file.tobytes()) for row, file in zip(rows, files, strict=True))
    batches = zip(*_frozen_part(parts).batches(photos, wanted), strict=True)
    return [np.concatenate(batch) for batch in batches]


@lru_cache(maxsize=1)
def _frozen_part(parts: Parts) -> FrozenPart:
    """Build the network once in each worker, for one core."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    backbone = build_backbone(None, parts.size)
    backbone.set_weights(parts.weights)
    return FrozenPart(backbone, parts.fingerprint, parts.resize, parts.seed)
