"""`predict` run in the process of the tests, its photos, and how it refuses."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogbreed.cli import main
from tests.helpers.tiny_bundle import (
    SIZE,
    TEMPERATURE,
    assert_one_sentence,
    draw_disc,
    expected_evidence,
)

ORANGE = np.full((SIZE, SIZE, 3), (200, 120, 40), np.uint8)


@pytest.fixture
def predict(tiny, capsys):
    """Runs `predict` in this process; gives exit code, standard output and standard error."""

    def run(*arguments: object, model: Path | str = tiny) -> tuple[int, str, str]:
        try:
            code = main(["predict", *map(str, arguments), "--model", str(model)])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def photo(tmp_path) -> Path:
    """A photo whose answer is known."""
    Image.fromarray(ORANGE).save(tmp_path / "orange.png")
    return tmp_path / "orange.png"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three photos and a text in folders, one photo broken."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    draw_disc(color="blue").save(folder / "blue.PNG")
    draw_disc(color="red").save(folder / "more" / "red.jpeg")
    (folder / "broken.jpg").write_bytes(b"no photo")
    (folder / "notes.txt").write_text("no photo either")
    return folder


def expected_probabilities() -> list[float]:
    """Of the orange photo, by class number, which is best first."""
    exponentials = np.exp(expected_evidence(ORANGE).mean(axis=(0, 1)) / TEMPERATURE)
    return (exponentials / exponentials.sum()).tolist()


def assert_refused(result: tuple[int, str, str]) -> str:
    """Exit code 2, no answer, one line that says why."""
    code, out, err = result
    assert (code, out) == (2, "")
    message = err.removeprefix("dogbreed: ").removesuffix("\n")
    assert err == f"dogbreed: {message}\n"
    assert_one_sentence(message)
    return message
