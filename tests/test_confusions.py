"""Which classes a model takes for one another, from its own table."""

from dataclasses import replace

import numpy as np
import pytest

from dogbreed.bundle import DEFAULT_BUNDLE, read_bundle
from dogbreed.confusions import read_confusions
from dogbreed.prediction import Prediction
from dogbreed.wording import as_json

HEAD = "breed,other,mistakes,breed_taken_for_other,other_taken_for_breed\n"


def test_pairs_count_for_both_most_often_confused_first(tmp_path):
    table = tmp_path / "confusion.csv"
    table.write_text(HEAD + "a,b,2,1,1\na,c,5,5,0\na,d,3,3,0\na,e,9,9,0\nc,d,1,1,0\nc,x,4,4,0\n")
    found = read_confusions(table, "abcde")
    assert found == {"a": ("e", "c", "d"), "b": ("a",), "c": ("a",), "d": ("a",), "e": ("a",)}


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\xff\xfe", HEAD.encode() + b"a,b,many\n"]
)
def test_a_table_of_another_kind_says_nothing(tmp_path, content):
    (tmp_path / "confusion.csv").write_bytes(content)
    assert read_confusions(tmp_path / "confusion.csv", "ab") == {}


def test_the_model_that_ships_confuses_the_poodles():
    bundle = read_bundle(DEFAULT_BUNDLE)
    assert "Miniature poodle" in bundle.confused["Toy poodle"]
    answer = Prediction(("Toy poodle",), (0.9,), (0,), np.zeros((8, 8, 120)))
    assert "Miniature poodle" in as_json(answer, bundle)["often_confused_with"]
    assert as_json(replace(answer, labels=("Something else",)), bundle)["often_confused_with"] == []
