"""Downloads from a real server of this machine that drops connections, ignores Range or fails."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stages.collect.sources import url
from tests.stages.collect.sources.conftest import JSONL, ROWS
from winnow.base.errors import UserError

BLOCK = 2**16  # what came whole before a drop
DATA = JSONL + b"\n" * (4 * BLOCK)
SHA = hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves DATA; the server's `faults`, one a request: a number of bytes after which it drops, or a status."""

    def do_GET(self):
        self.server.seen.append(self.headers.get("Range"))
        fault = self.server.faults.pop(0) if self.server.faults else None
        if isinstance(fault, str):
            self.send_error(int(fault))
            return
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and not self.server.ignores_range else 0
        if start >= len(DATA):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(DATA)}")
            self.end_headers()
            return
        body = DATA[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:fault])  # fewer bytes than promised: a drop

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(url, "WAITS", (0, 0, 0))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.faults, server.seen, server.ignores_range = [], [], False
        server.root = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def source(server, **changes) -> dict:
    return {
        "kind": "url",
        "url": f"{server.root}/data/walks.jsonl?token=secret",
        "sha256": SHA,
        "format": "jsonl",
    } | changes


def test_a_file_is_fetched_once(read, server):
    rows, _, pin = read(**source(server))
    assert rows == ROWS
    assert pin == {"kind": "url", "url": source(server)["url"], "sha256": SHA, "bytes": len(DATA)}
    assert read(**source(server))[0] == ROWS
    assert server.seen == [None]


def test_dropped_connections_are_resumed_and_failures_retried(read, server):
    server.faults = [BLOCK + 9, "503", 0, BLOCK, "429", BLOCK + 1]
    assert read(**source(server))[0] == ROWS
    assert server.seen == [None, *[f"bytes={n * BLOCK}-" for n in (1, 1, 1, 2, 2, 3)]]


def test_a_server_that_ignores_range_sends_it_all_again(read, server):
    server.ignores_range, server.faults = True, [BLOCK, 2 * BLOCK]
    assert read(**source(server))[0] == ROWS
    assert server.seen == [None, f"bytes={BLOCK}-", f"bytes={2 * BLOCK}-"]


@pytest.mark.parametrize("ignores", [True, False])
def test_it_gives_up_when_no_attempt_brings_it_further(read, server, ignores, tmp_path):
    server.ignores_range, server.faults = ignores, [BLOCK] + [BLOCK if ignores else 0] * 20
    with pytest.raises(UserError, match=r"/walks\.jsonl: the connection was dropped.*; check the address") as error:
        read(**source(server))
    assert "secret" not in str(error.value)
    assert len(server.seen) == 2 + len(url.WAITS)  # one brings it further, then one for each wait, and the last
    server.faults = []
    assert read(**source(server))[0] == ROWS
    assert server.seen[-1] == f"bytes={BLOCK}-"  # a later run goes on where this one stopped


def test_a_part_that_is_whole_or_too_long(read, server, tmp_path):
    part = tmp_path / "downloads" / SHA / "walks.jsonl.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA)
    assert read(**source(server))[0] == ROWS
    (part.parent / "walks.jsonl").unlink()
    part.write_bytes(DATA + b"more")
    assert read(**source(server))[0] == ROWS


@pytest.mark.parametrize(("fault", "message"), [("404", "HTTP status 404"), ("403", "HTTP status 403")])
def test_a_file_that_is_not_given_is_asked_for_once(read, server, fault, message):
    server.faults = [fault]
    with pytest.raises(UserError, match=rf"/walks\.jsonl: {message} .*; check the address") as error:
        read(**source(server))
    assert "secret" not in str(error.value)
    assert len(server.seen) == 1


def test_a_server_that_keeps_failing(read, server):
    server.faults = ["500"] * 9
    with pytest.raises(UserError, match=r"walks\.jsonl: HTTP status 500; check the address and the network"):
        read(**source(server))


def test_a_wrong_hash(read, server):
    with pytest.raises(UserError, match=rf"walks\.jsonl: wrong sha256: expected {'0' * 64}, got {SHA}"):
        read(**source(server, sha256="0" * 64))


def test_a_server_that_is_not_there(read, server):
    address = "http://127.0.0.1:9/walks.jsonl"  # the discard port: nothing listens there
    with pytest.raises(UserError, match=r"^http://127\.0\.0\.1:9/walks\.jsonl: cannot be reached; check the address"):
        read(**source(server, url=address))


@pytest.mark.parametrize(
    "changes", [{"url": "ftp://x/y"}, {"url": "http://me:word@x/y"}, {"url": "file:///etc/hosts"}, {"sha256": "0"}]
)
def test_mistyped_parameters(read, server, changes):
    with pytest.raises(UserError, match=rf"sources\[0\]\.url\.{next(iter(changes))}: "):
        read(**source(server, **changes))
