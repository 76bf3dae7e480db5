"""One request, one answer: what `/api/predict` takes, and how it refuses."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from dogbreed import DogBreedClassifier
from dogbreed.images.limits import MAX_BYTES, TOO_LARGE
from dogbreed.page.http_api import FULL, NOT_LOGGED_IN, HttpApi, api_routes
from dogbreed.page.limits import MEMORY_BYTES
from dogbreed.page.uploads import NO_PHOTO
from dogbreed.wording import as_json
from tests.helpers.tiny_bundle import assert_one_sentence, draw_disc, write_trusted

LOGIN = {"anna": "se:cret, with an ü"}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> DogBreedClassifier:
    """A small bundle's."""
    return DogBreedClassifier.from_pretrained(
        write_trusted(tmp_path_factory.mktemp("models") / "bundle")
    )


@pytest.fixture(scope="module")
def photo() -> bytes:
    buffer = io.BytesIO()
    draw_disc().save(buffer, "PNG")
    return buffer.getvalue()


def visitor(api: HttpApi, auth: dict[str, str] | None = None) -> TestClient:
    """Somebody who asks a site with these routes, which knows logins as Gradio's does."""
    app = FastAPI(routes=api_routes(api))
    app.auth, app.tokens, app.cookie_id = auth, {"token-of-anna": "anna"}, "site"
    return TestClient(app)


@pytest.fixture
def client(classifier) -> TestClient:
    return visitor(HttpApi(classifier))


def refused(answer, status: int) -> str:
    """The one sentence with which a request was refused."""
    assert answer.status_code == status, answer.text
    (sentence,) = answer.json().values()
    assert_one_sentence(sentence)
    return sentence


def test_a_form_and_a_body_get_the_answer_of_details(client, classifier, photo):
    expected = as_json(classifier.predict(photo), classifier.bundle)
    assert expected["is_dog"] is not None and len(expected["labels"]) == 3
    form = client.post("/api/predict", files={"photo": ("dog.png", photo)}, data={"more": "1"})
    assert form.status_code == 200 and form.json() == expected
    for kind in ("image/png", "application/octet-stream", "application/x-www-form-urlencoded", ""):
        answer = client.post("/api/predict", content=photo, headers={"Content-Type": kind})
        assert answer.status_code == 200 and answer.json() == expected, kind


def test_the_schema_has_every_field_of_an_answer(client, classifier, photo):
    described = client.get("/openapi.json").json()["paths"]["/api/predict"]["post"]["responses"]
    schema = described["200"]["content"]["application/json"]["schema"]
    answer = client.post("/api/predict", content=photo).json()
    assert [*answer] == schema["required"] == [*schema["properties"]]
    assert [*answer["labels"][0]] == schema["properties"]["labels"]["items"]["required"]


def test_a_body_that_arrives_in_pieces_is_put_together(client, classifier, photo):
    pieces = (photo[start : start + 50] for start in range(0, len(photo), 50))
    answer = client.post("/api/predict", content=pieces, headers={"Content-Type": "image/png"})
    assert answer.json() == as_json(classifier.predict(photo), classifier.bundle)


def test_a_photo_that_is_not_kept_in_memory_is_answered_alike(client, classifier):
    buffer = io.BytesIO()
    draw_disc(900).save(buffer, "BMP")
    large = buffer.getvalue()
    assert len(large) > 2 * MEMORY_BYTES
    expected = as_json(classifier.predict(large), classifier.bundle)
    assert client.post("/api/predict", content=large).json() == expected
    assert client.post("/api/predict", files={"photo": large}).json() == expected


def test_what_is_not_a_photo_is_refused_in_one_sentence(client, photo):
    assert refused(client.post("/api/predict"), 422) == NO_PHOTO
    assert refused(client.post("/api/predict", files={"image": photo}), 422) == NO_PHOTO
    assert refused(client.post("/api/predict", data={"photo": "a text"}), 422)
    told = refused(client.post("/api/predict", content=b"no photo"), 422)
    assert told.startswith("This file is not an image")
    small = io.BytesIO()
    draw_disc(4).save(small, "PNG")
    assert "4×4" in refused(client.post("/api/predict", files={"photo": small.getvalue()}), 422)


