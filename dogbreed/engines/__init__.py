"""What runs the network of a bundle: LiteRT, or OpenVINO where the processor favors it.

Both read the same file. LiteRT comes with the package, is small and starts at once. OpenVINO is an
extra, takes longer to start and more memory, and is faster on some processors.
"""

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from dogbreed.engines.litert import LiteRT, Run
from dogbreed.engines.openvino import OpenVINO
from dogbreed.engines.processor import fastest_engine, has_dot_products, instruction_sets
from dogbreed.engines.trial import try_in_child
from dogbreed.errors import UsageError

if TYPE_CHECKING:
    from dogbreed.bundle import Bundle

AUTO, LITERT, OPENVINO = "auto", LiteRT.name, OpenVINO.name
CHOICES = (AUTO, LITERT, OPENVINO)
TITLES = {LITERT: "LiteRT", OPENVINO: "OpenVINO"}


class Engine(Protocol):
    """A network that can be started any number of times.

    Attributes:
        name: One of `CHOICES`, but not `auto`.
    """

    name: str

    def start(self, threads: int) -> Run:
        """Start the network on one thread or on all cores, for one caller at a time."""
        ...


def wanted_engine(named: str | None) -> str:
    """Return the engine that was named, else that of `$DOGBREED_ENGINE`, else `auto`."""
    return named or os.environ.get("DOGBREED_ENGINE") or AUTO


def choose_engine(wanted: str, litert: LiteRT, bundle: "Bundle", cores: int) -> Engine:
    """Load the engine that answers.

    Args:
        wanted: One of `CHOICES`; `auto` for the fastest on this processor that is installed and
            gives the right answers.
        litert: The network on LiteRT.
        bundle: Where the network comes from.
        cores: How many threads there are.

    Raises:
        UsageError: It is not one of them, or cannot be used.
    """
    if wanted not in CHOICES:
        raise UsageError(f"There is no engine {wanted!r}; choose one of {', '.join(CHOICES)}.")
    if wanted == LITERT or (wanted == AUTO and fastest_engine(instruction_sets()) == LITERT):
        return litert
    try:
        return _load_openvino(litert, bundle, cores)
    except UsageError:
        if wanted == OPENVINO:
            raise
        return litert


def _load_openvino(litert: LiteRT, bundle: "Bundle", cores: int) -> OpenVINO:
    if find_spec("openvino") is None:
        raise UsageError('The engine openvino needs an extra: pip install "dogbreed[openvino]".')
    # Looked up in the weights themselves, since answers that are right for some photos would not
    # show that no photo overflows.
    if not has_dot_products() and not litert.has_seven_bit_weights():
        raise UsageError(
            f"OpenVINO would answer wrongly with the 8-bit weights of {bundle.source} on this "
            "processor, which has no 8-bit dot products; use the engine litert."
        )
    if bundle.address is not None and not try_in_child(bundle.network, OPENVINO):
        raise UsageError(
            f"OpenVINO fails on the network of {bundle.source} or takes too long; use the engine "
            "litert."
        )
    return OpenVINO(bundle.network, cores)
