"""The labels to learn: which there are, in which order, and what becomes of rare ones and of other spellings."""

import csv
import io
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from winnow import kinds
from winnow.base.errors import UserError
from winnow.commands.init.kind import GENERATION, ONE, SEVERAL, SPANS
from winnow.commands.init.sets import MOST, delimiter
from winnow.commands.init.source import SHOWN, Source
from winnow.kinds.task import Task, bare, spelled
from winnow.readers.jsonl import SURROGATE

LISTED = 50  # labels of sets that are left out and named; of more, params.yaml says `unlisted: leave_out`
LEAST_ROWS = 5  # of a label: of fewer, no three splits each have some
LEAST = {ONE: 2, SEVERAL: 2, SPANS: 1}  # labels of a task
HOLDS = {ONE: "one label a row", SEVERAL: "several labels a row", SPANS: "entities", GENERATION: "responses"}
DIGITS = re.compile(r"(\d+)")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # what no label may hold
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True)
class Labels:
    """What is learnt.

    Attributes:
        names: in the order of the model's outputs.
        kind: of task.
        rows: by name.
        becomes: the source's names to ours, where they differ; None: such rows have no label.
        rare: names of too few rows, which are in `becomes` too.
        delimiter: between the names of a cell, where a row has any number of labels; else None.
        overlap: whether spans overlap.
        leaves_out: whether so many names are left out that `becomes` does not list them.
    """

    names: list[str]
    kind: str = ONE
    rows: Counter = field(default_factory=Counter)
    becomes: dict[str, str | None] = field(default_factory=dict)
    rare: list[str] = field(default_factory=list)
    delimiter: str | None = None
    overlap: bool = False
    leaves_out: bool = False


def of(sources: Sequence[Source], wanted: Sequence[str] | None, kind: str | None = None) -> Labels:
    """Return the labels of all sources.

    Args:
        wanted: the names to learn, in order; None: all that have enough rows.
        kind: of task, where no row has a label; None: one label a row.

    Raises:
        UserError: there are fewer than two.
    """
    counts: Counter = Counter()
    for source in sources:
        counts.update(source.survey.labels)  # a sum would lose those of no row
    sets = [source.roles.sets for source in sources if source.roles.sets]
    own = _kind(sources)
    if own == GENERATION:
        return Labels([], GENERATION)
    if not counts:
        return _without_rows(sources, wanted, own or kind or ONE)
    if odd := next(filter(SURROGATE.search, counts), None):
        column = next(name for source in sources if (name := source.roles.of_labels()))
        raise UserError(
            f"column '{column}': the label {spelled(odd)} holds half a surrogate pair; rename it in the file"
        )
    becomes: dict[str, str | None] = dict(_variants(counts))
    rows: Counter = Counter()
    for name, count in counts.items():
        rows[becomes.get(name, name)] += count
    if wanted is not None:
        if unknown := [name for name in wanted if name not in rows]:
            raise UserError(f"--labels: no row has the label '{unknown[0]}'; there are {_told(list(rows))}")
        left_out, rare = [name for name in rows if name not in wanted], []
    else:
        most = {name for name, _ in rows.most_common(MOST)} if sets else rows
        rare = [name for name, count in rows.items() if count < LEAST_ROWS or name not in most] if len(rows) > 1 else []
        left_out = rare
    names = list(dict.fromkeys(wanted or ordered([name for name in rows if name not in rare])))
    kind = own or ONE
    if len(names) < LEAST[kind]:
        column = next(name for source in sources if (name := source.roles.of_labels()))
        if rare:
            raise UserError(
                f"column '{column}' holds {_told(list(rows))}, and fewer than two of them have the {LEAST_ROWS} rows "
                f"that it takes to split them; name another column by --label, or add rows"
            )
        raise UserError(
            f"column '{column}' holds one label ('{names[0]}'), and two are the least that can be told apart; name "
            f"another column by --label"
        )
    mark = delimiter(sets, names) if sets else None
    own_keys = {"delimiter": mark} if sets else {}
    problems = {name: problem for name in names if (problem := _problem(name, kind, own_keys))}
    if problems:
        column = next(column for source in sources if (column := source.roles.of_labels()))
        others = _option([name for name in names if name not in problems])
        raise UserError(
            f"column '{column}': {next(iter(problems.values()))}; rename it in the file, or leave it out: "
            f"--labels {others}"
        )
    becomes = {name: None if to in left_out else to for name, to in becomes.items()}
    leaves_out = bool(sets) and len(left_out) > LISTED
    if leaves_out:
        becomes = {name: to for name, to in becomes.items() if to is not None}
    else:
        becomes |= dict.fromkeys(left_out)
    overlap = any(source.survey.overlapping for source in sources)
    return Labels(names, kind, rows, becomes, rare, mark, overlap, leaves_out)


