"""What this processor can do, as far as the choice of an engine depends on it."""

import os
from collections.abc import Set
from functools import cache
from pathlib import Path

# Products of four 8-bit numbers, added in 32 bits.
_DOT_PRODUCTS = {"avx512_vnni", "avx_vnni", "amx_int8"}
# Limits of oneDNN, which computes for OpenVINO, to instructions without these products.
_LIMITS_WITHOUT = {"SSE41", "AVX", "AVX2", "AVX512_CORE"}


@cache
def cpuinfo() -> dict[str, str]:
    """What Linux says about the first core of an x86 processor; nothing on other systems."""
    path = Path("/proc/cpuinfo")
    fields: dict[str, str] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    return fields


def instruction_sets() -> Set[str]:
    """The instruction sets, by Linux' names."""
    return frozenset(cpuinfo().get("flags", "").split())


def has_dot_products() -> bool:
    """Whether OpenVINO adds products of 8-bit numbers in 32 bits.

    If not, it adds two of them in 16 bits, which overflows for weights of 8 bits.
    """
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    return limit not in _LIMITS_WITHOUT and bool(_DOT_PRODUCTS & instruction_sets())


def fastest_engine(sets: Set[str]) -> str:
    """`openvino` or `litert`, whichever is faster; docs/performance.md has the times.

    Args:
        sets: The processor's instruction sets; none where they are not known.
    """
    if "amx_int8" in sets:
        return "openvino"
    return "openvino" if "avx2" in sets and not _DOT_PRODUCTS & sets else "litert"
