"""A hub over HTTP on this machine: the part of the Hugging Face Hub's API that reads models and takes folders, and its
faults.

Large files are redirected to another host, as the Hub does: `localhost` instead of `127.0.0.1`.
"""

import base64
import gzip
import hashlib
import json
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40  # a commit that no model has
BLOCK = 1024


def is_large(name: str) -> bool:
    """What the Hub keeps in Git LFS."""
    return name.endswith((".safetensors", ".bin"))


def etag(name: str, content: bytes) -> str:
    if is_large(name):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Hub:
    """What the server has, how it misbehaves, and what it was asked."""

    models: dict[str, dict[str, bytes]] = field(default_factory=dict)  # files by model, all at COMMIT and on main
    moved: dict[str, str] = field(default_factory=dict)  # new ids by old ones
    gated: set[str] = field(default_factory=set)
    token: str | None = None  # without it, gated models are not served
    corrupt: set[str] = field(default_factory=set)  # files of which other bytes are sent than are listed
    endless: set[str] = field(default_factory=set)  # files that are sent without end, whatever length is listed
    chatty: dict[str, str] = field(default_factory=dict)  # packing by file, refused (403) by an answer without end
    packs: bool = False  # what is said of a model comes packed by gzip
    talks_on: str | None = None  # what is said of a model has no end; it is packed so ("gzip") or as it is ("")
    sent: int = 0  # bytes of these, unpacked
    cuts: int = 0  # connections of large files to cut after a block
    slow: threading.Event | None = None  # large files go on after a block when it is set
    portal: bytes | None = None  # what answers every question instead
    url: str = ""
    asked: list[tuple[str, str, dict]] = field(default_factory=list)  # method, path, headers
    taken: dict[str, dict[str, bytes]] = field(default_factory=dict)  # files by `datasets/owner/name`
    private: dict[str, bool] = field(default_factory=dict)  # whether each of these is
    refusals: dict[str, int] = field(default_factory=dict)  # status by step: create, preupload, batch, upload, commit
    blobs: dict[str, bytes] = field(default_factory=dict)  # large files that were uploaded, by SHA-256

    def paths(self, method: str) -> list[str]:
        return [path for asked, path, _ in self.asked if asked == method]


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` at `hub.url`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        if hub.slow:
            hub.slow.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._take()

    def do_PUT(self) -> None:
        self._take()

    def _take(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, {name.lower(): value for name, value in self.headers.items()}))
        content = self._body()
        steps = {
            "create": "/api/repos/create",
            "check": "/api/validate-yaml",
            "preupload": r"/api/(\w+/.+)/preupload/main",
            "batch": r"/(.+)\.git/info/lfs/objects/batch",
            "upload": r"/large/(\w+)",
            "commit": r"/api/(\w+/.+)/commit/main",
        }
        for step, pattern in steps.items():
            if match := re.fullmatch(pattern, path):
                if self.hub.refusals.get(step) == 409 and step == "create":  # as for a repository that is there
                    body = {"error": "You already created this", "url": f"{self.hub.url}/me/cats"}
                    self._send(json.dumps(body).encode(), {"Content-Type": "application/json"}, status=409)
                elif step in self.hub.refusals:
                    self._fail(self.hub.refusals[step], "", "Refused")
                else:
                    answer = getattr(self, f"_{step}")(content, *match.groups())
                    self._send(json.dumps(answer).encode(), {"Content-Type": "application/json"})
                return
        self._fail(404, "", "Not found")

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _create(self, content: bytes) -> dict:
        made = json.loads(content)
        name = f"{made.get('type', 'model')}s/{made['organization']}/{made['name']}"
        private = made.get("private", False) or made.get("visibility") == "private"
        self.hub.taken.setdefault(name, {})
        self.hub.private.setdefault(name, private)
        return {"url": f"{self.hub.url}/{name.removeprefix('models/')}"}

    def _check(self, content: bytes) -> dict:
        return {"errors": [], "warnings": []}

    def _preupload(self, content: bytes, name: str) -> dict:
        paths = [file["path"] for file in json.loads(content)["files"]]
        large = (".parquet", ".safetensors")
        return {
            "files": [
                {"path": path, "uploadMode": "lfs" if path.endswith(large) else "regular", "shouldIgnore": False}
                for path in paths
            ]
        }

    def _batch(self, content: bytes, name: str) -> dict:
        wanted = json.loads(content)["objects"]
        actions = [one | {"actions": {"upload": {"href": f"{self.hub.url}/large/{one['oid']}"}}} for one in wanted]
        return {"transfer": "basic", "objects": actions}

    def _upload(self, content: bytes, oid: str) -> dict:
        assert hashlib.sha256(content).hexdigest() == oid
        self.hub.blobs[oid] = content
        return {}

    def _commit(self, content: bytes, name: str) -> dict:
        for line in content.splitlines():
            said = json.loads(line)
            if said["key"] == "file":
                self.hub.taken[name][said["value"]["path"]] = base64.b64decode(said["value"]["content"])
            elif said["key"] == "lfsFile":
                self.hub.taken[name][said["value"]["path"]] = self.hub.blobs[said["value"]["oid"]]
        return {"success": True, "commitUrl": f"{self.hub.url}/{name}/commit/{COMMIT}", "commitOid": COMMIT}

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, {name.lower(): value for name, value in self.headers.items()}))
        name = re.sub(r"^/api/|/revision/main$", "", path)
        if self.hub.portal is not None:
            self._send(self.hub.portal, {})
            return
        if name in self.hub.taken:
            told = {"id": name.partition("/")[2], "private": self.hub.private[name], "sha": COMMIT, "siblings": []}
            self._send(json.dumps(told | {"tags": [], "downloads": 0}).encode(), {})
        elif match := re.fullmatch(r"/api/models/(.+?)(?:/(revision|tree)/(.+))?", path):
            self._api(*match.groups())
        elif match := re.fullmatch(r"/(.+)/resolve/([^/]+)/(.+)", path):
            self._resolve(*match.groups())
        elif match := re.fullmatch(r"/blobs/(.+)/([^/]+)", path):
            self._send(self._content(*match.groups()), {}, is_cut=True)
        else:
            self._fail(404, "", "Not found")

    def _api(self, model: str, what: str | None, revision: str | None) -> None:
        if model in self.hub.moved:
            rest = self.path.partition(f"/api/models/{model}")[2]
            self._redirect(f"/api/models/{self.hub.moved[model]}{rest}", {})
        elif model not in self.hub.models:
            self._fail(401, "RepoNotFound", "Repository not found")
        elif revision not in (None, "main", COMMIT):
            self._fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            files = self.hub.models[model]
            listed = [self._listed(name, content) for name, content in sorted(files.items())]
            if self.hub.talks_on is not None:
                self._send_without_end(self.hub.talks_on)
                return
            if what == "tree":
                tree = [
                    {"type": "file", "path": file.pop("rfilename"), "oid": file.pop("blobId"), **file}
                    for file in listed
                ]
                self._send(json.dumps(tree).encode(), {})
                return
            card = {"license": "apache-2.0"}
            info = {"id": model, "modelId": model, "sha": COMMIT, "siblings": listed, "cardData": card}
            said = json.dumps(info | {"private": False, "tags": [], "downloads": 0}).encode()
            self._send(*((gzip.compress(said), {"Content-Encoding": "gzip"}) if self.hub.packs else (said, {})))

    @staticmethod
    def _listed(name: str, content: bytes) -> dict:
        small = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        listed = {"rfilename": name, "size": len(content), "blobId": small}
        if is_large(name):
            digest = hashlib.sha256(content).hexdigest()
            listed["lfs"] = {"sha256": digest, "oid": digest, "size": len(content), "pointerSize": 134}
        return listed

    def _resolve(self, model: str, revision: str, name: str) -> None:
        if model in self.hub.moved:
            self._redirect(f"/{self.hub.moved[model]}/resolve/{revision}/{name}", {})
        elif model not in self.hub.models:
            self._fail(401, "RepoNotFound", "Repository not found")
        elif model in self.hub.gated and self.headers.get("authorization") != f"Bearer {self.hub.token}":
            status = 403 if self.headers.get("authorization") else 401
            self._fail(status, "GatedRepo", f"Access to model {model} is restricted")
        elif revision not in ("main", COMMIT):
            self._fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif name not in self.hub.models[model]:
            self._fail(404, "EntryNotFound", "Entry not found")
        else:
            content = self.hub.models[model][name]
            headers = {"X-Repo-Commit": COMMIT}
            if is_large(name):
                headers |= {"X-Linked-Etag": f'"{etag(name, content)}"', "X-Linked-Size": str(len(content))}
                other = self.hub.url.replace("127.0.0.1", "localhost")
                self._redirect(f"{other}/blobs/{model}/{name}?signature=s3cret", headers)
            elif name in self.hub.chatty and self.command == "GET":
                self._send_without_end(self.hub.chatty[name], 403)
            elif name in self.hub.endless and self.command == "GET":
                self._send_without_end()
            else:
                self._send(self._content(model, name), headers | {"ETag": f'"{etag(name, content)}"'})

    def _send_without_end(self, packing: str = "", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Transfer-Encoding", "chunked")
        if packing:
            self.send_header("Content-Encoding", packing)
        self.end_headers()
        packer = zlib.compressobj(wbits=31)
        with suppress(OSError):  # who asked has read enough
            while self.hub.sent < 2**30:
                data = b" " * 2**20
                if packing:
                    data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.hub.sent += 2**20
        self.close_connection = True

    def _content(self, model: str, name: str) -> bytes:
        content = self.hub.models[model][name]
        return content[:-1] + bytes([content[-1] ^ 1]) if name in self.hub.corrupt else content

    def _send(self, content: bytes, headers: dict[str, str], is_cut: bool = False, status: int = 200) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        start = int(asked[1]) if asked else 0
        self.send_response(206 if asked else status)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        if is_cut and self.hub.cuts > 0:
            self.hub.cuts -= 1
            self.wfile.write(content[start : start + BLOCK])
            self.close_connection = True
            return
        if is_cut and self.hub.slow is not None:
            self.wfile.write(content[start : start + BLOCK])
            self.wfile.flush()
            start += BLOCK
            self.hub.slow.wait(600)
        self.wfile.write(content[start:])

    def _redirect(self, to: str, headers: dict[str, str]) -> None:
        self.send_response(302 if "//" in to else 307)
        for name, value in (headers | {"Location": to, "Content-Length": "0"}).items():
            self.send_header(name, value)
        self.end_headers()

    def _fail(self, status: int, code: str, message: str) -> None:
        self.send_response(status)
        for name, value in {"X-Error-Code": code, "X-Error-Message": message, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()
