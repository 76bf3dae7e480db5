"""Labels of photos come from tables that people have."""

import json

import datasets
import pytest

from dogbreed.errors import DatasetError
from dogbreed.train.data.load import load_training_data
from tests.helpers.photos import JXL, photo, write_photos
from tests.test_train_folders import counts, loaded


def write_flat(root, folder: str, names: list[str]) -> None:
    """Write photos with these names into one folder."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        photo().save(root / folder / name)


@pytest.mark.parametrize("suffix", ["", ".jpg"])
def test_kaggle_s_layout(tmp_path, suffix):
    """Flat train and test, labels.csv with id and breed, and made-up labels to hand in."""
    names = [f"{index:02d}" for index in range(10)]
    write_flat(tmp_path, "train", [f"{name}.jpg" for name in names])
    write_flat(tmp_path, "test", ["00.jpg", "99.jpg"])
    rows = [f"{name}{suffix},{'pug' if int(name) % 2 else 'boxer'}" for name in names]
    (tmp_path / "labels.csv").write_text("\n".join(["id,breed", *rows]) + "\n")
    (tmp_path / "sample_submission.csv").write_text("id,label\n99,pug\n")
    data = load_training_data(str(tmp_path))
    assert counts(data.train) == {"boxer": 4, "pug": 4} and counts(data.test) == {
        "boxer": 1,
        "pug": 1,
    }
    assert data.left_out == {"without a label": ["test/00.jpg", "test/99.jpg"]}


@pytest.mark.parametrize(
    "name", ["data.csv", "data.tsv", "data.jsonl", "data.json", "data.parquet"]
)
def test_paths_start_from_the_folder_of_the_table(tmp_path, name):
    write_flat(tmp_path, "images", [f"{index}.png" for index in range(10)])
    rows = [{"image": f"images/{index}.png", "label": "ab"[index % 2]} for index in range(10)]
    path = tmp_path / name
    if path.suffix == ".parquet":
        datasets.Dataset.from_list(rows).to_parquet(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        with_tabs = "\t" if path.suffix == ".tsv" else ";"
        lines = [with_tabs.join(row.values()) for row in [{"i": "image", "l": "label"}, *rows]]
        path.write_text("\n".join(lines), encoding="utf-8-sig")
    assert loaded(tmp_path) == ({"a": 4, "b": 4}, {"a": 1, "b": 1})


def test_metadata_of_each_split(tmp_path):
    """As an imagefolder has it."""
    for split, count in (("train", 4), ("test", 2)):
        names = [f"{index}.png" for index in range(count)]
        write_flat(tmp_path, split, names)
        rows = [f"{name},{'ab'[index % 2]}" for index, name in enumerate(names)]
        (tmp_path / split / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    assert loaded(tmp_path) == ({"a": 2, "b": 2}, {"a": 1, "b": 1})


def test_photos_may_lie_outside_of_the_dataset(tmp_path):
    write_flat(tmp_path, "photos", [f"{index}.png" for index in range(10)])
    (tmp_path / "d").mkdir()
    rows = [f"../photos/{index}.png,{'ab'[index % 2]}" for index in range(5)]
    rows += [f"{tmp_path}/photos/{index}.png,{'ab'[index % 2]}" for index in range(5, 10)]
    (tmp_path / "d" / "data.csv").write_text("\n".join(["path,class", *rows]))
    assert loaded(tmp_path / "d") == ({"a": 4, "b": 4}, {"a": 1, "b": 1})


def test_whole_numbers_with_an_empty_cell_are_classes(tmp_path):
    write_flat(tmp_path, ".", [f"{index}.png" for index in range(21)])
    rows = [f"{index}.png,{(2, 10)[index % 2]}" for index in range(20)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *rows, "20.png,"]))
    data = load_training_data(str(tmp_path))
    assert counts(data.train) == {"2": 8, "10": 8} and data.train.label_names == ("2", "10")
    assert data.left_out == {"without a label": ["20.png"]}


def test_rows_without_a_photo_are_counted(tmp_path):
    write_flat(tmp_path, ".", [f"{index}.png" for index in range(10)])
    (tmp_path / "10.jxl").write_bytes(JXL)
    rows = [f"{index},{'ab'[index % 2]}" for index in range(12)]
    (tmp_path / "labels.csv").write_text("\n".join(["id,label", *rows]))
    data = load_training_data(str(tmp_path))
    assert data.left_out == {"named in labels.csv but not there": ["11"], "JXL": ["10.jxl"]}


def test_a_label_of_unreadable_pictures_is_an_error(tmp_path):
    write_flat(tmp_path, ".", [f"{index}.png" for index in range(10)])
    (tmp_path / "10.jxl").write_bytes(JXL)
    rows = [f"{index},{'ab'[index % 2]}" for index in range(10)]
    (tmp_path / "labels.csv").write_text("\n".join(["id,label", *rows, "10,c"]))
    with pytest.raises(DatasetError, match=r"No photo of c .*1 JXL"):
        load_training_data(str(tmp_path))


def test_a_column_is_used_if_it_is_called_like_a_label(tmp_path):
    write_flat(tmp_path, ".", [f"{index}.png" for index in range(10)])
    rows = [f"{index}.png,{'ab'[index % 2]}" for index in range(10)]
    for column in ("photographer", "name"):
        (tmp_path / "metadata.csv").write_text("\n".join([f"file_name,{column}", *rows]))
        with pytest.raises(DatasetError, match=r"no labels.*metadata\.csv .*--label-column"):
            load_training_data(str(tmp_path))
        data = load_training_data(str(tmp_path), label_column=column)
        assert counts(data.train) == {"a": 4, "b": 4}
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,Breed", *rows]))
    assert loaded(tmp_path)[0] == {"a": 4, "b": 4}


def test_a_named_column_wins_over_class_folders(tmp_path):
    write_photos(tmp_path, {"beagle": 10, "poodle": 10})
    rows = [f"{n}/{i}.png,{'uv'[i % 2]}" for n in ("beagle", "poodle") for i in range(10)]
    (tmp_path / "data.csv").write_text("\n".join(["file,coat", *rows]))
    data = load_training_data(str(tmp_path), label_column="coat", image_column="file")
    assert counts(data.train) == {"u": 8, "v": 8}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,label\nimages/x/1.jpg,a\n", r"data\.csv names photos that are not there.*x/1\.jpg"),
        ("image,label\n0.png,a\n0.png,b\n", r"data\.csv labels 0\.png as a and as b"),
        ("id,label\n5,a\n", r"data\.csv names 5, which may be other/5\.png or some/5\.png"),
        ("image,label\n0.png," + "a" * 200_000, r"data\.csv cannot be read .*get it again"),
        ("image,label\n0.png,caf\xe9\n", "data.csv cannot be read .*save it as UTF-8"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, text, message):
    write_flat(tmp_path, ".", ["0.png", "1.png"])
    write_flat(tmp_path, "some", ["5.png"])
    write_flat(tmp_path, "other", ["5.png"])
    (tmp_path / "data.csv").write_text(text, encoding="latin-1")
    if "some" not in message:
        for name in ("some", "other"):
            (tmp_path / name / "5.png").unlink()
    with pytest.raises(DatasetError, match=message):
        load_training_data(str(tmp_path), label_column="label")


def test_a_table_without_any_photo_on_disk_says_so(tmp_path):
    (tmp_path / "data.csv").write_text("image,label\nimages/1.jpg,a\nimages/2.jpg,b\n")
    with pytest.raises(DatasetError, match=r"not there, such as images/1\.jpg"):
        load_training_data(str(tmp_path), image_column="image")
