"""Keep a folder of corrections in a private dataset on the Hub."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from huggingface_hub import CommitScheduler, HfApi

from dogbreed.errors import HubError
from dogbreed.hub.errors import translated_errors

_MINUTES = 5
# Without it, folders would be taken for classes.
_CARD = """---
configs:
- config_name: default
  data_files: "*/*"
---
Photos that visitors of a page have corrected, in a folder for each run of the page. Not to be made
public: the visitors gave them to improve the model.
"""


@contextmanager
def uploading(folder: Path, repo_id: str) -> Iterator[Lock]:
    """Upload what is new in a folder every five minutes, and once more at the end.

    Each run writes into a folder of its own in the dataset, so that several pages may share one.

    Args:
        folder: An empty folder.
        repo_id: `user/name` of a dataset, created private if needed.

    Yields:
        The lock to hold while files are written.

    Raises:
        HubError: The Hub cannot be reached or refuses it, or the dataset is public.
    """
    with translated_errors(repo_id):
        api = HfApi()
        api.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)
        if not api.dataset_info(repo_id).private:
            raise HubError(
                f"The dataset {repo_id} is public, and photos of visitors must not be; make it "
                "private, or name another one."
            )
        if not api.file_exists(repo_id, "README.md", repo_type="dataset"):
            api.upload_file(
                path_or_fileobj=_CARD.encode(),
                path_in_repo="README.md",
                repo_id=repo_id,
                repo_type="dataset",
            )
        scheduler = CommitScheduler(
            repo_id=repo_id,
            repo_type="dataset",
            folder_path=folder,
            path_in_repo=uuid.uuid4().hex,
            every=_MINUTES,
            private=True,
            hf_api=api,
        )
    try:
        yield scheduler.lock
    finally:
        with translated_errors(repo_id):
            scheduler.trigger().result()
        scheduler.stop()
