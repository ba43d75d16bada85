"""Cards of a dataset and of a model: YAML that a hub reads, then Markdown for people."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import read_text
from winnow.commands import pipeline
from winnow.commands.publishing import licences
from winnow.kinds.task import Task

LEAST_LANGUAGE = 0.01  # a rarer language among a source's rows is as often a mistake of the detector
UNKNOWN = "und"
MARKUP = re.compile(r"[\\`*_\[\]|#]")


def written(front: Mapping[str, object], parts: Iterable[str]) -> str:
    """Return a card; what is empty is left out of its YAML."""
    from huggingface_hub.utils import yaml_dump  # hubs read YAML 1.1, where a label `no` without quotes is false

    told = yaml_dump({name: value for name, value in front.items() if value}, width=1000)
    return f"---\n{told}---\n\n" + "\n\n".join(part for part in parts if part) + "\n"


def title() -> str:
    """Return the dataset's name."""
    return str(params.read()["report"]["title"])


def description() -> str:
    """Return what the dataset is."""
    return str(params.read()["report"]["description"])


def licence(stated: Sequence[str]) -> dict[str, object]:
    """Return a card's keys on licences: as a hub names them, and as they are stated where it has no name."""
    named = licences.names(stated)
    keys: dict[str, object] = {"license": named[0] if len(named) == 1 else named}
    if licences.OTHER in named:
        keys["license_name"] = "as-stated-by-the-sources"
        keys["license_details"] = "; ".join(one for one in stated if not licences.is_clear(one))
    return keys


def languages(sources: Iterable[str]) -> list[str]:
    """Return the languages of some sources, as the stage represent found them; none, where it has not looked."""
    path = pipeline.path("represent", "metrics")
    found = json.loads(read_text(path)).get("sources", {}) if path.exists() else {}
    spoken = [found[source].get("languages", {}) for source in set(sources) if source in found]
    return sorted(
        {code for own in spoken for code, share in own.items() if share >= LEAST_LANGUAGE and code != UNKNOWN}
    )


def task_categories(task: Task) -> list[str]:
    """Return the task as a hub names it; none, where the kind of task has no name there."""
    return [kinds.load(task, "served").TASK] if kinds.has(task, "served") else []


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return plain(str(text))


def plain(text: str) -> str:
    """Return a text in one line that no Markdown reader takes for markup: titles, labels and sources are anybody's."""
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split())).replace("<", "&lt;").replace(">", "&gt;")


def body(path: Path, without: Collection[str] = ()) -> str:
    """Return what a page of the stage report says under its title, its headings one level down.

    Args:
        without: headings whose sections are left out.

    Raises:
        UserError: the page is not made.
    """
    if not path.exists():
        raise UserError(f"{path}: not made yet; `dvc repro report` makes it")
    _, *sections = re.split(r"^(?=## )", read_text(path).partition("\n")[2], flags=re.MULTILINE)
    kept = [section for section in sections if section.partition("\n")[0].removeprefix("## ") not in without]
    return "".join(kept).strip()
