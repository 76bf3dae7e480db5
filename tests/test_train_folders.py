"""A folder of photos becomes splits with classes by a plain rule, and nothing is lost silently."""

import os
import re

import numpy as np
import pytest

from dogbreed.errors import DatasetError
from dogbreed.images import prepare
from dogbreed.train.data.load import load_evaluation_photos, load_negatives, load_training_data
from tests.helpers.heic import encoded
from tests.helpers.photos import JXL, photo, write_photos


def counts(photos) -> dict[str, int]:
    """Number of photos of each class."""
    found = np.bincount(photos.labels, minlength=len(photos.label_names))
    return dict(zip(photos.label_names, found.tolist(), strict=True))


def loaded(root) -> tuple[dict[str, int], dict[str, int]]:
    data = load_training_data(str(root))
    return counts(data.train), counts(data.test)


def test_split_words_in_file_names_mean_nothing(tmp_path):
    """Photos of ImageNet's validation set are named ILSVRC2012_val_*."""
    write_photos(tmp_path, {"beagle": 6, "poodle": 6})
    for name in ("beagle", "poodle"):
        for index in range(3):
            photo().save(tmp_path / name / f"ILSVRC2012_val_{index}.JPEG")
    photo().save(tmp_path / "beagle" / "rex_dev_2.jpg")
    train, test = loaded(tmp_path)
    assert train == {"beagle": 8, "poodle": 8}
    assert test == {"beagle": 2, "poodle": 1}


def test_split_words_in_class_names_mean_nothing(tmp_path):
    write_photos(tmp_path, {"beaker": 5, "flask": 5, "test_tube": 5, "test strip": 5})
    train, test = loaded(tmp_path)
    assert train == {"beaker": 4, "flask": 4, "test_tube": 4, "test strip": 4}
    assert sum(test.values()) == 4


def test_a_class_may_be_called_train(tmp_path):
    write_photos(tmp_path, {"bus": 5, "train": 5})
    assert loaded(tmp_path)[0] == {"bus": 4, "train": 4}
    write_photos(tmp_path, {"train/steam": 5})
    assert loaded(tmp_path)[0] == {"bus": 4, "train": 8}


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("TRAIN", "TEST"), "test"),
        (("Training", "Testing"), "test"),
        (("train", "Val"), "validation"),
    ],
)
def test_splits_are_found_in_any_case(tmp_path, names, split):
    train, test = names
    write_photos(tmp_path, {f"{train}/a": 4, f"{train}/b": 4, f"{test}/a": 2, f"{test}/b": 2})
    data = load_training_data(str(tmp_path))
    assert (counts(data.train), counts(data.test)) == ({"a": 4, "b": 4}, {"a": 2, "b": 2})
    assert data.test.split == split


def test_folders_below_a_class_belong_to_it(tmp_path):
    write_photos(tmp_path, {"beagle/puppy": 5, "beagle/adult": 5, "poodle/puppy": 5})
    assert loaded(tmp_path)[0] == {"beagle": 8, "poodle": 4}


def test_folders_around_the_classes_do_not_matter(tmp_path):
    write_photos(tmp_path, {"archive/Images/a": 5, "archive/Images/b": 5})
    (tmp_path / "archive" / "Annotation").mkdir()
    (tmp_path / "archive" / "Annotation" / "a").write_text("<xml>")
    assert loaded(tmp_path)[0] == {"a": 4, "b": 4}


def test_a_split_next_to_another_folder_with_the_same_classes_is_refused(tmp_path):
    write_photos(tmp_path, {"train/a": 3, "train/b": 3, "holdout/a": 3})
    with pytest.raises(DatasetError, match=r"train and holdout both have a folder a.*train, valid"):
        load_training_data(str(tmp_path))


