"""The review page's server: this machine only, one reviewer, every answer by the standard library.

Who may ask: a page that this server sent and that knows the run's token, which stands in the address that the command
prints (other people may have accounts on this machine). A request must name a loopback host (no DNS name that was
rebound to it), come from the page's own origin, and carry the token in a header, which no other site's page can set.
"""

import json
import secrets
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.people import decisions
from winnow.review import journal, page
from winnow.review.session import DecidedElsewhere, Invalid, Project, Session, Verdict

HOST = "127.0.0.1"
LOCAL_NAMES = ("127.0.0.1", "localhost")
LARGEST_BODY = 2 * 1024 * 1024  # bytes; the longest label, and text, of decisions.csv have a quarter of that at most
MOST_ROWS = 100  # in one answer

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",  # a page's own policy cannot say it
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Request(params.Section):
    """What every request of the page says.

    Attributes:
        session: the session whose rows it shows; empty: it shows none yet.
        since: the last revision that it knows.
    """

    session: str = ""
    since: int = Field(default=0, ge=0)


class Open(Request):
    """Asks what there is to review, and where the row `find` (an id) stands."""

    find: str = ""


class Rows(Request):
    start: int = Field(ge=0)
    count: int = Field(ge=0, le=MOST_ROWS)


class Decide(Request):
    row: int
    text_sha: str
    verdict: str
    new_label: str
    note: str
    seconds: float = Field(ge=0, le=decisions.MOST_SECONDS)
    new_text: str = ""


class Undo(Request):
    receipt: int


class Refused(Exception):
    """A request that is not answered: its status, and a word by which the page knows why."""

    def __init__(self, status: HTTPStatus, why: str, message: str):
        super().__init__(message)
        self.status, self.why = status, why


class Review(ThreadingHTTPServer):
    """Serves one project's queue to one reviewer."""

    daemon_threads = True  # an open page must not keep the command from ending

    def __init__(self, project: Project, title: str, port: int):
        """Read the files and take the port.

        Args:
            port: 0 takes any that is free.

        Raises:
            UserError: as `Session`, or the port is taken.
        """
        self.project, self.title, self.page = project, title, page.served(title, project.task).encode()
        self.widget = kinds.load(project.task, "widget")
        self.token = secrets.token_urlsafe(24)
        self._stamps = self._now()
        self._session = Session(project)
        self._earlier = 0  # decisions of sessions over earlier queues
        self._renewing = threading.Lock()
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise UserError(f"port {port}: {error.strerror}; give another one with --port, or 0 for any") from None

    @property
    def address(self) -> str:
        """What to open in a browser. The part after # is sent to no server, so no log has it."""
        return f"http://{HOST}:{self.server_address[1]}/#{self.token}"

    @property
    def decided(self) -> int:
        """How many decisions were written, less those undone."""
        return self._earlier + len(self._session.written)

    def session(self) -> Session:
        """Return the session over the queue as it is on disk now.

        Raises:
            UserError: the queue is being made anew, or is no longer of the labelled table.
        """
        with self._renewing:
            now = self._now()
            if now[0] != self._stamps[0]:
                new = Session(self.project)
                self._earlier += len(self._session.written)
                self._session = new
            elif now != self._stamps:
                self._session.check()
            self._stamps = now
            return self._session

    def server_close(self) -> None:
        """Give the port back, once a decision that is being written is written."""
        super().server_close()
        self._session.wait()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a page that was closed while it waited for an answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def _now(self) -> tuple:
        return journal.stamp(self.project.queue), journal.stamp(self.project.labelled)


