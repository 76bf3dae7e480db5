"""The network of a bundle on LiteRT, for any number of threads at once.

LiteRT trusts a network: some files with a single wrong byte end the process, or take all memory.
So a network from the Hub, which may be a stranger's, first has to answer in a process of its own.
That costs one start of LiteRT each time it is loaded. It is protection against damage, not a
sandbox: load only bundles of people whom you would also let run a program.
"""

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING
from weakref import WeakSet

import numpy as np

from dogbreed.bundle import Bundle
from dogbreed.errors import BundleError

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

# What the network answers to a photo: evidence map and pooled features.
Answer = tuple[np.ndarray, np.ndarray | None]

# Loads a network and answers once. What is printed shows that the imports have worked.
_TRIAL = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
print("ready", flush=True)
if sys.platform == "linux":
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
for photo in interpreter.get_input_details():
    interpreter.set_tensor(photo["index"], np.zeros(photo["shape"], photo["dtype"]))
interpreter.invoke()
"""
_TRIAL_SECONDS = 60


class Network:
    """Answers photos on as many threads as this process has cores.

    A photo that comes alone gets all cores. If there are several, each gets one core and an
    interpreter of its own, which is more photos a second than all cores for one after the other
    (docs/performance.md has the numbers). They are started in the order in which they came.

    A process may fork at any time: the child starts threads and interpreters of its own.
    """

    def __init__(self, bundle: Bundle):
        """Load the network.

        Raises:
            BundleError: It cannot be loaded or does not fit the config.
        """
        # Imported here, so that reading a bundle and training do not load it.
        from loky import cpu_count

        self._path = str(bundle.network)
        if bundle.address is not None:
            _try_in_child(bundle)
        # A container may have fewer cores than the machine: two of sixteen on a Space.
        self._cores: int = cpu_count()
        # More photos than this at a time would only wait.
        self.window = 2 * self._cores
        interpreter = _interpreter(self._path, self._cores)
        self._tensors = _find_tensors(interpreter, bundle)
        self._start(interpreter)
        _networks.add(self)

    def _start(self, on_all_cores: "Interpreter | None") -> None:
        self._on_all_cores = on_all_cores
        self._on_one_core: list[Interpreter] = []
        self._running = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(self._cores, thread_name_prefix="dogbreed")

    def _start_again(self) -> None:
        """Start in the child of a fork, where the threads of the parent do not exist."""
        for interpreter in (self._on_all_cores, *self._on_one_core):
            # To free an interpreter would wait for its threads, so it is never freed.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(interpreter))
        self._start(None)

    @property
    def channels(self) -> int:
        """Length of the pooled features; 0 if the network does not give them."""
        _, _, features = self._tensors
        return 0 if features is None else int(features["shape"][1])

    def submit(self, frame: Callable[[], np.ndarray]) -> Future[Answer]:
        """Run the network on a photo.

        Args:
            frame: Gives the photo as uint8 array of shape (size, size, 3). It is called on one of
                the network's threads, so no more photos are decoded at once than there are cores.

        Returns:
            The evidence map, float32 of shape (8, 8, num_classes) for 299 pixels, and the pooled
            features, float32 of shape (1, channels), None if the network does not give them.
        """
        return self._threads.submit(self._answer, frame)

    def _answer(self, frame: Callable[[], np.ndarray]) -> Answer:
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

    def _take(self) -> "Interpreter":
        with self._lock:
            if self._running == 1:
                if self._on_all_cores is None:
                    self._on_all_cores = _interpreter(self._path, self._cores)
                return self._on_all_cores
            if self._on_one_core:
                return self._on_one_core.pop()
        return _interpreter(self._path, 1)

    def _give_back(self, interpreter: "Interpreter") -> None:
        if interpreter is not self._on_all_cores:
            with self._lock:
                self._on_one_core.append(interpreter)

    def _invoke(self, interpreter: "Interpreter", scaled: np.ndarray) -> Answer:
        photo, evidence, features = self._tensors
        interpreter.set_tensor(photo["index"], scaled)
        interpreter.invoke()
        pooled = None if features is None else interpreter.get_tensor(features["index"])
        return interpreter.get_tensor(evidence["index"])[0], pooled


_networks: WeakSet[Network] = WeakSet()


def _start_all_again() -> None:
    for network in _networks:
        network._start_again()


# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_all_again)


def _try_in_child(bundle: Bundle) -> None:
    """Let a network answer in a process of its own, which it may crash.

    Raises:
        BundleError: It crashes, takes too long or needs too much memory.
    """
    # The child finds the same packages, and nothing that lies in the current folder by chance.
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-P", "-c", _TRIAL, str(bundle.network)]
    try:
        run = subprocess.run(command, env=environ, capture_output=True, timeout=_TRIAL_SECONDS)
    except subprocess.TimeoutExpired:
        failed = True
    except OSError:
        # Python runs inside another program; there is nothing to start.
        failed = False
    else:
        failed = run.returncode != 0 and run.stdout.startswith(b"ready")
    if failed:
        raise BundleError(
            f"The network of {bundle.source} cannot be run: LiteRT fails on it or takes too long; "
            "use another bundle, or ask its author to push it again."
        )


def _interpreter(path: str, num_threads: int) -> "Interpreter":
    # Imported here, so that reading a bundle and training do not load the runtime.
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(path, num_threads=num_threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise BundleError(
            f"{path} cannot be loaded as a LiteRT network; get the bundle again."
        ) from error
    return interpreter


def _find_tensors(interpreter: "Interpreter", bundle: Bundle) -> tuple[dict, dict, dict | None]:
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
