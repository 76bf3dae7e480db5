"""A first answer in a process of its own, which a damaged network may crash.

LiteRT and OpenVINO trust a network: some files with a single wrong byte end the process, or take
all memory. So a network from the Hub, which may be a stranger's, first has to answer here. That
costs one start of the engine each time it is loaded. It is protection against damage, not a
sandbox: load only bundles of people whom you would also let run a program.
"""

import os
import subprocess
import sys
from pathlib import Path

_LIMITED = """
print("ready", flush=True)
if sys.platform == "linux":
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
"""
# For each engine what loads a network and answers once. What is printed shows that the imports have
# worked.
_TRIALS = {
    "litert": f"""
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
{_LIMITED}
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
for photo in interpreter.get_input_details():
    interpreter.set_tensor(photo["index"], np.zeros(photo["shape"], photo["dtype"]))
interpreter.invoke()
""",
    "openvino": f"""
import sys
import numpy as np
import openvino
{_LIMITED}
options = {{"INFERENCE_NUM_THREADS": 1}}
network = openvino.Core().compile_model(sys.argv[1], "CPU", options)
network([np.zeros(photo.shape, np.float32) for photo in network.inputs])
""",
}
_SECONDS = 60


def try_in_child(network: Path, engine: str) -> bool:
    """Let a network answer in a process of its own.

    Args:
        network: Its file.
        engine: `litert` or `openvino`.

    Returns:
        False if it crashes, takes too long or needs too much memory.
    """
    # The child finds the same packages, and nothing that lies in the current folder by chance.
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-P", "-c", _TRIALS[engine], str(network)]
    try:
        run = subprocess.run(command, env=environ, capture_output=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    except OSError:
        # Python runs inside another program; there is nothing to start.
        return True
    return run.returncode == 0 or not run.stdout.startswith(b"ready")
