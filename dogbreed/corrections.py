"""What visitors say about answers, kept as a dataset: a folder of photos and metadata.jsonl.

`datasets` reads such a folder as it is, also on the Hub, and `dogbreed train --corrections` trains
with it.
"""

import errno
import json
import os
import threading
import uuid
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dogbreed.bundle import NETWORK, Bundle, write_beside
from dogbreed.images import load_image
from dogbreed.prediction import Prediction

TABLE = "metadata.jsonl"
# The label of a photo that shows none of the classes; training leaves such photos out.
NONE = "none of the classes"
# Longer sides are of no use to a network of 299 pixels, and take room.
_LONGEST_SIDE = 1600


class Corrections:
    """A folder that gets one photo and one line for each answer that a visitor has judged."""

    def __init__(self, folder: Path, bundle: Bundle, lock: Any = None) -> None:
        """Use a folder, new or with earlier corrections.

        Args:
            folder: Where photos and table are.
            bundle: The model that answers.
            lock: Held while files are written, by a thread that uploads the folder.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.bundle = folder, bundle
        self._lock, self._uploads = threading.Lock(), lock or nullcontext()

    def keep(self, photo: str, label: str, prediction: Prediction) -> None:
        """Keep a photo with what a visitor says it shows.

        The photo is encoded anew, so nothing that a camera wrote into the file is kept, such as
        where and when it was taken.

        Args:
            photo: Path of the uploaded file.
            label: One of the model's labels, or `NONE`.
            prediction: The answer.

        Raises:
            InvalidImageError: The photo has been deleted.
        """
        image = load_image(photo, at_least=_LONGEST_SIDE)
        image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        name = f"{uuid.uuid4().hex}.jpg"
        row = {
            "file_name": name,
            "label": label,
            "answer": self.bundle.labels[prediction.ids[0]],
            "probability": round(prediction.probabilities[0], 4),
            "looks_like_dog": prediction.looks_like_dog,
            "model": self.bundle.address or self.bundle.path.resolve().name,
            "model_sha256": self.bundle.config["files"][NETWORK]["sha256"],
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        line = json.dumps(row, ensure_ascii=False) + "\n"
        with self._lock, self._uploads:
            with write_beside(self.folder / name) as file:
                image.save(file, "JPEG", quality=95)
            try:
                append_line(self.folder / TABLE, line.encode())
            except BaseException:
                (self.folder / name).unlink()
                raise


def append_line(path: Path, line: bytes) -> None:
    """Append to a file; one that cannot grow, as on a full disk, stays as it was."""
    with path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            if file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except BaseException:
            file.truncate(before)
            raise
