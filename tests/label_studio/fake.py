"""A server that speaks as much of Label Studio's API as a round trip needs, and fails on demand."""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ACCESS = "access-token"


@dataclass
class Fault:
    """What happens to the next requests that it fits.

    Attributes:
        how: a status to answer with; "drop": close the connection; "late": do what is asked, then close it; "html":
            answer as another web server; "hang": answer nothing for a while; "slow": answer nothing, and do what is
            asked when `finish` is called.
        times: how many requests it hits.
        after: how many it lets through before.
    """

    method: str
    path: str
    how: int | str
    times: int = 1
    after: int = 0


@dataclass
class Fake:
    """The state of a server; `url` while it runs."""

    url: str = ""
    projects: list[dict] = field(default_factory=list)
    tasks: list[dict] = field(default_factory=list)
    imports: list[list[dict]] = field(default_factory=list)  # of an Enterprise server, that it still has to do
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, Authorization
    enterprise: bool = False
    refuses: bool = False  # as an Enterprise server does, later
    forgets: bool = False  # accepts tasks and drops them
    page: int = 2
    go: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def finish(self) -> None:
        """Let a slow request be carried out."""
        self.go.set()
        assert self.done.wait(10)

    def fault(self, method: str, path: str) -> int | str | None:
        with self._lock:
            for fault in self.faults:
                if fault.times and fault.method == method and re.fullmatch(fault.path, path):
                    if fault.after:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    return fault.how
        return None

    def answer(self, method: str, path: str, query: dict, body: object) -> tuple[int, object]:
        """Return status and JSON."""
        for pattern, reply in self._replies().items():
            wanted, expression = pattern.split()
            if wanted == method and (found := re.fullmatch(expression, path)):
                return reply(query, body, *map(int, found.groups()))
        return 404, {"detail": "Not found."}

    def _replies(self) -> dict[str, Callable]:
        return {
            "GET /api/users": lambda query, body: (200, [{"id": 1, "email": "ana@example.org"}]),
            "GET /api/projects": lambda query, body: (200, {"count": len(self.projects), "results": self.projects}),
            "POST /api/projects": self._make,
            r"GET /api/projects/(\d+)": self._project,
            r"PATCH /api/projects/(\d+)": lambda query, body, id: (200, self.projects[id - 1]),
            "GET /api/tasks": self._list,
            r"DELETE /api/tasks/(\d+)": self._delete,
            r"POST /api/projects/(\d+)/import": self._import,
            r"GET /api/projects/(\d+)/imports/(\d+)/": self._imported,
        }

    def _make(self, query: dict, body: dict) -> tuple[int, dict]:
        labels = re.findall(r'<Choice (?:value="[^"]*" alias|value)="([^"]*)"', body["label_config"])
        controls = {"label": {"labels": labels}, "note": {}}
        self.projects.append({"id": len(self.projects) + 1, "title": body["title"], "parsed_label_config": controls})
        return 201, self.projects[-1] | {"task_number": None}

    def _project(self, query: dict, body: object, id: int) -> tuple[int, dict]:
        if id > len(self.projects):
            return 404, {"detail": "No Project matches the given query."}
        return 200, self.projects[id - 1] | {"task_number": len(self.tasks)}

    def _list(self, query: dict, body: object) -> tuple[int, dict]:
        found = [task for task in self.tasks if "query" not in query or task["annotations"]]
        start = (int(query["page"][0]) - 1) * self.page  # fewer than are asked for: a server may do that
        return 200, {"total": len(found), "tasks": found[start : start + self.page]}

    def _import(self, query: dict, body: list[dict], id: int) -> tuple[int, dict]:
        if self.enterprise:
            self.imports.append(body)
            return 201, {"import": len(self.imports)}
        self.add(body)
        return 201, {"task_count": len(body)}

    def _imported(self, query: dict, body: object, project: int, id: int) -> tuple[int, dict]:
        if self.refuses:
            return 200, {"id": id, "status": "failed", "error": "as the test wants it"}
        waiting, self.imports[id - 1] = self.imports[id - 1], []
        self.add(waiting)
        return 200, {"id": id, "status": "in_progress" if waiting else "completed", "task_count": 0}

    def _delete(self, query: dict, body: object, id: int) -> tuple[int, None]:
        self.tasks = [task for task in self.tasks if task["id"] != id]
        return 204, None

    def add(self, tasks: list[dict]) -> None:
        if not self.forgets:
            first = max((task["id"] for task in self.tasks), default=0) + 1
            counts = {"annotations": [], "total_annotations": 0, "cancelled_annotations": 0}
            self.tasks += [counts | task | {"id": first + number} for number, task in enumerate(tasks)]


class Handler(BaseHTTPRequestHandler):
    fake: Fake

    def do(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or "null")
        self.fake.requests.append((self.command, parts.path, self.headers.get("Authorization", "")))
        fault = self.fake.fault(self.command, parts.path)
        if fault == "drop":
            self.close_connection = True
        elif fault == "hang":
            time.sleep(0.5)
        elif fault == "html":
            self.reply(200, "<html>", "text/html")
        elif fault == 302:
            self.reply(302, "", "text/html", Location="https://elsewhere.example.org/")
        elif isinstance(fault, int):
            self.reply(fault, json.dumps({"detail": "as the test wants it", "status_code": fault}))
        else:
            if fault == "slow":
                self.fake.go.wait(10)
            status, answer = self.answer(parts.path, parse_qs(parts.query), body)
            if fault == "slow":
                self.fake.done.set()
            elif fault != "late":
                self.reply(status, "" if answer is None else json.dumps(answer))

    def answer(self, path: str, query: dict, body: object) -> tuple[int, object]:
        if path == "/api/token/refresh":
            return 200, {"access": ACCESS}
        return self.fake.answer(self.command, path, query, body)

    def reply(self, status: int, text: str, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(text))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = do

    def log_message(self, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Serves a `Fake` while the block runs; a test may stop and start it again on its port."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, fake: Fake):
        super().__init__(("127.0.0.1", urlsplit(fake.url).port or 0), type("", (Handler,), {"fake": fake}))
        fake.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
