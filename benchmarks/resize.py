"""How a photo best becomes a square: squash, letterbox or crop, on validation photos.

    python -m benchmarks.resize --dataset path/to/stanford-dogs --model MODEL
    python -m benchmarks.resize --dataset path/to/stanford-dogs --model MODEL --aspect 1.333

MODEL is a bundle trained with --no-final-fit, so that it has not seen the validation photos, which
are split off as in its training. --aspect first stretches each photo to this shape, width by
height: for data that consists of squashed squares, whose letterbox would be the photo itself.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmarks.results import benchmark_parser, publish
from dogbreed.bundle import read_bundle
from dogbreed.images import RESIZE_METHODS, load_image, to_square
from dogbreed.runtime import Network
from dogbreed.train.data.cuts import cut_validation
from dogbreed.train.data.load import load_training_data


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "resize.json")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--aspect", type=float, help="width by height to stretch photos to first")
    options = parser.parse_args()

    bundle = read_bundle(options.model)
    network, trained = Network(bundle), bundle.config["training"]["options"]
    if trained["final_fit"]:
        parser.error("The model has seen the validation photos; train it with --no-final-fit.")
    photos = load_training_data(options.dataset).train
    _, held_out = cut_validation(photos.labels, trained["validation_per_class"], trained["seed"])
    size = bundle.config["image_size"]
    ranks: dict[str, list[int]] = {resize: [] for resize in RESIZE_METHODS}
    for row in tqdm(held_out, unit="photo"):
        image = load_image(photos.encoded(row))
        if options.aspect:
            shape = (round(image.height * options.aspect), image.height)
            image = image.resize(shape, Image.Resampling.BICUBIC)
        for resize in RESIZE_METHODS:
            frame = to_square(image, size, resize)
            logits = logits_of_frame(network, frame)
            ranks[resize].append(int((logits > logits[photos.labels[row]]).sum()))

    rows = []
    for resize, found in ranks.items():
        top_1, top_3 = np.mean(np.array(found) == 0), np.mean(np.array(found) < 3)
        margin = 1.96 * np.sqrt(top_1 * (1 - top_1) / len(found))
        rows.append(
            {
                "resize": resize,
                "top-1, %": 100 * float(top_1),
                "± points": 100 * float(margin),
                "top-3, %": 100 * float(top_3),
            }
        )
    aspect = options.aspect or "as it is"
    publish(options.output, f"{len(held_out)} validation photos, width by height {aspect}", rows)


def logits_of_frame(network: Network, frame: np.ndarray) -> np.ndarray:
    """Logits of shape (num_classes,), without the classifier, which would resize once more."""
    return network.submit(lambda: frame).result()[0].mean(axis=(0, 1))


if __name__ == "__main__":
    main()
