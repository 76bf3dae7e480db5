"""The metadata of a card is what the Hub reads."""

from huggingface_hub import ModelCard

from dogbreed.hub import card_metadata
from tests.hub.cards import problems

METRIC = {
    "name": "top_1",
    "title": "Top-1 accuracy",
    "value": 0.123456,
    "dataset": "ann/dogs",
    "revision": "c" * 40,
    "split": "test",
    "count": 12,
}


def card(**changes: object) -> ModelCard:
    given = {"dataset": "ann/dogs", "base_model": "ann/old-dogs", "metrics": [METRIC], **changes}
    return ModelCard(
        f"---\n{card_metadata('dogbreed-tiny', ['dogbreed'], **given)}\n---\n\n# Tiny\n"
    )


def test_the_hub_accepts_it():
    assert problems(str(card()), "model") == ([], [])
    assert problems(str(card(dataset=None, base_model=None)), "model") == ([], [])


def test_every_field_is_where_the_hub_looks_for_it():
    data = card().data
    assert (data.license, data.pipeline_tag) == ("apache-2.0", "image-classification")
    # The Hub shows a wrong line of code for `keras`, and a widget that fails unless told not to.
    assert data.library_name == "litert" and data.to_dict()["inference"] is False
    assert data.datasets == ["ann/dogs"] and data.tags == ["dogbreed"]
    assert data.base_model == "ann/old-dogs"
    assert data.to_dict()["base_model_relation"] == "finetune"
    (result,) = data.eval_results
    assert (result.metric_name, result.metric_value) == ("Top-1 accuracy", 0.1235)
    assert (result.dataset_type, result.dataset_split) == ("ann/dogs", "test")
    assert result.dataset_name == "ann/dogs (12 photos)"
    assert result.dataset_revision == "c" * 40


def test_what_is_not_on_the_hub_is_left_out():
    data = card(dataset=None, base_model=None).data.to_dict()
    assert not {"datasets", "base_model", "base_model_relation"} & set(data)
