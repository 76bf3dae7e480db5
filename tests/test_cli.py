"""The command dogbreed: its help, and what `predict` answers and refuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from loky import cpu_count
from PIL import Image

from dogbreed.cli import COMMANDS, main, run_script
from tests.helpers import predicting
from tests.helpers.encoded import encode, smooth
from tests.helpers.predicting import assert_refused, expected_probabilities
from tests.helpers.running import ROOT
from tests.helpers.tiny_bundle import (
    LABELS,
    NAMES,
    SIZE,
    assert_one_sentence,
    draw_disc,
    noise,
    write_bundle,
    write_trusted,
)

photo, folder, predict = predicting.photo, predicting.folder, predicting.predict


def told(capsys, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `dogbreed` in this process."""
    try:
        code = main(list(arguments))
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


def test_the_help_has_a_line_for_each_command(capsys):
    code, out, _ = told(capsys, "--help")
    assert code == 0
    for name, (_, summary) in COMMANDS.items():
        assert re.search(rf"^  {name} +{summary}$", out, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_its_own_help(capsys, command):
    code, out, err = told(capsys, command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: dogbreed {command} [-h] ") and len(out.splitlines()) > 8


@pytest.mark.parametrize("arguments", [(), ("--",), ("guess",), ("--json", "predict")])
def test_without_a_command_the_usage_is_shown(capsys, arguments):
    code, out, err = told(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: dogbreed [-h] COMMAND ...\ndogbreed: error: ")


def test_a_command_as_a_program_of_its_own(capsys):
    assert run_script("app.py", "serve", "The page.", ["--auth=anna"]) == 2
    sentence = "--auth and $DOGBREED_AUTH take the form user:password.\n"
    assert capsys.readouterr().err == f"app.py: {sentence}"
    assert told(capsys, "serve", "--auth=anna") == (2, "", f"dogbreed: {sentence}")
    with pytest.raises(SystemExit):
        run_script("app.py", "serve", "The page.", ["--help"])
    out = capsys.readouterr().out
    assert out.startswith("usage: app.py [-h] ") and "The page." in out and "--auth" in out


def test_an_option_without_effect_is_refused(capsys):
    code, _, err = told(capsys, "serve", "--fallback=default")
    assert (code, err.count("\n")) == (2, 1) and "--fallback goes with --model" in err


def test_three_lines_a_photo(predict, photo):
    code, out, err = predict(photo)
    assert (code, err) == (0, "")
    expected = zip(NAMES, expected_probabilities(), strict=True)
    assert out.splitlines() == [f"{name}: {100 * share:.2f}%" for name, share in expected]


def test_how_far_to_trust_it_is_said(predict, photo, tmp_path):
    model = write_trusted(tmp_path / "trusted")
    code, out, _ = predict(photo, model=model)
    assert code == 0
    assert out.splitlines()[3:] == ["With 95% confidence one of: Red disc, Green square."]
    Image.new("RGB", (SIZE, SIZE), "blue").save(tmp_path / "blue.png")
    out = predict(tmp_path / "blue.png", model=model)[1]
    assert out.splitlines()[3:] == ["This does not look like a dog."]
    assert out.startswith("Blue triangle: ")
    (answer,) = json.loads(predict(tmp_path / "blue.png", "--json", model=model)[1])
    assert 0 < answer["is_dog"] < 0.4 and answer["looks_like_dog"] is False
    assert answer["coverage"] == 0.95 and answer["prediction_set"][0] == "Blue triangle"


def test_a_photo_without_its_end_is_answered_with_a_note(predict, tmp_path):
    path = tmp_path / "cut.jpg"
    data = encode(smooth(640, 480), "JPEG", quality=90)
    path.write_bytes(data[: len(data) * 3 // 4])
    code, out, err = predict(path)
    assert (code, err) == (0, "")
    note = out.splitlines()[3]
    assert note.startswith("The last ") and note.endswith("of this photo could not be read.")
    (answer,) = json.loads(predict(path, "--json")[1])
    assert answer["note"] == note
    path.write_bytes(data)
    assert len(predict(path)[1].splitlines()) == 3
    assert json.loads(predict(path, "--json")[1])[0]["note"] is None


def test_top_k(predict, photo):
    everything = predict(photo)[1].splitlines()
    for top_k in (1, 2, 3, 50):
        code, out, _ = predict(photo, "--top-k", top_k)
        assert code == 0
        assert out.splitlines() == everything[:top_k]
    for top_k in (0, -1):
        assert "--top-k" in assert_refused(predict(photo, "--top-k", top_k))
    code, out, err = predict(photo, "--top-k", "many")
    assert (code, out) == (2, "") and "--top-k" in err and "Traceback" not in err


def test_json(predict, photo):
    code, out, err = predict(photo, "--json", "--top-k", 2)
    assert (code, err) == (0, "")
    (answer,) = json.loads(out)
    assert answer["file"] == str(photo)
    shares = expected_probabilities()
    assert answer["labels"] == [
        {"name": NAMES[0], "label": LABELS[0], "probability": pytest.approx(shares[0], abs=1e-6)},
        {"name": NAMES[1], "label": LABELS[1], "probability": pytest.approx(shares[1], abs=1e-6)},
    ]


def test_a_bad_file_does_not_stop_the_others(predict, folder):
    code, out, err = predict(folder)
    assert code == 2
    blue, red = folder / "blue.PNG", folder / "more" / "red.jpeg"
    lines = out.splitlines()
    assert lines[0] == f"{blue}:" and lines[4] == f"{red}:" and len(lines) == 8
    assert re.fullmatch(r"Blue triangle: \d\d\.\d\d%", lines[1])
    assert re.fullmatch(r"Red disc: \d\d\.\d\d%", lines[5])
    assert f"{folder / 'broken.jpg'}: This file is not an image" in err
    assert "Traceback" not in err and "notes" not in err


def test_json_of_a_folder_has_errors_in_their_place(predict, folder):
    code, out, _ = predict(folder, "--json")
    assert code == 2
    blue, broken, red = json.loads(out)
    assert [Path(a["file"]).name for a in (blue, broken, red)] == [
        "blue.PNG",
        "broken.jpg",
        "red.jpeg",
    ]
    assert blue["labels"][0]["name"] == "Blue triangle"
    assert red["labels"][0]["label"] == LABELS[0]
    assert_one_sentence(broken["error"])
    assert "labels" not in broken


def test_photos_are_answered_in_the_order_in_which_they_are_named(predict, folder, photo):
    (folder / "broken.jpg").unlink()
    code, out, _ = predict(photo, folder, photo)
    assert code == 0
    titles = [Path(line[:-1]).name for line in out.splitlines()[::4]]
    assert titles == ["orange.png", "blue.PNG", "red.jpeg", "orange.png"]


def test_a_folder_in_a_folder_may_be_called_like_a_photo(predict, tmp_path):
    album = tmp_path / "album" / "best.jpg"
    album.mkdir(parents=True)
    draw_disc().save(album / "red.png")
    code, out, _ = predict(album.parent, "--json")
    assert code == 0
    assert [answer["file"] for answer in json.loads(out)] == [str(album / "red.png")]


def test_a_folder_is_answered_on_all_cores(tiny, tmp_path):
    for seed in range(20):
        Image.fromarray(noise(400, 300, seed)).save(tmp_path / f"{seed}.png")
    program = (
        "import sys, threading; from dogbreed.cli import main\n"
        "assert main(['predict', *sys.argv[1:]]) == 0\n"
        "names = [thread.name for thread in threading.enumerate()]\n"
        "print(sum(name.startswith('dogbreed') for name in names))"
    )
    command = [sys.executable, "-c", program, tmp_path, "--model", tiny]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == str(cpu_count())


def test_what_cannot_be_answered(predict, tmp_path):
    assert "missing.jpg" in assert_refused(predict(tmp_path / "missing.jpg"))
    (tmp_path / "empty").mkdir()
    assert "no photos" in assert_refused(predict(tmp_path / "empty"))
    (tmp_path / "text.jpg").write_text("no photo")
    assert "not an image" in assert_refused(predict(tmp_path / "text.jpg"))


def test_a_model_that_is_none(predict, photo, tmp_path):
    assert_refused(predict(photo, model=tmp_path / "missing"))
    assert "config.json" in assert_refused(predict(photo, model=tmp_path))
    assert_refused(predict(photo, model=write_bundle(tmp_path / "bad", b"no network")))


@pytest.mark.parametrize("address", ["https://example.org/dogs/a.jpg", "http://a.b/c.png"])
def test_a_web_address_is_refused_as_one(predict, address):
    assert assert_refused(predict(address)).startswith(f"{address} is a web address")


def test_what_is_a_photo_in_a_folder(predict, tmp_path):
    """Nothing hidden, in any format that can be read, also through links, each once."""
    album, elsewhere = tmp_path / "album", tmp_path / "elsewhere"
    for place in (album / ".thumbnails", album / "deep" / "er", elsewhere):
        place.mkdir(parents=True)
    for name in (
        *("b.jfif", "c.JPE", "d.webp", "deep/er/e.avif", "../elsewhere/f.tif"),
        *("._b.jpg", ".hidden.png", ".thumbnails/t.png", "notes.txt"),
    ):
        format = {".jfif": "JPEG", ".JPE": "JPEG", ".txt": "PNG"}.get(Path(name).suffix)
        draw_disc().save(album / name, format)
    (album / "linked").symlink_to(elsewhere)
    (album / "deep" / "circle").symlink_to(album)
    (album / "gone.png").symlink_to(tmp_path / "gone.png")
    code, out, err = predict(album, "--json")
    assert (code, err) == (0, "")
    assert [Path(row["file"]).relative_to(album).as_posix() for row in json.loads(out)] == [
        *("b.jfif", "c.JPE", "d.webp", "deep/er/e.avif", "linked/f.tif"),
    ]


def test_photos_of_a_folder_that_cannot_be_used_are_named_and_counted(predict, folder):
    (folder / "raw.DNG").write_bytes(b"II*\0" + bytes(40))
    code, _, err = predict(folder)
    assert code == 2
    assert re.search(r"^\S+/broken\.jpg: .+\.$", err, re.MULTILINE)
    assert re.search(r"^\S+/raw\.DNG: .+\.$", err, re.MULTILINE)
    assert err.splitlines()[-1] == "dogbreed: 2 of 4 photos could not be used."


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_folder_that_cannot_be_read(predict, folder):
    (folder / "more").chmod(0)
    assert "more cannot be read: Permission denied" in assert_refused(predict(folder))
