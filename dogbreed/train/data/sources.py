"""Load every split of a dataset: from the Hub, from a folder of photos, or with `datasets`."""

import dataclasses
import json
import re
from collections import defaultdict
from pathlib import Path

import datasets
import fsspec
import pyarrow.compute as pc
import yaml

from dogbreed.bundle import write_beside
from dogbreed.errors import DatasetError
from dogbreed.train.data.columns import encoded_images
from dogbreed.train.data.folders import as_dataset, by_folders, choose_photos, read_folder
from dogbreed.train.data.listing import list_folder, sort_files
from dogbreed.train.data.photos import LeftOut, LoadedDataset

# What the files of a local dataset were when `datasets` cached them.
_STAMP = "dogbreed_files.json"


def load_dataset(
    source: str,
    revision: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    labels_needed: bool = True,
) -> LoadedDataset:
    """Load every split of a dataset.

    Args:
        source: Id on the Hub, a folder of photos, a folder of files that `datasets` reads (Parquet,
            for example), or one that `save_to_disk` wrote.
        revision: Branch, tag or commit on the Hub.
        image_column, label_column: Columns that a table next to photos shall have.
        labels_needed: Leave out photos of a folder that have no label.

    Raises:
        DatasetError: It does not exist, cannot be reached or is not a dataset.
    """
    path = Path(source).expanduser()
    if path.is_file():
        raise DatasetError(f"The dataset {source} is a file; name the folder that contains it.")
    if path.is_dir():
        path = path.resolve()
        if not _is_saved(path) and not _names_its_files(path):
            folder = read_folder(path, image_column, label_column, labels_needed)
            if folder is not None:
                return folder
    try:
        if not path.exists():
            return _load_from_hub(source, revision)
        splits = datasets.load_from_disk(str(path)) if _is_saved(path) else _load_files(path)
    except DatasetError:
        raise
    except Exception as error:
        # `datasets` and what it is built on raise many kinds of errors.
        raise DatasetError(_explain(source, path.exists(), error)) from error
    if isinstance(splits, datasets.Dataset):
        splits = {str(splits.split or "train"): splits}
    left_out = {} if _is_saved(path) else _not_in_rows(path, splits)
    return LoadedDataset(dict(splits), left_out, path)


def _is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote this folder."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def _names_its_files(folder: Path) -> bool:
    """Whether the card of a local dataset says which files are which split."""
    for name in ("README.md", ".huggingface.yaml"):
        try:
            if _states_files((folder / name).read_text(encoding="utf-8")):
                return True
        except (OSError, ValueError):
            continue
    return False


def _states_files(card: str) -> bool:
    """Whether a card, or its metadata alone, says which files are which split."""
    parts = card.replace("\r\n", "\n").split("---\n")
    try:
        stated = yaml.safe_load(parts[1] if len(parts) > 2 else card)
    except yaml.YAMLError:
        return False
    configs = stated.get("configs") if isinstance(stated, dict) else None
    return any(isinstance(config, dict) and "data_files" in config for config in configs or [])


def _load_files(folder: Path) -> datasets.DatasetDict:
    """Load files that `datasets` reads, and again if they have changed since it cached them."""
    builder = datasets.load_dataset_builder(str(folder))
    # `datasets` does not look at the files if the card names them.
    stamp = [
        [file.relative_to(folder).as_posix(), file.stat().st_size, file.stat().st_mtime_ns]
        for file in sorted(folder.rglob("[!.]*"))
        if file.is_file()
    ]
    seen = Path(builder.cache_dir) / _STAMP
    try:
        unchanged = json.loads(seen.read_text()) == stamp
    except (OSError, ValueError):
        unchanged = False
    mode = datasets.DownloadMode
    builder.download_and_prepare(
        download_mode=mode.REUSE_DATASET_IF_EXISTS if unchanged else mode.FORCE_REDOWNLOAD,
        # The card states how many rows there were when it was written.
        verification_mode=datasets.VerificationMode.NO_CHECKS,
    )
    if not unchanged:
        with write_beside(seen) as file:
            file.write(json.dumps(stamp).encode())
    return builder.as_dataset()


def _load_from_hub(source: str, revision: str | None) -> LoadedDataset:
    builder = datasets.load_dataset_builder(source, revision=revision)
    # `datasets` caches what it reads from the Hub in a folder named after the commit.
    folder_name = Path(builder.cache_dir).name
    commit = folder_name if re.fullmatch("[0-9a-f]{40}", folder_name) else revision
    if builder.name == "imagefolder" and builder.base_path:
        folder = _read_hub_folder(builder.base_path)
        if folder is not None:
            return dataclasses.replace(folder, revision=commit)
    builder.download_and_prepare()
    return LoadedDataset(dict(builder.as_dataset()), revision=commit)


def _read_hub_folder(address: str) -> LoadedDataset | None:
    """Read class folders on the Hub by the rule of local ones, unless the card has another."""
    hub, top = fsspec.url_to_fs(address)
    names = sorted(name.removeprefix(f"{top}/") for name in hub.find(top))
    if "README.md" in names and _states_files(hub.cat_file(f"{top}/README.md").decode()):
        return None
    visible = [name for name in names if not any(p.startswith(".") for p in name.split("/"))]
    listing = sort_files(Path(), visible)
    places = by_folders(listing.pictures())
    if len({place.label for place in places.values()} - {None}) < 2:
        return None
    left_out: dict[str, list[str]] = defaultdict(list)
    splits = choose_photos(listing, places, True, left_out)
    loaded = {}
    for split, photos in splits.items():
        addresses = [f"{address}/{path}" for path, _ in photos]
        files = datasets.DownloadManager().download(addresses)
        labels = [label for _, label in photos]
        loaded[split] = as_dataset(list(zip(files, labels, strict=True)))
    return LoadedDataset(loaded, left_out)


def _explain(source: str, is_local: bool, error: Exception) -> str:
    cause: BaseException = error
    while cause.__cause__ and "error occurred while generating" in str(cause):
        cause = cause.__cause__
    if isinstance(cause, OSError) and isinstance(cause.filename, str):
        for cache in map(Path, (datasets.config.HF_DATASETS_CACHE, datasets.config.HF_CACHE_HOME)):
            file = Path(cause.filename)
            if cache in (file, *file.parents) or file in cache.parents:
                return (
                    f"The cache folder {cache} cannot be written ({cause.strerror}); set HF_HOME "
                    "or HF_DATASETS_CACHE to a folder that can be."
                )
    reason = str(cause).strip().splitlines()[0].rstrip(".") if str(cause).strip() else repr(cause)
    if is_local:
        return f"The dataset {source} cannot be loaded ({reason}); check the files in the folder."
    return (
        f"The dataset {source} cannot be loaded ({reason}); give the id of a dataset on the Hub or "
        "an existing folder."
    )


def _not_in_rows(folder: Path, splits: dict[str, datasets.Dataset]) -> LeftOut:
    """Name the pictures in a folder that `datasets` has not taken."""
    listing = list_folder(folder)
    taken: set[str] = set()
    for rows in splits.values() if listing.pictures() else ():
        images = [name for name, kind in rows.features.items() if isinstance(kind, datasets.Image)]
        for name in images:
            for table in encoded_images(rows, name).with_format("arrow").iter(4096):
                taken.update(pc.struct_field(table.column(name), "path").to_pylist())
    left_out: dict[str, list[str]] = {}
    for path in listing.pictures():
        if str(folder / path) not in taken:
            reason = listing.unreadable.get(path, "not in any split")
            left_out.setdefault(reason, []).append(path)
    return left_out
