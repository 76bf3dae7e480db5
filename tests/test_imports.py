"""What serves a photo loads no training library, so it starts fast and runs where none is."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.tiny_bundle import draw_disc, write_bundle

ROOT = Path(__file__).parent.parent
TRAINING = {"tensorflow", "keras", "datasets"}
HEAVY = TRAINING | {"gradio", "matplotlib", "dogbreed.train"}
# Only the page may load Gradio.
PAGE = [ROOT / "app.py", *sorted((ROOT / "dogbreed" / "page").rglob("*.py"))]
CORE = (ROOT / "dogbreed").glob("*.py")
SERVING = sorted([*CORE, *(ROOT / "dogbreed" / "hub").rglob("*.py")])


def loaded_by(code: str, *arguments: object) -> set[str]:
    """Every module that a fresh Python has loaded after running some code."""
    code += "\nimport sys; print('loaded:', *sorted(sys.modules))"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    *_, last = result.stdout.splitlines()
    return set(last.removeprefix("loaded: ").split())


def imported_by(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_importing_the_serving_half_loads_nothing_heavy():
    loaded = loaded_by("import dogbreed, dogbreed.hub, dogbreed.cli, dogbreed.heatmap")
    assert {"dogbreed.hub", "dogbreed.cli", "dogbreed.heatmap"} <= loaded
    assert not HEAVY & loaded


def test_a_whole_prediction_loads_nothing_heavy(tmp_path):
    model = write_bundle(tmp_path / "model")
    photo, figure = tmp_path / "red.png", tmp_path / "figure.png"
    draw_disc().save(photo)
    code = "import sys; from dogbreed.cli import main; assert main(sys.argv[1:]) == 0"
    loaded = loaded_by(code, "predict", photo, "--model", model, "--heatmap", figure)
    assert figure.exists()
    assert "ai_edge_litert.interpreter" in loaded
    assert not HEAVY & loaded


@pytest.mark.parametrize("command", ["serve", "push", "deploy-space"])
def test_the_help_of_a_command_loads_nothing_heavy(command):
    code = (
        "import sys; from dogbreed.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as stop: assert stop.code == 0"
    )
    assert not (HEAVY | {"huggingface_hub"}) & loaded_by(code, command, "--help")


def test_importing_the_page_loads_no_training_library():
    loaded = loaded_by("import app, dogbreed.page.build")
    assert "gradio" in loaded
    assert not (TRAINING | {"dogbreed.train"}) & loaded


@pytest.mark.parametrize("path", [*SERVING, *PAGE], ids=lambda path: path.name)
def test_only_the_training_half_imports_training_libraries(path):
    allowed = {"gradio"} if path in PAGE else set()
    for module in imported_by(path):
        assert not module.startswith("."), f"{path.name} imports {module}; name it in full"
        parts = module.split(".")
        prefixes = {".".join(parts[: length + 1]) for length in range(len(parts))}
        assert not prefixes & (HEAVY - allowed), f"{path.name} imports {module}"


def test_every_file_of_the_package_is_looked_at():
    training = set((ROOT / "dogbreed" / "train").rglob("*.py"))
    everything = {ROOT / "app.py", *(ROOT / "dogbreed").rglob("*.py")}
    assert everything - training == {*SERVING, *PAGE}
    assert {"__init__.py", "__main__.py", "classifier.py"} <= {path.name for path in SERVING}
