"""How programs use the page: Gradio's two endpoints, which are MCP tools too, and the API tab."""

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dogbreed.classifier import DogBreedClassifier
from dogbreed.page.i18n import texts
from dogbreed.page.limits import CONCURRENCY, QUEUE
from dogbreed.page.refusals import refusal, shown_to_visitor
from dogbreed.page.uploads import NO_PHOTO, accept_any_file
from dogbreed.prediction import Prediction
from dogbreed.subject import terms
from dogbreed.wording import as_json

CURL = "curl {login}-F photo=@photo.jpg {url}/api/predict"

PYTHON = """\
from gradio_client import Client, handle_file

client = Client("{url}"{login})
answer = client.predict(photo=handle_file("photo.jpg"), api_name="/predict")
print(answer["confidences"])"""

JAVASCRIPT = """\
import { Client, handle_file } from "@gradio/client"; // npm install @gradio/client

const client = await Client.connect("{url}"{login});
const answer = await client.predict("/predict", { photo: handle_file(photo) }); // a File or a Blob
console.log(answer.data[0].confidences);"""

# Gradio's own way, with named parameters. The file's path arrives as JSON and is sent as JSON, so
# any name of a file works.
CALL = """\
{login}FILE=$(curl -s {cookies}{url}/gradio_api/upload -F 'files=@"photo.jpg"' |
  sed 's/^\\["//; s/"\\]$//')
ID=$(curl -s {cookies}{url}/gradio_api/call/v2/predict -H 'Content-Type: application/json' \\
  -d '{"photo": {"path": "'"$FILE"'"}}' | cut -d '"' -f 4)
curl -sN {cookies}{url}/gradio_api/call/v2/predict/$ID"""

# Only the browser knows the address under which it reached the page.
_FILL_IN = """() => {
    const url = (location.origin + location.pathname).replace(/\\/+$/, "");
    return TEMPLATES.map((code) => code.replaceAll("{url}", url));
}"""


# What MCP clients are told, and what Gradio's page on the API says.
_PREDICT = (
    "Identify {asked} in a photo. Looks at one photo and returns the three most probable {kinds}, "
    "best first, each with its probability between 0 and 1. It always answers with {kinds}, even "
    "when the photo does not show {shown}; ask `details` whether it does."
)
_DETAILS = (
    "Identify {asked} in a photo, and say how far to trust the answer. Says whether the photo "
    "shows {shown}, with the probability `is_dog`; returns the three most probable {kinds} "
    "with their probabilities; the `prediction_set`, the {kinds} that include the correct one with "
    "the confidence `coverage`; and `often_confused_with`, the {kinds} that the first one was "
    "confused with on test photos. The answer is one JSON object."
)


@dataclass(frozen=True)
class Endpoints:
    """The functions that programs may call."""

    classifier: DogBreedClassifier

    def predict(self, photo: str | None) -> dict[str, float]:
        """Give the three most probable labels with their probabilities, best first.

        Args:
            photo: A JPEG, HEIC, PNG, WebP, AVIF, GIF, BMP or TIFF photo of at most 20 MB and 50
                megapixels.
        """
        return self._answer(photo).as_dict()

    def details(self, photo: str | None) -> dict[str, Any]:
        """Give the same answer as `/api/predict`.

        Args:
            photo: A JPEG, HEIC, PNG, WebP, AVIF, GIF, BMP or TIFF photo of at most 20 MB and 50
                megapixels.
        """
        return as_json(self._answer(photo), self.classifier.bundle)

    def _answer(self, photo: str | None) -> Prediction:
        if photo is None:
            raise refusal(NO_PHOTO)
        with shown_to_visitor():
            return self.classifier.predict(photo)


def connect_endpoints(endpoints: Endpoints) -> None:
    """Open the endpoints to programs, under the names of their functions.

    They are apart from the page's own events, since MCP clients cannot call what keeps a state.
    """
    # The components only describe what goes in and out.
    subject = endpoints.classifier.bundle.subject
    photo = gr.Image(label="Photo", type="filepath", visible=False)
    accept_any_file(photo)
    labels = gr.Label(label=texts(subject=subject)["breeds"], num_top_classes=3, visible=False)
    answer = gr.JSON(label="Answer", visible=False)
    for function, output, description in (
        (endpoints.predict, labels, _PREDICT),
        (endpoints.details, answer, _DETAILS),
    ):
        gr.Button(visible=False).click(
            function,
            photo,
            output,
            api_name=function.__name__,
            api_description=description.format(**vars(terms(subject))),
            concurrency_limit=CONCURRENCY,
            concurrency_id=QUEUE,
        )


def examples(auth: bool) -> dict[str, str]:
    """How to call the page, by what each example is called, with `{url}` for the page's address.

    Args:
        auth: Visitors must log in; `USER` and `PASSWORD` stand for what they enter.
    """
    curl, python, javascript, cookies, login = "", "", "", "", ""
    if auth:
        curl = "-u USER:PASSWORD "
        python = ', auth=("USER", "PASSWORD")'
        javascript = ', { auth: ["USER", "PASSWORD"] }'
        cookies = "-b cookies.txt "
        login = "curl -s -c cookies.txt -d username=USER -d password=PASSWORD {url}/login\n"
    return {
        "curl": CURL.replace("{login}", curl),
        "Python": PYTHON.replace("{login}", python),
        "JavaScript": JAVASCRIPT.replace("{login}", javascript),
        "Gradio": CALL.replace("{login}", login).replace("{cookies}", cookies),
    }


def api_tab(page: gr.Blocks, i18n: gr.I18n, auth: bool) -> None:
    """Show how programs use the page, with its own address filled in.

    Args:
        page: The page, for the event of its loading.
        i18n: The texts.
        auth: Visitors must log in.
    """
    gr.Markdown(i18n("api_how"))
    templates = examples(auth)
    # Without a language: the colors of Gradio's highlighting have too little contrast.
    codes = [
        gr.Code(
            label=label,
            interactive=False,
            show_line_numbers=False,
            lines=template.count("\n") + 1,
            elem_id=f"api-{label.lower()}",
        )
        for label, template in templates.items()
    ]
    fill_in = _FILL_IN.replace("TEMPLATES", json.dumps([*templates.values()]))
    page.load(None, None, codes, js=fill_in)
