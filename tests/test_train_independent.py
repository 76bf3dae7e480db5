"""Photos that have nothing to do with the training photos: their classes and their halves."""

import pytest

from dogbreed.errors import DatasetError
from dogbreed.train.data.columns import to_photos
from dogbreed.train.data.cuts import learned_from, measured_on
from dogbreed.train.data.independent import load_independent
from dogbreed.train.data.load import load_evaluation_photos
from tests.helpers.photos import make_rows, photo


def write(root, names_of_class: dict[str, list[str]]):
    for number, (label, names) in enumerate(names_of_class.items()):
        (root / label).mkdir(parents=True)
        for index, name in enumerate(names):
            photo().rotate(7 * index + 3 * number).save(root / label / name)
    return root


@pytest.fixture
def many(tmp_path):
    """100 photos of two classes."""
    names = [f"web-{number}.png" for number in range(50)]
    return write(tmp_path / "many", {"pug": names, "beagle": [n.upper() for n in names]})


def trained_on(*labels: str):
    return to_photos(make_rows(list(labels)), "train")


def test_classes_are_numbered_like_those_of_the_model_and_the_hash_halves(many):
    found = load_independent(str(many), trained_on("akita", "beagle", "boxer", "pug"))
    halves = found.settling, found.measuring
    assert sum(map(len, halves)) == 100 and min(map(len, halves)) >= 19
    for half in halves:
        assert half.label_names == ("akita", "beagle", "boxer", "pug")
        for row, number in enumerate(half.labels):
            assert number == (3 if half.file_name(row).islower() else 1)
    assert len(learned_from(found.settling)) == len(found.settling)
    assert len(measured_on(found.measuring)) == len(found.measuring)
    assert found.summary().startswith(f"independent: {len(found.settling)} photos to settle, ")


def test_photos_that_are_trained_on_are_left_out(many):
    known = load_evaluation_photos(str(many)).select(range(10))
    found = load_independent(str(many), known)
    assert len(found.settling) + len(found.measuring) == 90
    assert "10 that are also in train" in found.summary()


def test_a_class_that_the_model_does_not_know_is_named(many):
    with pytest.raises(DatasetError, match=r"classes that the model does not learn \(pug\)"):
        load_independent(str(many), trained_on("beagle", "boxer"))


def test_too_few_photos_settle_nothing(tmp_path):
    root = write(tmp_path, {"pug": ["a.png", "b.png"], "beagle": ["c.png"]})
    with pytest.raises(DatasetError, match=r"are 3, \d to settle and \d to measure on, and 19 of"):
        load_independent(str(root), trained_on("beagle", "pug"))
