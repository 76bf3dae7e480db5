"""What a benchmark found: a table for people, JSON for programs, and where it was measured."""

import importlib.metadata
import json
import platform
from collections.abc import Sequence
from pathlib import Path

import psutil
from tabulate import tabulate

from dogbreed.bundle import write_beside

LIBRARIES = ("tensorflow", "keras", "ai-edge-litert", "onnxruntime", "openvino", "pillow", "numpy")


def machine() -> dict:
    """What the figures depend on: processor, cores, libraries."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": len(psutil.Process().cpu_affinity()),
        "8-bit instructions": [name for name in flags if "vnni" in name or name == "amx_int8"],
        "python": platform.python_version(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def publish(path: Path, title: str, rows: Sequence[dict], **facts) -> None:
    """Print rows as a table in Markdown, and write all as JSON.

    Args:
        path: Where the JSON goes.
        title: What was measured, on what.
        rows: One line each, all with the same keys.
        facts: Whatever else belongs into the JSON; printed line by line below the table.
    """
    print(f"\n{title}\n")
    print(tabulate(rows, headers="keys", tablefmt="pipe", floatfmt=".2f"))
    print()
    for name, value in facts.items():
        print(f"{name.replace('_', ' ')}: {value}")
    found = {"title": title, "rows": list(rows), **facts, "machine": machine()}
    with write_beside(path) as file:
        file.write(json.dumps(found, indent=2).encode() + b"\n")
