"""Nothing else runs the benchmarks, so a renamed function would break them unnoticed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
# These are imported by others and have no options.
SHARED = {
    "bad_visitors",
    "bulk_ways",
    "cached",
    "contenders",
    "jpeg",
    "pairs",
    "results",
    "timing",
    "training_ways",
}


@pytest.fixture(scope="module")
def answers() -> dict[str, dict]:
    """What `tests.helpers.benchmark_help` prints about each benchmark."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.helpers.benchmark_help", *NAMES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return dict(zip(NAMES, map(json.loads, result.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_benchmark_imports_from_the_project_is_there(name, answers):
    assert answers[name]["unknown"] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_starts(name, answers):
    missing = answers[name]["missing"]
    if missing in peers():
        pytest.skip(f"{missing} is not installed; see benchmarks/requirements.txt")
    assert missing is None
    assert answers[name]["error"] is None
    assert ("usage:" in answers[name]["help"]) == (name not in SHARED)


def peers() -> set[str]:
    """The packages that the benchmarks need and the tests do not."""
    text = (ROOT / "benchmarks" / "requirements.txt").read_text(encoding="utf-8")
    return set(re.findall(r"^(\w+)~=", text, re.MULTILINE))