class Handler(BaseHTTPRequestHandler):
    """One connection of a page."""

    server: Review
    protocol_version = "HTTP/1.1"  # a connection serves many decisions
    server_version, sys_version = "winnow", ""
    timeout = 60  # seconds of silence
    wbufsize = -1  # one packet an answer: the second of two would wait 40 ms for the first's receipt
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/":
            self._answer(lambda: self._page())
        else:
            routes = {"/api/session": (Open, self._open), "/api/rows": (Rows, self._rows)}
            self._answer(lambda: self._call(routes, url.path, _numbers(parse_qsl(url.query))))

    def do_POST(self) -> None:
        routes = {"/api/decide": (Decide, self._decide), "/api/undo": (Undo, self._undo)}
        self._answer(lambda: self._call(routes, self.path, self._body()))

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the terminal is for what the reviewer must know."""

    def _answer(self, make: Callable[[], None]) -> None:
        try:
            self._check_host()
            make()
        except Refused as error:
            self.close_connection = True  # its body may be unread
            self._send_json(error.status, {"error": str(error), "why": error.why})
        except (DecidedElsewhere, journal.TooLate) as error:
            self._send_json(HTTPStatus.CONFLICT, {"error": str(error), "why": "elsewhere"})
        except Invalid as error:
            self._send_json(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(error), "why": "invalid"})
        except UserError as error:  # a file: somebody may mend it while the page waits
            message = " ".join(str(error).split())
            self._send_json(HTTPStatus.SERVICE_UNAVAILABLE, {"error": message, "why": "files"})

    def _page(self) -> None:
        self._send(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")

    def _call(self, routes: dict, path: str, said: dict) -> None:
        if path not in routes:
            raise Refused(HTTPStatus.NOT_FOUND, "path", f"{path}: not found")
        self._check_caller()
        kind, function = routes[path]
        try:
            request = params.parse(said, kind, path)
        except UserError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "request", str(error)) from None
        session = self.server.session()
        if kind is not Open and request.session != session.id:
            raise Refused(HTTPStatus.CONFLICT, "reread", "the queue changed on disk")
        self._send_json(HTTPStatus.OK, function(session, request) | self._news(session, request))

    def _news(self, session: Session, request: Request) -> dict:
        since = request.since if request.session == session.id else 0
        changes = session.changes(since)
        return {"session": session.id, "changes": changes, "revision": since + len(changes)}

    def _open(self, session: Session, request: Open) -> dict:
        return {
            "title": self.server.title,
            "reviewer": self.server.project.reviewer,
            "labels": self.server.widget.labels(self.server.project.task),
            "rows": session.rows,
            "left_out": session.left_out,
            "written": session.written,
            "found": session.row_of(request.find),
        }

    def _rows(self, session: Session, request: Rows) -> dict:
        widget = self.server.widget
        return {"entries": [page.entry(row, widget) for row in session.entries(request.start, request.count)]}

    def _decide(self, session: Session, request: Decide) -> dict:
        said = request.new_label, request.note, request.seconds, request.new_text
        verdict = Verdict(request.text_sha, request.verdict, *said)
        return {"receipt": session.decide(request.row, request.since, verdict)}

    def _undo(self, session: Session, request: Undo) -> dict:
        return {"row": session.undo(request.receipt)}

    def _check_host(self) -> None:
        """Refuse a name that somebody's DNS has pointed at this machine."""
        if self.headers.get("Host", "").partition(":")[0] not in LOCAL_NAMES:
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, "host", "this server answers on the loopback address only")

    def _check_caller(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(token.encode(), self.server.token.encode()):
            raise Refused(
                HTTPStatus.FORBIDDEN, "token", "open the address that `winnow review` printed when it started this time"
            )
        if self.headers.get("Origin", own := f"http://{self.headers['Host']}") != own:
            raise Refused(HTTPStatus.FORBIDDEN, "origin", "the request comes from another page")

    def _body(self) -> dict:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request", f"give at most {LARGEST_BODY} bytes")
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):  # the latter of lists in lists, without end
            raise Refused(HTTPStatus.BAD_REQUEST, "request", "not JSON") from None

    def _send_json(self, status: HTTPStatus, value: dict) -> None:
        self._send(status, json.dumps(value, ensure_ascii=False).encode(), "application/json")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _numbers(query: list[tuple[str, str]]) -> dict[str, str | int]:
    """Return a query with its numbers as numbers, as JSON has them."""
    return {
        name: int(value) if name in ("since", "start", "count") and value.isdecimal() else value
        for name, value in query
    }
