"""Texts that people gave rows: which they are, and whether one of them is a copy of another row's text."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from winnow.base import hashing
from winnow.kinds.task import Task
from winnow.people import settling
from winnow.people.decisions import Decision
from winnow.rows import tables
from winnow.rows.ledger import Details, Ledger


def settled(by_row: Mapping[str, Mapping[str, Decision]], task: Task) -> dict[str, str]:
    """Return the texts that people settled on, by row."""
    found = {id: settling.settled(made) for id, made in by_row.items()}
    return {id: task.meant_text(said.text) for id, said in found.items() if said is not None and said.text}


def told(made: Mapping[str, Decision], new: str, ledger: Ledger) -> None:
    """Record that a row has another text; `made` are its decisions."""
    first = next(iter(made.values()))
    details = Details(first.text_sha, hashing.text_sha(new))
    ledger.add(first.id, "change", "edit_text", f"text changed, decided by {', '.join(made)}", details)


def copies(rows: Path, kept: pa.Table, edits: Mapping[str, str], task: Task, ledger: Ledger) -> list[tuple[str, str]]:
    """Return the rows whose new text would put one text into two splits, and what to say of it; note other copies.

    Texts are compared by `Task.text_form`; copies that differ in more are not looked for.

    Args:
        rows: the table with the texts before decisions.
        kept: id and split of the rows that stay.
    """
    if not edits:
        return []
    split = dict(zip(kept["id"].to_pylist(), kept["split"].to_pylist(), strict=True))
    wanted: dict[str, list[str]] = {}
    for id in sorted(edits.keys() & split.keys()):
        wanted.setdefault(task.text_form(edits[id]), []).append(id)
    found = [(id, other) for ids in wanted.values() for id in ids for other in ids if id != other]
    for id, text in _others(rows, kept["id"], edits):
        found += [(own, id) for own in wanted.get(task.text_form(text), ())]
    problems = []
    for id, other in sorted(found):
        same = f"its new text says the same as the text of {other}"
        if split[id] == split[other]:
            ledger.add(id, "note", "copy", same, Details(other_id=other))
        else:
            said = (
                f"new_text of {id}, a row of {split[id]}, says the same as the text of {other}, a row of "
                f"{split[other]}: models would be judged by what they learnt; word it otherwise, or decide that one of "
                f"the two is out_of_scope"
            )
            problems.append((id, said))
    return problems


def _others(rows: Path, ids: pa.ChunkedArray, edits: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Yield id and text of the rows whose text stays."""
    wanted = pa.array([id for id in ids.to_pylist() if id not in edits], pa.string())
    for batch in tables.batches(rows, ["id", "text"]):
        some = batch.filter(pc.is_in(batch["id"], wanted))
        yield from zip(some["id"].to_pylist(), some["text"].to_pylist(), strict=True)
