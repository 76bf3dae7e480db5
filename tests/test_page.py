"""app.py as a process: the page comes up without TensorFlow and answers."""

import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from dogbreed import DogBreedClassifier
from tests.helpers.running import ROOT, running_page
from tests.helpers.shapes import draw_shape


@pytest.fixture(scope="module")
def page():
    """The address of a running page."""
    with running_page() as address:
        yield address


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photo.png"
    draw_shape(0, 1).save(path)
    return path


def test_the_page_gives_the_same_three_labels_as_python(page, photo):
    answer = Client(page, verbose=False).predict(handle_file(photo), api_name="/predict")
    expected = DogBreedClassifier.from_pretrained().predict(photo)
    found = {row["label"]: row["confidence"] for row in answer["confidences"]}
    assert list(found) == list(expected.labels)
    assert list(found.values()) == pytest.approx(expected.probabilities)
    assert answer["label"] == expected.labels[0]


def test_a_photo_outside_the_limits_is_told(page, tmp_path):
    draw_shape(0, 1).resize((5, 5)).save(tmp_path / "small.png")
    with pytest.raises(AppError, match="5×5 pixels; it needs at least 8×8"):
        Client(page, verbose=False).predict(
            handle_file(tmp_path / "small.png"), api_name="/predict"
        )


def test_a_wrong_model_ends_with_one_sentence(tmp_path):
    run = subprocess.run(
        [sys.executable, "app.py", f"--model={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 2
    (line,) = run.stderr.strip().splitlines()
    assert line.startswith("app.py: ") and "is no model bundle" in line


def test_the_page_does_not_import_tensorflow():
    code = (
        "import sys; from dogbreed import DogBreedClassifier;"
        "from dogbreed.page.build import build_page;"
        "build_page(DogBreedClassifier.from_pretrained());"
        "print({'tensorflow', 'keras', 'datasets'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert run.stdout.strip().endswith("set()"), run.stderr
