"""Rows of a kind of task whose texts are dialogues, and whose labels are responses: each turn is cleaned by itself, and
so is the response.
"""

from collections import Counter
from collections.abc import Sequence
from types import ModuleType
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.clean import labels, short
from winnow import kinds
from winnow.kinds.task import Task
from winnow.rows import tables
from winnow.text.cleaning import personal, pieces
from winnow.text.cleaning.personal import PersonalData
from winnow.text.cleaning.pieces import Column, Split
from winnow.text.cleaning.profiles import Rule

IN_RESPONSE = "in the response"


class Entries(Protocol):
    """The ledger's entries of a batch, as the stage keeps them."""

    personal: Counter

    def change(self, ids: pa.Array, rule: str, reasons: str | list[str], before: list[str], after: list[str]) -> None:
        """Record changed texts."""

    def change_label(self, ids: pa.Array, rule: str, reasons: str | list[str]) -> None:
        """Record changed labels."""

    def drop(self, rows: pa.Table, which: pa.Array, rule: str, reasons: str | list[str]) -> pa.Table:
        """Record rows as dropped, and return the others."""

    def note(self, ids: pa.Array, rule: str, reasons: list[str]) -> None:
        """Record rows that stay as they are."""


def of(task: Task) -> ModuleType | None:
    """Return what a kind says of turns; None: its texts are no dialogues."""
    return kinds.load(task, "turns") if kinds.has(task, "turns") else None


def surveyed(rows: pa.Table, kind: ModuleType) -> pa.Table:
    """Return rows whose texts are the words of the users' turns alone, which a first look at a source reads."""
    texts = [kind.asked(text) for text in rows["text"].to_pylist()]
    return tables.set_column(rows, "text", texts, pa.string())


def clean(rows: pa.Table, active: Sequence[Rule], kind: ModuleType, entries: Entries, plain: pa.Array) -> pa.Table:
    """Return rows whose turns and responses went through rules; a response of which nothing is left is none.

    Args:
        plain: (rows,) bool, which hold no markup.
    """
    ids = rows["id"].combine_chunks()

    def record(rule: Rule, hits: np.ndarray, before: list[str], after: list[str]) -> None:
        entries.change(ids.take(hits), rule.name, rule.reason, before, after)

    texts = Column.of(rows["text"].to_pylist(), kind.prompt)
    rows = tables.set_column(rows, "text", pieces.clean(texts, active, None, record, plain), pa.string())
    places = _labelled(rows)

    def record_label(rule: Rule, hits: np.ndarray, before: list[str], after: list[str]) -> None:
        entries.change_label(ids.take(places[hits]), rule.name, f"{rule.reason}, {IN_RESPONSE}")

    said = Column.of(rows["label"].take(pa.array(places)).to_pylist(), kind.response)
    cleaned = pieces.clean(said, active, None, record_label, plain.take(pa.array(places)))
    return _with_labels(rows, places, cleaned, entries)


def look_for_personal_data(rows: pa.Table, settings: PersonalData, kind: ModuleType, entries: Entries) -> pa.Table:
    """Return rows without, or with masked, personal data in any turn or in the response; what is found is recorded."""
    in_texts = _found(rows["text"], settings, kind.whole_prompt)
    in_labels = _found(rows["label"], settings, kind.whole_response)
    for _, counts in (*in_texts.values(), *in_labels.values()):
        entries.personal.update(counts)
    hits = sorted({*in_texts, *in_labels})
    told = {
        row: "; ".join(
            _told(found[row][1]) + where
            for found, where in ((in_texts, ""), (in_labels, f", {IN_RESPONSE}"))
            if row in found
        )
        for row in hits
    }
    if settings.action == "drop":
        return entries.drop(rows, _mask(rows, hits), "personal_data", list(told.values()))
    ids = rows["id"].combine_chunks()
    if settings.action != "mask":
        entries.note(ids.take(pa.array(hits, pa.int64())), "personal_data", list(told.values()))
        return rows
    places, after = np.array(list(in_texts), int), [text for text, _ in in_texts.values()]
    before = rows["text"].take(pa.array(places)).to_pylist()
    reasons = [_told(counts) for _, counts in in_texts.values()]
    entries.change(ids.take(pa.array(places)), "personal_data", reasons, before, after)
    rows = labels.replaced(rows, "text", places, after)
    places = np.array(list(in_labels), int)
    reasons = [f"{_told(counts)}, {IN_RESPONSE}" for _, counts in in_labels.values()]
    entries.change_label(ids.take(pa.array(places)), "personal_data", reasons)
    return labels.replaced(rows, "label", places, [label for label, _ in in_labels.values()])


