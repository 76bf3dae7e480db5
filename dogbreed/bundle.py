"""The model bundle: a directory that training writes and everything else reads.

    config.json         the labels, how to prepare a photo, metrics, and a hash of every other file
    model.tflite        the network that serves: photo in, evidence map and pooled features out
    rejection.npz       numbers that recognize photos without a dog (absent if none are needed)
    model.weights.h5    Keras weights for further training (optional)
    README.md           the model card
    examples/           photos that visitors of the page can try (optional)
    metrics/, runs/     tables, plots, TensorBoard logs

A bundle contains data only: nothing in it is executed.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NoReturn

from dogbreed.config import check_fields
from dogbreed.confusions import read_confusions
from dogbreed.errors import BundleError
from dogbreed.images.square import RESIZE_METHODS
from dogbreed.rejection import ARRAYS, METHODS
from dogbreed.subject import DOG

FORMAT_VERSION = 1
CONFIG = "config.json"
NETWORK = "model.tflite"
REJECTION = "rejection.npz"
WEIGHTS = "model.weights.h5"
CONFUSIONS = "metrics/confusion.csv"
CARD = "README.md"
# Photos for visitors to try, in formats that every browser shows.
EXAMPLES, EXAMPLE_SUFFIXES, MOST_EXAMPLES = "examples", (".jpg", ".jpeg", ".png", ".webp"), 12
# Stands in a card for the repository until the bundle is pushed to one.
CARD_PLACEHOLDER = "USER/MODEL"
DEFAULT_BUNDLE = Path(__file__).parent / "default_model"

# A config of 10,000 classes has 1 MB.
_MOST_CONFIG_BYTES = 32_000_000


@dataclass(frozen=True)
class Bundle:
    """A bundle whose config has been checked.

    Attributes:
        path: Its directory.
        config: Its config.json.
        address: `user/name` or `user/name@revision`, if it is from the Hub.
        commit: The commit that it was read at there.
    """

    path: Path
    config: dict
    address: str | None = None
    commit: str | None = None

    @property
    def source(self) -> str:
        """What to call it in a message: its address on the Hub, else its directory."""
        return self.address or str(self.path)

    @property
    def repo_id(self) -> str | None:
        """`user/name`, if it is from the Hub."""
        return self.address.partition("@")[0] if self.address else None

    @property
    def labels(self) -> tuple[str, ...]:
        """The data's label of each class number."""
        id2label = self.config["id2label"]
        return tuple(id2label[str(number)] for number in range(len(id2label)))

    @property
    def names(self) -> tuple[str, ...]:
        """The name for people of each class number."""
        return tuple(self.config["names"][label] for label in self.labels)

    @property
    def subject(self) -> str:
        """What the photos show, `dog` if the config does not say; see `dogbreed.subject`."""
        return self.config.get("subject", DOG)

    @property
    def network(self) -> Path:
        """Path of the network that serves."""
        return self.path / NETWORK

    @property
    def served(self) -> tuple[str, ...]:
        """The files that answering needs in addition to config.json."""
        small = (n for n in (REJECTION, CONFUSIONS) if n in self.config["files"])
        return (NETWORK, *small, *self.examples)

    @property
    def examples(self) -> tuple[str, ...]:
        """The photos that visitors of the page can try, by name; few, whatever is stated."""
        here = (n for n in self.config["files"] if str(PurePosixPath(n).parent) == EXAMPLES)
        pictures = (n for n in here if PurePosixPath(n).suffix in EXAMPLE_SUFFIXES)
        return tuple(sorted(pictures))[:MOST_EXAMPLES]

    @cached_property
    def confused(self) -> dict[str, tuple[str, ...]]:
        """By the name of each class those that it was confused with on test photos, most first."""
        if CONFUSIONS not in self.config["files"]:
            return {}
        return read_confusions(self.path / CONFUSIONS, self.names)

    @property
    def headline(self) -> list[dict]:
        """Its metrics top_1 and top_3, if they are stated; see `metrics`."""
        return [self.metrics[name] for name in ("top_1", "top_3") if name in self.metrics]

    @property
    def metrics(self) -> dict[str, dict]:
        """Its metrics by name; of several with the same name the one that is stated first.

        Independent photos come before test photos, and these before validation photos.
        """
        return {metric["name"]: metric for metric in reversed(self.config["metrics"])}


def read_bundle(
    path: str | Path,
    files: Iterable[str] | None = None,
    address: str | None = None,
    commit: str | None = None,
) -> Bundle:
    """Read a bundle and check it before anything of it is used.

    Args:
        path: Directory of the bundle.
        files: Files that must be there with the size and hash that config.json states; if left
            out `Bundle.served`.
        address, commit: Where on the Hub it is from, if it is; see `Bundle`.

    Raises:
        BundleError: It is not a bundle, is damaged, or was written by a newer version.
    """
    path = Path(path)
    if not os.path.isdir(path):
        raise BundleError(f"There is no model bundle {path}; check the path.")
    bundle = Bundle(path, _read_json(path), address, commit)
    check_config(bundle.config, bundle.source)
    for name in bundle.served if files is None else files:
        _check_file(bundle, name)
    return bundle


