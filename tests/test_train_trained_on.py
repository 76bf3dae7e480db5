"""A bundle knows which photos it was trained on, and how its test photos were chosen."""

import numpy as np
import pytest

from dogbreed.bundle import Bundle
from dogbreed.errors import BundleError
from dogbreed.train.data.load import load_evaluation_photos, load_training_data
from dogbreed.train.data.trained_on import TRAINED_ON, rule_of_test, trained_on, write_trained_on
from tests.helpers.photos import write_photos


@pytest.fixture
def data(tmp_path):
    return load_training_data(str(write_photos(tmp_path / "p", {"a": 10, "b": 10})))


def test_photos_that_were_trained_on_are_known_in_any_dataset(data, tmp_path):
    bundle = Bundle(tmp_path, {})
    everything = load_evaluation_photos(data.source)
    assert not len(trained_on(bundle, everything))
    (tmp_path / "metrics").mkdir()
    write_trained_on(tmp_path, data.train)
    assert len(trained_on(bundle, data.train)) == 16 and not len(trained_on(bundle, data.test))
    rows = trained_on(bundle, everything)
    assert {everything.digests[row] for row in rows} == set(data.train.digests)
    write_photos(tmp_path / "other", {"a": 1, "b": 1})
    assert not len(trained_on(bundle, load_evaluation_photos(str(tmp_path / "other"))))
    assert (tmp_path / TRAINED_ON).stat().st_size <= 128 + 16 * 8


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_list_is_refused(data, tmp_path, content):
    (tmp_path / "metrics").mkdir()
    (tmp_path / TRAINED_ON).write_bytes(content)
    with pytest.raises(BundleError, match=r"trained_on\.npy is damaged"):
        trained_on(Bundle(tmp_path, {}), data.test)


def test_the_rule_is_that_of_the_same_dataset(data, tmp_path):
    def stored(splits: object) -> Bundle:
        return Bundle(tmp_path, {"training": {"dataset": "p", "splits": splits}})

    bundle = stored({"test": {"rule": data.test_rule.as_json()}})
    rule = rule_of_test(bundle, data.source)
    assert rule == data.test_rule
    photos = load_evaluation_photos(data.source, rule=rule)
    assert np.array_equal(photos.digests, data.test.digests)
    assert rule_of_test(bundle, "someone/p") is None
    for splits in ({}, {"test": {}}, []):
        assert rule_of_test(stored(splits), data.source) is None
    with pytest.raises(BundleError, match="how its test photos were chosen"):
        rule_of_test(stored({"test": {"rule": {"split": 7}}}), data.source)
