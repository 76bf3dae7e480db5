"""What a bulk job answers: which files of which sources, cut how, read how."""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dogbreed.bulk.chunks import cut
from dogbreed.bulk.pieces import Chunk, read_ahead
from dogbreed.bulk.reading import photos_of
from dogbreed.bulk.sources import Listing, list_source
from dogbreed.errors import DatasetError, DogBreedError
from tests.helpers.bulk_data import encoded, write_parquet, write_photos, write_tar
from tests.helpers.shell import Shell
from tests.helpers.tiny_bundle import assert_one_sentence

READ = """
import json, sys
from dogbreed.bulk.chunks import cut
from dogbreed.bulk.reading import photos_of
from dogbreed.bulk.sources import list_source
listing = list_source(sys.argv[1])
chunks = cut(listing, None, None)
photos = [(name, len(data)) for chunk in chunks for name, data in photos_of(listing.address, chunk)]
print(json.dumps([listing.kind, listing.fingerprint, photos]))
"""


def read(listing: Listing, size: int | None = None, column: str | None = None) -> dict:
    """The names of all photos and what was read of them."""
    chunks = cut(listing, size, column)
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    photos = [photo for chunk in chunks for photo in photos_of(listing.address, chunk)]
    assert len(dict(photos)) == len(photos), "a name stands for two photos"
    return dict(photos)


def test_a_folder_is_read_with_what_is_in_it(tmp_path):
    folder = write_photos(tmp_path / "photos", 7)
    (folder / "raw.heic").write_bytes(b"ftypheic")
    (folder / ".hidden.png").write_bytes(encoded(0))
    (folder / "table.parquet").write_bytes(b"next to photos this is ignored")
    (folder / "link").symlink_to(folder)
    photos = read(list_source(str(folder)), size=3)
    assert photos.pop(f"{folder}/raw.heic") == b"ftypheic"
    assert photos.pop(f"{folder}/broken.jpg") == b"not a photo"
    assert photos == {
        f"{folder}/{'more/' if number % 3 == 0 else ''}{number:03d}.png": encoded(number)
        for number in range(7)
    }
    assert read(list_source(f"file://{folder}")).keys() >= photos.keys()


def test_a_pattern_takes_what_it_matches_once(tmp_path):
    folder = write_photos(tmp_path / "photos", 7)
    matched = read(list_source(f"{folder}/**/00[1-3].png"))
    assert sorted(name[-7:] for name in matched) == ["001.png", "002.png", "003.png"]
    # The folder "more" and the photos in it.
    assert len(read(list_source(f"{folder}/**"))) == 8


