"""The Dockerfile: built and run where Docker is at hand, else its steps one by one."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath

import pytest

from tests.helpers.permissions import obey_permissions
from tests.helpers.running import ROOT, free_port

PORT = "7860"


def steps() -> list[tuple[str, str]]:
    """Each instruction with its arguments, in order."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line[:1].isupper()]


def arguments(instruction: str) -> list[str]:
    """The arguments of every step with this instruction."""
    return [text for name, text in steps() if name == instruction]


def command(text: str, port: int) -> list[str]:
    """A command in its JSON form, for this Python and another port."""
    program, *rest = json.loads(text[text.index("[") :].replace(PORT, str(port)))
    assert program == "python"
    return [sys.executable, *rest]


def is_ignored(path: PurePosixPath) -> bool:
    """Whether .dockerignore leaves a file out; the last line that fits decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if line.startswith("#"):
            continue
        places = [path, *path.parents][:-1]
        if pattern.startswith("**/"):
            fits = any(place.name == pattern[3:] for place in places)
        else:
            fits = any(pattern in ("*", str(place)) for place in places)
        if fits:
            ignored = not line.startswith("!")
    return ignored


def copy_all(image: Path) -> None:
    """Do the COPY steps."""
    for text in arguments("COPY"):
        *sources, destination = text.split()
        for source in sources:
            found = [ROOT / source, *(ROOT / source).rglob("*")]
            files = [path for path in found if path.is_file()]
            kept = [path for path in files if not is_ignored(PurePosixPath(path.relative_to(ROOT)))]
            assert kept, f"{source} would not be in the image"
            for path in kept:
                place = image / destination / path.relative_to((ROOT / source).parent)
                if (ROOT / source).is_dir():
                    place = image / destination / path.relative_to(ROOT / source)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place)


def test_it_is_slim_and_does_not_run_as_root():
    (base,) = arguments("FROM")
    assert re.fullmatch(r"python:3\.1[1-3]-slim", base)
    names = [name for name, _ in steps()]
    assert names.index("USER") > max(
        place for place, name in enumerate(names) if name in ("COPY", "RUN")
    )
    (user,) = arguments("USER")
    assert user not in ("root", "0") and any(
        f"useradd --create-home {user}" in run for run in arguments("RUN")
    )
    assert arguments("EXPOSE") == [PORT]


def test_what_pip_installs_is_copied_before(tmp_path):
    copied: set[str] = set()
    for name, text in steps():
        if name == "COPY":
            copied.update(text.split()[:-1])
        if name == "RUN" and "pip install" in text:
            files = re.findall(r"-r (\S+)", text)
            assert files == ["requirements-serve.txt"] and copied >= {*files}
            # pip reads it, and all of it is installed here too.
            dry = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "-q"]
            run = subprocess.run([*dry, "-r", *files], cwd=ROOT, capture_output=True, text=True)
            assert run.returncode == 0, run.stderr
            return
    raise AssertionError("nothing is installed")


def test_the_page_starts_from_what_is_copied_and_is_healthy(tmp_path):
    image, home = tmp_path / "app", tmp_path / "home"
    home.mkdir()
    copy_all(image)
    for wing in ("train", "web"):
        assert not (image / "dogbreed" / wing).exists()
    assert (image / "dogbreed" / "default_model" / "model.tflite").is_file()
    for path in [image, *image.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    port = free_port()
    (start,), (check,) = arguments("CMD"), arguments("HEALTHCHECK")
    health = command(check, port)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("DOGBREED", "PYTHONPATH"))}
    # It may write to its home and to the temporary folder only.
    environ |= {"HOME": str(home), "TMPDIR": str(home), "HTTP_PROXY": "http://127.0.0.1:9"}
    assert subprocess.run(health, env=environ, capture_output=True).returncode != 0
    process = subprocess.Popen(
        command(start, port),
        cwd=image,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=obey_permissions,
    )
    try:
        deadline = time.monotonic() + 240
        while subprocess.run(health, env=environ, capture_output=True).returncode != 0:
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline, "it does not become healthy"
    finally:
        process.terminate()
        printed, _ = process.communicate(timeout=60)
        for path in [image, *image.rglob("*")]:
            path.chmod(0o755)
    assert "Traceback" not in printed


def docker_runs() -> bool:
    return (
        shutil.which("docker") is not None
        and subprocess.run(["docker", "info"], capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not docker_runs(), reason="there is no Docker that runs")
def test_docker_builds_and_runs_it():
    subprocess.run(["docker", "build", "-q", "-t", "dogbreed-test", "."], cwd=ROOT, check=True)
    port = free_port()
    run = ["docker", "run", "-d", "--rm", "-p", f"127.0.0.1:{port}:{PORT}", "dogbreed-test"]
    container = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    try:
        look = ["docker", "inspect", "-f", "{{.State.Health.Status}}", container]
        deadline = time.monotonic() + 240
        while subprocess.run(look, capture_output=True, text=True).stdout != "healthy\n":
            assert time.monotonic() < deadline
            time.sleep(2)
    finally:
        subprocess.run(["docker", "kill", container], capture_output=True)
