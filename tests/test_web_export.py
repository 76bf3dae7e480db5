"""The folder that `dogbreed export-web` writes."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from dogbreed.bundle import CONFIG, NETWORK, read_bundle
from dogbreed.cli import main
from dogbreed.errors import BundleError, UsageError
from dogbreed.page.i18n import LANGUAGES, texts
from dogbreed.page.limits import MOST_PHOTOS
from dogbreed.web.export import LOCALES, STATIC, export_web, rejection_arrays
from dogbreed.web.litert import CDN, FILES, VERSION
from tests.helpers.running import ROOT
from tests.helpers.tiny_bundle import (
    REJECTION_ARRAYS,
    assert_one_sentence,
    build_network,
    write_bundle,
    write_trusted,
)


@pytest.fixture
def bundle(tmp_path) -> Path:
    return write_trusted(tmp_path / "shapes")


@pytest.fixture(autouse=True)
def no_npm(monkeypatch):
    """The page loads LiteRT.js from the CDN; what npm fetches is tested with the browser."""
    monkeypatch.setenv("PATH", "")


def read_site(folder: Path) -> dict:
    return json.loads((folder / "site.json").read_text(encoding="utf-8"))


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_the_folder_contains_the_page_its_texts_and_the_model(bundle, tmp_path, capsys):
    folder = tmp_path / "site"
    assert main(["export-web", str(bundle), str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    site = read_site(folder)
    assert site["origin"] == "shapes"
    assert set(site["languages"]) == {*LANGUAGES}
    kept = {*site["shell"], f"model/{NETWORK}"}
    assert files(folder) == kept
    assert {path.name for path in STATIC.iterdir()} <= kept
    assert (folder / "model" / CONFIG).read_bytes() == (bundle / CONFIG).read_bytes()
    assert (folder / "model" / NETWORK).read_bytes() == (bundle / NETWORK).read_bytes()
    stated = site["stored"][NETWORK]
    assert stated["sha256"] == hashlib.sha256((bundle / NETWORK).read_bytes()).hexdigest()
    assert stated["size"] == (bundle / NETWORK).stat().st_size
    for language in LANGUAGES:
        words = json.loads((folder / "texts" / f"{language}.json").read_text(encoding="utf-8"))
        assert words["no_dog"] == texts(language)["no_dog"]
        assert words["privacy"] == own_texts(language)["privacy"]


def test_the_numbers_of_the_rejection_are_json(bundle, tmp_path):
    export_web(read_bundle(bundle), tmp_path / "site")
    arrays = json.loads((tmp_path / "site" / "model" / "rejection.json").read_text())
    assert arrays["weights"] == REJECTION_ARRAYS["weights"].tolist()
    assert arrays["bias"] == float(REJECTION_ARRAYS["bias"])
    assert read_site(tmp_path / "site")["rejection"]


def test_a_bundle_without_a_rejection_has_no_such_file(tmp_path):
    bundle = read_bundle(write_bundle(tmp_path / "model"))
    export_web(bundle, tmp_path / "site")
    assert not read_site(tmp_path / "site")["rejection"]
    assert "model/rejection.json" not in files(tmp_path / "site")
    energy = {"is_dog": {"method": "energy", "threshold": 0.0}}
    assert rejection_arrays(read_bundle(write_bundle(tmp_path / "b", thresholds=energy))) is None


def test_without_npm_the_page_loads_the_pinned_version_from_the_cdn(bundle, tmp_path, caplog):
    export_web(read_bundle(bundle), tmp_path / "site")
    assert CDN in caplog.text
    stored = read_site(tmp_path / "site")["stored"]
    assert stored.keys() == {NETWORK, *FILES}
    for name, file in FILES.items():
        url = f"https://cdn.jsdelivr.net/npm/{file.package}@{VERSION}/{file.path}"
        assert stored[name] == {"url": url, "sha256": file.sha256, "size": file.size}
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)


def test_a_later_export_replaces_an_earlier_one_and_nothing_else(bundle, tmp_path):
    folder = tmp_path / "site"
    export_web(read_bundle(bundle), folder)
    before = read_site(folder)["version"]
    (folder / "CNAME").write_text("dogs.example.com")
    (folder / ".git").mkdir()
    other = read_bundle(write_bundle(tmp_path / "other", temperature=2.0))
    export_web(other, folder)
    assert "model/rejection.json" not in files(folder)
    assert "CNAME" in files(folder) and (folder / ".git").is_dir()
    version = read_site(folder)["version"]
    assert version != before
    assert f'"{version}"' in (folder / "service-worker.js").read_text()
    export_web(other, folder)
    assert read_site(folder)["version"] == version


def test_an_earlier_export_cannot_name_files_elsewhere(bundle, tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    (folder / "site.json").write_text(json.dumps({"shell": ["../mine.txt"], "stored": {}}))
    export_web(read_bundle(bundle), folder)
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("kind", ["other files", "a file", "another site.json"])
def test_another_folder_is_refused(kind, bundle, tmp_path):
    folder = tmp_path / "mine"
    if kind == "a file":
        folder.write_text("mine")
    else:
        folder.mkdir()
        (folder / ("site.json" if kind == "another site.json" else "index.html")).write_text("[]")
    with pytest.raises(UsageError, match="contains something else") as caught:
        export_web(read_bundle(bundle), folder)
    assert_one_sentence(str(caught.value))
    assert files(tmp_path / "mine") <= {"index.html", "site.json"}


def test_a_folder_in_a_file_is_one_sentence(bundle, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written") as caught:
        export_web(read_bundle(bundle), tmp_path / "file" / "site")
    assert_one_sentence(str(caught.value))


def test_a_network_that_does_not_fit_is_refused(tmp_path):
    bundle = read_bundle(write_bundle(tmp_path / "model", build_network(channels=2)))
    with pytest.raises(BundleError, match="does not fit its config"):
        export_web(bundle, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def own_texts(language: str = "en") -> dict[str, str]:
    return json.loads((LOCALES / f"{language}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_its_placeholders(language):
    english, other = own_texts(), own_texts(language)
    assert list(english) == list(other)
    for key, text in english.items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", other[key])), key
        assert text == text.strip() and not re.search(r"['\"]|  | [%;:!?]", other[key]), key
        if language != "en" and len(text) > 12:
            assert other[key] != text, key
        if language == "fr":
            assert not re.search(r"\w[;:!?](\s|$)", other[key]), key
        if language in ("ja", "zh-CN"):
            assert not re.search(r"[\u3040-\u9fff][,.:;?!]", other[key]), key


def test_every_text_that_the_page_names_is_there_and_every_own_text_is_used():
    sources = {
        path.name: path.read_text(encoding="utf-8")
        for path in STATIC.iterdir()
        if path.suffix in (".js", ".html")
    }
    source = "\n".join(sources.values())
    named = {
        *re.findall(r'data-(?:text|label)="(\w+)"', source),
        *re.findall(r"words\.(\w+)", source),
        *re.findall(r'new ShownError\("(\w+)"', source),
    }
    assert len(named) > 50
    assert named <= {*texts(), *own_texts()}
    quoted = {*named, *re.findall(r'"(\w+)"', source), *re.findall(r"\b(\w+_camera)\b", source)}
    assert own_texts().keys() <= quoted


def test_the_page_keeps_to_the_limits_of_the_others():
    assert f"MOST_PHOTOS = {MOST_PHOTOS};" in (STATIC / "batch.js").read_text(encoding="utf-8")
    assert (STATIC / "LICENSE.txt").read_bytes() == (ROOT / "LICENSE").read_bytes()
