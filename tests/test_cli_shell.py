"""`predict` in a real shell: its streams, odd file names, and that it warns of nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers import predicting
from tests.helpers.predicting import expected_probabilities
from tests.helpers.running import ROOT
from tests.helpers.tiny_bundle import NAMES, draw_disc

photo, folder = predicting.photo, predicting.folder


def shell(*arguments: object, **options) -> subprocess.CompletedProcess:
    """Run the shell for real."""
    command = [sys.executable, "-m", "dogbreed", "predict", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, **options)


def test_the_real_shell(tiny, photo, folder, tmp_path):
    env = {**os.environ, "DOGBREED_MODEL": str(tiny)}
    heatmap = tmp_path / "heatmap.png"
    result = shell(photo, "--heatmap", heatmap, env=env)
    assert result.returncode == 0
    expected = zip(NAMES, expected_probabilities(), strict=True)
    lines = [f"{name}: {100 * share:.2f}%" for name, share in expected]
    assert result.stdout.decode().splitlines() == lines
    assert b"Traceback" not in result.stderr and b"Warning" not in result.stderr
    assert Image.open(heatmap).width == 640

    result = shell(photo, folder, tmp_path / "missing.jpg", "--json", "--model", tiny)
    assert result.returncode == 2
    answers = json.loads(result.stdout)
    assert ["error" in answer for answer in answers] == [False, False, True, False, True]
    assert b"broken.jpg: " in result.stderr and b"missing.jpg: " in result.stderr
    assert b"Traceback" not in result.stderr


def test_the_real_shell_without_a_model(photo, tmp_path):
    result = shell(photo, "--model", tmp_path / "missing")
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.startswith(b"dogbreed: ") and len(result.stderr.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_answers_that_cannot_be_written_are_an_error(tiny, photo, options):
    """One answer stays in Python's buffer to the end, many do not."""
    for count in (1, 400):
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "dogbreed", "predict", *[photo] * count]
            run = subprocess.run(
                [*command, "--model", tiny, *options], cwd=ROOT, stdout=full, stderr=subprocess.PIPE
            )
        assert run.returncode == 2
        said = b"dogbreed: The output cannot be written: No space left on device.\n"
        assert run.stderr.endswith(said) and b"Traceback" not in run.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_do_not_stop_the_command(tiny, photo, tmp_path, closed):
    heatmap = tmp_path / "heatmap.png"
    command = f'exec "$0" -m dogbreed predict "$1" --model "$2" --heatmap "$3" {closed}'
    run = subprocess.run(
        ["sh", "-c", command, sys.executable, photo, tiny, heatmap],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0 and "Error" not in run.stderr
    with Image.open(heatmap) as image:
        assert image.format == "PNG"


def test_a_reader_that_has_seen_enough_is_not_an_error(tiny, photo):
    command = '"$0" -m dogbreed predict --model "$@" | head -n 1'
    shell = ["bash", "-o", "pipefail", "-c", command, sys.executable, tiny, *[photo] * 400]
    run = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0 and len(run.stdout.splitlines()) == 1
    assert "Error" not in run.stderr and "Traceback" not in run.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_file_name_that_is_not_utf_8(tiny, photo, tmp_path):
    strange = os.fsencode(tmp_path) + b"/caf\xe9.png"
    os.rename(photo, strange)
    draw_disc().save(tmp_path / "red.png")
    # What Python uses where the language is set, as on a desktop.
    env = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    for options in ([], ["--json"]):
        result = shell(tmp_path, "--model", tiny, *options, env=env)
        assert result.returncode == 0
        assert b"Traceback" not in result.stderr
        assert result.stdout.count(b"Red disc") == 2


def test_a_photo_with_broken_exif_is_answered_quietly(tiny, tmp_path):
    path = tmp_path / "photo.jpg"
    draw_disc().save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    result = shell(path, "--model", tiny)
    assert result.returncode == 0 and result.stdout.startswith(b"Red disc: ")
    assert b"Warning" not in result.stderr
