"""What the documentation says is there: commands, options, paths, links and examples."""

import contextlib
import io
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

import app
import train
from dogbreed import cli
from tests.helpers.tiny_bundle import draw_disc

ROOT = Path(__file__).parent.parent
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
PROGRAMS: dict[str, Callable[[list[str]], int]] = {
    "app.py": app.main,
    "train.py": train.main,
    "dogbreed": cli.main,
}
# A program and its arguments, in a block or between backticks; not the project's name in prose.
COMMAND = re.compile(
    r"(?:^|`|\$ |bin/|python (?:-m )?)"
    r"(?P<program>dogbreed [a-z-]+|app\.py|train\.py|(?:benchmarks|tools)\.\w+)"
    r"(?P<arguments>[^|&;`\n]*)",
    re.MULTILINE,
)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
# Where all options of a program are described.
COMPLETE = {
    "app.py": "docs/api.md",
    "train.py": "docs/training.md",
    "dogbreed bulk": "docs/scale.md",
    "dogbreed export": "docs/training.md",
    "dogbreed push": "docs/hub.md",
    "dogbreed deploy-space": "docs/spaces.md",
}

in_each_file = pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)


def test_the_readme_is_short():
    assert len(read("README.md").splitlines()) <= 120


def test_the_index_is_short_and_names_what_is_there():
    index = table(read("CONTRIBUTING.md"), "| where | what |")
    assert 1 <= len(index) <= 12
    for row in index:
        places = re.findall(r"`([^`]+)`", row.split("|")[1])
        assert places, row
        for place in places:
            assert (ROOT / place).exists(), place
            assert (ROOT / place).is_dir() == place.endswith("/"), place


@in_each_file
def test_every_path_of_the_project_that_is_named_exists(path):
    for code in re.findall(r"`([^`\n]+)`", without_blocks(path.read_text(encoding="utf-8"))):
        if re.fullmatch(r"(benchmarks|docs|dogbreed|tests|tools)/[\w./-]*", code):
            assert (ROOT / code).exists(), code


@in_each_file
def test_every_link_leads_somewhere(path):
    text = without_blocks(path.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@in_each_file
def test_every_command_and_its_options_exist(path):
    for found in COMMAND.finditer(joined(path.read_text(encoding="utf-8"))):
        known = options_of(found["program"])
        unknown = set(OPTION.findall(found["arguments"])) - known
        assert not unknown, f"{found['program']} has no {', '.join(sorted(unknown))}"


@in_each_file
def test_every_option_that_is_named_by_itself_exists(path):
    known = frozenset.union(*map(options_of, [*COMPLETE, "dogbreed predict", *benchmarks()]))
    for code in re.findall(r"`(--[^`\n]+)`", without_blocks(path.read_text(encoding="utf-8"))):
        unknown = set(OPTION.findall(code)) - known
        assert not unknown, f"no program has {', '.join(sorted(unknown))}"


@pytest.mark.parametrize("program", COMPLETE)
def test_every_option_is_described(program):
    described = set(OPTION.findall(read(COMPLETE[program])))
    # A switch is described by the side that is not the default.
    described |= {option.replace("--no-", "--") for option in described}
    assert options_of(program) - described == {"--help"}


def test_every_benchmark_is_documented():
    named = set(
        re.findall(r"benchmarks\.\w+", read("docs/performance.md") + read("docs/experiments.md"))
    )
    commands = {name for name in benchmarks() if "__main__" in read(f"{name.replace('.', '/')}.py")}
    # Another benchmark runs it in a process of its own.
    assert commands - {"benchmarks.article_script"} <= named


def test_the_manifests_of_a_cluster_are_read_and_their_commands_exist():
    blocks = re.findall(r"^```yaml\n(.*?)^```$", read("docs/scale.md"), re.MULTILINE | re.DOTALL)
    cluster, job = map(yaml.safe_load, blocks)
    assert cluster["head_node_type"] in cluster["available_node_types"]
    assert job["kind"] == "RayJob" and job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert set(OPTION.findall(job["spec"]["entrypoint"])) <= options_of("dogbreed bulk")


def test_the_python_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"^```python\n(.*?)^```$", read("README.md"), re.MULTILINE | re.DOTALL)
    draw_disc().save(tmp_path / "dog.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOGBREED_MODEL", raising=False)
    exec(compile(example, "README.md", "exec"), {})
    as_dict, shape, _, _ = capsys.readouterr().out.splitlines()
    assert as_dict.startswith("{") and shape == "(8, 8)"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def joined(text: str) -> str:
    """The text with lines of the shell that go on as one line."""
    return text.replace("\\\n", " ")


def without_blocks(text: str) -> str:
    """The text without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def table(text: str, head: str) -> list[str]:
    """The rows of the table with this head."""
    lines = text.splitlines()
    start = lines.index(head) + 2
    end = next(n for n in range(start, len(lines) + 1) if not lines[n : n + 1][0].startswith("|"))
    return lines[start:end]


def anchors(path: Path) -> set[str]:
    """What a link may name in a Markdown file: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def benchmarks() -> list[str]:
    return [f"benchmarks.{path.stem}" for path in sorted((ROOT / "benchmarks").glob("*.py"))]


@cache
def options_of(program: str) -> frozenset[str]:
    """Every option of a program, by its --help.

    Args:
        program: `app.py`, `train.py`, `dogbreed COMMAND`, or a module in benchmarks or tools, whose
            source is read instead, as it may import what is not installed.
    """
    if program.startswith(("benchmarks.", "tools.")):
        return frozenset(re.findall(r'"(--[a-z0-9-]+)"', read(f"{program.replace('.', '/')}.py")))
    script, *command = program.split()
    with contextlib.redirect_stdout(io.StringIO()) as shown, pytest.raises(SystemExit) as ended:
        PROGRAMS[script]([*command, "--help"])
    assert ended.value.code == 0, program
    return frozenset(OPTION.findall(shown.getvalue()))
