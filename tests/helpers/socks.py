"""A SOCKS5 proxy on this computer, without a login."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

_IPV4, _NAME = 1, 3


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        _, methods = self.rfile.read(2)
        self.rfile.read(methods)
        self.wfile.write(b"\x05\x00")
        _, _, _, kind = self.rfile.read(4)
        if kind == _IPV4:
            host = socket.inet_ntoa(self.rfile.read(4))
        else:
            assert kind == _NAME
            host = self.rfile.read(self.rfile.read(1)[0]).decode()
        port = int.from_bytes(self.rfile.read(2), "big")
        self.server.targets.append(f"{host}:{port}")  # type: ignore[attr-defined]
        with socket.create_connection((host, port), timeout=30) as target:
            self.wfile.write(b"\x05\x00\x00\x01" + bytes(6))
            answers = threading.Thread(target=_copy, args=(target, self.connection))
            answers.start()
            _copy(self.connection, target)
            answers.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.targets: list[str] = []


@contextlib.contextmanager
def socks_proxy() -> Iterator[tuple[str, list[str]]]:
    """Run the proxy until the block ends.

    Yields:
        Its address for `ALL_PROXY`, and a list of the targets that it was asked for so far.
    """
    with _Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"socks5://127.0.0.1:{server.server_address[1]}", server.targets
        server.shutdown()
