"""Ask benchmarks for their `--help`, all in one process, since TensorFlow takes seconds to import.

    python -m tests.helpers.benchmark_help latency memory

prints a line of JSON for each: `help`, what it printed (nothing for a module that others import);
`missing`, the package that it needs and that is not installed; `error`, the traceback if it failed;
`unknown`, the names that it imports from this repository, anywhere in the file, and that are not
there.
"""

import ast
import contextlib
import importlib
import importlib.util
import io
import json
import runpy
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"
OURS = ("dogbreed", "benchmarks", "tests")


def main() -> None:
    """Print the lines."""
    for name in sys.argv[1:]:
        answer: dict = {"missing": None, "error": None, "unknown": list(unknown_imports(name))}
        sys.argv = [name, "--help"]
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                runpy.run_module(f"benchmarks.{name}", run_name="__main__")
        except SystemExit as end:
            if end.code:
                answer["error"] = f"exit code {end.code}"
        except ModuleNotFoundError as error:
            answer["missing"] = error.name
        except Exception:
            answer["error"] = traceback.format_exc()
        answer["help"] = printed.getvalue()
        print(json.dumps(answer))


def unknown_imports(name: str) -> Iterator[str]:
    """Names that a benchmark imports from this repository and that are not there."""
    for node in ast.walk(ast.parse((BENCHMARKS / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
            try:
                module = importlib.import_module(node.module or "")
            except ModuleNotFoundError as error:
                if (error.name or "").split(".")[0] in OURS:
                    yield str(error.name)
                # Else a package is missing, which `missing` reports.
                continue
            for alias in node.names:
                if not hasattr(module, alias.name) and not is_module(module, alias.name):
                    yield f"{node.module}.{alias.name}"


def is_module(package: ModuleType, name: str) -> bool:
    """Whether a name of a package is a module that has not been imported yet."""
    return hasattr(package, "__path__") and bool(
        importlib.util.find_spec(f"{package.__name__}.{name}")
    )


if __name__ == "__main__":
    main()
