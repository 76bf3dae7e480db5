"""Let the permissions of files apply to root, who may otherwise write everywhere."""

import ctypes
import os
import sys

_PR_CAPBSET_DROP = 24
_OVERRIDES = {"CAP_DAC_OVERRIDE": 1, "CAP_DAC_READ_SEARCH": 2}


def obey_permissions() -> None:
    """Give up root's exception for the program that this process runs next (`preexec_fn`)."""
    if sys.platform == "linux" and os.geteuid() == 0:
        for capability in _OVERRIDES.values():
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
