"""Run as a process with the local Hub's environment: what `load_dataset` finds, and an upload."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from datasets import DatasetDict, load_dataset
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import HfApi


def summary(data: DatasetDict) -> dict[str, list[list[int]]]:
    """Width and label of each image, by split."""
    return {name: [[r["image"].width, r["label"]] for r in rows] for name, rows in data.items()}


def main(output: Path) -> None:
    found = {name: summary(load_dataset(name)) for name in ("someone/dogs", "someone/folder")}
    found["v1"] = summary(load_dataset("someone/dogs", revision="v1"))
    try:
        load_dataset("bob/dogs")
    except DatasetNotFoundError as error:
        found["hidden"] = str(error)
    content = {"path_or_fileobj": bytes(9), "path_in_repo": "seen.bin"}
    HfApi().upload_file(**content, repo_id="someone/folder", repo_type="dataset")
    output.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
