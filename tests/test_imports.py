"""Who may import what, how deep imports go, how long files and functions are.

The package is a flat core and one wing for each heavy library. Serving a photo loads none of
these, so it starts fast and runs where none is installed.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dogbreed.cli import COMMANDS
from tests.helpers.tiny_bundle import draw_disc, write_bundle

ROOT = Path(__file__).parent.parent
# What only one wing may import.
WINGS = {
    "hub": {"huggingface_hub", "httpx", "httpx2"},
    "page": {"gradio", "gradio_client", "starlette", "fastapi", "uvicorn", "mcp"},
    "train": {
        "tensorflow",
        "keras",
        "datasets",
        "sklearn",
        "scipy",
        "matplotlib",
        "jinja2",
        "tensorboard",
        "pyarrow",
        "tf2onnx",
        "onnx",
        "onnxruntime",
        "openvino",
    },
    "bulk": {"ray", "pyarrow"},
    # It needs no library.
    "web": set(),
}
HEAVY = WINGS["page"] | WINGS["train"] | WINGS["bulk"] | {"dogbreed.train", "dogbreed.page"}
# Folders that belong to the core.
CORE = {"engines", "images"}
# Who may enter a wing, and through which module.
DOORS = {
    ("dogbreed/classifier.py", "dogbreed.hub"),
    ("dogbreed/train/", "dogbreed.hub"),
    ("dogbreed/page/", "dogbreed.hub"),
    ("dogbreed/web/cli.py", "dogbreed.hub"),
    ("dogbreed/bulk/job.py", "dogbreed.hub"),
    ("dogbreed/train/network/workers.py", "dogbreed.bulk.engine"),
    # What a static Space contains.
    ("dogbreed/hub/", "dogbreed.web.export"),
    *(("dogbreed/cli.py", module) for module, _ in COMMANDS.values()),
}
# What belongs to a wing elsewhere, and this file may import too.
SHARED = {("dogbreed/engines/openvino.py", "openvino")}
ENTRIES = ("app.py", "train.py")
LONGEST_CHAIN = 9
LONGEST_FILE = 350
LONGEST_FUNCTION = 80
MOST_POSITIONAL = 6


def package_files() -> list[str]:
    """Every Python file of the package, and both entries, by its path from the root."""
    found = [*ENTRIES, *(ROOT / "dogbreed").rglob("*.py")]
    return sorted((ROOT / path).relative_to(ROOT).as_posix() for path in found)


def parse(path: str) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imported_by(tree: ast.Module) -> Iterator[str]:
    """Every module or name that a file imports, also inside its functions and by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            (name,) = node.args
            if isinstance(name, ast.Constant):
                yield str(name.value)


def starts_with(name: str, module: str) -> bool:
    """Whether a dotted name is a module or lies in it."""
    return name == module or name.startswith(f"{module}.")


def module_of(name: str) -> str:
    """The module of the package that an imported name lies in."""
    parts = name.split(".")
    while len(parts) > 1:
        path = ROOT.joinpath(*parts)
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            break
        parts.pop()
    return ".".join(parts)


def wing_of(path: str) -> str | None:
    """The wing that a file lies in; None for the core and the entries."""
    parts = Path(path).parts
    return parts[1] if parts[0] == "dogbreed" and parts[1] in WINGS else None


def wrong_imports(path: str, tree: ast.Module) -> list[str]:
    """The rules by folder, for one file: `fault`s, none where all is well."""
    own, faults = wing_of(path), []
    for name in imported_by(tree):
        if name.startswith("."):
            faults.append(f"{path} imports {name}; name it in full")
        for wing, libraries in WINGS.items():
            if wing == own:
                continue
            library = name.split(".")[0]
            allowed = WINGS[own] if own else set()
            if library in libraries - allowed and (path, library) not in SHARED:
                faults.append(f"{path} imports {library}")
            module = module_of(name)
            if starts_with(name, f"dogbreed.{wing}") and not any(
                path.startswith(who) and module == door for who, door in DOORS
            ):
                faults.append(f"{path} imports {module}")
    return faults


def module_name(path: str) -> str:
    """The dotted name of a file."""
    return ".".join(Path(path).with_suffix("").parts).removesuffix(".__init__")


