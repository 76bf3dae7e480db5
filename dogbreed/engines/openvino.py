"""The network on OpenVINO, which reads the file of LiteRT."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dogbreed.errors import UsageError

if TYPE_CHECKING:
    from openvino import CompiledModel

    from dogbreed.engines.litert import Answer, Run

_OPTIONS = {
    # The little that the network computes in float stays in float32, as with LiteRT.
    "INFERENCE_PRECISION_HINT": "f32",
    # The threads of several processes would be bound to the same cores.
    "ENABLE_CPU_PINNING": False,
    # As many threads as there are cores, also where two of these share a physical one.
    "ENABLE_HYPER_THREADING": True,
}


class OpenVINO:
    """A network that OpenVINO has compiled for this processor.

    It cannot be used in the child of a fork, where its threads do not exist.
    """

    name = "openvino"

    def __init__(self, path: Path, cores: int):
        """Compile the network for a photo that comes alone.

        Raises:
            UsageError: OpenVINO cannot be loaded, or does not know what the network computes.
        """
        self._path, self._cores = path, cores
        self._compiled: dict[int, CompiledModel] = {}
        self._lock = threading.Lock()
        try:
            run = self.start(cores)
            (photo,) = self._compiled[cores].inputs
            # OpenVINO's Python part prepares itself at its first answer, and two threads that come
            # first together would wait for each other.
            run(np.zeros(photo.shape, np.uint8))
        except (ImportError, RuntimeError) as error:
            raise UsageError(
                f"OpenVINO cannot run {path}; use the engine litert, or install OpenVINO again."
            ) from error

    def start(self, threads: int) -> "Run":
        """See `Engine`."""
        # Those who come while it is being compiled wait, instead of compiling it too.
        with self._lock:
            if threads not in self._compiled:
                self._compiled[threads] = self._compile(threads)
        request = self._compiled[threads].create_infer_request()
        by_rank = {len(output.shape): output for output in self._compiled[threads].outputs}
        evidence, features = by_rank[4], by_rank.get(2)

        def run(photo: np.ndarray) -> "Answer":
            request.infer([photo], share_inputs=True)
            pooled = None if features is None else request.get_tensor(features).data.copy()
            return request.get_tensor(evidence).data[0].copy(), pooled

        return run

    def _compile(self, threads: int) -> "CompiledModel":
        """Compile the network: for one photo on all cores, or for a photo on each of them."""
        # Imported here, since it takes longer than all of LiteRT.
        import openvino
        from openvino.preprocess import PrePostProcessor

        core = openvino.Core()
        scaling = PrePostProcessor(core.read_model(self._path))
        # By OpenVINO, which is faster at it than NumPy, and copies a fourth of the bytes.
        scaling.input().tensor().set_element_type(openvino.Type.u8)
        scaling.input().preprocess().convert_element_type(openvino.Type.f32).scale(127.5).mean(1.0)
        streams = {"INFERENCE_NUM_THREADS": self._cores, "NUM_STREAMS": self._cores // threads}
        return core.compile_model(scaling.build(), "CPU", {**_OPTIONS, **streams})
