"""Does the rejection look at the dog? Dogs and other photos, as they are, smaller and compressed.

    python -m benchmarks.degraded --dogs OTHERS --not-dogs NEGATIVES --except dog_cartoon dog_sketch

Only the halves are used that measure. A score that has learned how sharp the photos of its datasets
are refuses more dogs, or fewer, as they get smaller.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmarks.results import benchmark_parser, publish
from dogbreed.bundle import DEFAULT_BUNDLE
from dogbreed.classifier import DogBreedClassifier
from dogbreed.images import load_image
from dogbreed.train.data.cuts import measured_on
from dogbreed.train.data.load import leave_out_kinds, load_evaluation_photos, load_negatives
from dogbreed.train.data.photos import Photos

# What is done to a photo: the pixels of its shorter side, and the quality of a JPEG file.
CHANGES: dict[str, tuple[int | None, int | None]] = {
    "as they are": (None, None),
    "shorter side 320": (320, None),
    "shorter side 224": (224, None),
    "shorter side 160": (160, None),
    "JPEG quality 95": (None, 95),
    "JPEG quality 30": (None, 30),
}


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "degraded.json")
    parser.add_argument("--model", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--dogs", required=True)
    parser.add_argument("--not-dogs", required=True)
    parser.add_argument("--except", nargs="+", default=[], dest="excepted", metavar="NAME")
    parser.add_argument("--count", type=int, default=300, help="photos of each at most")
    options = parser.parse_args()
    dogs, (negatives, _) = (
        load_evaluation_photos(options.dogs),
        leave_out_kinds(load_negatives(options.not_dogs), options.excepted),
    )
    classifier = DogBreedClassifier.from_pretrained(options.model)
    refused = {
        name: refused_shares(classifier, photos, options.count)
        for name, photos in (("dogs", dogs), ("others", negatives))
    }
    rows = [
        {"photos": change} | {f"{name} refused, %": 100 * refused[name][change] for name in refused}
        for change in CHANGES
    ]
    publish(options.output, "Photos refused as not showing a dog", rows, count=options.count)


def refused_shares(classifier: DogBreedClassifier, photos: Photos, count: int) -> dict[str, float]:
    """Return the share of photos that do not look like a dog, in 0..1, after each change."""
    rows = measured_on(photos)[:count]
    found = {}
    for change, how in CHANGES.items():
        changed = (change_photo(load_image(photos.encoded(row)), *how) for row in rows)
        answers = tqdm(classifier.predict_each(changed, 1), change, len(rows), unit="photo")
        found[change] = np.mean([not answer.looks_like_dog for answer in answers])
    return found


def change_photo(image: Image.Image, short_side: int | None, quality: int | None) -> Image.Image:
    """Return a photo with a smaller shorter side, or as a JPEG file of this quality shows it."""
    if short_side is not None and short_side < min(image.size):
        scale = short_side / min(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    if quality is not None:
        file = BytesIO()
        image.save(file, "JPEG", quality=quality)
        image = Image.open(file).convert("RGB")
    return image


if __name__ == "__main__":
    main()
