"""What visitors say about answers: kept if they click, as a dataset that training reads."""

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import datasets
import gradio as gr
import pytest
from PIL import Image

from dogbreed import DogBreedClassifier
from dogbreed.corrections import NONE, TABLE, Corrections
from dogbreed.errors import DatasetError
from dogbreed.page.correct import CorrectionHandlers
from dogbreed.page.i18n import texts
from dogbreed.page.refusals import GONE
from dogbreed.train.data.corrections import add_corrections, leave_out_measured
from dogbreed.train.data.load import load_training_data
from dogbreed.train.data.splits import leave_out_duplicates
from tests.helpers.photos import pixel_features
from tests.helpers.shapes import LABELS as SHAPES
from tests.helpers.shapes import draw_shape
from tests.helpers.small_disk import fill, make_room
from tests.helpers.tiny_bundle import LABELS, draw_disc, write_trusted
from tests.helpers.visitor import visitor


@pytest.fixture
def classifier(tmp_path) -> DogBreedClassifier:
    return DogBreedClassifier.from_pretrained(write_trusted(tmp_path / "bundle"))


@pytest.fixture
def handlers(classifier, tmp_path) -> CorrectionHandlers:
    return CorrectionHandlers(Corrections(tmp_path / "kept", classifier.bundle))


@pytest.fixture
def answered(classifier, tmp_path) -> SimpleNamespace:
    """A photo with a place in it, and the answer to it."""
    path, exif = tmp_path / "photo.jpg", Image.Exif()
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8825)[1] = "N"
    draw_disc(64).save(path, exif=exif)
    assert b"a camera" in path.read_bytes()
    return SimpleNamespace(photo=str(path), prediction=classifier.predict(path))


def rows(handlers: CorrectionHandlers) -> list[dict]:
    table = handlers.corrections.folder / TABLE
    return [json.loads(line) for line in table.read_text().splitlines()] if table.exists() else []


def test_nothing_is_kept_without_a_click(handlers, answered):
    part, label, said = handlers.offer(answered, visitor("de"))
    assert part["visible"] and label["value"] is None and said["value"] == ""
    assert label["choices"][0] == (texts("de")["correct_none"], NONE)
    assert ("Red disc", LABELS[0]) in label["choices"]
    assert not handlers.offer(None, visitor())[0]["visible"]
    assert handlers.correct(answered, None, visitor())[0] == texts()["correct_choose"]
    assert handlers.correct(answered, "../x", visitor())[0] == texts()["correct_choose"]
    assert list(handlers.corrections.folder.iterdir()) == []


def test_a_click_after_the_answer_was_forgotten_is_refused_in_a_sentence(handlers):
    for click in (handlers.confirm, partial(handlers.correct, label=LABELS[0])):
        with pytest.raises(gr.Error) as told:
            click(answered=None, request=visitor())
        assert told.value.message == GONE
    assert list(handlers.corrections.folder.iterdir()) == []


def test_a_click_keeps_the_photo_without_what_the_camera_wrote(handlers, answered, classifier):
    said, ask = handlers.correct(answered, LABELS[2], visitor("fr"))
    assert said == texts("fr")["correct_thanks"] and not ask["visible"]
    handlers.confirm(answered, visitor())
    corrected, confirmed = rows(handlers)
    assert (corrected["label"], confirmed["label"]) == (LABELS[2], LABELS[0])
    assert corrected["answer"] == LABELS[0] and corrected["model"] == "bundle"
    assert corrected["probability"] == round(answered.prediction.probabilities[0], 4)
    assert corrected["time"].endswith("+00:00")
    photo = Image.open(handlers.corrections.folder / corrected["file_name"])
    assert not photo.getexif() and b"a camera" not in Path(photo.filename).read_bytes()
    loaded = datasets.load_dataset("imagefolder", data_dir=handlers.corrections.folder)["train"]
    assert loaded["label"] == [LABELS[2], LABELS[0]] and loaded[0]["image"].size == photo.size


