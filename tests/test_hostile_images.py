"""Files made to break decoders: each is answered or refused in a sentence, in time and in memory.

A sample runs here; all ten thousand take some minutes:

    DOGBREED_HOSTILE=10000 python -m pytest -n 0 -s tests/test_hostile_images.py
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from tests.helpers.examine import Examiner
from tests.helpers.hostile_images import COUNT, hostile_image
from tests.helpers.running import ROOT, running_page
from tests.helpers.tiny_bundle import assert_one_sentence, write_bundle

WANTED = int(os.environ.get("DOGBREED_HOSTILE", "300"))
# A bomb of each kind, then numbers from all over in an order that looks like chance.
SPREAD = (number * 7_919 % COUNT for number in range(COUNT))
NUMBERS = list(dict.fromkeys([*range(0, 400, 20), *SPREAD]))[:WANTED]
MOST_MEGABYTES, MOST_SECONDS = 600, 5
SHELL, PAGE = 60, 16
# These take seconds to make, and the shell and the page decode like Python.
SMALL = 2_000_000


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A small bundle."""
    return write_bundle(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Some of the files in a folder, under the names of photos."""
    folder = tmp_path_factory.mktemp("photos")
    small = (number for number in range(1, COUNT, 38) if len(hostile_image(number)[1]) < SMALL)
    for number in islice(small, SHELL):
        (folder / f"{number}.jpg").write_bytes(hostile_image(number)[1])
    return folder


def test_python(model):
    outcomes, faults = Counter(), []
    slowest, largest = (0.0, ""), (0.0, "")
    with Examiner(model) as examiner:
        for number in NUMBERS:
            how, data = hostile_image(number)
            outcome = examiner.examine(data)
            name = f"{how} ({number})"
            if outcome.fault:
                faults.append(f"{name}: {outcome.fault}")
            elif outcome.seconds > MOST_SECONDS or outcome.megabytes > MOST_MEGABYTES:
                faults.append(f"{name}: {outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB")
            for sentence in filter(None, [outcome.refusal, *outcome.notes]):
                assert_one_sentence(sentence)
            outcomes["refused" if outcome.refusal else "answered"] += 1
            slowest = max(slowest, (outcome.seconds, name))
            largest = max(largest, (outcome.megabytes, name))
    print(f"\n{len(NUMBERS)} files: {dict(outcomes)}")
    print(f"slowest: {1000 * slowest[0]:.0f} ms, {slowest[1]}; ", end="")
    print(f"largest: {largest[0]:.0f} MB, {largest[1]}")
    assert faults == []
    assert min(outcomes["refused"], outcomes["answered"]) > len(NUMBERS) / 10


def test_the_shell(model, folder):
    run = subprocess.run(
        [sys.executable, "-m", "dogbreed", "predict", folder, "--json", f"--model={model}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    answers = json.loads(run.stdout)
    assert {Path(answer["file"]) for answer in answers} == set(folder.iterdir())
    refused = [answer["error"] for answer in answers if "error" in answer]
    assert 0 < len(refused) < len(answers)
    for sentence in refused:
        assert_one_sentence(sentence)


def ask(page: str, path: Path) -> str:
    """Upload a file and ask for its breeds; returns the last event and its data."""
    mark = "a-line-that-no-file-has"
    body = f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{path.name}"\r\n'
    body_bytes = body.encode() + b"Content-Type: image/jpeg\r\n\r\n" + path.read_bytes()
    upload = urllib.request.Request(
        f"{page}/gradio_api/upload",
        body_bytes + f"\r\n--{mark}--\r\n".encode(),
        {"Content-Type": f"multipart/form-data; boundary={mark}"},
    )
    (place,) = json.load(urllib.request.urlopen(upload, timeout=60))
    file = {"path": place, "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
    call = urllib.request.Request(
        f"{page}/gradio_api/call/predict",
        json.dumps({"data": [file]}).encode(),
        {"Content-Type": "application/json"},
    )
    event = json.load(urllib.request.urlopen(call, timeout=60))["event_id"]
    with urllib.request.urlopen(f"{page}/gradio_api/call/predict/{event}", timeout=60) as answer:
        return answer.read().decode()


def test_the_page(model, folder):
    paths = sorted(folder.iterdir())[:PAGE]
    with running_page(DOGBREED_MODEL=str(model)) as page, ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda path: ask(page, path), paths))
    ends = [re.findall(r"event: (complete|error)\ndata: (.*)", text)[-1] for text in told]
    assert {event for event, _ in ends} == {"complete", "error"}
    for event, data in ends:
        if event == "complete":
            assert len(json.loads(data)[0]["confidences"]) == 3
        else:
            assert "Traceback" not in data
