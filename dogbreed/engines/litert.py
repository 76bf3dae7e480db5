"""The network on LiteRT."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dogbreed.errors import BundleError

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

    from dogbreed.bundle import Bundle

# What the network answers to a photo: evidence map and pooled features.
Answer = tuple[np.ndarray, np.ndarray | None]
# Answers a photo, uint8 of shape (1, size, size, 3); one caller at a time.
Run = Callable[[np.ndarray], Answer]

# Two products of these and of activations of 8 bits fit 16 bits: 2 × 255 × 64 is below 32,768.
_SEVEN_BITS = 64


class LiteRT:
    """A network that LiteRT can read and that fits its config.

    Attributes:
        channels: Length of the pooled features; 0 if the network does not give them.
    """

    name = "litert"

    def __init__(self, bundle: "Bundle"):
        """Read the network's inputs and outputs.

        Raises:
            BundleError: It cannot be loaded or does not fit the config.
        """
        self._path = bundle.network
        self._photo, self._evidence, self._features = _find_tensors(_open(self._path, 1), bundle)
        self.channels = 0 if self._features is None else int(self._features["shape"][1])

    def start(self, threads: int) -> Run:
        """See `Engine`."""
        interpreter = _open(self._path, threads)
        try:
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise _not_loaded(self._path) from error

        def run(photo: np.ndarray) -> Answer:
            scaled = photo.astype(np.float32)
            scaled /= 127.5
            scaled -= 1
            interpreter.set_tensor(self._photo["index"], scaled)
            interpreter.invoke()
            features = self._features
            pooled = None if features is None else interpreter.get_tensor(features["index"])
            return interpreter.get_tensor(self._evidence["index"])[0], pooled

        return run

    def has_seven_bit_weights(self) -> bool:
        """Whether all weights of 8 bits are so small that 7 bits are enough."""
        interpreter = _open(self._path, 1)
        for tensor in interpreter.get_tensor_details():
            if tensor["dtype"] not in (np.int8, np.uint8) or len(tensor["shape"]) < 2:
                continue
            try:
                weights = interpreter.get_tensor(tensor["index"])
            except ValueError:
                # Not a weight: it gets its numbers when the network runs.
                continue
            if weights.min(initial=0) < -_SEVEN_BITS or weights.max(initial=0) > _SEVEN_BITS:
                return False
        return True


def _open(path: Path, threads: int) -> "Interpreter":
    # Imported here, so that reading a bundle and training do not load the runtime.
    from ai_edge_litert.interpreter import Interpreter

    try:
        return Interpreter(str(path), num_threads=threads)
    except (ValueError, RuntimeError) as error:
        raise _not_loaded(path) from error


def _not_loaded(path: Path) -> BundleError:
    return BundleError(f"{path} cannot be loaded as a LiteRT network; get the bundle again.")


def _find_tensors(interpreter: "Interpreter", bundle: "Bundle") -> tuple[dict, dict, dict | None]:
    """LiteRT's details of the photo, the evidence map, and the features, None without them."""
    size, classes = bundle.config["image_size"], len(bundle.names)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    maps = [tensor for tensor in outputs if len(tensor["shape"]) == 4]
    flat = [tensor for tensor in outputs if len(tensor["shape"]) == 2]
    fits = (
        len(inputs) == len(maps) == 1
        and len(flat) == len(outputs) - 1 <= 1
        and all(tensor["dtype"] is np.float32 for tensor in (*inputs, *outputs))
        and tuple(inputs[0]["shape"]) == (1, size, size, 3)
        and maps[0]["shape"][3] == classes
    )
    if not fits:
        raise BundleError(
            f"{bundle.network} does not fit its config: it should map a photo of {size}×{size} "
            f"pixels to {classes} classes; get the bundle again."
        )
    return inputs[0], maps[0], flat[0] if flat else None
