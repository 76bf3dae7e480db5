"""From JPEG bytes to the network's square: decoded in full, and as served, at a reduced scale.

    python -m benchmarks.decoding
    python -m benchmarks.decoding --photo dog.jpg

The photo (by default a drawing of the tests) is enlarged to each size, with noise like that
of a camera's sensor. Differences are in levels of 0 to 255.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmarks.jpeg import as_jpeg
from benchmarks.results import benchmark_parser, publish
from benchmarks.timing import median_ms, timed
from dogbreed.images import load_image, prepare, to_square

EXAMPLES = Path(__file__).parent.parent / "tests" / "helpers" / "drawings"
SIZES = ((500, 375), (1600, 1200), (4032, 3024))
NOISE = 6


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "decoding.json")
    parser.add_argument("--photo", type=Path, default=sorted(EXAMPLES.iterdir())[0])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    photo = load_image(options.photo)
    rows = [measure(photo, size, options.rounds) for size in tqdm(SIZES, unit="size")]
    publish(options.output, "JPEG bytes to a square of 299×299", rows)


def measure(photo: Image.Image, size: tuple[int, int], rounds: int) -> dict:
    """The row of the table for a photo enlarged to a width and a height."""
    large = np.asarray(photo.resize(size, Image.Resampling.BICUBIC), np.float32)
    noise = np.random.default_rng(0).normal(0, NOISE, large.shape)
    data = as_jpeg(Image.fromarray((large + noise).clip(0, 255).astype(np.uint8)))
    in_full, reduced = [], []
    for _ in range(rounds):
        seconds, exact = timed(lambda: to_square(load_image(data), 299, "crop"))
        in_full.append(seconds)
        seconds, served = timed(lambda: prepare(data, 299, "crop"))
        reduced.append(seconds)
    difference = np.abs(served.astype(int) - exact)
    return {
        "pixels": f"{size[0]}×{size[1]}",
        "in full, ms": median_ms(in_full),
        "as served, ms": median_ms(reduced),
        "faster by": median_ms(in_full) / median_ms(reduced),
        "mean difference": float(difference.mean()),
        "largest difference": int(difference.max()),
    }


if __name__ == "__main__":
    main()
