"""A bundle's network in other formats, from its Keras weights, checked before it is written.

The network takes what `images.prepare` makes of photos, scaled to -1..1, and returns the
probabilities, the evidence map and the pooled features. The names of the classes are inside, as
JSON under the key `dogbreed`.
"""

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from dogbreed.bundle import WEIGHTS, Bundle
from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import BundleError, ExportError, UsageError
from dogbreed.hub import load_bundle
from dogbreed.images import prepare
from dogbreed.train.checks import check_writable
from dogbreed.train.network.backbone import build_backbone, classifier_network, evidence_network

# What of the extra `export` each format needs.
NEEDED: dict[str, tuple[str, ...]] = {
    "onnx": ("tf2onnx", "onnx", "onnxruntime"),
    "openvino": ("openvino",),
    "saved-model": (),
}
KEY = "dogbreed"
OUTPUTS = ("probabilities", "evidence", "features")
# Float arithmetic in another order.
MAX_ERROR = 1e-3
# The network that serves computes in 8 bits.
MAX_SERVED_ERROR = 0.15
# Frames that are answered by all.
_FRAMES = 4

# Probabilities for preprocessed frames, float32 (N, size, size, 3) to (N, num_classes).
_Run = Callable[[np.ndarray], np.ndarray]


def export_bundle(source: str | Path, format: str, output: Path) -> Path:
    """Write the network of a bundle in another format.

    Args:
        source: Folder of the bundle, or `user/name` or `user/name@revision` on the Hub.
        format: One of `NEEDED`.
        output: New file (`onnx`), or new folder (the others); it appears when it is complete.

    Returns:
        The output.

    Raises:
        BundleError: The bundle cannot be used, or contains no Keras weights.
        ExportError: What was written answers differently.
        UsageError: A package is missing, or the output exists already or cannot be written.
    """
    missing = [name for name in NEEDED[format] if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"--format {format} needs {', '.join(missing)}; run `pip install -r "
            "requirements-export.txt`."
        )
    if output.exists():
        raise UsageError(f"{output} exists already; name a new place with --output.")
    check_writable(output.absolute().parent, "--output")
    bundle = _with_weights(source)
    network = answering_network(bundle)
    frames = draw_frames()
    expected = network(_prepared(frames, bundle))["probabilities"].numpy()
    _compare(expected, _served(bundle, frames), MAX_SERVED_ERROR, f"the {WEIGHTS}")
    partial = output.with_name(f".{output.name}.partial")
    _remove(partial)
    partial.mkdir(parents=True)
    try:
        written, run = _WRITERS[format](network, bundle, partial)
        _compare(expected, run(_prepared(frames, bundle)), MAX_ERROR, f"the {format} network")
        written.rename(output)
    finally:
        _remove(partial)
    return output


def answering_network(bundle: Bundle) -> keras.Model:
    """The float32 network with everything behind it that answers need.

    Returns:
        Network from float32 (N, size, size, 3) in -1..1 to a dictionary of `OUTPUTS`:
        probabilities (N, num_classes), with the bundle's temperature; the evidence map
        (N, 8, 8, num_classes) for 299 pixels; and pooled features (N, channels).

    Raises:
        BundleError: The weights are not of this network.
    """
    config = bundle.config
    backbone = build_backbone(None, config["image_size"])
    classifier = classifier_network(backbone, len(bundle.labels))
    try:
        classifier.load_weights(bundle.path / WEIGHTS)
    except Exception as error:
        # Keras raises several kinds of error for a file that does not fit.
        raise BundleError(
            f"The {WEIGHTS} of {bundle.source} is not of this network; name another bundle."
        ) from error
    evidence, features = evidence_network(classifier).outputs
    logits = keras.layers.GlobalAveragePooling2D(name="logits")(evidence)
    probabilities = keras.ops.softmax(logits / config["temperature"])
    outputs = dict(zip(OUTPUTS, (probabilities, evidence, features), strict=True))
    return keras.Model(classifier.input, outputs, name="dogbreed")


