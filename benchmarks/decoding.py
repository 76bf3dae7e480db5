"""From JPEG bytes to the network's frame: decoded in full, and at a reduced scale.

    python -m benchmarks.decoding
    python -m benchmarks.decoding --photo dog.jpg

The photo, one of the drawings that ship if none is given, is enlarged to each size, with noise as
a camera's sensor adds it; the difference is in levels of 0 to 255.
"""

import argparse
import io
import statistics
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmarks.results import publish
from dogbreed.images import load_image, prepare, to_square

EXAMPLE = Path("dogbreed/page/static/examples/pointed.png")
SIZES = ((500, 375), (1600, 1200), (4032, 3024))
NOISE = 6


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photo", type=Path, default=EXAMPLE)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--output", type=Path, default=Path("decoding.json"))
    options = parser.parse_args()
    photo, rng = load_image(options.photo), np.random.default_rng(0)
    rows = []
    for size in tqdm(SIZES, unit="size"):
        large = np.asarray(photo.resize(size, Image.Resampling.BICUBIC), np.float32)
        large += rng.normal(0, NOISE, large.shape)
        file = io.BytesIO()
        Image.fromarray(large.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
        data = file.getvalue()
        in_full, reduced = [], []
        for _ in range(options.rounds):
            started = time.perf_counter()
            exact = to_square(load_image(data), 299, "crop")
            between = time.perf_counter()
            frame = prepare(data, 299, "crop")
            in_full.append(1000 * (between - started))
            reduced.append(1000 * (time.perf_counter() - between))
        difference = np.abs(frame.astype(int) - exact)
        rows.append(
            {
                "pixels": f"{size[0]}×{size[1]}",
                "in full, ms": statistics.median(in_full),
                "as served, ms": statistics.median(reduced),
                "faster by": statistics.median(in_full) / statistics.median(reduced),
                "mean difference": difference.mean(),
                "largest": int(difference.max()),
            }
        )
    publish(options.output, "JPEG bytes to a frame of 299×299", rows)


if __name__ == "__main__":
    main()
