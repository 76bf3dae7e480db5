"""How training's time and peak memory grow with the number of photos and the size of a batch.

    python -m benchmarks.scaling
    python -m benchmarks.scaling --photos 1000 10000 --output scaling.json

Each case runs in a process of its own, so that its peak memory is its own. The product's code is
what runs, in what `train.py` would compute in; photos and features are drawn at random and the
network is untrained, since neither changes the speed. Needs no dataset.
"""

import argparse
import dataclasses
import io
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmarks.results import publish

# TensorFlow is imported by the cases alone: Linux counts the memory of the process that starts
# another one into the other's peak.

CLASSES = 120
CHANNELS = 2048
EPOCHS = 8
# Photos that are not counted: the first ones of a call come with its start.
FIRST = 64
PHOTO_SIZE = (500, 375)
# A shard of the cache is 256 photos, so the last case writes several.
FEATURE_CASES = [(192, 1), (192, 8), (192, 32), (192, 64), (768, 32)]


def main() -> None:
    """Run all cases and publish what they took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, nargs="+", default=[1000, 5000, 10000])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 256, 1024])
    parser.add_argument("--views", type=int, default=4, help="of each photo, for the head")
    parser.add_argument("--output", type=Path, default=Path("scaling.json"))
    options = parser.parse_args()
    middle = options.batch_sizes[len(options.batch_sizes) // 2]
    sizes = [(count, middle) for count in sorted(options.photos)]
    sizes += [(max(options.photos), size) for size in options.batch_sizes if size != middle]
    cases = [(head_case, count, size, options.views) for count, size in sizes]
    cases += [(features_case, count, size, 1) for count, size in FEATURE_CASES]
    rows = [run_alone(*case) for case in tqdm(cases, unit="case")]

    per_photo = {(row["part"], row["photos"], row["batch size"]): row["ms a photo"] for row in rows}
    few, many = min(options.photos), max(options.photos)
    head = per_photo["head, an epoch", many, middle] / per_photo["head, an epoch", few, middle]
    shards = per_photo["features, a view", 768, 32] / per_photo["features, a view", 192, 32]
    publish(
        options.output,
        "Training's parts, each case in a process of its own",
        rows,
        **{
            f"head_time_a_photo_with_{many}_over_{few}_photos": round(head, 3),
            "features_time_a_photo_with_768_over_192_photos": round(shards, 3),
        },
        how=(
            f"seconds are those of one epoch (of {EPOCHS}, with validation and what is kept "
            "on disk after each) or of one view of all photos; the start is in `start, s`"
        ),
    )


def run_alone(case, photos: int, batch_size: int, views: int) -> dict:
    """One case in a new process; its row of the table."""
    # The bars of the cases would write over the one of this process.
    os.environ["TQDM_DISABLE"] = "1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(measured, case, photos, batch_size, views).result()


def measured(case, photos: int, batch_size: int, views: int) -> dict:
    """What a case took, with the memory of this process, which runs nothing else."""
    import tensorflow as tf

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
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def head_case(folder: Path, photos: int, batch_size: int, views: int) -> tuple[str, float, float]:
    """Fit the head on cached features of random numbers, a quarter of the photos for validation.

    Returns:
        What was measured, seconds until the first epoch begins, seconds of an epoch.
    """
    from dogbreed.train import stages
    from dogbreed.train.backbone import build_backbone, classifier_network
    from dogbreed.train.features import Features
    from dogbreed.train.options import Options

    stages.HEAD_BATCH = batch_size
    cached = [Features(write_shards(folder / str(view), photos, view)) for view in range(views)]
    classifier = classifier_network(build_backbone(None), CLASSES)
    rows = np.arange(photos)
    labels = rows % CLASSES
    held_out = rows[rows // CLASSES % 4 == 0]
    # One fit of the search, which no early stopping ends.
    options = Options(
        folder, learning_rate=[1e-4], l2=[0.0], final_fit=False, epochs=1, patience=EPOCHS + 1
    )

    def fit(epochs: int) -> float:
        started = time.perf_counter()
        stages.fit_stages(
            classifier,
            {"avg_pool": cached},
            labels,
            np.setdiff1d(rows, held_out),
            held_out,
            dataclasses.replace(options, epochs=epochs),
            folder / f"fit{epochs}",
        )
        return time.perf_counter() - started

    one, several = fit(1), fit(1 + EPOCHS)
    seconds = (several - one) / EPOCHS
    return "head, an epoch", one - seconds, seconds


def write_shards(folder: Path, photos: int, seed: int) -> list[Path]:
    """Random float16 features in files like those of the cache; the files."""
    from dogbreed.train.features import SHARD_ROWS

    folder.mkdir()
    rng = np.random.default_rng(seed)
    paths = []
    for begin in range(0, photos, SHARD_ROWS):
        # Pooled features lie mostly between 0 and 1.
        shape = (min(SHARD_ROWS, photos - begin), CHANNELS)
        paths.append(folder / f"{begin // SHARD_ROWS:05d}.npy")
        np.save(paths[-1], rng.random(shape, np.float32).astype(np.float16))
    return paths


def features_case(
    folder: Path, photos: int, batch_size: int, views: int
) -> tuple[str, float, float]:
    """Extract the features of random photos, plain view.

    Returns:
        What was measured, seconds of a call beyond its photos, seconds of the photos.
    """
    from dogbreed.train.precision import best_precision

    from dogbreed.train import features
    from dogbreed.train.backbone import build_backbone
    from dogbreed.train.options import Options

    features.BATCH_SIZE = batch_size
    backbone = build_backbone(None)
    drawn = draw_photos(FIRST + photos)

    def extract(count: int) -> float:
        started = time.perf_counter()
        features.extract_features(
            backbone,
            "untrained",
            drawn.select(range(count)),
            f"first {count}",
            "plain",
            resize=Options.resize,
            seed=Options.seed,
            cache_dir=folder,
            precision=best_precision(),
        )
        return time.perf_counter() - started

    few, all_of_them = extract(FIRST), extract(FIRST + photos)
    # The start is in both.
    seconds = all_of_them - few
    return "features, a view", few - seconds * FIRST / photos, seconds


def draw_photos(count: int):
    """`Photos` of smooth noise, encoded as JPEG."""
    import datasets

    from dogbreed.train.photos import Photos

    rng = np.random.default_rng(0)
    cells = []
    for _ in range(count):
        small = Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8))
        file = io.BytesIO()
        small.resize(PHOTO_SIZE, Image.Resampling.BICUBIC).save(file, "JPEG")
        cells.append({"bytes": file.getvalue(), "path": None})
    kind = datasets.Features({"image": datasets.Image(decode=False)})
    rows = datasets.Dataset.from_dict({"image": cells}, kind)
    return Photos(rows, "image", np.zeros(count, np.int64), ("photo",), "drawn")


if __name__ == "__main__":
    main()
