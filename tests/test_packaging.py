"""What `pip install` gives: the requirements of each extra, and every file of the package."""

import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]


def lines(name: str) -> list[str]:
    """The lines of a requirements file that are not comments."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_setuptools_can_read_the_requirements():
    """It takes requirements only, no `-r`."""
    dynamic = SETUPTOOLS["dynamic"]
    extras = dynamic["optional-dependencies"]
    assert {"train", "export", "mcp", "openvino", "bulk", "test"} <= extras.keys()
    for stated in (dynamic["dependencies"], *extras.values()):
        for line in lines(stated["file"]):
            assert Requirement(line).specifier, line


def test_the_files_for_pip_name_all_others():
    assert lines("requirements.txt") == ["-r requirements-serve.txt", "-r requirements-train.txt"]
    assert lines("requirements-test.txt") == [
        "-r requirements.txt",
        "-r requirements-bulk.txt",
        "-r requirements-mcp.txt",
        "-r requirements-openvino.txt",
        "-r requirements-tools.txt",
        "-r requirements-zerogpu.txt",
    ]


def test_every_file_of_the_package_is_installed():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    command = ["git", "ls-files", "dogbreed"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    patterns = SETUPTOOLS["package-data"]["dogbreed"]
    data = [path for path in run.stdout.splitlines() if not path.endswith(".py")]
    assert len(data) > 20
    for path in data:
        inside = path.removeprefix("dogbreed/")
        assert any(fnmatch(inside, pattern) for pattern in patterns), f"{path} is left out"
    code = [Path(path) for path in run.stdout.splitlines() if path.endswith(".py")]
    assert {path.parent for path in code} == {
        path.parent for path in code if path.name == "__init__.py"
    }
