"""The table of breeds, and the names for people of any label."""

import re

import pytest

from dogbreed.breeds import BREEDS, display_name
from dogbreed.bundle import DEFAULT_BUNDLE, read_bundle

BY_NAME = {breed.name: breed for breed in BREEDS}


def test_there_are_120_breeds_in_the_order_of_their_wordnet_ids():
    ids = [breed.wordnet_id for breed in BREEDS]
    assert len(set(ids)) == len(ids) == 120
    assert ids == sorted(ids)
    assert all(re.fullmatch(r"n\d{8}", number) for number in ids)
    assert BREEDS[0].label == "n02085620-Chihuahua"
    assert BREEDS[-1].label == "n02116738-African_hunting_dog"


def test_labels_are_an_id_and_a_word():
    for breed in BREEDS:
        assert re.fullmatch(breed.wordnet_id + r"-[A-Za-z]+([-_][A-Za-z]+)*", breed.label)


def test_imagenet_indices():
    indices = [breed.imagenet_index for breed in BREEDS]
    # All dogs but the Dalmatian, then the wild ones behind wolves and foxes.
    assert indices == [*range(151, 251), *range(252, 269), 273, 274, 275]


@pytest.mark.parametrize(
    ("name", "wordnet_id", "index"),
    [
        ("Chihuahua", "n02085620", 151),
        ("Yorkshire terrier", "n02094433", 187),
        ("Golden retriever", "n02099601", 207),
        ("German shepherd", "n02106662", 235),
        ("Siberian husky", "n02110185", 250),
        ("Affenpinscher", "n02110627", 252),
        ("Pug", "n02110958", 254),
        ("Samoyed", "n02111889", 258),
        ("Mexican hairless", "n02113978", 268),
        ("Dingo", "n02115641", 273),
    ],
)
def test_well_known_breeds_are_where_imagenet_has_them(name, wordnet_id, index):
    assert BY_NAME[name].wordnet_id == wordnet_id
    assert BY_NAME[name].imagenet_index == index


def test_names_are_for_people():
    assert len(BY_NAME) == 120
    for breed in BREEDS:
        assert re.fullmatch(r"[A-Z][A-Za-z]*([- ][A-Za-z]+)*", breed.name)
        words = breed.label.partition("-")[2].replace("_", " ")
        assert breed.name.lower() == words.lower()


@pytest.mark.parametrize(
    "name",
    [
        "African hunting dog",
        "Bernese mountain dog",
        "Black-and-tan coonhound",
        "Border collie",
        "Bouvier des Flandres",
        "Chesapeake Bay retriever",
        "Entlebucher",
        "Great Dane",
        "Greater Swiss Mountain dog",
        "Lhasa",
        "Old English sheepdog",
        "Saint Bernard",
        "Shih-Tzu",
        "Soft-coated wheaten terrier",
        "West Highland white terrier",
        "Wire-haired fox terrier",
    ],
)
def test_names_have_the_right_capitals(name):
    assert name in BY_NAME


def test_proper_names_keep_their_capitals_and_common_words_have_none():
    proper = {"English", "Irish", "Welsh", "Scottish", "Tibetan", "German", "French", "Boston"}
    common = {"terrier", "hound", "retriever", "spaniel", "shepherd", "poodle", "setter", "dog"}
    for breed in BREEDS:
        for word in breed.name.split():
            assert word.capitalize() not in proper or word in proper
        for word in breed.name.split()[1:]:
            assert word.lower() not in common or word in common


def test_display_name_of_a_breed_is_the_one_in_the_table():
    for breed in BREEDS:
        assert display_name(breed.label) == breed.name


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("n00000001-red_disc", "Red disc"),
        ("tabby_cat", "Tabby cat"),
        ("cat", "Cat"),
        ("Maine Coon", "Maine Coon"),
        ("éléphant", "Éléphant"),
        ("n00000001-", "N00000001-"),
        ("_", "_"),
        ("7", "7"),
        ("", ""),
    ],
)
def test_display_name_of_other_labels(label, name):
    assert display_name(label) == name


def test_the_shipped_bundle_has_the_same_labels_and_names():
    bundle = read_bundle(DEFAULT_BUNDLE)
    assert bundle.labels == tuple(breed.label for breed in BREEDS)
    assert bundle.names == tuple(breed.name for breed in BREEDS)
