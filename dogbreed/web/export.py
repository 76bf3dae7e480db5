"""Put the page together with a bundle: a folder for any static host.

index.html, *.js, style.css   from static/
texts/                        those of the page with a server, and a few of its own
model/                        config.json, model.tflite, rejection.json
litert/                       LiteRT.js, unless the page loads it from a CDN
site.json                     what the page has to know about all these
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from dogbreed.breeds import find_breed
from dogbreed.bundle import CONFIG, EXAMPLES, NETWORK, REJECTION, Bundle, write_beside
from dogbreed.errors import UsageError
from dogbreed.rejection import ARRAYS, read_arrays
from dogbreed.runtime import Network
from dogbreed.subject import DOG, capitalized, icon, neutral_texts
from dogbreed.subject import LOCALES as PAGE_LOCALES
from dogbreed.web.litert import FILES, FOLDER, fetch_library

# Path in the folder to the file on this disk, or to its content.
Files = dict[str, Path | bytes]

SITE = "site.json"
SERVICE_WORKER = "service-worker.js"
STATIC = Path(__file__).parent / "static"
LOCALES = Path(__file__).parent / "locales"

_SUFFIXES = {".css", ".html", ".js", ".txt", ".webmanifest"}
# Files that say what the page is about before its texts are there.
_NAMED = {"index.html", "manifest.webmanifest"}
_TITLE = "What breed is this dog?"
_DESCRIPTION = r"Names the breed of the dog in a photo[^\"]*"
_VERSION_LINE = b'const VERSION = "VERSION";'


def export_web(bundle: Bundle, folder: Path) -> None:
    """Write the page with a model into a folder.

    Args:
        bundle: The model, checked.
        folder: A new or empty one, or one with an earlier export, which is replaced; hidden files
            and files that are not of the page stay.

    Raises:
        BundleError: The network cannot be loaded or does not fit the config.
        UsageError: The folder contains something else, or cannot be written.
    """
    try:
        stale = _earlier_files(folder)
        files = site_files(bundle)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with write_beside(path) as file:
                file.write(content if isinstance(content, bytes) else content.read_bytes())
        for name in stale - files.keys():
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be written: {error.strerror}.") from None


def site_files(bundle: Bundle, examples: Sequence[Path] = ()) -> Files:
    """Everything that the folder contains; the file by which visitors get the others comes last.

    Args:
        bundle: The model, checked.
        examples: Photos that visitors can try; those of the bundle if there are none.

    Raises:
        BundleError: See `export_web`.
        UsageError: See `fetch_library`.
    """
    shell: Files = {
        **{
            path.name: _named(path, bundle.subject)
            for path in sorted(STATIC.iterdir())
            if path.suffix in _SUFFIXES
        },
        "icon.png": icon(bundle.subject),
        "model/config.json": bundle.path / CONFIG,
    }
    pictures: Files = {f"{EXAMPLES}/{path.name}": path for path in examples}
    pictures = pictures or {name: bundle.path / name for name in bundle.examples}
    texts: Files = {
        f"texts/{language}.json": words for language, words in _texts(bundle.subject).items()
    }
    arrays = rejection_arrays(bundle)
    if arrays is not None:
        shell["model/rejection.json"] = json.dumps(arrays).encode()
    shell |= pictures | texts
    stored: Files = {f"model/{NETWORK}": bundle.network}
    network = bundle.config["files"][NETWORK]
    listed = {NETWORK: {"url": f"model/{NETWORK}", **network}}
    library = fetch_library()
    for name, file in FILES.items():
        url = file.address if library is None else f"{FOLDER}/{name}"
        listed[name] = {"url": url, "sha256": file.sha256, "size": file.size}
        if library is not None:
            stored[url] = library[name]
    site: dict[str, Any] = {
        "origin": bundle.address or bundle.path.resolve().name,
        "languages": [path.stem for path in sorted(PAGE_LOCALES.glob("*.json"))],
        "examples": list(pictures),
        "shell": sorted([*shell, SITE]),
        "rejection": arrays is not None,
        "subject": bundle.subject,
        "articles": [breed and breed.wikidata for breed in map(find_breed, bundle.names)],
        "confused": bundle.confused,
        "stored": listed,
    }
    version = _version(shell, site)
    shell[SITE] = json.dumps({"version": version, **site}, indent=1).encode()
    worker = (STATIC / SERVICE_WORKER).read_bytes()
    del shell[SERVICE_WORKER]
    stated = _VERSION_LINE.replace(b'"VERSION"', json.dumps(version).encode())
    return stored | shell | {SERVICE_WORKER: worker.replace(_VERSION_LINE, stated)}


def rejection_arrays(bundle: Bundle) -> dict[str, Any] | None:
    """The numbers of the rejection rule, as JSON has them; None if its score needs none.

    Raises:
        BundleError: They, or the network, do not fit the config.
    """
    # Also for a bundle without a rule: a network that cannot be run is not worth a page.
    channels = Network(bundle).channels
    method = bundle.config["thresholds"].get("is_dog", {}).get("method")
    if not ARRAYS.get(method):
        return None
    arrays = read_arrays(method, bundle.path / REJECTION, channels)
    return {name: _rounded(array.tolist()) for name, array in arrays.items()}


def _rounded(value: Any) -> Any:
    """Numbers with the nine digits that 32 bits have; more would double the size of the file."""
    return [_rounded(each) for each in value] if isinstance(value, list) else float(f"{value:.9g}")


def _texts(subject: str) -> dict[str, bytes]:
    """The texts of each language, as JSON."""
    found = {}
    for path in sorted(PAGE_LOCALES.glob("*.json")):
        words = _read(path) | _read(LOCALES / path.name) | neutral_texts(path.stem, subject)
        found[path.stem] = json.dumps(words, ensure_ascii=False).encode()
    return found


def _named(path: Path, subject: str) -> Path | bytes:
    """A file of the page; what is written in it about dogs is replaced for another subject."""
    if subject == DOG or path.name not in _NAMED:
        return path
    words = neutral_texts("en", subject)
    text = path.read_text(encoding="utf-8").replace(_TITLE, escape(words["heading"]))
    text = re.sub(_DESCRIPTION, escape(words["heading"]), text)
    text = text.replace("Dog breeds", capitalized(subject))
    return text.encode()


def _read(path: Path) -> dict[str, str]:
    return json.loads(path.read_text(encoding="utf-8"))


def _version(files: Files, site: Mapping[str, Any]) -> str:
    """A hash of everything that the page consists of."""
    hashed = hashlib.sha256(json.dumps(site, sort_keys=True).encode())
    for name in sorted(files):
        content = files[name]
        data = content if isinstance(content, bytes) else content.read_bytes()
        hashed.update(name.encode() + hashlib.sha256(data).digest())
    return hashed.hexdigest()[:16]


def listed_files(site: bytes) -> set[str]:
    """The files that a site.json lists, by path; none if it is something else."""
    try:
        fields = json.loads(site)
        return {*fields["shell"], *(file["url"] for file in fields["stored"].values())}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _earlier_files(folder: Path) -> set[str]:
    """The files of an earlier export, by path in the folder.

    Raises:
        UsageError: The folder contains something else.
    """
    site = folder / SITE
    files = listed_files(site.read_bytes()) if site.is_file() else set()
    if not files and folder.exists() and not _is_empty(folder):
        raise UsageError(
            f"{folder} contains something else than an exported page; name a new folder."
        )
    # Never outside the folder, whatever its site.json says.
    root = folder.resolve()
    return {name for name in files if (root / name).resolve().is_relative_to(root)}


def _is_empty(folder: Path) -> bool:
    """Whether there is nothing but hidden files."""
    return folder.is_dir() and all(path.name.startswith(".") for path in folder.iterdir())
