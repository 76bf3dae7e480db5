"""The page while there is no room for what visitors send: a sentence each, and then it goes on."""

import base64
import json
import re
import urllib.error
import urllib.request

from dogbreed.page.limits import MEMORY_BYTES
from dogbreed.page.photo import load_small
from dogbreed.page.refusals import NO_ROOM
from tests.helpers.running import ROOT, running_process
from tests.helpers.small_disk import fill, make_room
from tests.helpers.tiny_bundle import draw_disc, write_bundle

DRAWING = ROOT / "tests" / "helpers" / "drawings" / "golden.png"


def told(address: str, body: bytes, kind: str) -> tuple[int, str]:
    """The status of the answer to a body, and what it says."""
    request = urllib.request.Request(address, body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["detail"]


def ask(page: str) -> str:
    """Send a photo as data; returns the events of the answer."""
    data = base64.b64encode(DRAWING.read_bytes()).decode()
    body = json.dumps({"data": [{"url": f"data:image/png;base64,{data}"}]}).encode()
    _, event = told(f"{page}/gradio_api/call/predict", body, "application/json")
    place = f"{page}/gradio_api/call/predict/{json.loads(event)['event_id']}"
    with urllib.request.urlopen(place, timeout=60) as answer:
        return answer.read().decode()


def test_no_room_is_said_in_one_sentence(disk, tmp_path):
    model = write_bundle(tmp_path / "model")
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    upload = head + DRAWING.read_bytes() * 10 + b"\r\n--x--\r\n"
    large = DRAWING.read_bytes() + bytes(MEMORY_BYTES)
    environment = {"DOGBREED_MODEL": str(model), "TMPDIR": str(disk)}
    with running_process(**environment) as (page, process):
        fill(disk)
        multipart = "multipart/form-data; boundary=x"
        assert told(f"{page}/gradio_api/upload", upload, multipart) == (507, NO_ROOM)
        assert told(f"{page}/api/predict", large, "image/png") == (507, NO_ROOM)
        assert NO_ROOM in ask(page)
        make_room(disk)
        assert re.search("event: complete", ask(page))
    assert "Traceback" not in process.printed
    assert list(disk.iterdir()) == []


def test_a_photo_is_shown_although_its_copy_cannot_be_kept(disk):
    path = disk / "photo.png"
    draw_disc(1200).save(path)
    fill(disk)
    assert load_small(str(path)).size == (900, 900)
    assert sorted(file.name for file in disk.iterdir()) == ["ballast", "photo.png"]