def test_a_full_disk_keeps_no_half_of_a_correction(classifier, answered, disk):
    corrections = Corrections(disk / "kept", classifier.bundle)
    corrections.keep(answered.photo, LABELS[2], answered.prediction)
    before = {path.name: path.read_bytes() for path in corrections.folder.iterdir()}
    # A disk has room in pages, and the last one of the table is nearly full.
    table, page = corrections.folder / TABLE, 4096
    table.write_bytes(before[TABLE] + b" " * (page - 6 - len(before[TABLE])))
    before[TABLE] = table.read_bytes()
    pages = -(-len(next(before[name] for name in before if name != TABLE)) // page)
    for room in (0, pages * page):
        fill(disk, room)
        with pytest.raises(OSError, match="No space left"):
            corrections.keep(answered.photo, LABELS[1], answered.prediction)
        assert {path.name: path.read_bytes() for path in corrections.folder.iterdir()} == before
    make_room(disk)
    corrections.keep(answered.photo, LABELS[1], answered.prediction)
    assert len(table.read_text().splitlines()) == 2


def test_they_are_trained_on_and_not_tested_on(shapes_folder, classifier, tmp_path):
    data = load_training_data(str(shapes_folder))
    kept, bundle = tmp_path / "kept", classifier.bundle
    corrections = Corrections(kept, bundle)
    for number, label in enumerate((SHAPES[0], SHAPES[1], NONE)):
        draw_shape(0, 500 + number).save(tmp_path / "new.png")
        corrections.keep(str(tmp_path / "new.png"), label, classifier.predict(tmp_path / "new.png"))
    more = add_corrections(data, str(kept))
    assert len(more.train) == len(data.train) + 2
    assert sorted(more.train.labels[-2:].tolist()) == [0, 1]
    assert not {*more.train.digests[-2:]} & {*data.train.digests}
    assert more.test.digests == data.test.digests
    assert "2 corrections of kept to train (1 of no class" in more.summary()


def test_those_that_show_a_test_photo_are_left_out_and_it_stays(
    shapes_folder, classifier, tmp_path, capsys
):
    data, corrections = (
        load_training_data(str(shapes_folder)),
        Corrections(tmp_path / "kept", classifier.bundle),
    )
    tested = sorted((shapes_folder / "test" / SHAPES[1]).iterdir())[0]
    draw_shape(0, 500).save(tmp_path / "new.png")
    for photo in (tested, tmp_path / "new.png", tested):
        corrections.keep(str(photo), SHAPES[0], classifier.predict(photo))
    more = add_corrections(data, str(corrections.folder))
    assert more.corrected == 3
    folders = iter(range(9))

    def plain(photos):
        return pixel_features(photos, tmp_path / str(next(folders)))

    less = leave_out_measured(more, [more.test], plain)
    assert "2 corrections not trained on" in capsys.readouterr().err
    assert (less.corrected, len(less.train)) == (1, len(data.train) + 1)
    assert less.train.digests[:-1] == data.train.digests
    left, _, _ = leave_out_duplicates(less, plain(less.train), plain(less.test))
    assert left.test.digests == data.test.digests
    # There is nothing to say of those that are new.
    assert leave_out_measured(less, [less.test], plain) is less


def test_corrections_without_a_class_are_refused(shapes_folder, handlers, answered):
    handlers.correct(answered, NONE, visitor())
    data = load_training_data(str(shapes_folder))
    with pytest.raises(DatasetError, match="no photo of a class"):
        add_corrections(data, str(handlers.corrections.folder))


def test_a_public_dataset_is_refused(hub, ann, tmp_path):
    hub.create_repo("ann/open", "dataset")
    code = """
import sys
from pathlib import Path
from dogbreed.errors import HubError
from dogbreed.hub import uploading
try:
    with uploading(Path(sys.argv[1]), "ann/open"):
        pass
except HubError as error:
    print(error)
"""
    run = ann.python(code, tmp_path / "kept")
    assert "The dataset ann/open is public" in run.out
    assert list(hub.files("ann/open", "dataset")) == [".gitattributes"]
