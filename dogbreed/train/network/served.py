"""The exported network: from files of photos to answers, in this process or as a worker of Ray."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dogbreed.bundle import Bundle
from dogbreed.engines.litert import Answer
from dogbreed.errors import InvalidImageError
from dogbreed.runtime import Network
from dogbreed.train.network.views import draw_view

# A photo as the network is shown it: its file, the view, and the numbers that decide the view; see
# `draw_view`.
Shown = tuple[bytes | str, str, tuple[int, int]]
# The answer to it: float64 logits of shape (num_classes,), and float32 pooled features of shape
# (1, channels), None if the network does not give them; None for a photo that cannot be decoded.
Served = tuple[np.ndarray, np.ndarray | None] | None
# Answers photos in their order.
Ask = Callable[[Iterable[Shown]], Iterator[Served]]
# Lets the network of a bundle answer.
Open = Callable[[Bundle], Ask]


def open_here(bundle: Bundle) -> Ask:
    """Let the network of a bundle answer in this process, on all cores."""
    return partial(answer_each, Network(bundle), bundle.config)


def answer_each(network: Network, config: dict, photos: Iterable[Shown]) -> Iterator[Served]:
    """Yield the answer to each photo; they are taken a few ahead of what is being answered.

    Args:
        network: The network.
        config: Of its bundle.
        photos: The photos.
    """
    size, resize = config["image_size"], config["preprocessing"]["resize"]
    waiting: deque[Future[Answer]] = deque()
    for file, view, seed in photos:
        if len(waiting) == network.window:
            yield _served(waiting.popleft())
        waiting.append(network.submit(partial(draw_view, file, view, size, resize, seed)))
    while waiting:
        yield _served(waiting.popleft())


def _served(future: Future[Answer]) -> Served:
    try:
        evidence_map, features = future.result()
    except InvalidImageError:
        return None
    return evidence_map.mean(axis=(0, 1), dtype=np.float64), features


@dataclass(frozen=True)
class NetworkCopy:
    """What a worker opens a network from; equal if it answers the same.

    Attributes:
        fingerprint: Hash of its file.
        config: Of its bundle.
        file: uint8 array, the bytes of its file.
    """

    fingerprint: str
    config: dict = field(compare=False)
    file: np.ndarray = field(compare=False)


def answer_photos(
    copy: NetworkCopy, photos: Sequence[tuple[np.ndarray, str, tuple[int, int]]]
) -> list[Served]:
    """Answer some photos on one core; this is what a worker does.

    Args:
        copy: The network.
        photos: As `Shown`, with the bytes of each file as uint8 array.
    """
    shown = ((file.tobytes(), view, seed) for file, view, seed in photos)
    return list(answer_each(_network(copy), copy.config, shown))


@lru_cache(maxsize=1)
def _network(copy: NetworkCopy) -> Network:
    """Load the network once in each worker, for one core."""
    # There is a worker for each core. This is what `Network` asks for their number.
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    # A worker may be killed, and would leave a file that it keeps. With one core, a network is
    # started only here, and what is started has the file open.
    with TemporaryDirectory() as folder:
        bundle = Bundle(Path(folder), copy.config)
        copy.file.tofile(bundle.network)
        return Network(bundle)