class _WithoutTypes(ast.NodeTransformer):
    """Takes out what only the type checker imports."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


def import_graph() -> dict[str, set[str]]:
    """For each module of the package and each entry the modules of the package it imports."""
    return {
        module_name(path): {
            module_of(name)
            for name in imported_by(_WithoutTypes().visit(parse(path)))
            if starts_with(name, "dogbreed")
        }
        for path in package_files()
    }


def longest_chain(graph: dict[str, set[str]]) -> list[str]:
    """The longest chain of imports; fails where imports go round in a circle."""
    best: dict[str, list[str]] = {}

    def chain(module: str, above: tuple[str, ...]) -> list[str]:
        assert module not in above, f"imports in a circle: {' → '.join([*above, module])}"
        if module not in best:
            below = [chain(other, (*above, module)) for other in graph[module]]
            best[module] = [module, *max(below, key=len, default=[])]
        return best[module]

    return max((chain(module, ()) for module in graph), key=len)


def shape_faults(path: str, source: str) -> list[str]:
    """What is too long in a file."""
    faults = []
    if len(source.splitlines()) > LONGEST_FILE:
        faults.append(f"{path} is longer than {LONGEST_FILE} lines")
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION:
            faults.append(f"{path}: {node.name} is longer than {LONGEST_FUNCTION} lines")
        positional = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        if len(positional) - (positional[:1] in (["self"], ["cls"])) > MOST_POSITIONAL:
            faults.append(f"{path}: {node.name} takes more than {MOST_POSITIONAL} arguments")
    return faults


def test_files_are_where_the_rules_expect_them():
    files = package_files()
    assert {"app.py", "dogbreed/__init__.py", "dogbreed/cli.py", "dogbreed/hub/push.py"} <= {*files}
    folders = {path.parent.name for path in (ROOT / "dogbreed").glob("*/__init__.py")}
    assert folders - CORE <= WINGS.keys(), "a wing without rules"
    assert {wing_of(path) for path in files} == {None, *(folders - CORE)}


def test_every_file_keeps_the_rules():
    faults = set()
    for path in package_files():
        faults.update(wrong_imports(path, parse(path)))
        faults.update(shape_faults(path, (ROOT / path).read_text(encoding="utf-8")))
    assert sorted(faults) == []


def test_imports_are_short_chains():
    chain = longest_chain(import_graph())
    assert len(chain) <= LONGEST_CHAIN, " → ".join(chain)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("dogbreed/classifier.py", "import gradio as gr"),
        ("dogbreed/classifier.py", "from dogbreed.hub.push import push_bundle"),
        ("dogbreed/bundle.py", "from dogbreed.hub import load_bundle"),
        ("dogbreed/runtime.py", "def load():\n    import tensorflow"),
        ("dogbreed/runtime.py", "import openvino"),
        ("dogbreed/images/kinds.py", "from .errors import DogBreedError"),
        ("dogbreed/wording.py", "from dogbreed.page.i18n import texts"),
        ("dogbreed/cli.py", "from dogbreed.page.serve import serve"),
        ("dogbreed/hub/push.py", "from matplotlib import pyplot"),
        ("dogbreed/hub/space.py", "from dogbreed.page.build import STATIC"),
        ("dogbreed/page/photo.py", "from huggingface_hub import HfApi"),
        ("dogbreed/page/about.py", "from dogbreed.train.report.titles import show_metric"),
        ("dogbreed/page/serve.py", "from dogbreed.hub import load"),
        ("dogbreed/train/report/card.py", "from huggingface_hub import ModelCard"),
        ("dogbreed/train/data/load.py", "import ray.data"),
        ("dogbreed/train/network/workers.py", "import ray"),
        ("dogbreed/train/network/workers.py", "from dogbreed.bulk.reading import photos_of"),
        ("dogbreed/train/network/features.py", "from dogbreed.bulk.engine import run_tasks"),
        ("dogbreed/classifier.py", "from dogbreed.bulk.engine import workers"),
        ("dogbreed/bulk/job.py", "import datasets"),
        ("dogbreed/train/data/load.py", "module = importlib.import_module('gradio')"),
        ("app.py", "from dogbreed.page.serve import serve"),
    ],
)
def test_an_import_in_the_wrong_wing_is_found(path, line):
    assert len(wrong_imports(path, ast.parse(line))) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("dogbreed/classifier.py", "from dogbreed.hub import load_bundle, push_bundle"),
        ("dogbreed/cli.py", "from dogbreed.page import cli"),
        ("dogbreed/engines/openvino.py", "import openvino"),
        ("dogbreed/page/photo.py", "import gradio\nfrom dogbreed.page.i18n import texts"),
        ("dogbreed/train/cli.py", "from dogbreed import hub\nfrom dogbreed.hub import check_push"),
        ("dogbreed/bulk/job.py", "import ray\nimport pyarrow.parquet"),
        (
            "dogbreed/train/network/workers.py",
            "from dogbreed.bulk.engine import run_tasks, workers",
        ),
        ("dogbreed/train/report/card.py", "import keras\nfrom dogbreed.bundle import Bundle"),
    ],
)
def test_an_import_in_the_right_wing_is_fine(path, line):
    assert wrong_imports(path, ast.parse(line)) == []


def test_what_is_too_long_or_too_wide_is_found():
    long = "def long():\n" + "    pass\n" * LONGEST_FUNCTION
    wide = "def wide(self, a, b, c, d, e, f, *, g): pass\ndef wider(a, b, c, d, e, f, /, g): pass\n"
    assert shape_faults("x.py", long + wide) == [
        f"x.py: long is longer than {LONGEST_FUNCTION} lines",
        f"x.py: wider takes more than {MOST_POSITIONAL} arguments",
    ]
    assert shape_faults("x.py", "\n" * (LONGEST_FILE + 1)) != []
    with pytest.raises(AssertionError, match="a → b → a"):
        longest_chain({"a": {"b"}, "b": {"a"}})
    assert longest_chain({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == ["a", "b", "c"]


def loaded_by(code: str, *arguments: object) -> set[str]:
    """Every module that a fresh Python has loaded after running some code."""
    code += "\nimport sys; print('loaded:', *sorted(sys.modules))"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    *_, last = result.stdout.splitlines()
    return set(last.removeprefix("loaded: ").split())


def test_importing_the_core_loads_nothing_heavy():
    loaded = loaded_by("import dogbreed, dogbreed.hub, dogbreed.cli, dogbreed.heatmap")
    assert {"dogbreed.hub", "dogbreed.cli", "dogbreed.heatmap"} <= loaded
    assert not (HEAVY | {"huggingface_hub"}) & loaded


def test_a_whole_prediction_loads_nothing_heavy(tmp_path):
    model = write_bundle(tmp_path / "model")
    photo, picture = tmp_path / "red.png", tmp_path / "heatmap.png"
    draw_disc().save(photo)
    code = "import sys; from dogbreed.cli import main; assert main(sys.argv[1:]) == 0"
    loaded = loaded_by(code, "predict", photo, "--model", model, "--heatmap", picture)
    assert picture.exists()
    assert "ai_edge_litert.interpreter" in loaded
    assert not (HEAVY | {"huggingface_hub"}) & loaded


def test_a_prediction_without_a_heatmap_loads_only_what_it_uses(tmp_path):
    model, photo = write_bundle(tmp_path / "model"), tmp_path / "red.jpg"
    draw_disc().save(photo)
    code = "import sys; from dogbreed.cli import main; assert main(sys.argv[1:]) == 0"
    loaded = loaded_by(code, "predict", photo, "--model", model)
    assert "PIL.JpegImagePlugin" in loaded
    assert not {"tqdm", "PIL.ImageDraw", "PIL.ImageFont", "PIL.PngImagePlugin"} & loaded


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "predict"])
def test_the_help_of_a_command_loads_nothing_heavy(command):
    code = (
        "import sys; from dogbreed.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as stop: assert stop.code == 0"
    )
    loaded = loaded_by(code, command, "--help")
    assert COMMANDS[command][0] in loaded
    assert not (WINGS["page"] | WINGS["train"] | WINGS["hub"] | WINGS["bulk"]) & loaded


def test_importing_the_page_loads_no_training_library():
    loaded = loaded_by("import app, dogbreed.page.build")
    assert "gradio" in loaded
    assert not ({"tensorflow", "keras", "datasets"} | {"dogbreed.train"}) & loaded