def test_a_broken_form_or_one_with_two_photos_is_refused(client, photo):
    two = client.post("/api/predict", files=[("photo", photo), ("photo", photo)])
    assert "one file" in refused(two, 422)
    for head in ("multipart/form-data", "multipart/form-data; boundary=x"):
        broken = client.post(
            "/api/predict", content=b"--y\r\nphoto", headers={"Content-Type": head}
        )
        assert refused(broken, 422)


def test_too_large_a_photo_is_refused(client):
    large = bytes(MAX_BYTES + 1)
    assert refused(client.post("/api/predict", content=large), 413) == TOO_LARGE
    assert refused(client.post("/api/predict", files={"photo": large}), 413) == TOO_LARGE


@pytest.mark.parametrize("kind", ["application/json", "text/html; charset=utf-8"])
def test_another_content_type_is_refused(client, kind):
    told = refused(client.post("/api/predict", content=b"{}", headers={"Content-Type": kind}), 415)
    assert kind.partition(";")[0] in told and "multipart/form-data" in told


def test_another_method_is_refused(client):
    assert client.get("/api/predict").status_code == 405


def test_a_login_is_asked_for_and_may_be_a_cookie_or_basic(classifier, photo):
    client = visitor(HttpApi(classifier), LOGIN)
    assert client.get("/api/health").json() == {"status": "ok"}
    for wrong in (None, ("anna", "wrong"), ("ben", LOGIN["anna"]), ("anna", ""), ("", "")):
        answer = client.post("/api/predict", content=photo, auth=wrong)
        assert refused(answer, 401) == NOT_LOGGED_IN
        assert answer.headers["www-authenticate"].startswith("Basic ")
    for header in ("Basic", "Basic é!", "Bearer abc", "Basic YW5uYQ=="):
        headers = {"Authorization": header.encode()}
        assert refused(client.post("/api/predict", content=photo, headers=headers), 401)
    assert client.post("/api/predict", content=photo, auth=("anna", LOGIN["anna"])).is_success
    for name, value, status in (
        ("access-token-site", "token-of-anna", 200),
        ("access-token-unsecure-site", "token-of-anna", 200),
        ("access-token-site", "another", 401),
        ("access-token-other", "token-of-anna", 401),
    ):
        headers = {"Cookie": f"{name}={value}"}
        answer = client.post("/api/predict", content=photo, headers=headers)
        assert answer.status_code == status, (name, value)


class Gate:
    """A classifier's place, which answers only once it is opened."""

    def __init__(self, classifier: DogBreedClassifier):
        self.bundle, self._classifier = classifier.bundle, classifier
        self.opened = threading.Event()
        self.asked = threading.Semaphore(0)

    def predict(self, photo):
        self.asked.release()
        assert self.opened.wait(30)
        return self._classifier.predict(photo)


def test_a_full_line_refuses_and_then_goes_on(classifier, photo):
    gate = Gate(classifier)
    with visitor(HttpApi(gate, most_waiting=2)) as client, ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(client.post, "/api/predict", content=photo) for _ in range(2)]
        for _ in waiting:
            assert gate.asked.acquire(timeout=30)
        refusal = client.post("/api/predict", content=photo)
        assert refused(refusal, 503) == FULL and int(refusal.headers["retry-after"]) > 0
        gate.opened.set()
        assert [answer.result().status_code for answer in waiting] == [200, 200]
        # Nor does what is refused stay in the line.
        for _ in range(3):
            assert client.post("/api/predict", content=b"no photo").status_code == 422
        assert client.post("/api/predict", content=photo).status_code == 200


def test_nothing_is_left_on_the_disk(client, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for content in (bytes(MAX_BYTES + 1), bytes(3 * MEMORY_BYTES)):
        assert client.post("/api/predict", content=content).status_code in (413, 422)
        assert client.post("/api/predict", files={"photo": content}).status_code in (413, 422)
    assert list(Path(tmp_path).iterdir()) == []
