"""why: one row's life, from its source to what the models say of it.

winnow why 3f2a9c…   an id, or its first digits if no other id begins with them (at least four)
"""

import argparse
import csv
import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from winnow import kinds
from winnow.base.errors import UserError
from winnow.base.hashing import text_sha
from winnow.commands import pipeline
from winnow.kinds.task import Task
from winnow.people import decisions
from winnow.rows import predictions, tables
from winnow.rows.edited import GIVEN_TEXT

NAME = "why"
SHORTEST = 4
WIDTH = 12  # of the headings, where none is longer

Shown = Callable[[str], str]  # a label in words
NOT_YET = "not yet made: run `dvc repro`"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("id", help="a row's id, or its first digits")


def execute(arguments: argparse.Namespace) -> None:
    """Print the row's life."""
    told = list(life(find(arguments.id)))
    width = max(WIDTH, *(len(heading) + 1 for heading, _ in told))
    for heading, line in told:
        # A text may hold a terminal's control sequences.
        line = "".join(character if character.isprintable() else "\ufffd" for character in line)
        print(textwrap.fill(line, 120, initial_indent=f"{heading:<{width}}", subsequent_indent=" " * width))


def find(prefix: str) -> str:
    """Return the one id that begins with `prefix`, of all that were ever collected or refused.

    Raises:
        UserError: there is no such id, or more than one, or the prefix is too short.
    """
    prefix = prefix.removeprefix("'")  # as a queue's CSV file guards an id that a spreadsheet would round
    if len(prefix) < SHORTEST:
        raise UserError(f"id '{prefix}': give at least its first {SHORTEST} digits")
    files = [*_sources(), *(file for _, file in _ledgers())]
    if not files:
        raise UserError(f"{pipeline.path('collect', 'out')}: {NOT_YET}")
    matching: set[str] = set()
    for file in files:
        ids = tables.read(file, ["id"])["id"]
        matching.update(ids.filter(pc.starts_with(ids, prefix.lower())).to_pylist())
    if not matching:
        raise UserError(f"id '{prefix}': no source has such a row")
    if len(matching) > 1:
        some = ", ".join(sorted(matching)[:5])
        raise UserError(
            f"id '{prefix}': {len(matching)} ids begin so ({some}{', …' if len(matching) > 5 else ''}); give more"
        )
    return matching.pop()


def life(id: str) -> Iterator[tuple[str, str]]:
    """Yield (heading, line) of a row's life in the order in which things happened."""
    shown = _in_words(id)
    yield "row", id
    yield from _source(id)
    yield from _ledger(id)
    yield from _votes(id, shown)
    yield from _label(id, shown)
    yield from _decisions(id, shown)
    yield from _issue(id, shown)
    yield from _training(id, shown)
    yield from _predictions(id, shown)


def _in_words(id: str) -> Shown:
    """Return what says the row's labels in words; a label that is none of the task's says itself."""
    task = kinds.read_task()
    files = (pipeline.path("apply_decisions", "out"), pipeline.path("deduplicate", "out"))
    row = next((row for file in files if (row := _row(file, id)) is not None), None)
    text = row["text"] if row else ""
    return lambda label: task.shown(label, text) if task.is_label(label) else label


def _source(id: str) -> Iterator[tuple[str, str]]:
    row = _raw(id)
    if row is None:
        yield "source", "never entered a table: see the ledger"
        return
    published = f", published {row['published']}" if row["published"] else ""
    yield "source", f"{row['source']}, key {row['source_key']}{published}"
    yield "from", _pin(row["source"])
    yield "licence", row["licence"]
    yield "purpose", f"{row['purpose']}, group {row['group']}"
    labels = {name: value for name, value in row.items() if name.startswith("aux_") and value}
    labels |= dict(row["meta"])
    if labels:
        yield "meta", "; ".join(f"{name}: {value}" for name, value in labels.items())
    yield "text", _text(row["text"])


def _raw(id: str) -> dict | None:
    """Return a row as its source has it."""
    rows = (_row(file, id) for file in _sources())
    return next((row for row in rows if row is not None), None)


def _sources() -> list[Path]:
    return sorted(pipeline.path("collect", "out").glob("*.parquet"))


def _ledgers() -> list[tuple[str, Path]]:
    """Return each stage that has written its ledger, and the ledger, in the pipeline's order."""
    writer: dict[Path, str] = {}
    for stage in pipeline.stages():
        file = pipeline.made(stage, "ledger")
        if file is not None and file.is_file():
            writer.setdefault(file, stage)  # a later stage of the same ledger reads it
    return [(stage, file) for file, stage in writer.items()]


def _pin(source: str) -> str:
    manifest = pipeline.path("collect", "out") / "manifest.json"
    if not manifest.exists():
        return f"{manifest}: {NOT_YET}"
    pin = json.loads(manifest.read_text(encoding="utf-8"))[source]["pin"]
    return ", ".join(f"{name} {_listed(value)}" for name, value in pin.items())


def _listed(value: object) -> str:
    return " ".join(f"{item} of {name}" for name, item in value.items()) if isinstance(value, dict) else str(value)


def _ledger(id: str) -> Iterator[tuple[str, str]]:
    """Yield what stages did to the row, in the pipeline's order."""
    for stage, file in _ledgers():
        for entry in _rows(file, id):
            change = f" ({entry['before_sha']} -> {entry['after_sha']})" if entry["after_sha"] else ""
            yield stage, f"{entry['action']}, rule {entry['rule']}: {entry['reason']}{change}"
            if other := entry["other_id"]:
                yield "other row", f"{other}: {_text((_raw(other) or {'text': NOT_YET})['text'])}"
    table = pipeline.path("deduplicate", "out")
    row = _row(table, id)
    if row is not None:
        yield "cleaned", _text(row["text"])
        clusters = tables.read(table, ["cluster"])["cluster"]
        if tied := pc.sum(pc.equal(clusters, row["cluster"])).as_py() - 1:
            yield "cluster", f"{row['cluster']}: {tied} near-duplicate(s) of it in the table, in the same split"
    split = _row(pipeline.path("split", "out"), id)
    if split is not None:
        yield "split", split["split"]


