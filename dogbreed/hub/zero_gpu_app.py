"""The app of a Space on ZeroGPU, where it is called app.py.

ZeroGPU is free hardware for pages with a function that asks for a GPU. It stops an app without one
at its start. This page answers on the processor, so its function is never called.
"""

import sys

import spaces

from dogbreed.cli import run_script


@spaces.GPU
def unused() -> None:
    """What ZeroGPU looks for when the page starts."""


if __name__ == "__main__":
    sys.exit(run_script("app.py", "serve", __doc__, None))
