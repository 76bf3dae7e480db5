"""How often each runtime is right on test photos: what its speed costs.

    python -m benchmarks.peers my-model --dataset path/to/stanford-dogs
    python -m benchmarks.accuracy --dataset path/to/stanford-dogs

The fastest 8-bit networks that `benchmarks.peers` wrote are compared with the float32 network in
ONNX Runtime. All get the same squares.
"""

from pathlib import Path

import numpy as np
from loky import cpu_count
from tqdm import tqdm

from benchmarks.contenders import OURS, OURS_OPENVINO, PEERS, logits_of, usable
from benchmarks.results import benchmark_parser, publish
from dogbreed.bundle import read_bundle
from dogbreed.images import prepare
from dogbreed.train.data.load import load_training_data

REFERENCE = "ONNX Runtime float32"
# Those that are about as fast as ours.
IN_8_BITS = (OURS, OURS_OPENVINO, "LiteRT 8-bit weights", "OpenVINO 8-bit")


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = benchmark_parser(__doc__, "accuracy.json")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--peers", type=Path, default=PEERS)
    options = parser.parse_args()
    bundle = read_bundle(options.peers / "bundle")
    size, resize = bundle.config["image_size"], bundle.config["preprocessing"]["resize"]
    test = load_training_data(options.dataset).test
    frames = [prepare(test.encoded(row), size, resize) for row in range(len(test))]
    found = {}
    for name in (REFERENCE, *(name for name in IN_8_BITS if name in usable(options.peers))):
        run = logits_of(name, options.peers, cpu_count())
        found[name] = np.stack([run(frame) for frame in tqdm(frames, desc=name, unit="photo")])
    of_class = {label: number for number, label in enumerate(bundle.labels)}
    truth = np.array([of_class[test.label_names[label]] for label in test.labels])
    answers = {name: logits.argmax(axis=1) for name, logits in found.items()}
    rows = []
    for name, logits in found.items():
        above = (logits > logits[np.arange(len(truth)), truth][:, None]).sum(axis=1)
        same = answers[name] == answers[REFERENCE]
        rows.append(
            {
                "": name,
                "top-1, %": 100 * float((above == 0).mean()),
                "top-3, %": 100 * float((above < 3).mean()),
                "same answer as float32, %": 100 * float(same.mean()),
            }
        )
    publish(options.output, f"{len(truth)} photos of the test split", rows)


if __name__ == "__main__":
    main()
