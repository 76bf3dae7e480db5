"""What can be refused before hours of work: options, folders, and data with too few photos."""

import math
import os
import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from dogbreed.bundle import CONFIG, MOST_EXAMPLES
from dogbreed.errors import DatasetError, InvalidImageError, UsageError
from dogbreed.images import prepare
from dogbreed.train.data.cuts import cut_validation, learned_from, measured_on
from dogbreed.train.data.load import TrainingData
from dogbreed.train.data.photos import Photos
from dogbreed.train.disk import check_space
from dogbreed.train.network.backbone import MIN_IMAGE_SIZE
from dogbreed.train.options import IMAGENET, Options
from dogbreed.train.trust.rejection import MIN_NEGATIVES

MAX_IMAGE_SIZE = 1024
# NumPy's and TensorFlow's seeds are smaller.
_MAX_SEED = 2**32 - 1
# A bundle has about 120 MB, and the one that it replaces stays until it is complete.
_BUNDLE_BYTES = 300_000_000


def check_options(options: Options) -> None:
    """Refuse options that cannot work, and folders that cannot be written.

    Raises:
        UsageError: It says which, and what to do.
    """
    if options.recipe == "article" and options.train_from != "avg_pool":
        raise UsageError("--recipe article trains only the head; leave --train-from out.")
    if options.init_from and options.warm_start:
        raise UsageError("--init-from and --warm-start both set the head; give one of them.")
    for option, value, low, high in (
        ("--seed", options.seed, 0, _MAX_SEED),
        ("--image-size", options.image_size, MIN_IMAGE_SIZE, MAX_IMAGE_SIZE),
        ("--augment-views", options.augment_views, 0, 100),
        ("--examples", options.examples, 0, MOST_EXAMPLES),
    ):
        if not low <= value <= high:
            raise UsageError(f"{option} must be from {low:,} to {high:,}, not {value:,}.")
    for option, values in (
        ("--learning-rate", options.learning_rate),
        ("--blocks-learning-rate", [options.blocks_learning_rate]),
    ):
        if not all(0 < value < math.inf for value in values):
            raise UsageError(f"{option} must be a number above 0.")
    if not all(0 <= value < math.inf for value in options.l2):
        raise UsageError("--l2 must be a number that is not below 0.")
    for option, source, kind in (
        ("--backbone-weights", options.backbone_weights, "without top"),
        ("--warm-start", options.warm_start, "with top"),
    ):
        if source not in (None, IMAGENET) and not Path(source).is_file():
            raise UsageError(
                f"There is no weights file {source}; give the path of InceptionV3 weights {kind}, "
                f"or `{option} {IMAGENET}` to download those of Keras."
            )
    if options.not_dogs_except and options.not_dogs is None:
        raise UsageError("--not-dogs-except goes with --not-dogs; name these photos.")
    if options.ray is not None and find_spec("ray") is None:
        raise UsageError("--ray needs ray; run `pip install -r requirements-bulk.txt`.")
    check_output(options.output)
    check_writable(options.cache_dir, "--cache-dir")


def check_output(output: Path) -> None:
    """Refuse an output folder that contains something other than a bundle or cannot be written.

    Args:
        output: The folder; if it is a symbolic link, what it points to.

    Raises:
        UsageError: It says why.
    """
    if output.exists() and not output.is_dir():
        raise UsageError(f"--output {output} is a file; name a folder.")
    here = Path.cwd().resolve()
    if output.resolve() in (here, *here.parents):
        raise UsageError(
            f"--output {output} is the current folder or contains it, and it would be replaced; "
            "name a new folder."
        )
    if output.is_dir() and any(output.iterdir()) and not (output / CONFIG).exists():
        raise UsageError(f"--output {output} contains other files; name a new or empty folder.")
    check_writable(output.resolve().parent, "--output", _BUNDLE_BYTES)


def check_data(data: TrainingData, negatives: Photos | None, options: Options) -> None:
    """Refuse data with too few photos for what is asked of it.

    Of each class only as many photos are decoded as it takes to see that it can be learned.

    Raises:
        DatasetError: It says which, and what to do.
    """
    _, validation = cut_validation(data.train.labels, options.validation_per_class, options.seed)
    if not len(validation):
        limit = ", or raise --limit-per-class" if options.limit_per_class else ""
        raise DatasetError(
            f"No class of {data.source} has three photos to train on, so none is left to validate "
            f"on; add photos{limit}."
        )
    _check_decodable(data)
    if negatives is None:
        return
    halves = len(learned_from(negatives)), len(measured_on(negatives))
    if min(halves) < MIN_NEGATIVES:
        raise DatasetError(
            f"--not-dogs has {halves[0]} photos to learn from and {halves[1]} to measure on, and "
            f"{MIN_NEGATIVES} of each are needed; add photos, or leave it out."
        )
    for rows in (learned_from(negatives), measured_on(negatives)):
        if _decodable(negatives, rows, MIN_NEGATIVES) < MIN_NEGATIVES:
            raise DatasetError(
                f"Fewer than {MIN_NEGATIVES} of {len(rows)} photos in one half of --not-dogs can "
                "be decoded; choose other photos, or leave it out."
            )


def _check_decodable(data: TrainingData) -> None:
    """Refuse data with a class to train of which no photo can be decoded, or no test photo can."""
    names = []
    for number in np.unique(data.train.labels):
        rows = np.flatnonzero(data.train.labels == number)
        if not _decodable(data.train, rows, 1):
            names.append(f"{data.train.label_names[number]} ({data.train.describe(rows[0])})")
    if names:
        classes = "this class" if len(names) == 1 else "these classes"
        raise DatasetError(
            f"No photo to train on can be decoded of {classes} of {data.source}: "
            f"{', '.join(names[:5])}{', …' if len(names) > 5 else ''}; replace the files, or leave "
            f"{classes} out."
        )
    if not _decodable(data.test, range(len(data.test)), 1):
        raise DatasetError(
            f"No photo to test on can be decoded of {data.source}, such as "
            f"{data.test.describe(0)}; replace the files, or name another split with --test-split."
        )


def _decodable(photos: Photos, rows: Iterable[int], wanted: int) -> int:
    """Count photos that can be decoded, up to the number that is wanted."""
    found = 0
    for row in rows:
        if found == wanted:
            break
        try:
            prepare(photos.encoded(row), MIN_IMAGE_SIZE, "crop")
            found += 1
        except InvalidImageError:
            continue
    return found


def read_notes(path: Path | None) -> str:
    """Read the text that the card includes.

    Raises:
        UsageError: The file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--notes {path} cannot be read ({error}); name a text file.") from None


def check_writable(folder: Path, option: str, needed: int = 0) -> None:
    """Refuse a folder that cannot be written; it is made, which alone shows that it can be.

    Args:
        folder: Where something is to be written.
        option: What named it.
        needed: Bytes that must be free.

    Raises:
        UsageError: It cannot be written, or has too little free space.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        reason = error.strerror or os.strerror(error.errno or 0)
        raise UsageError(
            f"{option} cannot be used: {folder} cannot be written ({reason}); name another folder."
        ) from None
    check_space(folder, needed, "The files of the model")
