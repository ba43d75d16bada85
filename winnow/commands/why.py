"""why: one row's life, from its source to what the models say of it.

winnow why 3f2a9c…   an id, or its first digits if no other id begins with them (at least four)
"""

import argparse
import csv
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.people import decisions
from winnow.rows import tables

NAME = "why"
SHORTEST = 4

RAW = Path("data/raw")
LEDGER = Path("data/ledger")
DEDUPLICATED = Path("data/deduplicated.parquet")
SPLIT = Path("data/split.parquet")
VOTES = Path("data/votes.parquet")
LABELLED = Path("data/labelled.parquet")
DECISIONS = Path("data/decisions.csv")
ISSUES = Path("data/issues.parquet")
QUEUE = Path("reports/review/queue.csv")
TRAINING = Path("data/training.parquet")
PREDICTIONS = Path("data/predictions")

NOT_YET = "not yet made: run `dvc repro`"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("id", help="a row's id, or its first digits")


def execute(arguments: argparse.Namespace) -> None:
    """Print the row's life."""
    for heading, line in life(find(arguments.id)):
        # A text may hold a terminal's control sequences.
        line = "".join(character if character.isprintable() else "\ufffd" for character in line)
        print(textwrap.fill(line, 120, initial_indent=f"{heading:<12}", subsequent_indent=" " * 12))


def find(prefix: str) -> str:
    """Return the one id that begins with `prefix`, of all that were ever collected or refused.

    Raises:
        UserError: there is no such id, or more than one, or the prefix is too short.
    """
    if len(prefix) < SHORTEST:
        raise UserError(f"id '{prefix}': give at least its first {SHORTEST} digits")
    files = [*sorted(RAW.glob("*.parquet")), *sorted(LEDGER.glob("*.parquet"))]
    if not files:
        raise UserError(f"{RAW}: {NOT_YET}")
    found: set[str] = set()
    for file in files:
        ids = tables.read(file, ["id"])["id"]
        found.update(ids.filter(pc.starts_with(ids, prefix.lower())).to_pylist())
    if not found:
        raise UserError(f"id '{prefix}': no source has such a row")
    if len(found) > 1:
        some = ", ".join(sorted(found)[:5])
        raise UserError(
            f"id '{prefix}': {len(found)} ids begin so ({some}{', …' if len(found) > 5 else ''}); give more"
        )
    return found.pop()


def life(id: str) -> Iterator[tuple[str, str]]:
    """Yield (heading, line) of a row's life in the order in which things happened."""
    yield "row", id
    yield from _source(id)
    yield from _ledger(id)
    yield from _votes(id)
    yield from _label(id)
    yield from _decisions(id)
    yield from _issue(id)
    yield from _training(id)
    yield from _predictions(id)


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
    found = (_row(file, id) for file in sorted(RAW.glob("*.parquet")))
    return next((row for row in found if row is not None), None)


def _pin(source: str) -> str:
    manifest = RAW / "manifest.json"
    if not manifest.exists():
        return f"{manifest}: {NOT_YET}"
    pin = json.loads(manifest.read_text(encoding="utf-8"))[source]["pin"]
    return ", ".join(f"{name} {_listed(value)}" for name, value in pin.items())


def _listed(value: object) -> str:
    return " ".join(f"{item} of {name}" for name, item in value.items()) if isinstance(value, dict) else str(value)


def _ledger(id: str) -> Iterator[tuple[str, str]]:
    """Yield what stages did to the row, in the pipeline's order."""
    for stage in pipeline.stages():
        file = LEDGER / f"{stage}.parquet"
        if not file.exists():
            continue
        for entry in _rows(file, id):
            change = f" ({entry['before_sha']} -> {entry['after_sha']})" if entry["after_sha"] else ""
            yield stage, f"{entry['action']}, rule {entry['rule']}: {entry['reason']}{change}"
            if other := entry["other_id"]:
                yield "other row", f"{other}: {_text((_raw(other) or {'text': NOT_YET})['text'])}"
    row = _row(DEDUPLICATED, id)
    if row is not None:
        yield "cleaned", _text(row["text"])
        clusters = tables.read(DEDUPLICATED, ["cluster"])["cluster"]
        if tied := pc.sum(pc.equal(clusters, row["cluster"])).as_py() - 1:
            yield "cluster", f"{row['cluster']}: {tied} near-duplicate(s) of it in the table, in the same split"
    split = _row(SPLIT, id)
    if split is not None:
        yield "split", split["split"]