def test_a_linked_class_folder_is_read(tmp_path):
    write_photos(tmp_path / "elsewhere", {"b": 5})
    root = write_photos(tmp_path / "data", {"a": 5})
    (root / "b").symlink_to(tmp_path / "elsewhere" / "b")
    (root / "b" / "loop").symlink_to(root)
    assert loaded(root)[0] == {"a": 4, "b": 4}


def test_the_current_folder_is_a_dataset(tmp_path, monkeypatch):
    write_photos(tmp_path, {"a": 5, "b": 5})
    monkeypatch.chdir(tmp_path)
    for name in (".", "./"):
        assert loaded(name)[0] == {"a": 4, "b": 4}


def test_hidden_files_and_folders_do_not_count(tmp_path):
    write_photos(tmp_path, {"a": 5, "b": 5, "a/.thumbnails": 5, ".cache": 2})
    (tmp_path / "a" / "._0.jpg").write_bytes(b"Mac OS X")
    data = load_training_data(str(tmp_path))
    assert counts(data.train) == {"a": 4, "b": 4}
    assert not data.left_out


def test_files_next_to_photos_do_no_harm_and_are_counted(tmp_path):
    write_photos(tmp_path, {"a": 5, "b": 5})
    for name in ("a/0.txt", "a/1.txt", "a/0.mov", "b/0.xml", "b/0.png.json", "README.md"):
        (tmp_path / name).write_text("{}")
    data = load_training_data(str(tmp_path))
    assert counts(data.train) == {"a": 4, "b": 4}
    assert data.left_out == {"MOV": ["a/0.mov"], "TXT": ["a/0.txt", "a/1.txt"], "XML": ["b/0.xml"]}


def test_pictures_that_cannot_be_read_are_counted_and_named(tmp_path):
    """Also an empty file, and links that lead nowhere."""
    write_photos(tmp_path, {"a": 5, "b": 5})
    for name in ("a/IMG_1.JXL", "b/IMG_2.jxl"):
        (tmp_path / name).write_bytes(JXL)
    (tmp_path / "b" / "raw.DNG").write_bytes(b"II*\0")
    (tmp_path / "b" / "empty.jpg").touch()
    (tmp_path / "b" / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "b" / "loop.jpg").symlink_to("loop.jpg")
    data = load_training_data(str(tmp_path))
    assert counts(data.train) == {"a": 4, "b": 4}
    assert data.left_out == {
        "JXL": ["a/IMG_1.JXL", "b/IMG_2.jxl"],
        "DNG": ["b/raw.DNG"],
        "empty": ["b/empty.jpg"],
        "that cannot be opened": ["b/gone.jpg", "b/loop.jpg"],
    }
    assert "left out: 2 JXL (a/IMG_1.JXL, …), 1 empty (b/empty.jpg)" in data.summary()


def test_photos_of_phones_are_read_under_any_name(tmp_path):
    write_photos(tmp_path, {"a": 5, "b": 4})
    (tmp_path / "a" / "IMG_1.HEIC").write_bytes(encoded())
    (tmp_path / "b" / "IMG_2.jpg").write_bytes(encoded(seed=1))
    data = load_training_data(str(tmp_path))
    assert counts(data.train) == {"a": 5, "b": 4} and not data.left_out
    for index in range(len(data.train)):
        assert prepare(data.train.encoded(index)).shape == (299, 299, 3)


def test_a_class_of_unreadable_pictures_is_an_error(tmp_path):
    write_photos(tmp_path, {"a": 5, "b": 5})
    (tmp_path / "whippet").mkdir()
    for index in range(3):
        (tmp_path / "whippet" / f"{index}.JXL").write_bytes(JXL)
    with pytest.raises(DatasetError, match=r"whippet .*3 JXL.*JPEG"):
        load_training_data(str(tmp_path))


def test_a_class_folder_without_photos_is_named(tmp_path):
    write_photos(tmp_path, {"a": 5, "b": 5, "c": 0})
    assert load_training_data(str(tmp_path)).left_out == {"without any file": ["c/"]}


