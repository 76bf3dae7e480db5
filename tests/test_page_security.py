"""Nobody gets in: files of the host, other hosts, and the page without its password."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.helpers.mcp_client import call_tool
from tests.helpers.running import ROOT, running_process

MARKER = "the owner's secret"
PASSWORD = "se:cret-of-anna"
# How the page is started for a test.
only_open = pytest.mark.parametrize("host", ["open"], indirect=True, scope="module")
only_locked = pytest.mark.parametrize("host", ["locked"], indirect=True, scope="module")
open_or_locked = pytest.mark.parametrize("host", ["open", "locked"], indirect=True, scope="module")
META = {"_type": "gradio.FileData"}


class Host:
    """A running page, what its owner keeps beside it, and a server that counts its visitors."""

    def __init__(self, address: str, folder: Path, secret: Path, elsewhere: str, visits: list):
        self.address, self.folder, self.secret = address, folder, secret
        self.elsewhere, self.visits = elsewhere, visits

    def ask(self, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        """Status and text of an answer; JSON is posted."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data, {"Content-Type": "application/json", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except urllib.error.URLError as error:
            # Cut off before everything was sent: the answer may be lost, the connection is.
            assert isinstance(error.reason, ConnectionResetError | BrokenPipeError), error
            return 413, ""

    def gives_nothing_away(self, text: str) -> bool:
        """Whether a text names neither the secret nor a folder of the host."""
        places = (MARKER, str(self.secret.parent), str(self.folder), str(ROOT))
        return not any(place in text for place in places)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """The address of another server on this computer, and the paths it was asked for."""
    visits: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            visits.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(MARKER.encode())

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", visits
    server.shutdown()


@pytest.fixture(scope="module")
def host(request, elsewhere, tmp_path_factory) -> Iterator[Host]:
    """The page, open with its MCP tools, or with a password."""
    home = tmp_path_factory.mktemp("home")
    folder = tmp_path_factory.mktemp("tmp")
    secret = home / "secret.png"
    secret.write_text(MARKER)
    option = "--mcp" if request.param == "open" else f"--auth=anna:{PASSWORD}"
    if request.param == "open":
        pytest.importorskip("mcp")
    with running_process(option, TMPDIR=str(folder)) as (address, process):
        yield Host(address, folder, secret, *elsewhere)
    assert "Traceback" not in process.printed, process.printed
    assert PASSWORD not in process.printed and MARKER not in process.printed
    assert elsewhere[1] == []
    assert list(folder.glob("dogbreed-*")) == []


def places(host: Host) -> list[str]:
    """Where a stranger would look, as a path or an address."""
    up = "/".join([".."] * 12)
    return [
        str(host.secret),
        f"{host.folder}/{up}{host.secret}",
        f"{up}{host.secret}",
        f"file://{host.secret}",
        f"{ROOT}/app.py",
        "app.py",
        "/etc/passwd",
        "/proc/self/environ",
        host.elsewhere,
        f"{host.elsewhere}/dog.jpg",
    ]


@open_or_locked
def test_no_route_serves_a_file_of_the_host(host):
    prefixes = ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/")
    prefixes += ("/gradio_api/proxy=", "/svelte/", "/custom_component/a/client/b/", "/pwa_icon/")
    prefixes += ("/gradio_api/stream/", "/gradio_api/deep_link?session_hash=")
    for prefix in prefixes:
        for place in places(host):
            for path in (place, quote(place, safe=""), quote(place).replace("..", "%2e%2e")):
                status, text = host.ask(prefix + path)
                assert MARKER not in text and "root:" not in text, prefix + path
                assert "def main" not in text and "PATH=" not in text, (status, prefix + path)


@only_open
def test_no_endpoint_reads_a_file_of_the_host_or_an_address(host):
    for place in places(host):
        for key in ("path", "url"):
            for name in ("predict", "details"):
                body = {"data": [{key: place, "meta": META}]}
                status, text = host.ask(f"/gradio_api/call/{name}", body)
                assert status == 200
                event = json.loads(text)["event_id"]
                _, text = host.ask(f"/gradio_api/call/{name}/{event}")
                assert text.startswith("event: error"), text
                assert host.gives_nothing_away(text), text


