"""The table of breeds, and the names for people of any label."""

import re

import pytest

from dogbreed.breeds import BREEDS, display_name, find_breed
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
        ("Xoloitzcuintli", "n02113978", 268),
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


# Labels of WordNet, and what the American Kennel Club calls the breed.
TODAY = {
    "Japanese_spaniel": "Japanese chin",
    "Maltese_dog": "Maltese",
    "Pekinese": "Pekingese",
    "Shih-Tzu": "Shih Tzu",
    "Blenheim_spaniel": "Cavalier King Charles spaniel",
    "basset": "Basset hound",
    "bluetick": "Bluetick coonhound",
    "black-and-tan_coonhound": "Black and tan coonhound",
    "Walker_hound": "Treeing Walker coonhound",
    "redbone": "Redbone coonhound",
    "Staffordshire_bullterrier": "Staffordshire bull terrier",
    "wire-haired_fox_terrier": "Wire fox terrier",
    "Airedale": "Airedale terrier",
    "cairn": "Cairn terrier",
    "Dandie_Dinmont": "Dandie Dinmont terrier",
    "Boston_bull": "Boston terrier",
    "Scotch_terrier": "Scottish terrier",
    "Lhasa": "Lhasa apso",
    "German_short-haired_pointer": "German shorthaired pointer",
    "Brittany_spaniel": "Brittany",
    "clumber": "Clumber spaniel",
    "English_springer": "English springer spaniel",
    "cocker_spaniel": "English cocker spaniel",
    "malinois": "Belgian Malinois",
    "kelpie": "Australian kelpie",
    "Doberman": "Doberman pinscher",
    "Greater_Swiss_Mountain_dog": "Greater Swiss mountain dog",
    "Appenzeller": "Appenzeller sennenhund",
    "EntleBucher": "Entlebucher mountain dog",
    "bull_mastiff": "Bullmastiff",
    "malamute": "Alaskan malamute",
    "Leonberg": "Leonberger",
    "chow": "Chow chow",
    "Brabancon_griffon": "Brussels griffon",
    "Pembroke": "Pembroke Welsh corgi",
    "Cardigan": "Cardigan Welsh corgi",
    "Mexican_hairless": "Xoloitzcuintli",
    "African_hunting_dog": "African wild dog",
}


def test_names_are_those_of_today():
    for breed in BREEDS:
        tail = breed.label.partition("-")[2]
        words = tail.replace("_", " ")
        assert breed.name == TODAY.get(tail, words[:1].upper() + words[1:]), breed.label


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("n02096585-Boston_bull", "Boston terrier"),
        ("boston_bull", "Boston terrier"),
        ("Boston Terrier", "Boston terrier"),
        ("shih tzu", "Shih Tzu"),
        ("Flat Coated Retriever", "Flat-coated retriever"),
    ],
)
def test_a_breed_is_found_however_it_is_spelled(text, name):
    assert find_breed(text) is BY_NAME[name]


@pytest.mark.parametrize("text", ["", "tabby_cat", "terrier", "n02096585"])
def test_what_is_not_a_breed_is_not_found(text):
    assert find_breed(text) is None


def test_each_breed_but_two_has_an_item_on_wikidata():
    without = {breed.name for breed in BREEDS if breed.wikidata is None}
    assert without == {"Toy terrier", "Eskimo dog"}
    ids = [breed.wikidata for breed in BREEDS if breed.wikidata]
    assert all(re.fullmatch(r"Q[1-9]\d*", number) for number in ids)
    # The three sizes of poodles share one.
    assert len(set(ids)) == len(ids) - 2


def test_proper_names_keep_their_capitals_and_common_words_have_none():
    proper = {"English", "Irish", "Welsh", "Scottish", "Tibetan", "German", "French", "Boston"}
    common = {
        "terrier",
        "corgi",
        "chin",
        "hound",
        "retriever",
        "spaniel",
        "shepherd",
        "poodle",
        "setter",
        "dog",
    }
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