def _label(id: str, shown: Shown) -> Iterator[tuple[str, str]]:
    table = pipeline.path("apply_decisions", "out")
    if not table.exists():
        yield "label", f"{table}: {NOT_YET}"
    elif (row := _row(table, id)) is None:
        yield "label", "not among the labelled rows"
    else:
        origin = f" (origin {row['label_origin']}{_confidence(row)})" if row["label_origin"] else ""
        now, before = (shown(row[name]) if row[name] else "none" for name in ("label", "given_label"))
        yield "label", f"{now}{origin}; before decisions: {before}"
        if row.get(GIVEN_TEXT) is not None:
            yield "edited", _text(row["text"])


def _confidence(row: dict) -> str:
    return "" if row["label_confidence"] is None else f", confidence {row['label_confidence']:.2f}"


def _votes(id: str, shown: Shown) -> Iterator[tuple[str, str]]:
    """Yield what each labelling rule says."""
    if votes := pipeline.made("annotate", "votes"):
        for vote in _rows(votes, id):
            yield "vote", f"rule {vote['rule']}: {shown(vote['label'])}"


def _decisions(id: str, shown: Shown) -> Iterator[tuple[str, str]]:
    file = pipeline.made("apply_decisions", "decisions")
    task, row = kinds.read_task(), _row(pipeline.path("apply_decisions", "out"), id)
    for decision in decisions.read(file) if file else ():
        if decision.id == id:
            note = f": {decision.note}" if decision.note else ""
            label, given = task.meant(decision.new_label), row["given_label"] if row else None
            change = task.changed(given, label) if label and given else None
            verdict = f"{decision.verdict} {change or (shown(label) if label else '')}".strip()
            verdict += _edit(decision, task)
            yield "decision", f"{verdict}, by {decision.reviewer} on {decision.decided_on}{note}"


def _edit(decision: decisions.Decision, task: Task) -> str:
    """Return what a decision changes of the row's text, in words; nothing where the text stays."""
    if not decision.new_text:
        return ""
    new, row = task.meant_text(decision.new_text), _row(pipeline.path("deduplicate", "out"), decision.id)
    change = task.changed(row["text"], new) if row and text_sha(row["text"]) == decision.text_sha else None
    return f", text {change or _text(new)}"


def _issue(id: str, shown: Shown) -> Iterator[tuple[str, str]]:
    table = pipeline.path("find_issues", "out")
    if not table.exists():
        yield "issue", f"{table}: {NOT_YET}"
    elif (row := _row(table, id)) is None:
        yield "issue", "none: without a label, or settled by people"
    else:
        suspicion = "suspected label error" if row["is_issue"] else "no suspicion"
        chance = "" if row["p_error"] is None else f", {row['tier']} to be wrong ({row['p_error']:.2f})"
        suggested = shown(row["suggested_label"]) if row["suggested_label"] else "no label"
        yield "issue", f"{suspicion}{chance}, suggested {suggested}; {row['reasons']}"
        yield "queue", _rank(id)


def _rank(id: str) -> str:
    queue = pipeline.path("find_issues", "queue-csv")
    if not queue.exists():
        return f"{queue}: {NOT_YET}"
    with queue.open(encoding="utf-8", newline="") as file:
        ids = [decisions.unguard(line[0]) for line in csv.reader(file)][1:]
    return f"rank {ids.index(id) + 1} of {len(ids)}" if id in ids else f"not among the {len(ids)} first"


def _training(id: str, shown: Shown) -> Iterator[tuple[str, str]]:
    table = pipeline.path("balance", "out")
    if not table.exists():
        yield "training", f"{table}: {NOT_YET}"
    elif (row := _row(table, id)) is None:
        yield "training", "no model trains on it"
    else:
        yield "training", f"trains as {shown(row['label'])}, weight {row['weight']:.3f}"


def _predictions(id: str, shown: Shown) -> Iterator[tuple[str, str]]:
    """Yield what each model says of a dev row; of test rows `winnow test` alone tells, in sum, and counts the looks."""
    folder, split = pipeline.path("evaluate", "out"), _row(pipeline.path("split", "out"), id)
    if split is not None and split["split"] == "test":
        yield "predicted", "a test row: what models say of it is not shown, so that nobody chooses by it"
        return
    if not folder.exists():
        yield "predicted", f"{folder}: {NOT_YET}"
    for file in sorted(folder.glob("*.parquet")):
        if (row := _row(file, id)) is not None:
            own = [f"{name} {_value(value)}" for name, value in row.items() if name not in predictions.COLUMNS]
            details = f" ({', '.join(own)})" if own else ""
            yield "predicted", f"{file.stem}: {shown(row['predicted'])}{details}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_value, value)) or "none"
    return f"{value:.3f}" if isinstance(value, float) else _text(str(value))


def _row(file: Path, id: str) -> dict | None:
    """Return the row of a table that has one row an id, or None; None too where the table is not yet made."""
    return next(iter(_rows(file, id)), None) if file.exists() else None


def _rows(file: Path, id: str) -> list[dict]:
    table: pa.Table = tables.read(file)
    return table.filter(pc.equal(table["id"], id)).to_pylist()


def _text(text: str) -> str:
    return textwrap.shorten(text, 600, placeholder=" …") or "(empty)"
