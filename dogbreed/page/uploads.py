"""What visitors and programs send as a photo, checked before Gradio looks at it."""

import base64
import binascii
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.data_classes import FileData, ImageData, ListFiles
from gradio.processing_utils import check_all_files_in_cache
from gradio.state_holder import SessionState
from gradio.utils import get_upload_folder

from dogbreed.full_disk import says_full
from dogbreed.images.limits import MAX_BYTES, TOO_LARGE
from dogbreed.page.refusals import GONE, NO_ROOM, refusal, said_to
from dogbreed.page.sessions import Sessions
from dogbreed.sentences import Sentence

NO_PHOTO = Sentence("no_photo")
NOT_UPLOADED = Sentence("not_uploaded")
NOT_FETCHED = Sentence("not_fetched")
NOT_BASE64 = Sentence("not_base64")
NOT_READABLE = Sentence("not_readable")


def _check_event(event: gr.EventData | None) -> None:
    """Refuse what says to be a file of this computer in what an event brings, such as a click."""
    try:
        if event is not None:
            check_all_files_in_cache(event._data)
    except gr.Error:
        raise refusal(NOT_UPLOADED) from None


class CheckedBlocks(gr.Blocks):
    """A page that refuses what is not a photo in one sentence, without the server's paths in it.

    Gradio by itself fetches web addresses, ignores photos that are sent as data, and answers
    everything else with its own errors, of which some contain paths and all are logged at length.
    """

    def __init__(self, examples: Iterable[Path] = (), **options: Any):
        """Build an empty page.

        Args:
            examples: Photos on this computer that visitors can try.
            options: See `gradio.Blocks`.
        """
        self._examples = frozenset(path.resolve() for path in examples)
        super().__init__(**options)
        self.sessions = Sessions(self)

    async def process_api(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Answer an event or a program; see `gradio.Blocks`.

        Raises:
            gr.Error: As Gradio does, in the visitor's language.
        """
        try:
            _check_event(named.get("event_data"))
            return await super().process_api(*arguments, **named)
        except gr.Error as error:
            raise said_to(named.get("request"), error) from error
        except OSError as error:
            if not says_full(error):
                raise
            raise said_to(named.get("request"), refusal(NO_ROOM)) from error
        finally:
            if session := named.get("session_hash"):
                await self.sessions.after_event(session, named.get("event_id"))

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """Turn what a browser or a program sent into what a handler gets; see `gradio.Blocks`.

        Raises:
            gr.Error: Something in it cannot be used.
        """
        if block_fn.fn is None:
            # An event that happens in the browser alone.
            raise refusal(NOT_READABLE)
        if len(inputs) < len(block_fn.inputs):
            raise refusal(NO_PHOTO)
        for block in block_fn.inputs:
            # An update of a photo's label makes another component, for this visitor alone.
            if "preprocess" in vars(block) and state and block._id in state:
                accept_any_file(state[block._id])
        checked = [
            local_file(value, self._examples) if is_photo_input(block) else value
            for block, value in zip(block_fn.inputs, inputs, strict=False)
        ]
        try:
            return await super().preprocess_data(block_fn, checked, state, explicit_call)
        except (ValueError, OSError) as error:
            raise refusal(NO_ROOM if says_full(error) else NOT_READABLE) from error


def is_photo_input(block: object) -> bool:
    """Whether a component takes uploaded photos; frames of a camera are not uploaded."""
    return isinstance(block, gr.File) or (isinstance(block, gr.Image) and not block.streaming)


def local_file(value: Any, examples: Collection[Path] = ()) -> Any:
    """Check what was sent as one or several photos.

    Args:
        value: None, or a dictionary that describes a file, or a list of them.
        examples: Files that are offered besides those that were uploaded, resolved.

    Returns:
        Gradio's description of a file in the folder for uploads, for each.

    Raises:
        gr.Error: It is not a file that was uploaded, and not data either.
    """
    if value is None:
        return None
    if isinstance(value, list):
        return [local_file(each, examples) for each in value]
    if not isinstance(value, dict):
        raise refusal(NOT_UPLOADED)
    source = value.get("path") or value.get("url")
    if not isinstance(source, str) or not source:
        raise refusal(NO_PHOTO)
    if source.startswith("data:"):
        return FileData(path=write_data(source)).model_dump()
    if source.lower().startswith(("http:", "https:", "ftp:", "//")):
        raise refusal(NOT_FETCHED)
    if "\0" in source or not _is_offered(Path(source), examples):
        raise refusal(NOT_UPLOADED)
    if not Path(source).is_file():
        raise refusal(GONE)
    name = value.get("orig_name")
    return FileData(path=source, orig_name=name if isinstance(name, str) else None).model_dump()


def _is_offered(path: Path, examples: Collection[Path]) -> bool:
    """Whether a path is an uploaded file or one of the examples, also by way of links."""
    resolved = path.resolve()
    uploads = Path(get_upload_folder()).resolve()
    return resolved in examples or resolved.is_relative_to(uploads)


def write_data(address: str) -> str:
    """Write the photo in a data address to a file.

    Args:
        address: `data:image/jpeg;base64,…`.

    Returns:
        The path of a new file in the folder for uploads.

    Raises:
        gr.Error: It is too large, or cannot be decoded.
    """
    head, _, text = address.partition(",")
    # Four characters of base64 are three bytes.
    if len(text) > MAX_BYTES * 4 / 3 + 4:
        raise refusal(TOO_LARGE)
    try:
        if head.endswith(";base64"):
            data = base64.b64decode(unquote_to_bytes(text), validate=True)
        else:
            data = unquote_to_bytes(text)
    except (binascii.Error, ValueError) as error:
        raise refusal(NOT_BASE64) from error
    folder = Path(tempfile.mkdtemp(dir=get_upload_folder()))
    path = folder / "photo"
    path.write_bytes(data)
    return str(path)


def accept_any_file(component: gr.Image | gr.File) -> None:
    """Pass files on to the handlers untouched, so that `images` alone decides about them.

    `gradio.Image` opens a file itself and fails on a broken one without a sentence for people;
    `gradio.File` refuses all files if it does not know the suffix of one.
    """
    preprocess = as_uploaded if isinstance(component, gr.Image) else all_as_uploaded
    # Not a subclass: for those Gradio writes a .pyi file next to the source.
    component.preprocess = preprocess  # type: ignore[method-assign, assignment]


def as_uploaded(payload: ImageData | None) -> str | None:
    """The path of an uploaded file."""
    return None if payload is None else payload.path


def all_as_uploaded(payload: ListFiles | None) -> list[str] | None:
    """The paths of uploaded files."""
    return None if payload is None else [file.path for file in payload]
