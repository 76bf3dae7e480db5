"""The tabs that explain: how programs use the page, and what model it is."""

import json
from collections.abc import Mapping

import gradio as gr

from dogbreed.classifier import DogBreedClassifier

_SHOWN = (
    "top_1",
    "top_3",
    "ece",
    "set_coverage",
    "set_size",
    "dogs_refused",
    "negatives_refused",
)

_PYTHON = """\
from gradio_client import Client, handle_file

client = Client("{url}")
answer = client.predict(handle_file("dog.jpg"), api_name="/predict")
print(answer["confidences"])"""

CURL = """\
FILE=$(curl -s -F files=@dog.jpg {url}/gradio_api/upload | tr -d '[]"')
ID=$(curl -s {url}/gradio_api/call/predict -H 'Content-Type: application/json' \\
  -d '{"data": [{"path": "'"$FILE"'", "meta": {"_type": "gradio.FileData"}}]}' | cut -d '"' -f 4)
curl -sN {url}/gradio_api/call/predict/$ID"""

_JAVASCRIPT = """\
import { Client, handle_file } from "@gradio/client"; // npm install @gradio/client

const client = await Client.connect("{url}");
const answer = await client.predict("/predict", [handle_file(photo)]); // a File or a Blob
console.log(answer.data[0].confidences);"""

# Only the browser knows under which address it reached the page.
_FILL_IN = """() => {
    const url = (location.origin + location.pathname).replace(/\\/+$/, "");
    return TEMPLATES.map((code) => code.replaceAll("{url}", url));
}"""


def api_tab(page: gr.Blocks, i18n: gr.I18n) -> None:
    """Show how programs use the page, with its own address filled in.

    Args:
        page: The page, for the event of its loading.
        i18n: The texts.
    """
    gr.Markdown(i18n("api_how"))
    # Without colours: Gradio's have too little contrast in either scheme.
    codes = [
        gr.Code(
            label=label,
            interactive=False,
            show_line_numbers=False,
            elem_id=f"api-{label.lower()}",
        )
        for label in ("Python", "curl", "JavaScript")
    ]
    templates = json.dumps([_PYTHON, CURL, _JAVASCRIPT])
    page.load(None, None, codes, js=_FILL_IN.replace("TEMPLATES", templates))


def about_markdown(
    words: Mapping[str, str], classifier: DogBreedClassifier, keep_seconds: int
) -> str:
    """Which model it is, how good, what it cannot do, and what happens to photos.

    Args:
        words: The texts of one language.
        classifier: The model that answers.
        keep_seconds: After what time files are deleted.

    Returns:
        Markdown.
    """
    config = classifier.bundle.config
    dataset = config["training"].get("dataset", "?")
    model = words["about_model_text"].format(
        classes=len(classifier.names),
        architecture=config["architecture"],
        origin=origin(classifier),
        dataset=dataset,
    )
    privacy = words["about_privacy_text"].format(minutes=round(keep_seconds / 60))
    sections = (
        (words["about_model"], model),
        (words["about_accuracy"], _metrics_table(words, config)),
        (words["about_limits"], words["about_limits_text"]),
        (words["about_privacy"], privacy),
    )
    return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections)


def origin(classifier: DogBreedClassifier) -> str:
    """Where the model came from: its address on the Hub, else only the name of its folder."""
    return classifier.bundle.address or classifier.bundle.path.name


def _metrics_table(words: Mapping[str, str], config: Mapping) -> str:
    """The metrics that were measured on test photos, as a table."""
    promise = config["thresholds"].get("prediction_set", {})
    percent = round(100 * promise.get("coverage", 0))
    rows = [
        f"| {words[metric['name']].format(percent=percent)} | {_show(metric)} "
        f"| `{metric['dataset']}/{metric['split']}` | {metric['count']} |"
        for metric in config["metrics"]
        if metric["name"] in _SHOWN and metric["split"] != "validation"
    ]
    if not rows:
        return words["about_no_metrics"]
    head = " | ".join(words[key] for key in ("metric", "value", "data", "count"))
    return "\n".join([f"| {head} |", "| --- | --- | --- | --- |", *rows])


def _show(metric: dict) -> str:
    form = ".2f" if metric["name"] == "set_size" else ".1%"
    return format(metric["value"], form)