def test_names_that_are_not_unicode_are_read_and_escaped(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(encoded(1))
    assert read(list_source(str(tmp_path))) == {f"{tmp_path}/caf\\udce9.png": encoded(1)}


@pytest.mark.parametrize("rows_in_group", [2, 5, 100])
def test_rows_of_parquet_are_read_group_by_group(tmp_path, rows_in_group):
    photos = [encoded(number) if number != 4 else None for number in range(11)]
    path = write_parquet(tmp_path / "photos.parquet", photos, rows_in_group)
    chunks = cut(list_source(str(tmp_path)), 4, None)
    assert sum(chunk.photos for chunk in chunks) == 11
    assert len(chunks) == {2: 3, 5: 3, 100: 1}[rows_in_group]
    found = read(list_source(str(path)), size=4)
    assert found.pop(f"{path}#4") == "The row contains no photo."
    expected = {f"{path}#{n}": photo for n, photo in enumerate(photos) if photo}
    assert found == expected


def test_the_column_of_the_photos_is_found_or_asked_for(tmp_path):
    path = tmp_path / "two.parquet"
    pq.write_table(pa.table({"front": [encoded(1)], "back": [encoded(2)], "id": [7]}), path)
    listing = list_source(str(path))
    with pytest.raises(DogBreedError, match=r"front, back.*--image-column") as refused:
        cut(listing, None, None)
    assert_one_sentence(str(refused.value))
    assert read(listing, column="back") == {f"{path}#0": encoded(2)}
    with pytest.raises(DogBreedError, match=r"no column id of photos; .*: front, back"):
        cut(listing, None, "id")
    pq.write_table(pa.table({"image": [encoded(1)], "mask": [encoded(2)]}), path)
    assert read(list_source(str(path))) == {f"{path}#0": encoded(1)}
    pq.write_table(pa.table({"id": [7]}), path)
    with pytest.raises(DogBreedError, match="no column of encoded photos"):
        cut(list_source(str(path)), None, None)


def test_a_webdataset_file_is_one_chunk(tmp_path):
    paths = [write_tar(tmp_path / f"{n}.tar", 3) for n in range(2)]
    listing = list_source(str(tmp_path))
    assert [chunk.files for chunk in cut(listing, 2, None)] == [[str(path)] for path in paths]
    assert read(listing) == {
        f"{path}#{number:06d}.png": encoded(number) for path in paths for number in range(3)
    }


def test_what_is_damaged_is_an_error_of_its_photos(tmp_path):
    path = write_tar(tmp_path / "photos.tar", 3)
    path.write_bytes(path.read_bytes()[:2000])
    found = read(list_source(str(path)))
    assert found[f"{path}#000000.png"] == encoded(0)
    assert found[str(path)].startswith("The WebDataset file is damaged from here on")
    table = write_parquet(tmp_path / "photos.parquet", [os.urandom(3000)] * 4, 2)
    listing = list_source(str(table))
    chunks = cut(listing, 2, None)
    data = bytearray(table.read_bytes())
    data[4:2000] = bytes(1996)
    table.write_bytes(data)
    first, second = (list(photos_of(str(table), chunk)) for chunk in chunks)
    damaged = "The Parquet file is damaged in this part."
    assert first == [(f"{table}#0", damaged), (f"{table}#1", damaged)]
    assert [len(data) for _, data in second] == [3000, 3000]


def test_a_photo_that_is_gone_is_an_error_but_not_a_whole_source(tmp_path):
    folder = write_photos(tmp_path / "photos", 3)
    gone = Chunk(0, "photos", [str(folder / "gone.png"), str(folder / "001.png")], 2)
    (_, why), (_, data) = photos_of(str(folder), gone)
    assert why == "The file cannot be read: FileNotFoundError." and data == encoded(1)
    elsewhere = Chunk(0, "photos", [str(tmp_path / "not-mounted" / "1.png")], 1)
    with pytest.raises(DatasetError, match="machines of a cluster must see the photos") as refused:
        list(photos_of(str(tmp_path / "not-mounted"), elsewhere))
    assert_one_sentence(str(refused.value))


def test_a_changed_source_has_another_fingerprint(tmp_path):
    folder = write_photos(tmp_path / "photos", 3)
    seen = {list_source(str(folder)).fingerprint}
    assert list_source(str(folder)).fingerprint in seen
    (folder / "001.png").write_bytes(encoded(2))
    seen.add(list_source(str(folder)).fingerprint)
    (folder / "001.png").rename(folder / "009.png")
    seen.add(list_source(str(folder)).fingerprint)
    (folder / "notes.txt").write_text("not a photo, so it does not count")
    assert list_source(str(folder)).fingerprint in seen and len(seen) == 3


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("missing", "There is no file or folder missing"),
        ("*.none", "contains no photos"),
        ("nonsense://bucket", "nonsense://bucket cannot be read"),
    ],
)
def test_what_is_not_a_source_is_said_in_a_sentence(source, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DogBreedError, match=said.replace("*", r"\*")) as refused:
        list_source(source)
    assert_one_sentence(str(refused.value))


def test_files_without_photos_are_refused(tmp_path):
    (tmp_path / "photos.parquet").write_bytes(b"nonsense")
    with pytest.raises(DogBreedError, match="cannot be read as a Parquet file") as refused:
        cut(list_source(str(tmp_path)), None, None)
    assert_one_sentence(str(refused.value))
    write_parquet(tmp_path / "photos.parquet", [], 1)
    with pytest.raises(DogBreedError, match="contains no rows"):
        cut(list_source(str(tmp_path)), None, None)
    with pytest.raises(DogBreedError, match="--image-column goes with Parquet"):
        cut(Listing("x", "photos", ["x"], ""), None, "image")


def test_files_are_fetched_a_few_ahead():
    begun = []
    items = read_ahead(lambda item: begun.append(item) or item, range(100))
    assert next(items) == 0
    assert len(begun) < 10
    assert list(items) == list(range(1, 100))


def test_a_dataset_of_the_hub_is_read_by_its_id(hub, tmp_path):
    hub.create_repo("ann/dogs", "dataset")
    path = write_parquet(tmp_path / "dogs.parquet", [encoded(n) for n in range(5)], 2)
    hub.commit_files(
        "ann/dogs", {"data/train-0.parquet": path, "README.md": b"# Dogs\n"}, "dataset"
    )
    shell = Shell(hub, tmp_path / "home", "hf_ann")
    by_id, by_address = (
        shell.python(READ, source) for source in ("ann/dogs", "hf://datasets/ann/dogs/data")
    )
    assert by_id.code == by_address.code == 0, by_id.err + by_address.err
    kind, fingerprint, photos = json.loads(by_id.out)
    assert kind == "parquet" and fingerprint == json.loads(by_address.out)[1]
    name = "hf://datasets/ann/dogs/data/train-0.parquet"
    assert photos == [[f"{name}#{n}", len(encoded(n))] for n in range(5)]