def _label(id: str) -> Iterator[tuple[str, str]]:
    if not LABELLED.exists():
        yield "label", f"{LABELLED}: {NOT_YET}"
    elif (row := _row(LABELLED, id)) is None:
        yield "label", "not among the labelled rows"
    else:
        origin = f" (origin {row['label_origin']}{_confidence(row)})" if row["label_origin"] else ""
        yield "label", f"{row['label'] or 'none'}{origin}; before decisions: {row['given_label'] or 'none'}"


def _confidence(row: dict) -> str:
    return "" if row["label_confidence"] is None else f", confidence {row['label_confidence']:.2f}"


def _votes(id: str) -> Iterator[tuple[str, str]]:
    """Yield what each labelling rule says."""
    if VOTES.exists():
        for vote in _rows(VOTES, id):
            yield "vote", f"rule {vote['rule']}: {vote['label']}"


def _decisions(id: str) -> Iterator[tuple[str, str]]:
    if not DECISIONS.exists():
        return
    for decision in decisions.read(DECISIONS):
        if decision.id == id:
            note = f": {decision.note}" if decision.note else ""
            verdict = f"{decision.verdict} {decision.new_label}".strip()
            yield "decision", f"{verdict}, by {decision.reviewer} on {decision.decided_on}{note}"


def _issue(id: str) -> Iterator[tuple[str, str]]:
    if not ISSUES.exists():
        yield "issue", f"{ISSUES}: {NOT_YET}"
    elif (row := _row(ISSUES, id)) is None:
        yield "issue", "none: without a label, or settled by people"
    else:
        suspicion = "suspected label error" if row["is_issue"] else "no suspicion"
        chance = "" if row["p_error"] is None else f", {row['tier']} to be wrong ({row['p_error']:.2f})"
        suggested = row["suggested_label"] or "no label"
        yield "issue", f"{suspicion}{chance}, suggested {suggested}; {row['reasons']}"
        yield "queue", _rank(id)


def _rank(id: str) -> str:
    if not QUEUE.exists():
        return f"{QUEUE}: {NOT_YET}"
    with QUEUE.open(encoding="utf-8", newline="") as file:
        ids = [line[0] for line in csv.reader(file)][1:]
    return f"rank {ids.index(id) + 1} of {len(ids)}" if id in ids else f"not among the {len(ids)} first"


def _training(id: str) -> Iterator[tuple[str, str]]:
    if not TRAINING.exists():
        yield "training", f"{TRAINING}: {NOT_YET}"
    elif (row := _row(TRAINING, id)) is None:
        yield "training", "no model trains on it"
    else:
        yield "training", f"trains as {row['label']}, weight {row['weight']:.3f}"


def _predictions(id: str) -> Iterator[tuple[str, str]]:
    """Yield what each model says; only dev and test rows are predicted."""
    if not PREDICTIONS.exists():
        yield "predicted", f"{PREDICTIONS}: {NOT_YET}"
    for file in sorted(PREDICTIONS.glob("*.parquet")):
        if (row := _row(file, id)) is not None:
            yield "predicted", f"{file.stem}: {row['predicted']}, p {row['p_' + row['predicted']]:.3f}"


def _row(file: Path, id: str) -> dict | None:
    """Return the row of a table that has one row an id, or None; None too where the table is not yet made."""
    return next(iter(_rows(file, id)), None) if file.exists() else None


def _rows(file: Path, id: str) -> list[dict]:
    table: pa.Table = tables.read(file)
    return table.filter(pc.equal(table["id"], id)).to_pylist()


def _text(text: str) -> str:
    return textwrap.shorten(text, 600, placeholder=" …") or "(empty)"
