"""Test photos that the page offers to visitors: each of another class, and each answered right."""

import hashlib
import re
from pathlib import Path

from dogbreed.bundle import EXAMPLES
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import InvalidImageError
from dogbreed.images import load_image
from dogbreed.train.data.photos import Photos
from dogbreed.wording import VERY_LIKELY

# Large enough to look good beside an answer, and small enough to be in a bundle.
_SIDE = 480


def write_examples(model: DogBreedClassifier, photos: Photos, count: int, partial: Path) -> int:
    """Write photos into a bundle, as JPEG without metadata.

    Args:
        model: What serves; it judges the files as they are written.
        photos: The test photos, whose order does not matter: their hashes decide.
        count: How many, each of another class.
        partial: The folder of the bundle.

    Returns:
        How many were found, fewer if the model is sure of fewer classes.
    """
    folder, found = partial / EXAMPLES, set[int]()
    digests = photos.digests
    for row in sorted(range(len(photos)), key=lambda row: digests[row]):
        label = int(photos.labels[row])
        if len(found) == count:
            break
        if label in found:
            continue
        folder.mkdir(exist_ok=True)
        # Breeds in no order, so that the first ones are not all terriers.
        place = hashlib.sha256(photos.label_names[label].encode()).hexdigest()[:4]
        name = re.sub(r"\W+", "-", photos.label_names[label]).strip("-").lower()
        path = folder / f"{place}-{name or label}.jpg"
        if _write(model, photos.encoded(row), label, path):
            found.add(label)
    return len(found)


def _write(model: DogBreedClassifier, photo: bytes | str, label: int, path: Path) -> bool:
    """Write a photo if the model is sure of its label."""
    try:
        image = load_image(photo, at_least=_SIDE)
    except InvalidImageError:
        return False
    image.thumbnail((_SIDE, _SIDE))
    image.save(path, "JPEG", quality=90)
    answer = model.predict(path)
    is_right = answer.ids[0] == label and answer.looks_like_dog
    if not is_right or answer.probabilities[0] < VERY_LIKELY:
        path.unlink()
        return False
    return True
