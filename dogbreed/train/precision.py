"""What TensorFlow computes in: float32, or bfloat16 where the processor has instructions for it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

PRECISIONS = ("float32", "bfloat16")
_SWITCH = "auto_mixed_precision_onednn_bfloat16"
_FLAGS = {"avx512_bf16", "amx_bf16"}


def best_precision() -> str:
    """`bfloat16` on a processor that multiplies in it, which takes about half the time."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    return "float32" if _FLAGS.isdisjoint(flags) else "bfloat16"


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Let TensorFlow's graphs compute so meanwhile; weights and results stay float32.

    The graph optimiser puts the casts in (TensorFlow's auto mixed precision for oneDNN).
    """
    tf.config.optimizer.set_experimental_options({_SWITCH: precision == "bfloat16"})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({_SWITCH: False})
