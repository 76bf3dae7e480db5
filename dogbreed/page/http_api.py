"""One request, one answer: `POST /api/predict` takes a photo and returns JSON.

    curl -F photo=@photo.jpg http://127.0.0.1:7860/api/predict

Gradio's own endpoints take three requests for the same. `GET /api/health` says that the page runs.
"""

import asyncio
import base64
import binascii
import secrets
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from fastapi.routing import APIRoute
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute

from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import InvalidImageError
from dogbreed.images.limits import MAX_BYTES, TOO_LARGE
from dogbreed.page.limits import CONCURRENCY, MEMORY_BYTES, MOST_WAITING
from dogbreed.page.openapi import HEALTH, predict_route
from dogbreed.page.uploads import NO_PHOTO
from dogbreed.wording import as_json

PREDICT_PATH = "/api/predict"
HEALTH_PATH = "/api/health"
NOT_A_PHOTO = (
    "This request has the content type {kind}; send the photo as multipart/form-data in the field "
    "photo, or as the body of the request with a type such as image/jpeg."
)
NOT_MULTIPART = (
    "This request is not valid multipart/form-data with one file; send the photo in the field "
    "photo."
)
FULL = "Too many photos are waiting; try again in a few seconds."
NOT_LOGGED_IN = "This page asks for a login; send user and password as HTTP Basic authentication."

# What a body of bytes is called: curl's --data-binary says the last of them, unless told otherwise.
_RAW = ("", "application/octet-stream", "application/x-www-form-urlencoded")
# A browser or a script may send a few fields more, such as a token against forgery.
_MOST_FIELDS = 10


class HttpApi:
    """Answers photos, in a line of limited length like that of the page."""

    def __init__(self, classifier: DogBreedClassifier, most_waiting: int = MOST_WAITING) -> None:
        """Make an empty line.

        Args:
            classifier: The model that answers.
            most_waiting: With more photos in the line than this, the next is refused.
        """
        self.classifier = classifier
        self.most_waiting = most_waiting
        self._waiting = 0
        # Twice the photos that are answered at once, so that the next is there when one is done:
        # they are decoded and answered on the network's own threads.
        self._threads = ThreadPoolExecutor(2 * CONCURRENCY, thread_name_prefix="dogbreed-api")

    async def predict(self, request: Request) -> JSONResponse:
        """Say what a photo shows, and how far to trust the answer.

        Args:
            request: With the photo in the field `photo` of a multipart form, or as its body.

        Returns:
            What the endpoint `details` returns.

        Raises:
            HTTPException: 401 without a login where one is asked for, 413 for too large a photo,
                415 for a content type that is not a photo's, 422 for what is not a photo, 503
                while the line is full.
        """
        check_login(request)
        try:
            with await read_photo(request) as photo:
                answer = await self._in_line(photo)
        except InvalidImageError as error:
            large = str(error) == TOO_LARGE
            status = (
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE if large else HTTPStatus.UNPROCESSABLE_ENTITY
            )
            raise HTTPException(status, str(error)) from error
        return JSONResponse(answer)

    async def health(self) -> JSONResponse:
        """Say that the page runs and its model is loaded; nobody has to log in for this."""
        return JSONResponse({"status": "ok"})

    async def _in_line(self, photo: BinaryIO) -> dict:
        # Counted only now, so that whoever sends slowly takes nobody's place.
        if self._waiting >= self.most_waiting:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, FULL, headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._answer, photo)
        finally:
            self._waiting -= 1

    def _answer(self, photo: BinaryIO) -> dict:
        return as_json(self.classifier.predict(photo), self.classifier.bundle)


def api_routes(api: HttpApi) -> list[BaseRoute]:
    """The routes, which `/openapi.json` of the page describes too."""
    described = predict_route(api.classifier.bundle.subject)
    return [
        APIRoute(PREDICT_PATH, api.predict, methods=["POST"], **described),
        APIRoute(HEALTH_PATH, api.health, methods=["GET"], **HEALTH),
    ]


async def read_photo(request: Request) -> BinaryIO:
    """The photo in a request, as a file at its start; a large one is not in memory.

    Raises:
        HTTPException: There is none.
        InvalidImageError: It is larger than 20 MB.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _from_form(request)
    if kind in _RAW or kind.startswith("image/"):
        return await _from_body(request)
    raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, NOT_A_PHOTO.format(kind=kind[:80]))


async def _from_form(request: Request) -> BinaryIO:
    try:
        form = await request.form(max_files=1, max_fields=_MOST_FIELDS)
    except HTTPException as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, NOT_MULTIPART) from error
    photo = form.get("photo")
    if not isinstance(photo, UploadFile):
        await form.close()
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, NO_PHOTO)
    if (photo.size or 0) > MAX_BYTES:
        await form.close()
        raise InvalidImageError(TOO_LARGE)
    return photo.file


async def _from_body(request: Request) -> BinaryIO:
    # Closed by whoever gets it.
    photo = SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115
    try:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > MAX_BYTES:
                raise InvalidImageError(TOO_LARGE)
            photo.write(part)
        if not size:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, NO_PHOTO)
    except BaseException:
        photo.close()
        raise
    photo.seek(0)
    return cast(BinaryIO, photo)


def check_login(request: Request) -> None:
    """Make sure that a visitor may ask: by the page's cookie, or by user and password.

    Raises:
        HTTPException: A login is asked for, and there is none.
    """
    app = request.app
    if app.auth is None:
        return
    for name in (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}"):
        if request.cookies.get(name) in app.tokens:
            return
    user, password = _basic(request.headers.get("authorization", ""))
    known = app.auth.get(user)
    if known is None or not secrets.compare_digest(known.encode(), password.encode()):
        raise HTTPException(
            HTTPStatus.UNAUTHORIZED,
            NOT_LOGGED_IN,
            headers={"WWW-Authenticate": 'Basic realm="dogbreed", charset="UTF-8"'},
        )


def _basic(header: str) -> tuple[str, str]:
    """User and password of HTTP Basic authentication; both empty where there is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    user, _, password = text.partition(":")
    return user, password
