"""The section of CHANGELOG.md that a release adds: why this version, the rows, the figures on dev and on test."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from winnow.base.errors import UserError
from winnow.commands.diff import data, markdown
from winnow.commands.diff.document import Block, Bullets, Foreign, Line, Paragraph, Strong, Table
from winnow.commands.diff.verdict import NONE, rows, shown
from winnow.commands.releasing.artifacts import Artifact
from winnow.commands.releasing.proposal import Proposal
from winnow.kinds.task import Task
from winnow.rows import tables

FILE = Path("CHANGELOG.md")
BEGINNING = """\
# Changelog

The releases of this project, the newest first. `winnow release` writes this file; docs/releases.md says how.
"""
SECTION = re.compile(r"^## (.*)$", re.MULTILINE)
MOST = 6  # entries of a count
CLASSES = 40
WAYS = {"added": "added", "removed": "removed", "relabelled": "relabelled", "changed": "text changed"}
CAUSES = {"added": "by_rule", "removed": "by_rule", "relabelled": "by_cause", "changed": "by_rule"}


@dataclass(frozen=True)
class Figures:
    """The figures of a release, those of the release before beside them.

    Attributes:
        dev, test: `approaches` of the metrics of `compare` and of `winnow test`, before and now; None: there are none.
        looks: how often test was looked at; `is_same_test` tells whether both releases have the same test rows.
    """

    dev: tuple[dict | None, dict | None]
    test: tuple[dict | None, dict | None]
    looks: int
    is_same_test: bool


def headings(text: str) -> list[str]:
    """Return the tags that a changelog has a section of, the newest first."""
    return SECTION.findall(text)


def extended(text: str | None, tag: str, section: str) -> str:
    """Return a changelog with a section before all others.

    Raises:
        UserError: it has a section of this release.
    """
    text = BEGINNING if text is None else text
    if tag in headings(text):
        raise UserError(f"{FILE}: has a section {tag} already; take it out, or name another version")
    first = SECTION.search(text)
    place = first.start() if first else len(text)
    before = text[:place].rstrip("\n")
    after = f"\n{text[place:]}" if first else ""
    return f"{before}\n\n## {tag}\n\n{section.strip()}\n{after}".lstrip("\n")


def of_first(artifact: Artifact, table: Path, task: Task, figures: Figures, headline: Mapping) -> str:
    """Return the section of a first release: what there is.

    Args:
        table: the labelled rows.
        headline: as `winnow diff` tells it.
    """
    labelled = tables.read(table, ["source", "label", "split"])
    blocks: list[Block] = [
        Paragraph([Strong("First release"), " of ", Foreign(artifact.path), f": {rows(labelled.num_rows)}."]),
        _counted("class", data.by_class(labelled["label"], task)),
        _counted("source", _values(labelled["source"])),
        _counted("split", _values(labelled["split"])),
        *_figures(figures, headline, {}),
    ]
    return markdown.written(blocks)


def of_next(artifact: Artifact, before: str, proposal: Proposal, found: Mapping, figures: Figures) -> str:
    """Return the section of a later release: what differs.

    Args:
        before: the tag of the release before.
        found: what `winnow diff` finds since then.
    """
    why = "; ".join(proposal.reasons)
    since = Strong(f"Since {before}, {proposal.level}:")
    blocks: list[Block] = [Paragraph([since, f" {why}. Released: ", Foreign(artifact.path), "."])]
    if alarms := found["verdict"]["alarms"]:
        blocks.append(Bullets([[f"⚠ {alarm}"] for alarm in alarms]))
    blocks += _rows(found["data"])
    decisions = found["decisions"]
    if decisions["added"]:
        people = [part for name in decisions["by_reviewer"] for part in (", ", Foreign(name))][1:]
        blocks.append(Paragraph([f"Decisions: {decisions['added']:,} new, by ", *people, "."]))
    arms = found["metrics"].get("arms", {})
    return markdown.written([*blocks, *_figures(figures, found["headline"], arms)])


def _values(column) -> dict[str, int]:
    return dict(Counter(pc.fill_null(column, "(none)").to_pylist()).most_common())


def _counted(what: str, counts: Mapping[str, int]) -> Table:
    lines = [[[Foreign(name)], [f"{count:,}"]] for name, count in list(counts.items())[:CLASSES]]
    return Table([what, "rows"], lines)


def _rows(told: Mapping) -> Iterator[Block]:
    lines = [
        [
            [words],
            [f"{told[key]['rows']:,}"],
            _some(told[key].get("by_class") or told[key].get("ways", {})),
            _some(told[key].get("by_source", {})),
            _some(told[key][CAUSES[key]]),
        ]
        for key, words in WAYS.items()
        if told[key]["rows"]
    ]
    before, after = told["rows"]
    if told["moved"]:
        lines.append([["moved"], [f"{sum(told['moved'].values()):,}"], ["—"], ["—"], _some(told["moved"])])
    if not lines:
        yield Paragraph([f"{rows(after)}, the same as before."])
        return
    yield Table([f"rows: {before:,} → {after:,}", "how many", "class", "source", "by"], lines)
    old, new = told["by_class"]
    if old != new:
        names = sorted(old.keys() | new.keys())[:CLASSES]
        yield Table(
            ["class", "rows before → now"],
            [[[Foreign(name)], [f"{old.get(name, 0):,} → {new.get(name, 0):,}"]] for name in names],
        )


def _some(counts: Mapping[str, int]) -> Line:
    line: list = []
    for name, count in list(counts.items())[:MOST]:
        line += [", ", Foreign(name), f" {count:,}"]
    return [*line[1:], f", and {len(counts) - MOST} more" if len(counts) > MOST else ""] if line else ["—"]


def _figures(figures: Figures, headline: Mapping, arms: Mapping) -> Iterator[Block]:
    words = headline["words"][headline["name"]]
    yield from _table(f"{words} on dev", figures.dev, headline, arms)
    before, now = figures.test
    if now is None:
        yield Paragraph(["Test was not looked at for these predictions."])
        return
    times = "once" if figures.looks == 1 else f"{figures.looks} times"
    yield from _table(f"{words} on test", (before if figures.is_same_test else None, now), headline, {})
    yield Paragraph([f"These test rows were looked at {times}, as data/test/looks.csv tells."])
    if before is not None and not figures.is_same_test:
        yield Paragraph(["The test rows of the release before were others, so that its figures do not stand beside."])


def _table(title: str, sides: tuple[dict | None, dict | None], headline: Mapping, arms: Mapping) -> Iterator[Block]:
    before, now = sides
    if now is None:
        yield Paragraph([f"There is no {title}."])
        return
    name, is_share = headline["name"], headline["is_share"]
    header = [title, *(["before"] if before else []), "now (interval)", *(["change of the model"] if arms else [])]
    lines: list[Sequence[Line]] = []
    for arm, values in now.items():
        old = [[_value((before.get(arm) or {}).get(name))]] if before else []
        change = [_change(arms, arm, name, is_share)] if arms else []
        lines.append([[Foreign(arm)], *old, [_interval(values, name)], *change])
    yield Table(header, lines)


def _value(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _interval(values: Mapping, name: str) -> str:
    low, high = values.get(f"{name}_low"), values.get(f"{name}_high")
    ends = "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
    return f"{_value(values.get(name))}{ends}"


def _change(arms: Mapping, arm: str, name: str, is_share: bool) -> Line:
    told = arms.get(arm)
    if told is None:
        return ["—"]
    if told["unchanged"]:
        return ["the same predictions"]
    part = told["model"][name]
    words = shown(part, is_share)
    return [words if part["low"] > 0 or part["high"] < 0 else f"{NONE}: {words}"]
