"""A report of made answers, and what is in it."""

import io
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import datasets
import numpy as np
from PIL import Image

from dogbreed.classifier import DogBreedClassifier
from dogbreed.train.data.columns import to_photos
from dogbreed.train.data.photos import Photos
from dogbreed.train.measure.metrics import Evaluation, Results
from dogbreed.train.report.html import REPORT, write_report
from tests.helpers.tiny_bundle import LABELS, NAMES, draw_disc, write_bundle

RED, GREEN, BLUE = range(3)
# True and answered class, and the logit of the answer: the higher, the surer.
ANSWERS = (
    [(RED, RED, 3.0)] * 8
    + [(RED, GREEN, 2.0), (RED, GREEN, 5.0)]
    + [(GREEN, GREEN, 3.0)] * 6
    + [(GREEN, RED, 4.0), (GREEN, RED, 3.0), (GREEN, BLUE, 3.0)]
    + [(BLUE, BLUE, 3.0)] * 2
)
COUNT = len(ANSWERS)


def known(names: tuple[str, ...] = NAMES, trust: bool = True, times: int = 1) -> Evaluation:
    """The answers above; the photo of each is the one at the same place from the end."""
    logits = np.zeros((COUNT, 3), np.float32)
    for row, (true, answer, logit) in enumerate(ANSWERS):
        logits[row, true] = 1
        logits[row, answer] = logit
    count = COUNT * times
    return Evaluation(
        np.tile(logits, (times, 1)),
        np.array([true for true, _, _ in ANSWERS] * times),
        np.tile(np.arange(COUNT)[::-1], times),
        names,
        ["/home/someone/photos/broken.jpg (test row 3)"],
        temperature=0.5,
        set_sizes=np.arange(count) % 3 + 1 if trust else np.zeros(count, int),
        dog_scores=np.linspace(0.3, 1, count) if trust else np.full(count, np.nan),
        refused=np.arange(count) % 7 == 0 if trust else np.zeros(count, bool),
    )


def negatives() -> Evaluation:
    """Photos without a dog; all but the last are taken for a red disc."""
    logits = np.repeat([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]], [19, 1], axis=0).astype(np.float32)
    return Evaluation(
        logits,
        np.full(20, -1),
        np.arange(20),
        NAMES,
        [],
        temperature=0.5,
        set_sizes=np.ones(20, int),
        dog_scores=np.linspace(0, 0.6, 20),
        refused=np.arange(20) % 4 != 0,
        groups=["places", "food"] * 10,
    )


def make_photos(size: tuple[int, int] = (480, 320)) -> Photos:
    """Dark discs on black, each a little brighter than the one before."""
    discs = [draw_disc(480, f"rgb({100 + 5 * n},0,0)").resize(size) for n in range(COUNT)]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    labels = [LABELS[n % 3] for n in range(COUNT)]
    rows = datasets.Dataset.from_dict({"image": discs, "label": labels}, features=features)
    return to_photos(rows, "test")


class Page(HTMLParser):
    """What a report contains, by the id of its sections.

    Attributes:
        tables: The rows of each section's table, each a list of texts.
        pictures: Address and description of each section's pictures.
        texts: All text of each section.
    """

    def __init__(self, html: str):
        super().__init__()
        self.html = html
        self.tables: dict[str, list[list[str]]] = {}
        self.pictures: dict[str, list[tuple[str, str]]] = {}
        self.texts: dict[str, str] = {}
        self._section, self._in_cell = "", False
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "section":
            self._section = found["id"]
            self.tables[self._section], self.pictures[self._section] = [], []
        elif tag == "img":
            self.pictures[self._section].append((found["src"], found["alt"]))
        elif tag == "tr":
            self.tables[self._section].append([])
        elif tag in ("td", "th"):
            self.tables[self._section][-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False
        elif tag == "section":
            self._section = ""

    def handle_data(self, data: str) -> None:
        self.texts[self._section] = self.texts.get(self._section, "") + data
        if self._in_cell:
            self.tables[self._section][-1][-1] += data


def report(
    folder: Path,
    evaluation: Evaluation | None = None,
    unseen: Evaluation | None = None,
    independent: Evaluation | None = None,
    photos: Photos | None = None,
    history: str | None = None,
    **changes,
) -> Page:
    """Write the report of a tiny bundle; `changes` are fields of its config."""
    bundle = write_bundle(folder / "tiny-model", **changes)
    if history is not None:
        (bundle / "metrics" / "history.csv").write_text(history)
    classifier = DogBreedClassifier.from_pretrained(bundle)
    evaluation = known() if evaluation is None else evaluation
    results = Results(evaluation, independent, unseen)
    write_report(folder / REPORT, classifier, results, photos or make_photos())
    return Page((folder / REPORT).read_text(encoding="utf-8"))


def decode(address: str) -> Image.Image:
    """The picture in a data address."""
    head, _, data = address.partition(",")
    assert head in ("data:image/jpeg;base64", "data:image/png;base64")
    image = Image.open(io.BytesIO(b64decode(data)))
    image.load()
    return image


def numeric(text: str) -> float:
    """The number of a cell, with or without a percent sign."""
    return float(text.removesuffix("%"))


def audited(folder: Path, tables: dict[str, str]) -> Page:
    """Write the report of a bundle with these tables of its training photos."""
    bundle = write_bundle(folder / "tiny-model")
    for name, text in tables.items():
        (bundle / "metrics" / f"{name}.csv").write_text(text)
    classifier = DogBreedClassifier.from_pretrained(bundle)
    write_report(folder / REPORT, classifier, Results(known()), make_photos())
    return Page((folder / REPORT).read_text(encoding="utf-8"))
