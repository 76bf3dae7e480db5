"""How training's time and peak memory grow with the number of photos and the size of a batch.

    python -m benchmarks.scaling
    python -m benchmarks.scaling --photos 1000 10000 --output scaling.json

Each case runs in a process of its own, so that its peak memory is its own. The project's code is
what runs, in the precision that `train.py` would choose; photos and features are drawn at random
and the network is untrained, since neither changes the speed. Needs no dataset.
"""

import dataclasses
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import datasets
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from benchmarks.jpeg import draw_photo
from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import peak_megabytes, timed
from dogbreed.train.data.photos import Photos
from dogbreed.train.network import features, fit, frozen
from dogbreed.train.network.backbone import build_backbone, classifier_network
from dogbreed.train.options import Options

CLASSES = 120
CHANNELS = 2048
EPOCHS = 8
# Photos that are not counted: the first ones of a call include its start.
FIRST = 64
PHOTO_SIZE = (500, 375)
# Photos and batch size. A shard of the cache is 256 photos, so the last case writes several.
FEATURE_CASES = [(192, 1), (192, 8), (192, 32), (192, 64), (768, 32)]

# From a folder, the number of photos, the batch size and the number of views to what was measured,
# the seconds of a start and the seconds of the rest.
Case = Callable[[Path, int, int, int], tuple[str, float, float]]


def main() -> None:
    """Run all cases, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "scaling.json")
    parser.add_argument("--photos", type=int, nargs="+", default=[1000, 5000, 10000])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 256, 1024])
    parser.add_argument("--views", type=int, default=4, help="of each photo, for the head")
    options = parser.parse_args()
    middle = options.batch_sizes[len(options.batch_sizes) // 2]
    sizes = [(count, middle) for count in sorted(options.photos)]
    sizes += [(max(options.photos), size) for size in options.batch_sizes if size != middle]
    cases: list[tuple[Case, int, int, int]] = [
        *((head_case, count, size, options.views) for count, size in sizes),
        *((features_case, count, size, 1) for count, size in FEATURE_CASES),
    ]
    rows = [run_alone(*case) for case in tqdm(cases, unit="case")]

    per_photo = {(row["part"], row["photos"], row["batch size"]): row["ms a photo"] for row in rows}
    few, many = min(options.photos), max(options.photos)
    head = per_photo["head, an epoch", many, middle] / per_photo["head, an epoch", few, middle]
    shards = per_photo["features, a view", 768, 32] / per_photo["features, a view", 192, 32]
    publish(
        options.output,
        "The parts of training, each case in a process of its own",
        rows,
        **{
            f"head_time_a_photo_with_{many}_over_{few}_photos": round(head, 3),
            "features_time_a_photo_with_768_over_192_photos": round(shards, 3),
        },
        how=(
            f"seconds are those of one epoch (of {EPOCHS}, with validation and what is saved after "
            "each) or of one view of all photos; the start is in `start, s`"
        ),
    )


def run_alone(case: Case, photos: int, batch_size: int, views: int) -> dict:
    """Run one case in a new process; its row of the table."""
    # The bars of the cases would overwrite the one of this process.
    os.environ["TQDM_DISABLE"] = "1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(measured, case, photos, batch_size, views).result()


def measured(case: Case, photos: int, batch_size: int, views: int) -> dict:
    """What a case took, with the memory of this process, which runs nothing else."""
    # As train.py has it.
    tf.config.experimental.enable_op_determinism()
    with tempfile.TemporaryDirectory() as folder:
        part, start, seconds = case(Path(folder), photos, batch_size, views)
    return {
        "part": part,
        "photos": photos,
        "views": views,
        "batch size": batch_size,
        "start, s": start,
        "seconds": seconds,
        "ms a photo": 1000 * seconds / photos,
        "peak MB": peak_megabytes(),
    }


def head_case(folder: Path, photos: int, batch_size: int, views: int) -> tuple[str, float, float]:
    """Fit the head on cached features of random numbers, a quarter of the photos for validation.

    Returns:
        What was measured, seconds until the first epoch begins, seconds of an epoch.
    """
    fit.HEAD_BATCH = batch_size
    cached = [write_features(folder / str(view), photos, view) for view in range(views)]
    classifier = classifier_network(build_backbone(None), CLASSES)
    rows = np.arange(photos)
    labels = rows % CLASSES
    held_out = rows[rows // CLASSES % 4 == 0]
    # One fit of the search, which no early stopping ends.
    options = Options(
        folder, learning_rate=[1e-4], l2=[0.0], final_fit=False, epochs=1, patience=EPOCHS + 1
    )

    def fit_for(epochs: int) -> float:
        return timed(
            lambda: fit.fit_head(
                classifier,
                cached,
                labels,
                (np.setdiff1d(rows, held_out), held_out),
                dataclasses.replace(options, epochs=epochs),
                groups=np.arange(len(labels)),
                folder=folder / "fits",
            )
        )[0]

    one, several = fit_for(1), fit_for(1 + EPOCHS)
    seconds = (several - one) / EPOCHS
    return "head, an epoch", one - seconds, seconds


def write_features(folder: Path, photos: int, seed: int) -> features.Features:
    """Random float16 features, in files like those of the cache."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    paths = []
    for begin in range(0, photos, features.SHARD_ROWS):
        # Pooled features lie mostly between 0 and 1.
        shape = (min(features.SHARD_ROWS, photos - begin), CHANNELS)
        paths.append(folder / f"{begin // features.SHARD_ROWS:05d}.npy")
        np.save(paths[-1], rng.random(shape, np.float32).astype(np.float16))
    return features.Features(paths, folder.name)


def features_case(
    folder: Path, photos: int, batch_size: int, views: int
) -> tuple[str, float, float]:
    """Extract the features of random photos, plain view.

    Returns:
        What was measured, seconds of a call beyond its photos, seconds of the photos.
    """
    frozen.BATCH_SIZE = batch_size
    extractor = features.Extractor(
        build_backbone(None),
        "untrained",
        resize=Options.resize,
        seed=Options.seed,
        cache_dir=folder,
    )
    drawn = draw_photos(FIRST + photos)

    def extract(count: int) -> float:
        some, precision = drawn.select(np.arange(count)), frozen.best_precision()
        return timed(
            lambda: extractor.extract(some, f"first {count}", "plain", precision=precision)
        )[0]

    few, all_of_them = extract(FIRST), extract(FIRST + photos)
    # The start is in both.
    seconds = all_of_them - few
    return "features, a view", few - seconds * FIRST / photos, seconds


def draw_photos(count: int) -> Photos:
    """Photos of random colors, encoded as JPEG."""
    cells = [{"bytes": draw_photo(PHOTO_SIZE, seed), "path": None} for seed in range(count)]
    kind = datasets.Features({"image": datasets.Image(decode=False)})
    rows = datasets.Dataset.from_dict({"image": cells}, kind)
    return Photos(rows, "image", np.zeros(count, np.int64), ("photo",), "drawn")


if __name__ == "__main__":
    main()
