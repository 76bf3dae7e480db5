"""The network of a bundle as its peers run it: Keras, LiteRT, ONNX Runtime, OpenVINO.

    python -m benchmarks.peers my-model --dataset path/to/stanford-dogs

writes a folder that other benchmarks need: the same weights in every format, in float32 and
quantized to 8 bits by each runtime's own tool with its default options, on the same photos; and
test photos as JPEG files of 500×375, the usual size of the originals. The bundle must contain Keras
weights, as train.py writes them.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import nncf
import numpy as np
import openvino
import tensorflow as tf
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

from benchmarks.contenders import PEERS
from benchmarks.jpeg import as_jpeg
from dogbreed.bundle import NETWORK, WEIGHTS, Bundle, read_bundle
from dogbreed.images import load_image, prepare
from dogbreed.train.data.load import load_training_data
from dogbreed.train.data.photos import Photos
from dogbreed.train.export.litert import export_litert
from dogbreed.train.network.backbone import build_backbone, classifier_network, evidence_network

# Photos to find the 8-bit ranges on; ONNX Runtime keeps all their activations in memory.
RANGING, RANGING_ONNX = 128, 32
# Photos to answer.
PHOTOS = 64
PHOTO_SIZE = (500, 375)


def main() -> None:
    """Write the folder, which appears when it is complete."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--peers", type=Path, default=PEERS, help="folder to write")
    options = parser.parse_args()
    bundle = read_bundle(options.bundle, [NETWORK, WEIGHTS])
    data = load_training_data(options.dataset)
    partial = options.peers.with_name(f"{options.peers.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _write_photos(data.test, partial / "photos")
    _write_networks(bundle, data.train, partial)
    shutil.rmtree(options.peers, ignore_errors=True)
    partial.rename(options.peers)
    print(f"The peers are in {options.peers}")


def _write_photos(photos: Photos, folder: Path) -> None:
    folder.mkdir()
    rows = np.linspace(0, len(photos) - 1, PHOTOS).astype(int)
    for number, row in enumerate(rows):
        photo = load_image(photos.encoded(row)).resize(PHOTO_SIZE, Image.Resampling.BICUBIC)
        (folder / f"{number:03d}.jpg").write_bytes(as_jpeg(photo))


def _write_networks(bundle: Bundle, photos: Photos, folder: Path) -> None:
    size, resize = bundle.config["image_size"], bundle.config["preprocessing"]["resize"]
    rows = np.linspace(0, len(photos) - 1, RANGING).astype(int)
    frames = np.stack([prepare(photos.encoded(row), size, resize) for row in rows])
    frames = keras.applications.inception_v3.preprocess_input(frames.astype(np.float32))

    shutil.copytree(bundle.path, folder / "bundle")
    classifier = classifier_network(build_backbone(None, size), len(bundle.labels))
    classifier.load_weights(bundle.path / WEIGHTS)
    classifier.save(folder / "keras.keras")
    # The same network in every format: evidence map and pooled features.
    network = evidence_network(classifier)
    saved = folder / "saved_model"
    one_photo = [keras.InputSpec(shape=(1, size, size, 3), dtype="float32")]
    network.export(saved, verbose=False, input_signature=one_photo)

    export_litert(network, folder / "litert-weights8.tflite", "weights", frames)
    _write_litert(saved, frames, folder)
    _write_openvino(saved, frames, folder)
    _write_onnx(saved, frames, folder)


def _write_litert(saved: Path, frames: np.ndarray, folder: Path) -> None:
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    (folder / "litert-float32.tflite").write_bytes(converter.convert())
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([frame[None]] for frame in frames)
    (folder / "litert-int8.tflite").write_bytes(converter.convert())


def _write_openvino(saved: Path, frames: np.ndarray, folder: Path) -> None:
    converted = openvino.convert_model(saved)
    openvino.save_model(converted, folder / "openvino-float32.xml", compress_to_fp16=False)
    in_8_bits = nncf.quantize(converted, nncf.Dataset(list(frames[:, None])))
    openvino.save_model(in_8_bits, folder / "openvino-int8.xml")


def _write_onnx(saved: Path, frames: np.ndarray, folder: Path) -> None:
    path = folder / "onnx-float32.onnx"
    subprocess.run(
        [sys.executable, "-m", "tf2onnx.convert", "--saved-model", saved, "--output", path],
        check=True,
    )
    prepared = folder / "onnx-prepared.onnx"
    quant_pre_process(path, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        folder / "onnx-int8.onnx",
        _Frames(frames[:RANGING_ONNX]),
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )
    prepared.unlink()


class _Frames(CalibrationDataReader):
    """Hands frames to ONNX Runtime's quantizer."""

    def __init__(self, frames: np.ndarray):
        self._inputs = iter([{"args_0": frame[None]} for frame in frames])

    def get_next(self) -> dict | None:
        return next(self._inputs, None)


if __name__ == "__main__":
    main()
