"""kind url: one file over HTTP, pinned by its hash; resumed where the connection dropped, retried with back-off."""

import time
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from stages.collect.sources import Reading
from stages.collect.sources.formats import FileSource, reading
from stages.collect.sources.store import stored
from winnow.base import progress
from winnow.base.download import Sha256
from winnow.base.errors import UserError
from winnow.readers.opening import inputs

# Attempts in a row that bring the file no further, and the wait in seconds before each next one.
WAITS = (1, 2, 4, 8)
TIMEOUT = 60  # seconds without a byte
BLOCK = 2**16  # what is lost of a connection that drops
# Statuses that another attempt may not meet: too many requests, and the server's own troubles.
PASSING = (408, 429, 500, 502, 503, 504)


class Url(FileSource):
    """A file on a web server."""

    kind: Literal["url"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s@/?#]+/[^\s]*$")]
    """The file's address, without user name and password: ~/.netrc holds them."""

    sha256: Sha256
    """SHA-256 of the file."""

    def open(self, files: Path, downloads: Path) -> Reading:
        """Return the file's rows; see `Source.open`."""
        address = urlsplit(self.url)._replace(query="", fragment="").geturl()  # a query may hold a token
        name = PurePosixPath(unquote(urlsplit(self.url).path)).name.strip(".") or "download"
        target = downloads / self.sha256 / name
        path = stored(target, self.sha256, lambda partial: fetch(self.url, partial, address), address)
        pin = self.model_dump(include={"kind", "url", "sha256"})
        return reading(self, inputs(name, path, self.member), pin)


def fetch(url: str, target: Path, where: str) -> None:
    """Download a file; a partial one is continued, if the server can (HTTP Range, RFC 9110).

    Raises:
        UserError: the server refuses it, or does not answer or drops the connection again and again.
    """
    import requests

    furthest = failures = 0
    with requests.Session() as session:
        while True:
            try:
                return _attempt(session, url, target, where)
            except (requests.RequestException, _Passing) as error:
                reached = target.stat().st_size if target.exists() else 0
                failures = 0 if reached > furthest else failures + 1
                furthest = max(furthest, reached)
                if failures > len(WAITS):
                    raise UserError(f"{where}: {_reason(error)}; check the address and the network") from None
                time.sleep(WAITS[max(failures - 1, 0)])


class _Passing(Exception):
    """A failure that another attempt may not meet."""


def _attempt(session, url: str, target: Path, where: str) -> None:
    start = target.stat().st_size if target.exists() else 0
    # Bytes as they are stored: a server's own compression would break ranges and the hash.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:  # the part is as long as the file, or longer: no part of it, or all of it
            if answer.headers.get("Content-Range") == f"bytes */{start}":
                return
            target.unlink()
            raise _Passing("the file is shorter than what was fetched")
        if answer.status_code in PASSING:
            raise _Passing(f"HTTP status {answer.status_code}")
        if not answer.ok:
            raise UserError(f"{where}: HTTP status {answer.status_code} {answer.reason}; check the address")
        goes_on = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        expected = answer.headers.get("Content-Length")
        blocks = None if expected is None else -(-int(expected) // BLOCK)
        with target.open("ab" if goes_on else "wb") as file:
            for block in progress.over(answer.iter_content(BLOCK), f"fetching {where}", blocks):
                file.write(block)
        if expected is not None and target.stat().st_size != int(expected) + (start if goes_on else 0):
            raise _Passing("the connection was dropped")


def _reason(error: Exception) -> str:
    """Say why, without the address, which may hold a token."""
    if isinstance(error, _Passing):
        return str(error)
    names = {"ConnectTimeout": "no answer", "ReadTimeout": "no answer", "ConnectionError": "cannot be reached"}
    return names.get(type(error).__name__, f"the connection was dropped ({type(error).__name__})")