def _problem(name: str, kind: str, own: Mapping[str, object]) -> str | None:
    """Return why a name cannot be a label's in a kind of task, by what its section `task` refuses; None if it can."""
    if not bare(name):
        return f"the label {spelled(name)} is blank"
    others = [other for other in ("A", "B", "C") if bare(other) != bare(name)][:2]
    try:
        of_kind = kinds.load(Task.model_construct(kind=kind), "labels").Task
        of_kind.model_validate({"kind": kind, "labels": [name, *others]} | own)
    except ValidationError as error:
        first = error.errors()[0]
        return str(first.get("ctx", {}).get("error", first["msg"])).partition(";")[0]  # what follows mends params.yaml
    return None


def _without_rows(sources: Sequence[Source], wanted: Sequence[str] | None, kind: str) -> Labels:
    if wanted is None and kind == SPANS:
        first = next(source for source in sources if source.roles.spans)
        raise UserError(
            f"{first.found.path}: no row has an entity in column '{first.roles.label}'; mend the file, name another "
            f"column by --label, or name the types by --labels A,B to begin without one and write labelling rules"
        )
    if wanted is None:
        columns = list(dict.fromkeys(name for source in sources for name in source.found.columns))
        raise UserError(
            f"no column looks like a label; there are {_told(columns)}; name it by --label COLUMN, or name the labels "
            f"by --labels A,B to begin without one and write labelling rules"
        )
    sets = [source.roles.sets for source in sources if source.roles.sets]
    names = list(dict.fromkeys(wanted))
    if len(names) < LEAST[kind]:
        raise UserError("--labels: two labels are the least that can be told apart; name another")
    return Labels(names, kind, delimiter=delimiter(sets, names) if kind == SEVERAL else None)


def _kind(sources: Sequence[Source]) -> str | None:
    """Return the kind of task that the columns of labels are of; None: there are none.

    Raises:
        UserError: they are of two kinds.
    """
    by_kind: dict[str, Source] = {}
    for source in sources:
        if source.roles.of_labels():
            by_kind.setdefault(_kind_of(source), source)
    if len(by_kind) > 1:
        told = [
            f"{source.found.path}: column '{source.roles.of_labels()}' holds {HOLDS[kind]}"
            for kind, source in by_kind.items()
        ]
        raise UserError(
            f"{'; '.join(told)}: {len(told)} tasks; set up one of them with its own files, and add the others' files "
            f"to collect.sources in params.yaml if their texts shall be read (purpose: text, and no label)"
        )
    return next(iter(by_kind), None)


def _kind_of(source: Source) -> str:
    if source.roles.responses:
        return GENERATION
    return SEVERAL if source.roles.sets else SPANS if source.roles.spans else ONE


def _told(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:SHOWN]) + more


def _option(names: list[str]) -> str:
    """Return names as a shell and `--labels` take them."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return shlex.quote(line.getvalue())


def _variants(labels: Counter) -> dict[str, str]:
    """Return labels that differ from a more frequent one in case, space or Unicode form alone, by what they become."""
    best: dict[str, str] = {}
    for label, _ in labels.most_common():
        best.setdefault(bare(label), label)
    pairs = ((label, _plain(best[bare(label)])) for label in labels)
    return {label: own for label, own in pairs if own != label}


def _plain(label: str) -> str:
    """Return a label without the space around it, and with a space for line ends and control characters."""
    return CONTROL.sub(" ", label).strip()


def ordered(names: list[str]) -> list[str]:
    """Return labels in the order in which people count: numbers by their value, `topic 2` before `topic 10`."""
    if all(map(NUMBER.fullmatch, names)):
        return sorted(names, key=float)
    return sorted(
        names, key=lambda name: [(int(part), "") if part.isdecimal() else (-1, part) for part in DIGITS.split(name)]
    )
