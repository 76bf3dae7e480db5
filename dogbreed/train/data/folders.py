"""A folder of photos as a dataset, by a plain rule.

    photos/beagle/rex.jpg            the first folder is the class, whatever is below it
    photos/train/beagle/rex.jpg      train, test and validation are splits if they contain classes
    photos/rex.jpg + labels.csv      without class folders a table names the photos and their labels

`datasets` looks for words such as `test` in every part of a path, and takes matching files only.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import datasets

from dogbreed.errors import DatasetError
from dogbreed.train.data.columns import sorted_labels
from dogbreed.train.data.label_tables import is_table, label_by_tables
from dogbreed.train.data.listing import Listing, kind_of, list_folder
from dogbreed.train.data.photos import LoadedDataset

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
}


class Place(NamedTuple):
    """The split and the label of a photo; no label if it is not in a class folder or a table."""

    split: str
    label: str | None


def read_folder(
    root: Path,
    image_column: str | None = None,
    label_column: str | None = None,
    labels_needed: bool = True,
) -> LoadedDataset | None:
    """Read a folder of photos: paths and class numbers, nothing is decoded.

    Args:
        root: The folder.
        image_column, label_column: Columns of a table in it, if that is to be used.
        labels_needed: Leave out photos without a label.

    Returns:
        None if it is not a folder of photos.

    Raises:
        DatasetError: It is not clear what is a class, there are no labels, or no photo of a class
            can be read.
    """
    listing = list_folder(root)
    pictures = listing.pictures()
    places = by_folders(pictures, labels_needed)
    left_out: dict[str, list[str]] = defaultdict(list)
    columns = ("image", "label")
    if label_column or (labels_needed and _classes(places) < 2):
        table = label_by_tables(root, listing.others, pictures, image_column, label_column)
        if table is not None:
            columns = (image_column or "image", label_column or "label")
            places = {
                path: Place(
                    places[path].split if path in places else "train", table.labels.get(path)
                )
                for path in sorted({*pictures, *table.labels})
            }
            for name, missing in table.missing.items():
                left_out[f"named in {name} but not there"] += missing
    has_data_files = any(name.endswith((".parquet", ".arrow")) for name in listing.others)
    if not places or (has_data_files and _classes(places) < 2):
        return None
    if labels_needed and not _classes(places):
        raise DatasetError(_unlabeled(listing))
    splits = choose_photos(listing, places, labels_needed, left_out)
    return LoadedDataset(
        {
            name: as_dataset([(str(root / path), label) for path, label in photos], columns)
            for name, photos in splits.items()
        },
        left_out,
        root,
    )


def by_folders(pictures: Iterable[str], labels_needed: bool = True) -> dict[str, Place]:
    """Find the split and the class of each photo by the folders it is in.

    Args:
        pictures: Paths with forward slashes, relative to the dataset's folder.
        labels_needed: Refuse folders of which it is not clear whether they are splits.

    Raises:
        DatasetError: It is not clear.
    """
    parts = {path: tuple(path.split("/")) for path in pictures}
    parts = _below_single_folders(parts)
    inner: dict[str, set[str]] = defaultdict(set)
    for folders in parts.values():
        if len(folders) > 1:
            inner[folders[0]].update(folders[1:-1][:1])
    are_splits = bool(inner) and all(name.lower() in SPLIT_FOLDERS for name in inner)
    if not are_splits and labels_needed:
        _check_clear(inner)
    places = {}
    for path, names in parts.items():
        folders = names[:-1]
        split = "train"
        if are_splits and folders:
            split, folders = SPLIT_FOLDERS[folders[0].lower()], folders[1:]
        places[path] = Place(split, folders[0] if folders else None)
    return places


def _below_single_folders(parts: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Drop leading folders that contain everything, such as an archive's own."""
    while True:
        tops = {path[0] for path in parts.values()}
        deep = any(len(path) > 2 for path in parts.values())
        if len(tops) != 1 or not deep or tops.pop().lower() in SPLIT_FOLDERS:
            return parts
        parts = {name: path[1:] for name, path in parts.items()}


def _check_clear(inner: dict[str, set[str]]) -> None:
    for name in sorted(inner):
        if name.lower() not in SPLIT_FOLDERS:
            continue
        for other in sorted(inner):
            shared = sorted(inner[name] & inner[other])
            if other != name and shared:
                raise DatasetError(
                    f"The folders {name} and {other} both have a folder {shared[0]}, so {name} "
                    f"may be a split or a class; name all splits train, validation or test, and "
                    "move other folders out."
                )


def _classes(places: dict[str, Place]) -> int:
    return len({place.label for place in places.values()} - {None})


def choose_photos(
    listing: Listing,
    places: dict[str, Place],
    labels_needed: bool,
    left_out: dict[str, list[str]],
) -> dict[str, list[tuple[str, str | None]]]:
    """Return path and label of the photos that can be used, by split.

    Args:
        listing: All files.
        places: Split and label of each picture among them.
        labels_needed: Leave out photos without a label.
        left_out: All other files are added here, each with the reason.

    Raises:
        DatasetError: No photo of a class can be read.
    """
    splits: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    lost = []
    for path, place in places.items():
        if path in listing.unreadable:
            left_out[listing.unreadable[path]].append(path)
            lost.append(place)
        elif place.label is None and labels_needed:
            left_out["without a label"].append(path)
        else:
            splits[place.split].append((path, place.label))
    for name in listing.others:
        if "/" in name and not is_table(name):
            left_out[kind_of(name)].append(name)
    found = {Place(split, label) for split, photos in splits.items() for _, label in photos}
    for place in lost:
        if not found or (labels_needed and place.label is not None and place not in found):
            kinds = [reason for path, reason in listing.unreadable.items() if places[path] == place]
            counts = ", ".join(f"{n} {reason}" for reason, n in Counter(kinds).items())
            raise DatasetError(
                f"No photo of {place.label or listing.root} in {place.split} can be read "
                f"({counts}); save them as JPEG, or move them out of the dataset."
            )
    return {name: splits[name] for name in ("train", "validation", "test") if name in splits}


def _unlabeled(listing: Listing) -> str:
    table = next((name for name in listing.others if is_table(name)), None)
    advice = "put the photos of each class into a folder of its own"
    if table:
        advice += f", or name the column of {table} that contains them with --label-column"
    return f"{listing.root} contains photos but no labels; {advice}."


def as_dataset(
    photos: list[tuple[str, str | None]], columns: tuple[str, str] = ("image", "label")
) -> datasets.Dataset:
    """Make a split.

    Args:
        photos: Path and label of each photo.
        columns: Names of the image and the label column.
    """
    names = sorted_labels({label for _, label in photos if label is not None})
    number = {name: index for index, name in enumerate(names)}
    image, label = columns
    return datasets.Dataset.from_dict(
        {
            image: [path for path, _ in photos],
            label: [None if name is None else number[name] for _, name in photos],
        },
        datasets.Features(
            {image: datasets.Image(decode=False), label: datasets.ClassLabel(names=names)}
        ),
    )
