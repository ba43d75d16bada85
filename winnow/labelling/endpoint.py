"""Asks a language model behind an OpenAI-compatible endpoint, several at a time; answers are kept as they come."""

import json
import os
import threading
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base.errors import UserError
from winnow.labelling.llm import Llm

if TYPE_CHECKING:
    import requests

# Statuses that another attempt may not meet: too many requests, and the server's own troubles (529: Anthropic's).
PASSING = (408, 409, 425, 429, 500, 502, 503, 504, 529)
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds before the next attempt, doubled each time
# So many texts refused and none answered: the request is wrong, not the texts.
HOPELESS = 10
SHOWN = 200  # characters of a server's own message


@dataclass(frozen=True)
class Question:
    """What is asked of one row."""

    key: str
    id: str
    prompt: str


@dataclass
class Tally:
    """What became of the questions."""

    answered: int = 0
    refused: list[str] = field(default_factory=list)  # why, for each text that the server would not take


class _Refused(Exception):
    """The server takes requests, but not this text (too long, or against its rules)."""


class _Passing(Exception):
    """A failure that another attempt may not meet."""

    def __init__(self, reason: str, wait: float | None = None):
        super().__init__(reason)
        self.wait = wait  # seconds, where the server says how long


class Endpoint:
    """One rule's endpoint.

    Raises:
        UserError: the environment lacks the key.
    """

    def __init__(self, rule: Llm):
        self.rule = rule
        self.url = f"{rule.base_url.rstrip('/')}/chat/completions"
        self.stopped = threading.Event()  # ends waits between attempts
        self.local = threading.local()
        self.secret = None
        if rule.api_key_env:
            self.secret = os.environ.get(rule.api_key_env, "").strip()
            if not self.secret:
                raise UserError(
                    f"{rule.where}: the environment variable {rule.api_key_env} is not set; it holds the key"
                )

    def ask(self, prompt: str) -> str:
        """Return the answer to a prompt, after as many attempts as the rule allows.

        Raises:
            _Refused: the server does not take this text.
            UserError: it takes none: wrong key or address, or no answer at all.
        """
        import requests

        for attempt in range(self.rule.retries + 1):
            try:
                return self._attempt(prompt)
            except (requests.RequestException, _Passing) as error:
                reason = str(error) if isinstance(error, _Passing) else _reason(error)
                pause = getattr(error, "wait", None) or FIRST_WAIT * 2**attempt
            if attempt < self.rule.retries and self.stopped.wait(min(pause, LONGEST_WAIT)):
                break
        raise UserError(f"{self.rule.where}: {self.url}: {reason}, {attempt + 1} times in a row; try again later")

    def _attempt(self, prompt: str) -> str:
        body = {"model": self.rule.model, "messages": [{"role": "user", "content": prompt}]} | self.rule.options
        # A redirect would carry texts to an address that nobody named.
        response = self._session().post(
            self.url, json=body, timeout=self.rule.timeout, auth=self._authorize, allow_redirects=False
        )
        status = response.status_code
        if status == 200:
            return _content(response)
        if status in PASSING:
            raise _Passing(f"HTTP status {status}", _retry_after(response))
        if status in (401, 403):
            key = f"the key in {self.rule.api_key_env}" if self.secret else "api_key_env, which is null"
            raise UserError(f"{self.rule.where}: {self.url}: HTTP status {status}: access denied; check {key}")
        if status in (400, 413, 422):
            raise _Refused(f"HTTP status {status}: {self._said(response)}")
        raise UserError(
            f"{self.rule.where}: {self.url}: HTTP status {status}: {self._said(response)}; check base_url and model"
        )

    def _session(self) -> "requests.Session":
        import requests

        if not hasattr(self.local, "session"):  # sessions keep connections, and are not for several threads
            self.local.session = requests.Session()
        return self.local.session

    def _authorize(self, request):
        """Set the key; a callable, since requests puts ~/.netrc in the place of a plain header."""
        if self.secret:
            request.headers["Authorization"] = f"Bearer {self.secret}"
        return request

    def _said(self, response) -> str:
        """Return the server's own words, without the key that some repeat."""
        try:
            error = response.json()["error"]
            text = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, KeyError, TypeError):
            text = response.reason or "no message"
        text = " ".join(text.split())
        return (text.replace(self.secret, "…") if self.secret else text)[:SHOWN]


def ask_all(endpoint: Endpoint, questions: Iterable[Question], path: Path) -> Tally:
    """Ask, and add each answer to the file as it comes.

    Raises:
        UserError: the endpoint takes no requests (any more), or someone stopped it; what was answered is recorded.
        SystemExit: a signal ended the process; what was answered is recorded.
    """
    tally = Tally()
    mend(path)
    waiting = iter(questions)
    running: dict[Future, Question] = {}
    with path.open("a", encoding="utf-8", newline="\n") as file, ThreadPoolExecutor(endpoint.rule.concurrency) as pool:
        try:
            while True:
                for question in islice(waiting, endpoint.rule.concurrency - len(running)):
                    running[pool.submit(endpoint.ask, question.prompt)] = question
                if not running:
                    return tally
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    _take(future, running.pop(future), file, tally)
                if len(tally.refused) >= HOPELESS and not tally.answered:
                    raise UserError(f"{endpoint.rule.where}: no text was taken: {tally.refused[-1]}; check options")
        except (UserError, KeyboardInterrupt, SystemExit) as error:
            endpoint.stopped.set()
            for future in wait(running).done:
                if future.exception() is None:
                    _take(future, running[future], file, tally)
            if isinstance(error, SystemExit):
                raise
            said = str(error) or f"{endpoint.rule.where}: stopped"
            raise UserError(f"{said}; {tally.answered} answers are recorded in {path}, run it again to go on") from None


def mend(path: Path) -> None:
    """Cut off a last line that a killed process left torn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        content = path.read_bytes()
        if content and not content.endswith(b"\n"):
            with path.open("r+b") as file:
                file.truncate(content.rfind(b"\n") + 1)


def _take(future: Future, question: Question, file, tally: Tally) -> None:
    try:
        answer = future.result()
    except _Refused as refusal:
        tally.refused.append(str(refusal))
        return
    file.write(json.dumps({"key": question.key, "id": question.id, "answer": answer}, ensure_ascii=False) + "\n")
    file.flush()
    tally.answered += 1


def _content(response) -> str:
    """Return the answer's text; empty where the model gave none."""
    try:
        return response.json()["choices"][0]["message"].get("content") or ""
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise _Passing("the answer is no chat completion (check base_url)") from None


def _retry_after(response) -> float | None:
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def _reason(error: Exception) -> str:
    names = {"ConnectTimeout": "no answer", "ReadTimeout": "no answer", "ConnectionError": "cannot be reached"}
    return names.get(type(error).__name__, f"the connection was dropped ({type(error).__name__})")
