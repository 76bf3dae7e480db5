"""The network of a bundle, for any number of threads at once."""

import ctypes
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from weakref import WeakSet

import numpy as np

from dogbreed.bundle import Bundle
from dogbreed.engines import LITERT, Engine, choose_engine
from dogbreed.engines.litert import Answer, LiteRT, Run
from dogbreed.engines.trial import try_in_child
from dogbreed.errors import BundleError


class Network:
    """Answers photos on as many threads as this process has cores.

    A photo that comes alone gets all cores. If there are several, each gets one core and a network
    that was started for it, which is more photos a second than all cores for one after the other
    (docs/performance.md has the numbers). Those that wait are taken in the order that they came in.

    A process may fork at any time: the child starts threads and networks of its own, on LiteRT.
    """

    def __init__(self, bundle: Bundle, engine: str = LITERT):
        """Load the network.

        Args:
            bundle: The bundle that it belongs to.
            engine: See `choose_engine`.

        Raises:
            BundleError: It cannot be loaded or does not fit the config.
            UsageError: The engine cannot be used.
        """
        # Imported here, so that reading a bundle and training do not load it.
        from loky import cpu_count

        if bundle.address is not None and not try_in_child(bundle.network, LITERT):
            raise BundleError(
                f"The network of {bundle.source} cannot be run: LiteRT fails on it or takes too "
                "long; use another bundle, or ask its author to push it again."
            )
        # A container may have fewer cores than the machine: two of sixteen on a Space.
        self._cores: int = cpu_count()
        # More photos than this at a time would only wait.
        self.window = 2 * self._cores
        self._litert = LiteRT(bundle)
        chosen = choose_engine(engine, self._litert, bundle, self._cores)
        self._start(chosen, chosen.start(self._cores))
        _networks.add(self)

    def _start(self, engine: Engine, on_all_cores: Run | None) -> None:
        self._engine = engine
        self._on_all_cores = on_all_cores
        self._on_one_core: list[Run] = []
        self._running = 0
        self._lock = threading.Lock()
        self._free_cores = threading.Semaphore(self._cores)
        self._threads = ThreadPoolExecutor(self._cores, thread_name_prefix="dogbreed")

    def _start_again(self) -> None:
        """Start in the child of a fork, where the threads of the parent do not exist.

        OpenVINO does not support forks, so LiteRT answers.
        """
        for parents in (self._engine, self._on_all_cores, *self._on_one_core):
            # To free it would wait for its threads, so it is never freed.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(parents))
        self._start(self._litert, None)

    @property
    def engine(self) -> str:
        """What answers: `litert` or `openvino`."""
        return self._engine.name

    @property
    def channels(self) -> int:
        """Length of the pooled features; 0 if the network does not give them."""
        return self._litert.channels

    def answer(self, frame: Callable[[], np.ndarray]) -> Answer:
        """Like `submit`, but wait; a photo that comes alone is answered without another thread."""
        with self._lock:
            alone = self._running == 0
        # Handing it over, and the answer back, takes a few percent of the whole.
        if not (alone and self._free_cores.acquire(blocking=False)):
            return self.submit(frame).result()
        try:
            return self._answer(frame)
        finally:
            self._free_cores.release()

    def submit(self, frame: Callable[[], np.ndarray]) -> Future[Answer]:
        """Run the network on a photo.

        Args:
            frame: Gives the photo as uint8 array of shape (size, size, 3). It is called on one of
                the network's threads, so no more photos are decoded at once than there are cores.

        Returns:
            The evidence map, float32 of shape (8, 8, num_classes) for 299 pixels, and the pooled
            features, float32 of shape (1, channels), None if the network does not give them.
        """
        return self._threads.submit(self._answer_in_turn, frame)

    def _answer_in_turn(self, frame: Callable[[], np.ndarray]) -> Answer:
        with self._free_cores:
            return self._answer(frame)

    def _answer(self, frame: Callable[[], np.ndarray]) -> Answer:
        with self._lock:
            self._running += 1
        try:
            photo = frame()
            run = self._take()
            try:
                return run(photo[None])
            finally:
                self._give_back(run)
        finally:
            with self._lock:
                self._running -= 1

    def _take(self) -> Run:
        with self._lock:
            if self._running == 1:
                if self._on_all_cores is None:
                    self._on_all_cores = self._engine.start(self._cores)
                return self._on_all_cores
            if self._on_one_core:
                return self._on_one_core.pop()
        return self._engine.start(1)

    def _give_back(self, run: Run) -> None:
        if run is not self._on_all_cores:
            with self._lock:
                self._on_one_core.append(run)


_networks: WeakSet[Network] = WeakSet()


def _start_all_again() -> None:
    for network in _networks:
        network._start_again()


# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_all_again)