def _read_json(path: Path) -> Any:
    try:
        with (path / CONFIG).open(encoding="utf-8") as file:
            text = file.read(_MOST_CONFIG_BYTES + 1)
        if len(text) > _MOST_CONFIG_BYTES:
            raise ValueError(f"it has more than {_MOST_CONFIG_BYTES // 1_000_000} MB")
        return json.loads(text)
    except FileNotFoundError:
        raise BundleError(
            f"{path} is not a model bundle: it has no {CONFIG}; name a folder that "
            "`dogbreed train` wrote."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(
            f"{path / CONFIG} cannot be read ({error}); get the bundle again."
        ) from None


def check_config(config: object, where: str | Path) -> None:
    """Check the content of a config.json.

    Args:
        config: The decoded JSON.
        where: The bundle, for the message.

    Raises:
        BundleError: A field is missing or of the wrong kind, or the format is not known.
    """

    def refuse(reason: str) -> NoReturn:
        raise BundleError(f"The {CONFIG} of {where} {reason}; get the bundle again.")

    if not isinstance(config, dict) or type(config.get("format_version")) is not int:
        raise BundleError(f"{where} is not a model bundle: its {CONFIG} has no format_version.")
    if config["format_version"] != FORMAT_VERSION:
        raise BundleError(
            f"The model bundle {where} has format version {config['format_version']}, this program "
            f"reads version {FORMAT_VERSION}; upgrade dogbreed or use another bundle."
        )
    check_fields(config, refuse)
    how = config["preprocessing"]
    if how.get("scale") != "inception" or how.get("resize") not in RESIZE_METHODS:
        refuse("asks for a preprocessing that is not known")
    method = config["thresholds"].get("is_dog", {}).get("method")
    if method is not None and method not in METHODS:
        refuse(f"asks for a method of is_dog that is not known ({method!r})")
    if ARRAYS.get(method) and REJECTION not in config["files"]:
        refuse(f"lacks the {REJECTION} that {method} needs")


def write_config(path: Path, config: dict) -> Bundle:
    """Complete a bundle: state the files that are in its directory, then write config.json.

    Args:
        path: Directory that contains all other files already.
        config: All fields but `format_version` and `files`.

    Raises:
        BundleError: The config would not be readable.
    """
    config = {"format_version": FORMAT_VERSION, **config, "files": describe_files(path)}
    check_config(config, path)
    with write_beside(path / CONFIG) as file:
        file.write(json.dumps(config, indent=2, ensure_ascii=False).encode() + b"\n")
    return Bundle(path, config)


def describe_files(path: Path) -> dict[str, dict]:
    """SHA-256 and size in bytes of each file of a bundle, by its path in it; no hidden files."""
    names = {
        file: file.relative_to(path).as_posix()
        for file in sorted(path.rglob("*"))
        if file.is_file() and not any(p.startswith(".") for p in file.relative_to(path).parts)
    }
    return {
        name: {"sha256": sha256(file), "size": file.stat().st_size}
        for file, name in names.items()
        # The card is made from the config, so the config cannot state it.
        if name not in (CONFIG, CARD)
    }


def copy_bundle(bundle: Bundle, destination: Path, leave_out: Iterable[str] = ()) -> Bundle:
    """Copy those files of a bundle that are there; the config of the copy states them.

    Args:
        bundle: What to copy.
        destination: New folder; it appears when it is complete.
        leave_out: Files and folders to leave out, such as `model.weights.h5` and `runs`.

    Raises:
        BundleError: The destination exists already, or cannot be written.
    """
    if destination.exists():
        raise BundleError(f"{destination} exists already; name a new folder.")
    present = [name for name in bundle.config["files"] if (bundle.path / name).is_file()]
    # Checked again, since the copy gets hashes of its own.
    read_bundle(bundle.path, present)
    partial = destination.with_name(f".{destination.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    left_out = {PurePosixPath(name) for name in leave_out}
    if (bundle.path / CARD).is_file():
        present.append(CARD)
    try:
        for name in present:
            path = PurePosixPath(name)
            if left_out.isdisjoint([path, *path.parents]):
                (partial / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(bundle.path / path, partial / path)
        write_config(partial, {k: v for k, v in bundle.config.items() if k != "files"})
        partial.rename(destination)
    except OSError as error:
        raise BundleError(
            f"{destination} cannot be written ({error.strerror}); name another folder."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return read_bundle(destination)


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def write_beside(path: Path) -> Iterator[BinaryIO]:
    """Open a new file for writing; it replaces `path` when it is complete.

    Raises:
        OSError: The folder cannot be written; nothing is left behind, and `path` is unchanged.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _check_file(bundle: Bundle, name: str) -> None:
    file, stated = bundle.path / name, bundle.config["files"].get(name)
    if not isinstance(stated, dict) or not file.is_file():
        raise BundleError(
            f"The model bundle {bundle.source} is incomplete: {name} is missing; get it again."
        )
    if file.stat().st_size != stated.get("size") or sha256(file) != stated.get("sha256"):
        where, remedy = str(file), "get the bundle again"
        if bundle.address:
            where = f"{name} of {bundle.address}"
            remedy = (
                f"remove the cached copy with `hf cache rm model/{bundle.repo_id}` and load it "
                "again, or ask its author to push it again"
            )
        raise BundleError(
            f"{where} is damaged: it is not the file that {CONFIG} describes; {remedy}."
        )
