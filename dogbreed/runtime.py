"""The network of a bundle in LiteRT, for any number of threads at once."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from dogbreed.bundle import Bundle
from dogbreed.errors import BundleError


class Network:
    """Answers photos on as many threads as this process has cores.

    A photo that comes alone gets all cores. Of several, each gets one core and an interpreter of
    its own, which is more photos a second than all cores for one after the other
    (docs/performance.md has the figures); they are answered in the order that they came.
    """

    def __init__(self, bundle: Bundle):
        """Load the network.

        Raises:
            BundleError: It cannot be loaded or does not fit the config.
        """
        # Imported here, so that reading and training need not load the runtime.
        from loky import cpu_count

        self._path = str(bundle.network)
        # A container may have less than the machine: two cores of sixteen on a Space.
        cores = cpu_count()
        try:
            self._on_all_cores = _interpreter(self._path, cores)
        except (ValueError, RuntimeError) as error:
            raise BundleError(
                f"{self._path} cannot be loaded as a LiteRT network; get the bundle again."
            ) from error
        self._tensors = _find_tensors(self._on_all_cores, bundle)
        self._on_one_core: list = []
        self._running = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(cores, thread_name_prefix="dogbreed")
        # So many photos can be given at a time before more would only wait.
        self.window = 2 * cores

    @property
    def channels(self) -> int:
        """Length of the pooled features; 0 if the network does not give them."""
        _, _, features = self._tensors
        return 0 if features is None else int(features["shape"][1])

    def submit(self, frame: Callable[[], np.ndarray]) -> Future:
        """Run the network on a photo.

        Args:
            frame: Gives the photo as uint8 array of shape (size, size, 3); called on one of the
                network's threads, so that only as many photos are decoded at once as there are
                cores.

        Returns:
            The evidence map, float32 of shape (8, 8, num_classes) for 299 pixels, and the pooled
            features, float32 of shape (1, channels), None if the network does not give them.
        """
        return self._threads.submit(self._answer, frame)

    def _answer(self, frame: Callable[[], np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
        with self._lock:
            self._running += 1
        try:
            scaled = frame().astype(np.float32)
            scaled /= 127.5
            scaled -= 1
            interpreter = self._take()
            try:
                return self._invoke(interpreter, scaled[None])
            finally:
                self._give_back(interpreter)
        finally:
            with self._lock:
                self._running -= 1

    def _take(self):
        with self._lock:
            if self._running == 1:
                return self._on_all_cores
            if self._on_one_core:
                return self._on_one_core.pop()
        return _interpreter(self._path, 1)

    def _give_back(self, interpreter) -> None:
        if interpreter is not self._on_all_cores:
            with self._lock:
                self._on_one_core.append(interpreter)

    def _invoke(self, interpreter, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        photo, evidence, features = self._tensors
        interpreter.set_tensor(photo["index"], scaled)
        interpreter.invoke()
        pooled = None if features is None else interpreter.get_tensor(features["index"])
        return interpreter.get_tensor(evidence["index"])[0], pooled


def _interpreter(path: str, num_threads: int):
    # Imported here, so that reading and training need not load the runtime.
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=num_threads)
    interpreter.allocate_tensors()
    return interpreter


def _find_tensors(interpreter, bundle: Bundle) -> tuple[dict, dict, dict | None]:
    """What LiteRT tells of the photo, the evidence map, and the features, None without them."""
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
            f"pixels to {classes} classes; get it again."
        )
    return inputs[0], maps[0], flat[0] if flat else None
