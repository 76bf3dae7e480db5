"""Weights of 7 bits: the same answers on a processor that adds products in 16 bits."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from dogbreed.train.export import litert
from dogbreed.train.export.bias_correction import correct_means
from dogbreed.train.export.litert import export_litert
from dogbreed.train.export.seven_bits import SEVEN_BITS, to_seven_bits


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Two convolutions with filters of very different sizes."""
    keras.utils.set_random_seed(0)
    photo = keras.layers.Input((12, 12, 3))
    first = keras.layers.Conv2D(8, 3, activation="relu")(photo)
    evidence = keras.layers.Conv2D(4, 1)(first)
    pooled = keras.layers.GlobalAveragePooling2D()(first)
    network = keras.Model(photo, [evidence, pooled])
    kernel, bias = network.layers[1].get_weights()
    network.layers[1].set_weights([kernel * np.geomspace(0.1, 10, 8, dtype=np.float32), bias + 0.1])
    return network


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (16, 12, 12, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def corrected(network, frames) -> keras.Model:
    return correct_means(network, frames)


@pytest.fixture(scope="module")
def files(corrected, frames, tmp_path_factory) -> tuple[bytes, bytes]:
    """The converter's file, and the same in 7 bits."""
    path, converted = tmp_path_factory.mktemp("network") / "model.tflite", []

    def keep(network: bytes) -> bytes:
        converted.append(bytes(network))
        return to_seven_bits(network)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(litert, "to_seven_bits", keep)
        export_litert(corrected, path, "full", frames)
    return converted[0], path.read_bytes()


def kernels(file: bytes) -> list[tuple[np.ndarray, np.ndarray]]:
    """The whole numbers of each convolution, and its scales."""
    interpreter = Interpreter(model_content=file)
    interpreter.allocate_tensors()
    found = []
    for tensor in interpreter.get_tensor_details():
        scales = tensor["quantization_parameters"]["scales"]
        if tensor["dtype"] is np.int8 and len(scales) > 1:
            found.append((interpreter.get_tensor(tensor["index"]).astype(int), scales))
    return found


def answers(file: bytes, frames: np.ndarray) -> np.ndarray:
    """The evidence of each frame, as the file answers."""
    interpreter = Interpreter(model_content=file)
    interpreter.allocate_tensors()
    evidence = next(o for o in interpreter.get_output_details() if len(o["shape"]) == 4)
    found = []
    for frame in frames:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], frame[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(evidence["index"])[0])
    return np.array(found)


def test_no_weight_has_more_than_seven_bits(files):
    before, after = map(kernels, files)
    assert len(before) == len(after) == 2
    assert max(abs(kernel).max() for kernel, _ in before) > SEVEN_BITS
    assert max(abs(kernel).max() for kernel, _ in after) == SEVEN_BITS


def test_rounded_weights_are_kept_exactly(corrected, files):
    kept = {kernel.shape: kernel * s[:, None, None, None] for kernel, s in kernels(files[1])}
    for layer in (corrected.layers[1], corrected.layers[2]):
        kernel = layer.get_weights()[0].transpose(3, 0, 1, 2)
        np.testing.assert_allclose(kept[kernel.shape], kernel, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("largest", [33, 46, 54, 63])
def test_whole_numbers_come_back_also_where_halves_were_rounded(largest, frames, tmp_path):
    numbers = np.resize(np.arange(-largest, largest + 1), (6, 6, 3, 4))
    photo = keras.layers.Input((12, 12, 3))
    first = keras.layers.Conv2D(4, 6, activation="relu")
    features = first(photo)
    evidence = keras.layers.Conv2D(4, 1)(features)
    first.set_weights([numbers * 0.013, np.zeros(4)])
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    export_litert(keras.Model(photo, [evidence, pooled]), tmp_path / "file", "full", frames)
    kept = [kernel for kernel, _ in kernels((tmp_path / "file").read_bytes())]
    wanted = numbers.transpose(3, 0, 1, 2)
    assert any(np.array_equal(kernel, wanted) for kernel in kept if kernel.shape == wanted.shape)


def test_filters_that_were_not_rounded_before_keep_their_largest_weight(network, frames, tmp_path):
    export_litert(network, tmp_path / "model.tflite", "full", frames)
    for kernel, _ in kernels((tmp_path / "model.tflite").read_bytes()):
        assert (abs(kernel).max(axis=(1, 2, 3)) == SEVEN_BITS).mean() > 0.7
        assert abs(kernel).max() == SEVEN_BITS


def test_the_answers_stay_close_to_those_in_float(corrected, files, frames):
    exact = corrected.predict(frames, verbose=0)[0]
    eight, seven = (np.abs(answers(file, frames) - exact).mean() for file in files)
    assert seven < 0.02 * np.abs(exact).mean()
    assert seven <= 1.05 * eight