@only_open
def test_no_event_of_the_page_reads_a_file_of_the_host_or_an_address(host):
    _, text = host.ask("/config")
    for number, event in enumerate(json.loads(text)["dependencies"]):
        for place in (places(host)[0], places(host)[5], host.elsewhere):
            for value in ({"path": place, "meta": META}, [{"path": place, "meta": META}]):
                session = f"stranger-{number}"
                body = {"data": [value] * len(event["inputs"]), "fn_index": event["id"]}
                body |= {"session_hash": session, "event_data": {"path": place, "meta": META}}
                status, text = host.ask("/gradio_api/queue/join", body)
                assert host.gives_nothing_away(text), text
                if status == 200:
                    _, text = host.ask(f"/gradio_api/queue/data?session_hash={session}")
                    assert host.gives_nothing_away(text), text


@only_open
def test_no_mcp_client_reads_a_file_of_the_host_or_an_address(host):
    for place in places(host):
        text = call_tool(host.address, place)
        assert MARKER not in text and "confidences" not in text, text


@only_open
def test_an_upload_stays_in_its_folder(host):
    for name in ("../../evil.png", "/tmp/evil.png", "..\\evil.png", "a/../../evil.png", ".."):
        body = (
            f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
            "photo\r\n--x--\r\n"
        ).encode()
        status, text = host.ask(
            "/gradio_api/upload", body, **{"Content-Type": "multipart/form-data; boundary=x"}
        )
        if status == 200:
            (path,) = json.loads(text)
            (files,) = host.folder.glob("dogbreed-page-*/files")
            assert Path(path).resolve().is_relative_to(files.resolve()), name
    assert list(host.folder.rglob("evil.png")) == [
        path for path in host.folder.rglob("evil.png") if "files" in path.parts
    ]


@only_open
def test_an_upload_over_the_limit_is_cut_off_and_leaves_nothing(host):
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    body = head + bytes(22_000_000) + b"\r\n--x--\r\n"
    status, text = host.ask(
        "/gradio_api/upload", body, **{"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert status == 413 and host.gives_nothing_away(text)
    data = "data:;base64," + "A" * 28_000_000
    status, text = host.ask("/gradio_api/call/v2/predict", {"photo": {"url": data}})
    assert status == 413 and host.gives_nothing_away(text)
    status, _ = host.ask("/gradio_api/mcp/", {"params": data})
    assert status == 413
    for size in (20_000_001, 28_000_000):
        status, text = host.ask("/api/predict", bytes(size), **{"Content-Type": "image/png"})
        assert status == 413 and host.gives_nothing_away(text)
    large = [path for path in host.folder.rglob("*") if path.is_file()]
    assert all(path.stat().st_size < 1_000_000 for path in large)


@only_locked
def test_without_the_password_there_is_nothing(host):
    body = {"data": [{"path": str(host.secret), "meta": META}], "session_hash": "a", "fn_index": 0}
    multipart = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        b"photo\r\n--x--\r\n"
    )
    for path, data in (
        ("/gradio_api/info", None),
        ("/gradio_api/queue/join", body),
        ("/gradio_api/call/predict", body),
        ("/gradio_api/call/v2/predict", {"photo": {"url": "data:,a"}}),
        ("/gradio_api/run/predict", body),
        ("/gradio_api/component_server", body),
        (f"/gradio_api/file={host.secret}", None),
        ("/gradio_api/upload", multipart),
        ("/api/predict", multipart),
    ):
        headers = {"Content-Type": "multipart/form-data; boundary=x"} if data is multipart else {}
        status, text = host.ask(path, data, **headers)
        assert status in (401, 403, 404), (path, status, text)
    assert host.ask("/gradio_api/mcp/", {})[0] in (404, 405)
    # Whoever is refused has written nothing.
    (files,) = host.folder.glob("dogbreed-page-*/files")
    assert [path for path in files.rglob("*") if path.is_file()] == []


@only_locked
def test_a_wrong_password_is_refused(host):
    for name, word in (("anna", "wrong"), ("anna", ""), ("", PASSWORD), ("anna", PASSWORD + "x")):
        form = f"username={quote(name)}&password={quote(word)}".encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, text = host.ask("/login", form, **headers)
        assert status in (400, 401, 422) and PASSWORD not in text
    for cookie in ("access-token=a", "access-token-unsecure=a"):
        assert host.ask("/gradio_api/info", Cookie=cookie)[0] == 401
