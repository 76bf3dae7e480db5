"""What is put on a static Space, served from the files that arrived there, in a real browser."""

import pytest

from dogbreed import DogBreedClassifier
from dogbreed.web.litert import FOLDER
from tests.e2e.conftest import EXAMPLES
from tests.helpers.website import served


def test_a_static_space_answers_in_the_browser(web_visit, hub, ann, tmp_path):
    run = ann.dogbreed("deploy-space", "ann/page", "--sdk", "static")
    assert run.code == 0, run.err
    arrived = hub.files("ann/page", "space")
    if not any(name.startswith(f"{FOLDER}/") for name in arrived):
        pytest.skip("npm cannot fetch @litertjs/core")
    for name, content in arrived.items():
        path = tmp_path / "space" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    photo = EXAMPLES / "spotted.png"
    # The Hub sends the headers that the card asks for.
    with served(tmp_path / "space", isolated=True) as address:
        page = web_visit(address=address)
        labels = page.answer(photo)
        assert page.page.evaluate("crossOriginIsolated")
        assert page.foreign == []
    assert labels == list(DogBreedClassifier.from_pretrained().predict(photo).labels)
