"""Gates: what a stage doubts. It tells each doubt on stderr and with its metrics, and stops only where params says so.

A doubt is a judgement on data (a rule takes one class, a source is small): people may hold it to be right, so a run
goes on. What makes a result wrong (a leak, a lost row) is no doubt but a `UserError`.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import read_text

KEY = "doubts"  # of a stage's metrics
SECTION = "gates"
WORDS = 12  # of a text that an example shows
SHOWN = 20  # classes that a doubt names
LONGEST = 100  # characters of it: a script without spaces has no words to count


class Params(params.Section):
    """Section `gates` of params.yaml: what a doubt does to the run (docs/gates.md)."""

    on_doubt: Literal["warn", "stop"] = Field("warn")
    """What a stage does about a figure beyond one of its limits. `warn`: it goes on, and the report says it; `stop`:
    the run stops, once all doubts of the stage are told."""


@dataclass(frozen=True)
class Example:
    """A row that shows a doubt: its id and first words, and those of the row that is the reason, or empty."""

    id: str
    text: str
    other_id: str = ""
    other_text: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        like = f" like {self.other_id} “{self.other_text}”" if self.other_id else ""
        return f"{self.id} “{self.text}”{like}"


@dataclass(frozen=True)
class Doubt:
    """A figure beyond a limit.

    Attributes:
        gate: the limit's key in params.yaml.
        what: a sentence without its full stop.
        accept: key and value in params.yaml by which this is no doubt.
        mend: what else to do about it, or empty.
        examples: rows that show it.
    """

    gate: str
    what: str
    accept: str
    mend: str = ""
    examples: tuple[Example, ...] = ()


def beginning(text: str) -> str:
    """Return the first words of a text, for an example: what a terminal takes for a command is left out."""
    words = "".join(sign for sign in text if sign.isprintable() or sign.isspace()).split(maxsplit=WORDS)
    short = " ".join(words[:WORDS])
    return short if len(words) <= WORDS and len(short) <= LONGEST else f"{short[:LONGEST].rstrip()} …"


def listed(counts: Mapping[str, int]) -> str:
    """Return classes and their rows in words, the first `SHOWN` of them."""
    more = f", and {len(counts) - SHOWN} more" if len(counts) > SHOWN else ""
    return ", ".join(f"“{name}” {count:,}" for name, count in list(counts.items())[:SHOWN]) + more


def told(doubts: Sequence[Doubt]) -> list[dict]:
    """Return doubts as a stage's metrics hold them, under `KEY`."""
    return [asdict(doubt) for doubt in doubts]


def read(metrics: Path) -> Iterator[tuple[str, Doubt]]:
    """Yield each doubt with its stage, from the folder of the stages' metrics."""
    for file in sorted(metrics.glob("*.json")):
        for entry in json.loads(read_text(file)).get(KEY, []):
            examples = tuple(Example(**example) for example in entry["examples"])
            yield file.stem, Doubt(**entry | {"examples": examples})


def settle(stage: str, doubts: Sequence[Doubt], metrics: Path) -> None:
    """Tell a stage's doubts on stderr; the stage has written its outputs and `metrics`.

    Raises:
        UserError: there are some, and `gates.on_doubt` is `stop`.
    """
    if not doubts:
        return
    count = f"{len(doubts)} doubt{'s' if len(doubts) > 1 else ''}"
    lines = [f"{stage}: IN DOUBT: {count}"]
    for number, doubt in enumerate(doubts, 1):
        lines.append(f"  {number}. {doubt.what}")
        lines += [f"     such as {example}" for example in doubt.examples]
        lines += [f"     look at one: winnow why {doubt.examples[0].id}"] if doubt.examples else []
        lines += [f"     mend: {doubt.mend}"] if doubt.mend else []
        lines.append(f"     accept: {params.FILE}: {doubt.accept}")
    print("\n".join(" ".join(line.split("\n")) for line in lines), file=sys.stderr)
    if _settings().on_doubt == "stop":
        raise UserError(
            f"{count}, listed above and in {metrics}; mend or accept each, or let the run go on: "
            f"{params.FILE}: {SECTION}.on_doubt: warn"
        )
    print(f"  the run goes on ({params.FILE}: {SECTION}.on_doubt: warn); the report says it too", file=sys.stderr)


def _settings() -> Params:
    return params.load("gates", Params) if SECTION in params.read() else Params()
