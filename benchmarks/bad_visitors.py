"""Visitors who behave badly: who send slowly, hang up in the middle, or never come to an end.

Each function is one visit with one photo; it returns the status and the body of the answer, or None
if the visitor did not wait for one.
"""

import base64
import json
import socket
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

Answer = tuple[int, str] | None
Visit = Callable[[str, bytes], Answer]

_PIECES, _SLOW_SECONDS = 40, 15
_BOUNDARY = b"a-line-that-no-photo-has"


def send_slowly(address: str, photo: bytes) -> Answer:
    """Send a photo to `/api/predict` in many pieces, with a pause after each."""
    with _connect(address, "/api/predict", len(photo), "image/jpeg") as connection:
        for piece in _pieces(photo):
            connection.sendall(piece)
            time.sleep(_SLOW_SECONDS / _PIECES)
        return _answer(connection)


def leave_in_upload(address: str, photo: bytes) -> Answer:
    """Upload a part of a photo, and hang up."""
    with _begin_upload(address, photo):
        return None


def never_end(address: str, photo: bytes) -> Answer:
    """Upload a part of a photo, and wait until the page has had enough."""
    with _begin_upload(address, photo) as connection:
        return _answer(connection)


def leave_before_answer(address: str, photo: bytes) -> Answer:
    """Ask for the breed through the queue, and hang up as soon as the question has its place."""
    url = f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"
    body = json.dumps({"data": [{"url": url}]}).encode()
    path = "/gradio_api/call/predict"
    with _connect(address, path, len(body), "application/json") as connection:
        connection.sendall(body)
        asked = _answer(connection)
    if asked is None or asked[0] != 200:
        return asked
    with _connect(address, f"{path}/{json.loads(asked[1])['event_id']}"):
        return None


BAD_VISITS: dict[str, Visit] = {
    "send slowly": send_slowly,
    "hang up in an upload": leave_in_upload,
    "hang up before the answer": leave_before_answer,
    "never end an upload": never_end,
}


def _begin_upload(address: str, photo: bytes) -> socket.socket:
    head = b'Content-Disposition: form-data; name="files"; filename="dog.jpg"'
    body = b"--%b\r\n%b\r\n\r\n%b\r\n--%b--\r\n" % (_BOUNDARY, head, photo, _BOUNDARY)
    kind = f"multipart/form-data; boundary={_BOUNDARY.decode()}"
    connection = _connect(address, "/gradio_api/upload", len(body), kind)
    connection.sendall(body[: len(body) // 2])
    return connection


def _connect(address: str, path: str, length: int = 0, kind: str = "") -> socket.socket:
    """Open a connection and send the head of a request."""
    place = urlsplit(address)
    lines = [f"{'POST' if length else 'GET'} {path} HTTP/1.1", f"Host: {place.netloc}"]
    if length:
        lines += [f"Content-Type: {kind}", f"Content-Length: {length}"]
    connection = socket.create_connection((place.hostname, place.port), timeout=120)
    connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    return connection


def _pieces(photo: bytes) -> Iterator[bytes]:
    size = -(-len(photo) // _PIECES)
    for start in range(0, len(photo), size):
        yield photo[start : start + size]


def _answer(connection: socket.socket) -> Answer:
    received = b""
    while part := connection.recv(65536):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()
