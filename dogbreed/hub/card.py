"""The metadata of a model card, in the form that the Hub reads."""

from collections.abc import Iterable, Mapping

from huggingface_hub import EvalResult, ModelCardData

_TASK = "image-classification"


def card_metadata(
    name: str,
    tags: list[str],
    *,
    dataset: str | None,
    base_model: str | None,
    metrics: Iterable[Mapping],
) -> str:
    """Make the metadata that stands at the top of a card, between two lines of `---`.

    Args:
        name: What the model is called.
        tags: What the Hub's search finds it by.
        dataset: The dataset on the Hub that it was trained on, None for a folder.
        base_model: The model on the Hub that its training continued from, if it did.
        metrics: What the Hub's page lists: rows of the `metrics` of config.json, with `title`, and
            `revision` of the dataset.

    Returns:
        YAML.
    """
    data = ModelCardData(
        license="apache-2.0",
        # For `keras` the Hub shows a line that cannot load this repository, for this one none.
        library_name="litert",
        pipeline_tag=_TASK,
        # No provider runs it, so a widget would only fail.
        inference=False,
        tags=tags,
        datasets=None if dataset is None else [dataset],
        metrics=["accuracy"],
        model_name=name,
        eval_results=[_result(metric) for metric in metrics],
        base_model=base_model,
        base_model_relation=None if base_model is None else "finetune",
    )
    return data.to_yaml()


def _result(metric: Mapping) -> EvalResult:
    return EvalResult(
        task_type=_TASK,
        task_name="Image classification",
        dataset_type=metric["dataset"],
        dataset_name=f"{metric['dataset']} ({metric['count']} photos)",
        dataset_split=metric["split"],
        dataset_revision=metric["revision"],
        metric_type="accuracy",
        metric_name=metric["title"],
        metric_value=round(metric["value"], 4),
    )
