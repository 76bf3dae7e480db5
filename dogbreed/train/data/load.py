"""Photos to train on: any image dataset of the Hub or of this disk, checked and split by class."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import datasets
import numpy as np

from dogbreed.breeds import display_name
from dogbreed.errors import DatasetError, UsageError
from dogbreed.train.data.columns import (
    encoded_images,
    find_image_column,
    group_names,
    has_labels,
    photos_present,
    to_photos,
    with_labels,
)
from dogbreed.train.data.cuts import SplitRule, repeated
from dogbreed.train.data.photos import LeftOut, LoadedDataset, Photos, count, list_left_out
from dogbreed.train.data.sources import load_dataset
from dogbreed.train.options import public_name

TRAIN_SPLITS = ("train", "full")
TEST_SPLITS = ("test", "validation", "valid", "val", "dev")
# So many classes are listed with their photos, of more the smallest.
_LISTED, _SMALLEST = 8, 3


@dataclass(frozen=True)
class TrainingData:
    """A dataset, ready to train on.

    Attributes:
        source: What was loaded: id on the Hub or folder.
        revision: The commit on the Hub that it was read at, None for a folder.
        train, test: Photos to train and to test on; no file is in both.
        train_rule, test_rule: How they were chosen.
        left_out: What is in neither, and why.
        notes: What a person should know about the choice.
        corrected: How many of the training photos, the last ones, are corrections of visitors.
    """

    source: str
    revision: str | None
    train: Photos
    test: Photos
    train_rule: SplitRule
    test_rule: SplitRule
    left_out: LeftOut
    notes: tuple[str, ...] = ()
    corrected: int = 0

    def without(self, rows: Iterable[int], reason: str) -> "TrainingData":
        """Leave these rows out of the test photos, also when the rule is applied again.

        Args:
            rows: Row numbers of `test`.
            reason: Why, as the summary names it, such as `of test that are also in train`.

        Raises:
            DatasetError: No test photo is left.
        """
        rows = np.asarray(list(rows), int)
        if not len(rows):
            return self
        kept = np.setdiff1d(np.arange(len(self.test)), rows)
        names = [self.test.describe(row) for row in rows]
        if not len(kept):
            raise DatasetError(
                f"All test photos of {self.source} are among its training photos, such as "
                f"{names[0]}; choose another split with --test-split."
            )
        return dataclasses.replace(
            self,
            test=self.test.select(kept),
            test_rule=self.test_rule.without(self.test, rows),
            left_out={**self.left_out, reason: names},
        )

    def summary(self) -> str:
        """Return one line: classes, photos to train and to test on, what was left out and why."""
        train, test = (
            np.bincount(photos.labels, minlength=len(self.train.label_names))
            for photos in (self.train, self.test)
        )
        order = np.arange(len(train))
        start = ""
        if len(order) > _LISTED:
            order, start = np.argsort(train, kind="stable")[:_SMALLEST], "fewest: "
        listed = [f"{self.train.label_names[n]} {train[n]:,} + {test[n]:,}" for n in order]
        line = (
            f"{public_name(self.source)}: {count(len(train), 'class', 'classes')} "
            f"({start}{', '.join(listed)}), {count(len(self.train), 'photo')} to train, "
            f"{len(self.test):,} to test{list_left_out(self.left_out)}"
        )
        return "; ".join([line, *self.notes]) + "."


def load_training_data(
    source: str,
    *,
    revision: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    train_split: str | None = None,
    test_split: str | None = None,
    limit_per_class: int | None = None,
    seed: int = 42,
) -> TrainingData:
    """Load a labeled image dataset with its training and its test photos.

    Columns and splits are found by type and usual name if they are not given. If there is no split
    to test on, a fifth of each class is cut off, by `seed`.

    Args:
        source: Id on the Hub, local dataset directory, or folder with one folder for each class.
        revision: Branch, tag or commit of a Hub dataset.
        image_column, label_column: Names of the columns.
        train_split, test_split: Names of the splits.
        limit_per_class: Keep at most this many photos of each class, of train and of test.
        seed: Decides which photos are kept or cut off.

    Raises:
        DatasetError: It cannot be loaded, a column or split cannot be found, or it does not have
            what training needs.
        UsageError: Train and test are the same split.
    """
    dataset = load_dataset(source, revision, image_column, label_column)
    train_name = _pick_split(dataset, train_split, TRAIN_SPLITS, "--train-split")
    test_name, notes = _pick_test_split(dataset, train_name, test_split, label_column)
    if test_name == train_name:
        raise UsageError(
            f"Training and testing on the same split, {train_name}, measures nothing; leave "
            "--test-split out to have a fifth cut off, or name another split."
        )
    whole = _photos(dataset, train_name, image_column, label_column)
    rule = SplitRule(test_name or train_name, seed=seed, limit_per_class=limit_per_class)
    if test_name is None:
        train_rule, test_rule = (dataclasses.replace(rule, cut=part) for part in ("train", "test"))
        tested = whole
    else:
        train_rule, test_rule = dataclasses.replace(rule, split=train_name), rule
        tested = _photos(dataset, test_name, image_column, label_column)
    _check_classes(source, whole, tested)
    train, test = train_rule.select(whole), test_rule.select(with_labels(tested, whole.label_names))
    if not len(test):
        raise DatasetError(
            f"Each class of {source} has one photo only, so none is left to test on; add photos."
        )
    left_out = _merge(dataset.left_out, whole.left_out, tested.left_out if test_name else {})
    notes += _about_classes(train, test)
    data = TrainingData(
        source, dataset.revision, train, test, train_rule, test_rule, left_out, tuple(notes)
    )
    return data.without(repeated(test, train), "of test that are also in train")


def load_evaluation_photos(
    source: str,
    *,
    revision: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    split: str | None = None,
    rule: SplitRule | None = None,
) -> Photos:
    """Load the photos to evaluate on: those of a rule, the test split, or the only one there is.

    Args:
        source, revision, image_column, label_column: See `load_training_data`.
        split: Name of a split; all of it is used.
        rule: How training chose the photos, if it was this dataset; `split` goes first.

    Raises:
        DatasetError: See `load_training_data`.
    """
    dataset = load_dataset(source, revision, image_column, label_column)
    if split is None and rule is not None and rule.split in dataset.splits:
        name = rule.split
    else:
        rule = None
        usual = [n for n in (*TEST_SPLITS, *dataset.splits) if n in dataset.splits]
        labeled = [n for n in usual if has_labels(dataset.splits[n], label_column)]
        name = _pick_split(dataset, split, labeled or usual, "--test-split")
    photos = _photos(dataset, name, image_column, label_column)
    left_out = _merge(dataset.left_out, photos.left_out)
    photos = dataclasses.replace(photos, left_out=left_out)
    return rule.select(photos) if rule else photos


def load_negatives(source: str) -> Photos:
    """Load photos that do not show a dog: every split, all of them.

    Args:
        source: See `load_training_data`. A column of names, if there is one, groups the photos in
            the report, as class folders do.

    Raises:
        DatasetError: It cannot be loaded, or has no image column or no photos.
    """
    dataset = load_dataset(source, labels_needed=False)
    rows, groups, missing = [], [], []
    for name, split in dataset.splits.items():
        column = find_image_column(split, "--not-dogs takes a dataset with one image column")
        images = encoded_images(split, column, dataset.root)
        if column != "image":
            images = images.rename_column(column, "image")
        there = photos_present(images, "image")
        missing += [f"{name} row {row}" for row in np.flatnonzero(~there)]
        rows.append(images.select(np.flatnonzero(there)))
        groups += [group for group, found in zip(group_names(split), there, strict=True) if found]
    if not groups:
        raise DatasetError(f"The dataset {source} contains no photos; choose another one.")
    names = sorted(set(groups))
    number = {name: index for index, name in enumerate(names)}
    labels = np.array([number[group] for group in groups], np.int64)
    left_out = _merge(dataset.left_out, {"without a photo": missing})
    joined = datasets.concatenate_datasets(rows)
    return Photos(joined, "image", labels, tuple(names), "negatives", left_out)


def leave_out_kinds(negatives: Photos, names: Sequence[str]) -> tuple[Photos, Photos]:
    """Take kinds of photos out of the negatives that are neither: a drawn dog, for example.

    Args:
        negatives: From `load_negatives`.
        names: Names of these kinds, as the dataset has them.

    Returns:
        The other photos, and those taken out.

    Raises:
        UsageError: There is no such kind.
    """
    unknown = [name for name in names if name not in negatives.label_names]
    if unknown:
        known = [name for name in negatives.label_names if not name.startswith("n0")]
        raise UsageError(
            f"--not-dogs has no photos called {', '.join(unknown)}; name some of "
            f"{', '.join(known[:12])}{', …' if len(known) > 12 else ''} with --not-dogs-except."
        )
    out = np.isin(negatives.labels, [negatives.label_names.index(name) for name in names])
    return negatives.select(np.flatnonzero(~out)), negatives.select(np.flatnonzero(out))


def _photos(
    dataset: LoadedDataset, split: str, image_column: str | None, label_column: str | None
) -> Photos:
    return to_photos(dataset.splits[split], split, image_column, label_column, dataset.root)


def _pick_split(
    dataset: LoadedDataset, asked: str | None, usual: Iterable[str], option: str
) -> str:
    splits = dataset.splits
    if asked is None:
        asked = next((name for name in usual if name in splits), None)
    if asked is None and len(splits) == 1:
        asked = next(iter(splits))
    if asked is None or asked not in splits:
        missing = f"no split {asked}" if asked else "no split with a usual name"
        raise DatasetError(
            f"The dataset has {missing}; name one of {', '.join(splits)} with {option}."
        )
    return asked


def _pick_test_split(
    dataset: LoadedDataset, train: str, asked: str | None, label_column: str | None
) -> tuple[str | None, list[str]]:
    """Return the split to test on, None to cut it off train, and what to say about the choice."""
    if asked is not None:
        return _pick_split(dataset, asked, (), "--test-split"), []
    found = [name for name in TEST_SPLITS if name in dataset.splits and name != train]
    labeled = [name for name in found if has_labels(dataset.splits[name], label_column)]
    notes = [f"{name} has no labels and is not used" for name in found if name not in labeled]
    unused = [name for name in dataset.splits if name not in (train, *found, *labeled[:1])]
    notes += [f"{name} is not used" for name in (*labeled[1:], *unused)]
    if labeled:
        return labeled[0], notes
    return None, [f"the test photos are a fifth of {train}", *notes]


def _check_classes(source: str, train: Photos, test: Photos) -> None:
    trained, tested = (
        {photos.label_names[number] for number in set(photos.labels.tolist())}
        for photos in (train, test)
    )
    by_name: dict[str, str] = {}
    for label in sorted(trained | tested):
        name = " ".join(display_name(label).casefold().split())
        other = by_name.setdefault(name, label)
        if other != label:
            raise DatasetError(
                f"The labels {other!r} and {label!r} of {source} look the same to a reader; give "
                "both one name if they are one class, or else names that differ."
            )
    if len(trained) < 2:
        raise DatasetError(f"{source} has fewer than two classes; training needs at least two.")
    unknown = sorted(tested - trained)
    if unknown:
        raise DatasetError(
            f"The split {test.split} has classes without photos to train on: "
            f"{', '.join(unknown[:5])}{', …' if len(unknown) > 5 else ''}; move some of their "
            f"photos to {train.split}, or leave these classes out."
        )


def _about_classes(train: Photos, test: Photos) -> list[str]:
    """Say which classes have no photos to train or to test on."""
    notes = []
    for photos, purpose in ((train, "train on"), (test, "test on")):
        counts = np.bincount(photos.labels, minlength=len(photos.label_names))
        empty = [photos.label_names[number] for number in np.flatnonzero(counts == 0)]
        if empty:
            names = ", ".join(empty[:5]) + (", …" if len(empty) > 5 else "")
            has = "class has" if len(empty) == 1 else "classes have"
            notes.append(f"{len(empty)} {has} no photo to {purpose} ({names})")
    return notes


def _merge(*parts: LeftOut) -> dict[str, list[str]]:
    """Join what was left out in several steps, without reasons that did not occur."""
    merged: dict[str, list[str]] = {}
    for part in parts:
        for reason, names in part.items():
            if names:
                merged.setdefault(reason, []).extend(names)
    return merged
