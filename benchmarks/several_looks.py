"""What more than one look at a photo gains: its mirror image, and a second look at the evidence.

    python -m benchmarks.several_looks --model MODEL --dataset DATA --independent OTHERS

The second look takes the part of the photo where the evidence for the first answer lies, enlarged.
The logits of all looks are averaged. Only the half of the independent photos that settles is
answered, each source apart, so that the other half can measure what is chosen.
"""

import numpy as np
from PIL import Image

from benchmarks.head_study import measure
from benchmarks.results import benchmark_parser, publish
from dogbreed.classifier import DogBreedClassifier
from dogbreed.images import load_image, prepare
from dogbreed.images.square import SHOWN_BY_CROP
from dogbreed.train.data.independent import load_independent
from dogbreed.train.data.load import load_training_data
from dogbreed.train.measure.everything import sources_of

# Half of the side of the second look, in standard deviations of the evidence, and its least side
# over that of the first look.
REACH, LEAST_SIDE = 2.0, 0.5
WAYS = {
    "one look": ("plain",),
    "and its mirror image": ("plain", "mirror"),
    "and a second look": ("plain", "closer"),
    "and both": ("plain", "mirror", "closer"),
}


def main() -> None:
    """Answer, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "several_looks.json")
    parser.add_argument("--model")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--independent", required=True)
    options = parser.parse_args()
    classifier = DogBreedClassifier.from_pretrained(options.model)
    photos = load_independent(options.independent, load_training_data(options.dataset).train)
    settling = photos.settling
    looks = [look(classifier, settling.encoded(row)) for row in range(len(settling))]
    sources = np.array(sources_of(settling))
    rows = []
    for way, names in WAYS.items():
        logits = np.array([np.mean([each[name] for name in names], axis=0) for each in looks])
        for source in ("all", *sorted(set(sources.tolist()))):
            here = (sources == source) | (source == "all")
            of_these = measure(logits[here], settling.labels[here])
            rows.append({"looks": way, "photos": source} | of_these)
    publish(options.output, "Several looks", rows, model=options.model)


def look(classifier: DogBreedClassifier, photo: bytes) -> dict[str, np.ndarray]:
    """The logits of each look, (num_classes,)."""
    config = classifier.bundle.config
    size, resize = config["image_size"], config["preprocessing"]["resize"]
    # Large enough for the part of it to be as sharp as the whole.
    image = load_image(photo, at_least=4 * size)
    frame = prepare(image, size, resize)
    evidence = answer(classifier, frame)
    plain = evidence.mean(axis=(0, 1))
    closer = image.crop(evidence_box(evidence[..., plain.argmax()], image))
    enlarged = np.asarray(closer.resize((size, size), Image.Resampling.BICUBIC))
    return {
        "plain": plain,
        "mirror": answer(classifier, np.ascontiguousarray(frame[:, ::-1])).mean(axis=(0, 1)),
        "closer": answer(classifier, enlarged).mean(axis=(0, 1)),
    }


def answer(classifier: DogBreedClassifier, frame: np.ndarray) -> np.ndarray:
    """The evidence map of a frame that is the network's square already."""
    return classifier._network.submit(lambda: frame).result()[0]


def evidence_box(evidence: np.ndarray, image: Image.Image) -> tuple[int, int, int, int]:
    """Where the evidence lies in a photo of which the network saw the middle.

    Args:
        evidence: float array of shape (8, 8), for one label.
        image: The photo.
    """
    weights = np.maximum(evidence, 0)
    weights = weights / max(weights.sum(), 1e-9)
    places = (np.arange(len(weights)) + 0.5) / len(weights)
    seen = SHOWN_BY_CROP * min(image.size)
    sides = []
    for axis, length in ((0, image.width), (1, image.height)):
        share = weights.sum(axis=axis)
        middle = float(share @ places) if share.sum() else 0.5
        spread = float(np.sqrt(share @ (places - middle) ** 2))
        half = seen * min(max(REACH * spread, LEAST_SIDE / 2), 0.5)
        at = (length - seen) / 2 + middle * seen
        at = min(max(at, half), length - half)
        sides.append((round(at - half), round(at + half)))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom


if __name__ == "__main__":
    main()
