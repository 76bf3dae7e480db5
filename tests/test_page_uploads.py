"""What visitors and programs send as a photo."""

import base64
from pathlib import Path

import gradio as gr
import pytest
from gradio.data_classes import FileData, ImageData, ListFiles

from dogbreed.images.limits import MAX_BYTES, TOO_LARGE
from dogbreed.page.refusals import GONE
from dogbreed.page.uploads import (
    NO_PHOTO,
    NOT_BASE64,
    NOT_FETCHED,
    NOT_UPLOADED,
    accept_any_file,
    is_photo_input,
    local_file,
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The folder for uploads."""
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def told(value: object) -> str:
    """The sentence with which it is refused."""
    with pytest.raises(gr.Error) as error:
        local_file(value)
    assert not error.value.print_exception
    return error.value.message


def test_an_uploaded_file_passes_without_what_else_was_said_about_it(folder):
    path = folder / "dog [1].jpg"
    path.write_bytes(b"photo")
    sent = {"path": str(path), "orig_name": "dog.jpg", "url": "http://x/", "is_stream": True}
    passed = FileData(**local_file(sent))
    assert (passed.path, passed.orig_name) == (str(path), "dog.jpg")
    assert passed.url is None and not passed.is_stream
    assert local_file([sent, sent]) == [local_file(sent)] * 2


def test_an_example_passes_and_nothing_passes_as_nothing(folder, tmp_path):
    example, other, linked = (tmp_path / name for name in ("a.jpg", "b.jpg", "linked.jpg"))
    for path in (example, other):
        path.write_bytes(b"photo")
    # As in the cache of the Hub's client.
    linked.symlink_to(example)
    for path in (example, linked):
        assert local_file({"path": str(path)}, {example.resolve()})["path"] == str(path)
    for path in (other, f"{example}/../b.jpg"):
        with pytest.raises(gr.Error, match="not a photo that was uploaded"):
            local_file({"path": str(path)}, {example.resolve()})
    assert local_file(None) is None


@pytest.mark.parametrize("head", ["data:image/jpeg;base64", "data:;base64", "data:"])
def test_data_is_written_to_a_file(folder, head):
    text = base64.b64encode(b"photo").decode() if "base64" in head else "ph%6fto"
    path = Path(local_file({"url": f"{head},{text}"})["path"])
    assert path.read_bytes() == b"photo" and path.is_relative_to(folder)
    assert Path(local_file({"path": f"{head},{text}"})["path"]).read_bytes() == b"photo"


def test_too_much_data_is_refused_before_it_is_decoded(folder):
    assert told({"url": "data:;base64," + "A" * (MAX_BYTES * 4 // 3 + 8)}) == TOO_LARGE
    assert told({"url": "data:;base64,§§§"}) == NOT_BASE64
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("key", ["url", "path"])
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1/dog.jpg", "HTTPS://dogs.example/dog.jpg", "//dogs.example/a"]
)
def test_web_addresses_are_not_fetched(folder, key, address):
    assert told({key: address}) == NOT_FETCHED


def test_files_of_the_server_are_refused(folder, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    (folder / "link.png").symlink_to(secret)
    for path in (
        str(secret),
        f"{folder}/../secret.png",
        f"{folder}/link.png",
        "secret.png",
        "/etc/passwd",
        "file:///etc/passwd",
        f"{folder}/a\0b",
        "~/.ssh/id_rsa",
    ):
        assert told({"path": path}) == NOT_UPLOADED, path


def test_a_deleted_file_is_told(folder):
    assert told({"path": str(folder / "old.jpg")}) == GONE


@pytest.mark.parametrize("value", [{}, {"path": None}, {"path": "", "url": ""}, {"path": 1}])
def test_a_description_without_a_file_is_told(value):
    assert told(value) == NO_PHOTO


@pytest.mark.parametrize("value", ["dog.jpg", 1, [1], [["dog.jpg"]], True])
def test_what_does_not_describe_a_file_is_told(value):
    assert told(value) == NOT_UPLOADED


def test_frames_of_a_camera_are_not_uploads():
    camera = gr.Image(sources=["webcam"], streaming=True)
    assert [is_photo_input(each) for each in (gr.Image(), gr.File(), camera, gr.Slider())] == [
        True,
        True,
        False,
        False,
    ]


def test_a_file_is_not_opened_by_gradio():
    photo, photos = gr.Image(type="filepath"), gr.File(file_count="multiple")
    for component in (photo, photos):
        accept_any_file(component)
        assert component.preprocess(None) is None
    assert photo.preprocess(ImageData(path="broken.png")) == "broken.png"
    files = ListFiles(root=[FileData(path="a.dng"), FileData(path="b.jfif")])
    assert photos.preprocess(files) == ["a.dng", "b.jfif"]
