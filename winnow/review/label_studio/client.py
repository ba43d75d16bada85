"""Label Studio's HTTP API: who we are, what may be asked twice, and one clear line for each thing that goes wrong."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from winnow.base.errors import UserError

KEY = "LABEL_STUDIO_API_KEY"  # as Label Studio's own tools name it
TIMEOUT = 10, 300  # seconds to connect, to answer: large imports take long
ATTEMPTS = 5
WAIT = 1.0  # seconds before the first repetition; each further one waits twice as long
PAGE = 1000
LONGEST_DETAIL = 300
PROJECT = re.compile(r"(?P<base>.*?)/projects/(?P<id>\d+)(/.*)?")


class _Answer(BaseModel):
    """What an answer must hold; a proxy, or another version of the server, may say something else."""

    model_config = ConfigDict(strict=True)


class User(_Answer):
    """One of /api/users; names and email may lack."""

    id: int


class Project(_Answer):
    """One of /api/projects."""

    id: int
    task_number: int | None = None  # null of one that was made just now


class Import(_Answer):
    """How far an import is, as the Enterprise edition tells it."""

    status: str


class Listed(_Answer):
    """A project in a list of them."""

    id: int
    title: str


class Projects(_Answer):
    """A page of /api/projects."""

    count: int
    results: list[Listed]


class Tasks(_Answer):
    """A page of /api/tasks."""

    total: int
    tasks: list[dict]


class Unreachable(UserError):
    """No answer, or that of a server in trouble: the same request may succeed later."""


class Client:
    """A Label Studio server, as the owner of a token sees it.

    A personal access token is exchanged for tokens that last some minutes; a legacy token is sent as it is.

    Attributes:
        base: the server's address.
        project: the id of the project that the address names, or None.
    """

    def __init__(self, url: str):
        """Check the address and read the token from the environment; nothing is sent yet.

        Raises:
            UserError: the address is none, or there is no token.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or not _has_port(parts):
            raise UserError(
                "--label-studio: give the address of a Label Studio server such as http://localhost:8080, without a "
                "password in it"
            )
        self.base, self.project = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/"), None
        if found := PROJECT.fullmatch(self.base):
            self.base, self.project = found["base"], int(found["id"])
        self._key = os.environ.get(KEY, "").strip()
        if not self._key:
            raise UserError(
                f"{KEY} is not set; make a personal access token in Label Studio (Account & Settings) and set the "
                f"environment variable to it"
            )
        self._access = ""
        self._session = requests.Session()
        self._session.auth = self._sign  # else ~/.netrc would overrule the token

    def get(self, path: str, shape: Any = dict, **query: object) -> Any:
        """Return the JSON at a path; where the server is in trouble, ask again, later and later.

        Args:
            shape: what `pydantic` checks the answer by.

        Raises:
            Unreachable: the server was in trouble each time.
            UserError: it refuses, or is no Label Studio.
        """
        failures = 0
        while True:
            try:
                return self._shaped(path, shape, self._send("GET", path, params=query))
            except Unreachable:
                failures += 1
                if failures == ATTEMPTS:
                    raise
                self.pause(failures)

    def post(self, path: str, body: object, shape: Any = dict) -> Any:
        """Send JSON once, since a server that gives no answer may have done what it was asked; as `get` else."""
        return self._shaped(path, shape, self._send("POST", path, json=body))

    def patch(self, path: str, body: object) -> dict:
        """Change fields of an object; raises as `get`."""
        return self._send("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        """Delete an object; raises as `get`."""
        self._send("DELETE", path)

    def tasks(self, project: int, **query: object) -> Iterator[dict]:
        """Yield a project's tasks, page by page; raises as `get`."""
        seen, page, total, before = 0, 0, 1, None
        while seen < total:
            page += 1
            asked = {"project": project, "page": page, "page_size": PAGE, "resolve_uri": "false", **query}
            answer = self.get("/api/tasks", Tasks, **asked)
            if answer["tasks"] == before:
                raise UserError(f"{self.base}/api/tasks: pages {page - 1} and {page} are the same; look at the server")
            total, before = answer["total"], answer["tasks"]
            yield from answer["tasks"]
            seen += len(answer["tasks"]) or total

    def pause(self, failures: int) -> None:
        """Wait before a repetition, twice as long after each failure."""
        time.sleep(WAIT * 2 ** (failures - 1))

    def _shaped(self, path: str, shape: Any, answer: object) -> Any:
        try:
            TypeAdapter(shape).validate_python(answer)
            return answer
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "all of it"
            raise UserError(
                f"{self.base}{path}: the answer is not that of a Label Studio server ({place}: {first['msg']}); check "
                f"the address, and what stands between"
            ) from None

    def _send(self, method: str, path: str, **content: object) -> dict:
        response = self._answer(method, path, **content)
        if response.status_code == 401 and self._access:
            self._access = ""  # it lasts for minutes, a push may last longer
            response = self._answer(method, path, **content)
        return self._json(response)

    def _answer(self, method: str, path: str, **content: object) -> requests.Response:
        """Return the server's answer; a redirect is one too, since credentials go to no other address."""
        if self._is_personal() and not self._access:
            answer = self._request("POST", "/api/token/refresh", json={"refresh": self._key})
            self._access = self._json(answer)["access"]
        return self._request(method, path, **content)

    def _request(self, method: str, path: str, **content: object) -> requests.Response:
        try:
            return self._session.request(method, self.base + path, timeout=TIMEOUT, allow_redirects=False, **content)
        except requests.exceptions.SSLError as error:
            raise UserError(f"{self.base}: its certificate is refused: {_short(error)}") from None
        except requests.Timeout:
            raise Unreachable(f"{self.base}: no answer in time") from None
        except requests.RequestException as error:
            raise Unreachable(f"{self.base}: cannot be reached, or broke off: {_short(_cause(error))}") from None

    def _is_personal(self) -> bool:
        return self._key.count(".") == 2  # a JSON web token

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._access:
            request.headers["Authorization"] = f"Bearer {self._access}"
        elif not self._is_personal():
            request.headers["Authorization"] = f"Token {self._key}"
        return request

    def _json(self, response: requests.Response) -> dict:
        status = response.status_code
        if status == 204:
            return {}
        try:
            answer = response.json()
        except requests.JSONDecodeError:
            answer = None
        if status in (200, 201) and answer is not None:
            return answer
        raise _refusal(self.base, response, _detail(answer))


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _refusal(base: str, response: requests.Response, detail: str) -> UserError:
    """Return what to tell a person of an answer that is no success."""
    status = response.status_code
    said = f"{status}: {detail}" if detail else str(status)
    if status == 429 or status >= 500:
        return Unreachable(f"{base}: the server is in trouble ({said})")
    if status == 401:
        return UserError(
            f"{base}: {KEY} is refused ({said}); make a new personal access token in Label Studio (Account & Settings)"
        )
    if status == 403:
        return UserError(f"{base}: the token's owner may not do this ({said}); ask for a role that may")
    if status == 404:
        return UserError(f"{base}: not found ({said}); check the address and the project's number")
    if status == 413:
        return UserError(f"{base}: too much at once ({said}); let the proxy before the server accept larger requests")
    if 300 <= status < 400:
        return UserError(f"{base}: it redirects to {response.headers.get('Location', 'elsewhere')}; give that address")
    if detail:
        return UserError(f"{base}: refused ({said})")
    return UserError(f"{base}: the answer ({said}) is not that of a Label Studio server; check the address")


def _detail(answer: object) -> str:
    """Return a server's own words."""
    if not isinstance(answer, Mapping):
        return ""
    errors = answer.get("validation_errors")
    words = [error for value in errors.values() for error in _listed(value)] if isinstance(errors, Mapping) else []
    return _short("; ".join(map(str, words)) or answer.get("detail") or "")


def _listed(value: object) -> list:
    return value if isinstance(value, list) else [value]


def _cause(error: BaseException) -> object:
    """Return the last of nested causes: `requests` wraps them with addresses of objects."""
    while inner := (error.__context__ or next((arg for arg in error.args if isinstance(arg, BaseException)), None)):
        error = inner
    return getattr(error, "strerror", None) or error


def _short(words: object) -> str:
    text = " ".join(str(words).split())
    return text if len(text) <= LONGEST_DETAIL else text[:LONGEST_DETAIL] + " …"
