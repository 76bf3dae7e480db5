"""The command dogbreed: its help, and what `predict` answers, draws and refuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from loky import cpu_count
from PIL import Image

from dogbreed.cli import COMMANDS, main, run_script
from dogbreed.images import RESIZE_METHODS
from tests.helpers.encoded import encode, smooth
from tests.helpers.tiny_bundle import (
    LABELS,
    NAMES,
    SIZE,
    TEMPERATURE,
    assert_one_sentence,
    draw_disc,
    expected_evidence,
    noise,
    write_bundle,
    write_trusted,
)

ROOT = Path(__file__).parent.parent
ORANGE = np.full((SIZE, SIZE, 3), (200, 120, 40), np.uint8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A small bundle."""
    return write_bundle(tmp_path_factory.mktemp("tiny") / "bundle")


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


def shell(*arguments: object, **options) -> subprocess.CompletedProcess:
    """Run the shell for real."""
    command = [sys.executable, "-m", "dogbreed", "predict", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, **options)


def assert_refused(result: tuple[int, str, str]) -> str:
    """Exit code 2, no answer, one line that says why."""
    code, out, err = result
    assert (code, out) == (2, "")
    message = err.removeprefix("dogbreed: ").removesuffix("\n")
    assert err == f"dogbreed: {message}\n"
    assert_one_sentence(message)
    return message


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


@pytest.mark.parametrize("size", [(320, 160), (50, 100), (1280, 960)])
def test_heatmap(predict, tmp_path, size):
    width, height = 640, round(640 * size[1] / size[0])
    Image.new("RGB", size, (0, 0, 255)).save(tmp_path / "blue.png")
    heatmap = tmp_path / "heatmap"
    code, out, _ = predict(tmp_path / "blue.png", "--heatmap", heatmap)
    assert code == 0 and len(out.splitlines()) == 3
    with Image.open(heatmap) as image:
        assert image.format == "PNG"
        header = image.height - height
        assert image.width == width and 3 * 24 < header < 200
        title = np.asarray(image.convert("L"))[:header]
    # Black letters on white, and below them the photo under the color of the evidence.
    assert title.max() == 255 and title.min() < 50
    assert {*title[0], *title[:, 0], *title[-1]} == {255}


@pytest.mark.parametrize(
    ("name", "format"), [("x.png", "PNG"), ("x.PNG", "PNG"), ("x.jpg", "JPEG"), ("x.JPEG", "JPEG")]
)
def test_the_suffix_decides_the_format_of_a_heatmap(predict, photo, tmp_path, name, format):
    assert predict(photo, "--heatmap", tmp_path / name)[0] == 0
    with Image.open(tmp_path / name) as image:
        assert image.format == format


@pytest.mark.parametrize("name", ["x.pdf", "x.webp", "x.png.txt"])
def test_a_heatmap_in_another_format_is_refused_before_anything_is_loaded(predict, photo, name):
    message = assert_refused(predict(photo, "--heatmap", name, model="missing"))
    assert Path(name).suffix in message and ".jpg" in message


def test_heatmap_shows_the_photo_upright(predict, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32)).save(tmp_path / "photo.jpg", exif=exif)
    code, _, _ = predict(tmp_path / "photo.jpg", "--heatmap", tmp_path / "heatmap.png")
    assert code == 0
    with Image.open(tmp_path / "heatmap.png") as image:
        assert image.height > 1280


def test_heatmap_lays_the_evidence_where_it_belongs(predict, tmp_path):
    photo = Image.new("RGB", (64, 32))
    photo.paste("red", (0, 0, 64, 16))
    photo.save(tmp_path / "photo.png")
    for resize in ("squash", "letterbox"):
        preprocessing = {"scale": "inception", "resize": resize}
        model = write_bundle(tmp_path / resize, preprocessing=preprocessing)
        heatmap = tmp_path / f"{resize}.png"
        assert predict(tmp_path / "photo.png", "--heatmap", heatmap, model=model)[0] == 0
        with Image.open(heatmap) as image:
            top = image.height - 320
            assert image.getpixel((320, top + 40)) != (255, 0, 0)
            assert image.getpixel((320, top + 280)) == (0, 0, 0)


@pytest.mark.parametrize("resize", RESIZE_METHODS)
@pytest.mark.parametrize("size", [(10, 12_000), (12_000, 10)])
def test_heatmap_of_a_very_long_photo(predict, tmp_path, size, resize):
    Image.new("RGB", size, "red").save(tmp_path / "long.png")
    preprocessing = {"scale": "inception", "resize": resize}
    model = write_bundle(tmp_path / "model", preprocessing=preprocessing)
    heatmap = tmp_path / "heatmap.png"
    code, _, err = predict(tmp_path / "long.png", "--heatmap", heatmap, model=model)
    assert (code, err) == (0, "") and heatmap.is_file()


def test_heatmap_takes_one_photo_that_can_be_read(predict, photo, folder, tmp_path):
    heatmap = tmp_path / "heatmap.png"
    assert "one photo, not 2" in assert_refused(predict(photo, photo, "--heatmap", heatmap))
    assert "one photo, not 3" in assert_refused(predict(folder, "--heatmap", heatmap))
    assert_refused(predict(folder / "broken.jpg", "--heatmap", heatmap))
    assert "the photo itself" in assert_refused(predict(photo, "--heatmap", photo))
    assert not heatmap.exists()
    code, _, err = predict(photo, "--heatmap", tmp_path / "missing" / "heatmap.png")
    assert code == 2 and "--heatmap" in err and len(err.splitlines()) == 1


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