def test_a_name_that_is_not_text_is_left_out(tmp_path):
    write_photos(tmp_path, {"a": 5, "b": 5})
    os.link(tmp_path / "a" / "0.png", os.fsencode(tmp_path / "a") + b"/caf\xe9.png")
    data = load_training_data(str(tmp_path))
    assert [len(names) for names in data.left_out.values()] == [1]


def test_class_folders_win_over_a_table(tmp_path):
    write_photos(tmp_path, {"beagle": 5, "poodle": 5})
    rows = [f"{name}/{index}.png,Ann" for name in ("beagle", "poodle") for index in range(5)]
    for column in ("photographer", "name", "breed"):
        (tmp_path / "metadata.csv").write_text("\n".join([f"file_name,{column}", *rows]))
        assert loaded(tmp_path)[0] == {"beagle": 4, "poodle": 4}


def test_photos_outside_the_class_folders_are_named(tmp_path):
    write_photos(tmp_path, {"a": 5, "b": 5, ".": 1})
    assert load_training_data(str(tmp_path)).left_out == {"without a label": ["0.png"]}


@pytest.mark.parametrize(
    "layout", [{".": 3}, {"train": 3}, {"train": 3, "test": 2}], ids=["flat", "train", "both"]
)
def test_photos_without_labels_are_refused_with_what_to_do(tmp_path, layout):
    write_photos(tmp_path, layout)
    with pytest.raises(DatasetError, match="no labels; put the photos of each class into a folder"):
        load_training_data(str(tmp_path))


def test_an_unlabeled_test_split_is_not_used(tmp_path):
    write_photos(tmp_path, {"train/a": 10, "train/b": 5, "test": 7})
    data = load_training_data(str(tmp_path))
    assert counts(data.train) == {"a": 8, "b": 4} and counts(data.test) == {"a": 2, "b": 1}
    assert len(data.left_out["without a label"]) == 7
    assert "the test photos are a fifth of train" in data.summary()
    # And evaluation takes what has labels.
    assert len(load_evaluation_photos(str(tmp_path))) == 15


def test_one_line_says_what_was_found(tmp_path):
    write_photos(tmp_path / "p", {"beagle": 45, "poodle": 45, "whippet": 10})
    for index in range(12):
        (tmp_path / "p" / "beagle" / f"IMG_{index:02d}.JXL").write_bytes(JXL)
    assert load_training_data(str(tmp_path / "p")).summary() == (
        "p: 3 classes (beagle 36 + 9, poodle 36 + 9, whippet 8 + 2), 80 photos to train, 20 to "
        "test; left out: 12 JXL (beagle/IMG_00.JXL, …); the test photos are a fifth of train."
    )


def test_of_many_classes_the_smallest_are_listed(tmp_path):
    write_photos(tmp_path, {f"c{n:02d}": 5 + n for n in range(12)})
    summary = load_training_data(str(tmp_path)).summary()
    assert re.search(r": 12 classes \(fewest: c00 4 \+ 1, c01 5 \+ 1, c02 6 \+ 1\), ", summary)


def test_negatives_need_no_folders_and_keep_everything(tmp_path):
    write_photos(tmp_path / "flat", {".": 3})
    flat = load_negatives(str(tmp_path / "flat"))
    assert counts(flat) == {"photo": 3}
    write_photos(tmp_path / "all", {".": 1, "train": 2, "test/cat": 3, "wolf": 4})
    (tmp_path / "all" / "wolf" / "IMG.JXL").write_bytes(JXL)
    everything = load_negatives(str(tmp_path / "all"))
    assert len(everything) == 10
    assert everything.summary() == "negatives: 10 photos; left out: 1 JXL (wolf/IMG.JXL)."


def test_negatives_that_cannot_be_read_are_refused(tmp_path):
    (tmp_path / "a.jxl").write_bytes(JXL)
    with pytest.raises(DatasetError, match=r"No photo .* can be read"):
        load_negatives(str(tmp_path))
