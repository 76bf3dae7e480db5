"""The tab for several photos at once: a table, and the same as CSV."""

import csv
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import InvalidImageError
from dogbreed.page.i18n import language_of, texts
from dogbreed.page.limits import CONCURRENCY, MOST_PHOTOS, QUEUE
from dogbreed.page.refusals import reason, refusal, said_in
from dogbreed.page.uploads import accept_any_file
from dogbreed.prediction import Prediction
from dogbreed.subject import DOG

PLACES = (1, 2, 3)
CSV_HEADER = (
    "file",
    *(f"{what}_{place}" for place in PLACES for what in ("breed", "probability")),
    "is_dog",
    "note",
)
CSV_NAME = "answers.csv"
# Gradio finds a progress bar by the default of an argument.
_PROGRESS = gr.Progress()

Row = dict[str, str | float]


@dataclass(frozen=True)
class BatchHandler:
    """Answers the photos that were chosen."""

    classifier: DogBreedClassifier

    def __call__(
        self, files: list[str] | None, request: gr.Request, progress: gr.Progress = _PROGRESS
    ) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """Answer all of them.

        Args:
            files: Paths of the photos.
            request: For the language.
            progress: Shows how far it is.

        Returns:
            The value of the table, None without photos, and the update of the download button.

        Raises:
            gr.Error: There are too many.
        """
        if not files:
            return None, gr.update(value=None, interactive=False)
        language = language_of(request)
        subject = self.classifier.bundle.subject
        words = texts(language, subject)
        if len(files) > MOST_PHOTOS:
            message = words["too_many"].format(found=len(files), count=MOST_PHOTOS)
            raise refusal(message)
        # A few photos are answered at once, on all cores, and come out in their order.
        answers = zip(files, self.classifier.predict_each(files), strict=True)
        rows = [
            as_row(path, answer, language, subject)
            for path, answer in progress.tqdm(answers, words["reading"], total=len(files))
        ]
        path = write_csv(rows, Path(get_upload_folder()))
        # Headers are the one text that Gradio does not translate in the browser.
        table = {"headers": headers(words), "data": [as_table_row(row) for row in rows]}
        return table, gr.update(value=str(path), interactive=True)


def as_row(
    path: str, answer: Prediction | InvalidImageError, language: str = "en", subject: str = DOG
) -> Row:
    """One photo as a row of the CSV file.

    Args:
        path: The photo.
        answer: The answer to it, or why it cannot be used, which becomes the note.
        language: Of the note.
        subject: What the model's photos show.

    Returns:
        Every field of `CSV_HEADER`, probabilities not rounded; "" for what is unknown.
    """
    row: Row = {**dict.fromkeys(CSV_HEADER, ""), "file": Path(path).name}
    if isinstance(answer, InvalidImageError):
        return {**row, "note": said_in(language, reason(answer))}
    if answer.is_dog is not None:
        row["is_dog"] = answer.is_dog
    notes = [] if answer.looks_like_dog else [texts(language, subject)["no_dog"]]
    if answer.note:
        notes.append(said_in(language, answer.note))
    row["note"] = " ".join(notes)
    for place, (label, probability) in enumerate(answer.as_dict().items(), start=1):
        row |= {f"breed_{place}": label, f"probability_{place}": probability}
    return row


def headers(words: Mapping[str, str]) -> list[str]:
    """The head of the table in one language."""
    return [words[f"column_{name}"] for name in ("file", "first", "second", "third", "note")]


def as_table_row(row: Row) -> list[str]:
    """A row of `as_row` as the page shows it: `Norwich terrier 62.1%`."""
    cells = [
        f"{row[f'breed_{place}']} {row[f'probability_{place}']:.1%}"
        if row[f"breed_{place}"]
        else ""
        for place in PLACES
    ]
    return [str(row["file"]), *cells, str(row["note"])]


def write_csv(rows: Iterable[Row], folder: Path) -> Path:
    """Write the rows to a new file, probabilities with four digits.

    Args:
        rows: See `as_row`.
        folder: The new file gets a folder of its own in it.

    Returns:
        Path of the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=folder)) / CSV_NAME
    # With the byte-order mark, spreadsheets read names in any script.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, CSV_HEADER)
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})
    return path


def batch_tab(classifier: DogBreedClassifier, i18n: gr.I18n) -> None:
    """Lay out the tab and connect its events.

    Args:
        classifier: The model that answers.
        i18n: The texts.
    """
    gr.Markdown(i18n("several_how_many"))
    files = gr.File(
        label=i18n("several_photos"),
        file_count="multiple",
        file_types=["image"],
        elem_id="several-files",
    )
    accept_any_file(files)
    table = gr.Dataframe(
        headers=headers(texts(subject=classifier.bundle.subject)),
        label=i18n("several_answers"),
        interactive=False,
        wrap=True,
        elem_id="several-table",
    )
    download = gr.DownloadButton(
        str(i18n("download_csv")), interactive=False, elem_id="several-csv"
    )
    files.change(
        BatchHandler(classifier),
        files,
        [table, download],
        api_visibility="private",
        concurrency_limit=CONCURRENCY,
        concurrency_id=QUEUE,
        trigger_mode="always_last",
        show_progress_on=table,
    )