def describe(bundle: Bundle) -> str:
    """What is written inside: how to prepare a photo, and the classes in their order, as JSON."""
    config = bundle.config
    return json.dumps(
        {
            "labels": bundle.labels,
            "names": bundle.names,
            "image_size": config["image_size"],
            "preprocessing": config["preprocessing"],
            "input": "RGB, float32, 0..255 scaled to -1..1",
        },
        ensure_ascii=False,
    )


def draw_frames() -> list[np.ndarray]:
    """Pictures with shapes of several sizes: uint8 arrays of shape (400, 400, 3)."""
    random = np.random.default_rng(0)
    frames = []
    for side in np.geomspace(4, 100, _FRAMES).astype(int):
        colors = Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8))
        frames.append(np.asarray(colors.resize((400, 400), Image.Resampling.BICUBIC)))
    return frames


def _with_weights(source: str | Path) -> Bundle:
    bundle = load_bundle(source, files=())
    if WEIGHTS not in bundle.config["files"]:
        raise BundleError(
            f"{source} contains no Keras weights ({WEIGHTS}), from which other formats are made; "
            "name a bundle that `dogbreed train` wrote."
        )
    # The same commit, in case the branch moves on in the meantime.
    return load_bundle(source, bundle.commit, files=(*bundle.served, WEIGHTS))


def _prepared(frames: list[np.ndarray], bundle: Bundle) -> np.ndarray:
    size, resize = bundle.config["image_size"], bundle.config["preprocessing"]["resize"]
    squares = np.stack([prepare(frame, size, resize) for frame in frames])
    return squares.astype(np.float32) / 127.5 - 1


def _served(bundle: Bundle, frames: list[np.ndarray]) -> np.ndarray:
    classifier = DogBreedClassifier(bundle)
    return np.stack([classifier.probabilities(classifier.evidence_map(frame)) for frame in frames])


def _compare(expected: np.ndarray, found: np.ndarray, most: float, what: str) -> None:
    error = float(np.abs(expected - found).max())
    # Negated, so that NaN is refused too.
    if not error <= most:
        raise ExportError(
            f"The probabilities of {what} differ by up to {error:.2g} from those of the bundle "
            f"(allowed: {most:g}), so nothing was written; please report this."
        )


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def _write_saved_model(network: keras.Model, bundle: Bundle, folder: Path) -> tuple[Path, _Run]:
    path = folder / "saved_model"
    shape = (None, *network.input_shape[1:])
    photos = [keras.InputSpec(shape=shape, dtype="float32", name="photos")]
    network.export(path, verbose=False, input_signature=photos)
    # TensorFlow keeps this folder for what others add.
    extra = path / "assets.extra"
    extra.mkdir()
    (extra / f"{KEY}.json").write_text(describe(bundle), encoding="utf-8")
    loaded = tf.saved_model.load(path)
    return path, lambda frames: loaded.serve(frames)["probabilities"].numpy()


def _write_onnx(network: keras.Model, bundle: Bundle, folder: Path) -> tuple[Path, _Run]:
    # Packages of the extra `export`, which other formats do not need.
    import onnx
    import onnxruntime
    import tf2onnx

    path = folder / "model.onnx"
    spec = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32, name="photos")
    function = tf.function(lambda photos: network(photos, training=False))
    model, _ = tf2onnx.convert.from_function(function, input_signature=[spec])
    onnx.helper.set_model_props(model, {KEY: describe(bundle)})
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return path, lambda frames: session.run(["probabilities"], {"photos": frames})[0]


def _write_openvino(network: keras.Model, bundle: Bundle, folder: Path) -> tuple[Path, _Run]:
    # Of the extra `export`, which other formats do not need.
    import openvino

    saved, _ = _write_saved_model(network, bundle, folder)
    model = openvino.convert_model(saved)
    model.set_rt_info(describe(bundle), [KEY])
    path = folder / "openvino"
    path.mkdir()
    openvino.save_model(model, path / "model.xml", compress_to_fp16=False)
    compiled = openvino.Core().compile_model(path / "model.xml", "CPU")
    return path, lambda frames: compiled(frames)["probabilities"]


_WRITERS = {
    "onnx": _write_onnx,
    "openvino": _write_openvino,
    "saved-model": _write_saved_model,
}
