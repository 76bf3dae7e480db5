"""How a photo is best fitted to the square: squash, letterbox or crop, on validation photos.

    python -m benchmarks.resize --dataset path/to/stanford-dogs --model MODEL [--aspect 1.333]

MODEL is a bundle trained with --no-final-fit, so that it has not seen the validation photos, which
are cut as its training did. --aspect stretches each photo to that shape first, width by height: for
data that holds only squashed squares, whose letterbox would else be the photo itself.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from dogbreed.bundle import read_bundle
from dogbreed.images import RESIZE_METHODS, load_image, to_square
from dogbreed.runtime import Network
from dogbreed.train.cuts import cut_validation
from dogbreed.train.data import load_training_data


def main() -> None:
    """Print a table of top-1 and top-3 of each way, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--aspect", type=float)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    bundle = read_bundle(options.model)
    network, trained = Network(bundle), bundle.config["training"]["options"]
    if trained["final_fit"]:
        parser.error("the model has seen the validation photos; train it with --no-final-fit")
    photos = load_training_data(options.dataset).train
    _, held_out = cut_validation(photos.labels, trained["validation_per_class"], trained["seed"])
    size = bundle.config["image_size"]
    ranks = {resize: [] for resize in RESIZE_METHODS}
    for row in tqdm(held_out, unit="photo"):
        image = load_image(photos.encoded(row))
        if options.aspect:
            shape = (round(image.height * options.aspect), image.height)
            image = image.resize(shape, Image.Resampling.BICUBIC)
        for resize in RESIZE_METHODS:
            frame = to_square(image, size, resize)
            # Past the classifier, which would resize it once more.
            evidence, _ = network.submit(lambda frame=frame: frame).result()
            logits = evidence.mean(axis=(0, 1))
            ranks[resize].append(int((logits > logits[photos.labels[row]]).sum()))

    print(f"{len(held_out)} validation photos, width by height {options.aspect or 'as they are'}")
    results = {}
    for resize, found in ranks.items():
        top_1, top_3 = np.mean(np.array(found) == 0), np.mean(np.array(found) < 3)
        margin = 1.96 * np.sqrt(top_1 * (1 - top_1) / len(found))
        results[resize] = {"top_1": float(top_1), "top_3": float(top_3), "count": len(found)}
        print(f"{resize:10} top-1 {top_1:.2%} ± {margin:.2%}   top-3 {top_3:.2%}")
    if options.json:
        options.json.write_text(json.dumps({"aspect": options.aspect, "fits": results}, indent=2))


if __name__ == "__main__":
    main()