def drop_short(rows: pa.Table, least: int, kind: ModuleType, entries: Entries) -> pa.Table:
    """Return rows whose prompt, and response if there is one, each have so many words."""
    for side, where in ((0, ""), (1, f" {IN_RESPONSE}")):
        said = pa.chunked_array([_said(rows, kind)[side]], pa.string())
        places = np.flatnonzero(said.combine_chunks().is_valid())
        words = said.take(pa.array(places))
        empty = places[short.empty(words).to_numpy()]
        rows = entries.drop(rows, _mask(rows, empty), "empty_text", f"no text is left{where}")
        places, words = np.setdiff1d(places, empty), words.filter(pc.invert(short.empty(words)))
        few, counts = short.fewer_words(words, least)
        # The rows before went: a place is lower by the empty ones ahead of it.
        kept = places - np.searchsorted(empty, places)
        reasons = [f"{count} words{where}, the least is {least}" for count in counts]
        rows = entries.drop(rows, _mask(rows, kept[few.to_numpy(zero_copy_only=False)]), "too_few_words", reasons)
    return rows


def whole(rows: pa.Table, kind: ModuleType) -> list[str]:
    """Return the words of each row, of its prompt and its response, for what is told of both together."""
    prompts, responses = _said(rows, kind)
    pairs = zip(prompts.to_pylist(), responses.to_pylist(), strict=True)
    return ["\n\n".join(filter(None, pair)) for pair in pairs]


def _said(rows: pa.Table, kind: ModuleType) -> tuple[pa.Array, pa.Array]:
    pairs = [kind.said(*pair) for pair in zip(rows["text"].to_pylist(), rows["label"].to_pylist(), strict=True)]
    prompts, responses = zip(*pairs, strict=True) if pairs else ((), ())
    return pa.array(prompts, pa.string()), pa.array(responses, pa.string())


def _labelled(rows: pa.Table) -> np.ndarray:
    return np.flatnonzero(rows["label"].combine_chunks().is_valid())


def _with_labels(rows: pa.Table, places: np.ndarray, new: list[str], entries: Entries) -> pa.Table:
    lost = np.array([not label.strip() for label in new], bool)
    rows = labels.replaced(rows, "label", places, [label if label.strip() else None for label in new])
    if lost.any():
        entries.change_label(
            rows["id"].combine_chunks().take(pa.array(places[lost])), "label_lost", "nothing is left of the response"
        )
    for name in ("label_origin", "label_confidence"):
        rows = labels.replaced(rows, name, places[lost], [None] * int(lost.sum()))
    return rows


def _found(column: pa.ChunkedArray, settings: PersonalData, split: Split) -> dict[int, tuple[str, Counter]]:
    """Return, by row, the texts with personal data after it was masked, and what was found."""
    suspects = pc.fill_null(pc.match_substring_regex(column, personal.suspects(settings)), False)
    rows = pc.indices_nonzero(suspects)
    texts = column.take(rows).to_pylist()
    masked = ((row, pieces.masked(text, settings, split)) for row, text in zip(rows.to_pylist(), texts, strict=True))
    return {row: found for row, found in masked if found[1]}


def _told(counts: Counter) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _mask(rows: pa.Table, places: Sequence[int]) -> pa.Array:
    mask = np.zeros(rows.num_rows, bool)
    mask[list(places)] = True
    return pa.array(mask)
