"""What every benchmark shares: its options, its table and JSON, and a note of where it ran."""

import argparse
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from loky import cpu_count

from dogbreed.bundle import write_beside
from dogbreed.engines.processor import cpuinfo, instruction_sets

# What the speed of float32, 8-bit and bfloat16 arithmetic depends on.
INSTRUCTION_SETS = ("avx2", "avx512_vnni", "avx_vnni", "amx_int8", "avx512_bf16", "amx_bf16")
LIBRARIES = ("tensorflow", "keras", "ai-edge-litert", "onnxruntime", "openvino", "pillow", "numpy")


def benchmark_parser(doc: str | None, output: str) -> argparse.ArgumentParser:
    """A parser with the option `--output`, described by the first line of a docstring.

    Args:
        doc: Docstring of the benchmark.
        output: Name of the JSON file in the current folder, unless the user names another.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path(output), help="JSON file to write")
    return parser


def machine() -> dict:
    """Where this process runs: processor, its instruction sets, cores it may use, libraries."""
    known, sets = cpuinfo(), instruction_sets()
    return {
        "processor": known.get("model name") or platform.processor() or platform.machine(),
        "instruction sets": [name for name in INSTRUCTION_SETS if name in sets],
        "OpenVINO limited to": os.environ.get("ONEDNN_MAX_CPU_ISA"),
        "cores": cpu_count(),
        "python": platform.python_version(),
        "libraries": dict(_versions()),
    }


def publish(path: Path, title: str, rows: Sequence[Mapping], **facts: object) -> None:
    """Print rows as a table in Markdown, and write everything as JSON.

    Args:
        path: JSON file to write.
        title: What was measured, and on what.
        rows: The lines of the table, all with the same keys.
        facts: Whatever else belongs in the JSON; printed line by line below the table.
    """
    where = machine()
    print(f"\n{title}\n\n{as_table(rows)}\n")
    for name, value in facts.items():
        print(f"{name.replace('_', ' ')}: {value}")
    sets = ", ".join(where["instruction sets"]) or f"none of {', '.join(INSTRUCTION_SETS)}"
    versions = [f"Python {where['python']}"]
    versions += [f"{name} {version}" for name, version in where["libraries"].items()]
    if where["OpenVINO limited to"]:
        sets += f"; OpenVINO limited to {where['OpenVINO limited to']}"
    print(f"processor: {where['processor']} ({sets}), cores for this process: {where['cores']}")
    print(", ".join(versions))
    document = {"title": title, "rows": list(rows), **facts, "machine": where}
    with write_beside(path) as file:
        file.write(json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n")


def as_table(rows: Sequence[Mapping]) -> str:
    """Rows with the same keys as a Markdown table: two decimals, numbers flush right."""
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    right = [isinstance(value, int | float) for value in rows[0].values()]
    lines = [
        " | ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(line, widths, right, strict=True)
        )
        for line in cells
    ]
    rule = " | ".join(
        f"{'-' * max(width - 1, 2)}{':' if flush else '-'}"
        for width, flush in zip(widths, right, strict=True)
    )
    return "\n".join(f"| {line} |" for line in [lines[0], rule, *lines[1:]])


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _versions() -> Iterator[tuple[str, str]]:
    """Name and version of those libraries that are installed."""
    for name in LIBRARIES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
