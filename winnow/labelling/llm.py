"""Kind llm: the recorded answers of a language model. `winnow label` asks; no stage does: no call repeats.

The answers stand in `<rule's name>.jsonl` in the folder of rules, one a line: `key` (of model, options and prompt), the
row's `id`, and `answer` as it came. Lines are only ever added; where two have one key the last counts. Another prompt
or another text has another key: the old answer does not count, and `winnow label` asks again.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.kinds.task import Task
from winnow.labelling.rule import Row, Rule, Voter, read_field

PLACEHOLDER = re.compile(r"\{(text|labels|meta\.[^{}]+)\}")
THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
FENCE = re.compile(r"^```\w*\s*(.*?)\s*```$", re.DOTALL)


class Llm(Rule):
    """A model behind an OpenAI-compatible endpoint (`POST <base_url>/chat/completions`)."""

    kind: Literal["llm"]
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$")]
    """The endpoint, without `/chat/completions`."""

    model: str = Field(min_length=1)
    """The model's name. Name a dated version: an alias answers otherwise one day."""

    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None
    """The environment variable that holds the key. Null: the endpoint wants none."""

    prompt: str
    """The question, with `{text}`; `{labels}` and `{meta.<name>}` where they help."""

    options: dict[str, JsonValue] = Field(default_factory=lambda: {"temperature": 0, "seed": 1, "max_tokens": 30})
    """Further fields of the request. Temperature and seed make answers repeat as far as the server can."""

    measure_rows: int = Field(default=200, ge=0)
    """Training rows with a given label that are asked too, to measure the rule."""

    concurrency: int = Field(default=4, ge=1, le=256)
    """Requests at a time."""

    timeout: float = Field(default=60, gt=0)
    """Seconds without an answer."""

    retries: int = Field(default=6, ge=0)
    """Retries of a request that was turned away for the moment."""

    origin = "model"
    idle = ("name", "base_url", "api_key_env", "measure_rows", "concurrency", "timeout", "retries")

    @field_validator("prompt")
    @classmethod
    def _asks(cls, prompt: str) -> str:
        if "{text}" not in prompt:
            raise ValueError("the prompt lacks {text}, where the row's text goes")
        return prompt

    def fields(self) -> set[str]:
        """Return the fields that the prompt shows; see `Rule.fields`."""
        return set(PLACEHOLDER.findall(self.prompt)) - {"labels"}

    def question(self, row: Row, task: Task) -> str:
        """Return the prompt for one row; what a text holds is never taken for a placeholder.

        Raises:
            UserError: the prompt shows {labels}, and the labels of the task are not a closed set.
        """
        if "{labels}" in self.prompt and not task.is_closed:
            raise UserError(f"{self.where}: the prompt shows {{labels}}, but task.kind {task.kind} has no list of them")

        def fill(found: re.Match) -> str:
            return ", ".join(task.vocabulary(())) if found[1] == "labels" else read_field(row, found[1])

        return PLACEHOLDER.sub(fill, self.prompt)

    def key(self, question: str) -> str:
        """Return the name under which the answer to a question is recorded."""
        return hashing.digest(self.model, json.dumps(self.options, sort_keys=True), question)

    def file(self, files: Path) -> Path:
        """Return the file of the rule's answers."""
        return files / f"{self.name}.jsonl"

    def records(self, files: Path) -> Iterator[Path]:
        """Yield the file of the rule's answers; see `Rule.records`."""
        yield self.file(files)

    def voter(self, files: Path, task: Task) -> Voter:
        """Return the rule at work, on recorded answers; see `Rule.voter`."""
        path = self.file(files)
        if not path.exists():
            raise UserError(f"{self.where}: {path}: not found; `winnow label {self.name}` asks and writes it")
        answers = recorded(path)
        voter = Voter(lambda rows: [vote(row) for row in rows])

        def vote(row: Row) -> str | None:
            answer = answers.get(self.key(self.question(row, task)))
            label = None if answer is None else _fitting(parse(answer, task), row, task)
            if answer is not None:
                voter.counts["answers" if label else "unusable_answers"] += 1
            return label

        return voter


def _fitting(label: str | None, row: Row, task: Task) -> str | None:
    """Return a label; None if it cannot be one of the row's text."""
    try:
        if label is not None:
            task.fits(label, row["text"], "")
    except UserError:
        return None
    return label


def recorded(path: Path) -> dict[str, str]:
    """Return the answers of a file by key; a last line that is torn off is none.

    Raises:
        UserError: another line is no recorded answer.
    """
    answers = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break  # written by a process that was killed
            try:
                entry = json.loads(line)
                answers[entry["key"]] = str(entry["answer"])
            except (ValueError, KeyError, TypeError):
                raise UserError(
                    f"{path}: line {number}: no recorded answer; take the line out, `winnow label` asks again"
                ) from None
    return answers


def parse(answer: str, task: Task) -> str | None:
    """Return the label that an answer is; None for an answer that is anything else.

    A label alone, in quotes or not, or a JSON object with the one key `label`. What a model thinks aloud is left out.
    An answer that only holds a label somewhere may well deny it.
    """
    text = THOUGHTS.sub("", answer).strip()
    text = fenced[1] if (fenced := FENCE.match(text)) else text
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            return None
        text = found.get("label") if isinstance(found, dict) and len(found) == 1 else None
        if not isinstance(text, str):
            return None
    return task.parse(text)
