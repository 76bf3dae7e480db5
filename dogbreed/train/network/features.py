"""Backbone features of photos: computed once, cached on disk, resumable after a kill.

    CACHE/features/<photos>-<backbone>-<size>-<resize>-<boundary>-<precision>/<view>/00000.npy ...

A shard is written under another name and then renamed, so a shard that is there is whole. A photo
that cannot be decoded is a row of NaN. Shards are computed here, in order, or by workers, in any.
"""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
from tqdm.auto import tqdm

from dogbreed.bundle import write_beside
from dogbreed.train.data.photos import Photos
from dogbreed.train.disk import check_space, locked
from dogbreed.train.network.cached import Features
from dogbreed.train.network.frozen import BATCH_SIZE, FrozenPart, Wanted, boundary_output
from dogbreed.train.network.views import MIRROR, PLAIN

if TYPE_CHECKING:
    from dogbreed.train.network.workers import Workers

# Whole batches, so that a shard does not depend on which others are there.
SHARD_ROWS = 8 * BATCH_SIZE


class Extractor:
    """Puts photos through the frozen backbone, or reads what an earlier run has cached.

    Attributes:
        fingerprint: Of the weights of the backbone.
    """

    def __init__(
        self,
        backbone: keras.Model,
        fingerprint: str,
        *,
        resize: str,
        seed: int,
        cache_dir: Path,
        workers: "Workers | None" = None,
    ):
        """Set what all photos have in common.

        Args:
            backbone: Network from `build_backbone`.
            fingerprint: Of its weights, see `backbone.weights_fingerprint`.
            resize: How a photo becomes a square, see `dogbreed.images.prepare`.
            seed: Decides the random views, with the number of the photo and of the view.
            cache_dir: Folder of the cache.
            workers: Compute what is not in the cache; None for this process.
        """
        self.fingerprint = fingerprint
        self._frozen = FrozenPart(backbone, fingerprint, resize, seed)
        self._cache_dir, self._workers = cache_dir, workers

    def extract(
        self,
        photos: Photos,
        fingerprint: str,
        view: str,
        boundaries: Sequence[str] = ("avg_pool",),
        precision: str = "float32",
    ) -> dict[str, Features]:
        """Compute the features of all photos in one view, as far as they are not cached.

        Args:
            photos: The photos of one split.
            fingerprint: Of the photos, see `Photos.fingerprint`.
            view: Name of a view, see `views`.
            boundaries: Some of `BOUNDARIES`; one pass through the network gives all.
            precision: What the network computes in, `float32` or `bfloat16`.

        Returns:
            For each boundary the float16 features in the order of the photos.
        """
        frozen = self._frozen
        key = f"{fingerprint[:16]}-{self.fingerprint[:16]}-{frozen.size}-{frozen.resize}"
        name = view if view in (PLAIN, MIRROR) else f"{view}-seed{frozen.seed}"
        count = -(-len(photos) // SHARD_ROWS)
        folders = {
            boundary: self._cache_dir / "features" / f"{key}-{boundary}-{precision}" / name
            for boundary in boundaries
        }
        shards = {
            boundary: [folder / f"{number:05d}.npy" for number in range(count)]
            for boundary, folder in folders.items()
        }
        with contextlib.ExitStack() as stack:
            for folder in folders.values():
                stack.enter_context(locked(folder))
            missing = [
                number
                for number in range(count)
                if not all(paths[number].exists() for paths in shards.values())
            ]
            if missing:
                self._check_space(len(missing) * SHARD_ROWS, boundaries)
                wanted = Wanted(view, tuple(boundaries), precision)
                self._compute_shards(photos, shards, missing, wanted)
        return {
            boundary: Features(paths, f"{folders[boundary].parent.name}/{name}")
            for boundary, paths in shards.items()
        }

    def _check_space(self, photos: int, boundaries: Sequence[str]) -> None:
        """Refuse to compute what does not fit on the disk."""
        values = sum(
            math.prod(size for size in boundary_output(self._frozen.backbone, name).shape if size)
            for name in boundaries
        )
        check_space(self._cache_dir, 2 * values * photos, "The features of these photos")

    def _compute_shards(
        self,
        photos: Photos,
        shards: dict[str, list[Path]],
        missing: list[int],
        wanted: Wanted,
    ) -> None:
        rows = {
            number: range(number * SHARD_ROWS, min((number + 1) * SHARD_ROWS, len(photos)))
            for number in missing
        }
        if self._workers is None:
            computed = self._compute_here(photos, rows, wanted)
        else:
            computed = self._workers.compute_shards(self._frozen, photos, rows, wanted)
        progress = tqdm(
            total=len(photos),
            initial=len(photos) - sum(map(len, rows.values())),
            desc=f"Features of {photos.split}, {wanted.view}",
            unit="photo",
            smoothing=0.05,
        )
        parts: dict[int, list[list[np.ndarray]]] = {}
        with progress as bar:
            for number, features in computed:
                parts.setdefault(number, []).append(features)
                bar.update(len(features[0]))
                if sum(len(part[0]) for part in parts[number]) == len(rows[number]):
                    whole = map(np.concatenate, zip(*parts.pop(number), strict=True))
                    for paths, array in zip(shards.values(), whole, strict=True):
                        _write_shard(paths[number], array)

    def _compute_here(
        self, photos: Photos, rows: Mapping[int, range], wanted: Wanted
    ) -> Iterator[tuple[int, list[np.ndarray]]]:
        """Yield the features of some rows of a shard at a time, with its number."""
        encoded = ((row, photos.encoded(row)) for shard in rows.values() for row in shard)
        # What the network computes in is set back when it ends, also after an error.
        with contextlib.closing(self._frozen.batches(encoded, wanted)) as batches:
            for number, shard in rows.items():
                taken = 0
                while taken < len(shard):
                    features = next(batches)
                    taken += len(features[0])
                    yield number, features


def _write_shard(path: Path, features: np.ndarray) -> None:
    if not path.exists():
        with write_beside(path) as file:
            np.save(file, features)
