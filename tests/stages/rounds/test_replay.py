"""Decisions replayed give the labels that apply_decisions gives."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.apply_decisions import __main__ as apply_decisions
from stages.rounds.replay import KEEP, NONE, Rows, settle
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.kinds.classification.labels import Task
from winnow.people import decisions, settling
from winnow.people.decisions import Decision
from winnow.rows import tables
from winnow.rows.ledger import Ledger

LABELS = ["A", "B", "C"]
TASK = Task(kind="classification", labels=LABELS)


def make(given: Sequence[str | None], splits: str = "", trusted: list[bool] | None = None) -> Rows:
    """Rows named r0, r1, …; `splits` has a letter a row: t(rain), d(ev), e (test)."""
    given = [None if label in (None, ".") else label for label in given]
    names = {"t": "train", "d": "dev", "e": "test"}
    count = len(given)
    return Rows(
        ids=np.array([f"r{n}" for n in range(count)], dtype=object),
        groups=np.array([f"g{n}" for n in range(count)], dtype=object),
        splits=np.array([names[letter] for letter in splits or "t" * count], dtype=object),
        texts=np.array([f"text {n}" for n in range(count)], dtype=object),
        given=np.array(given, dtype=object),
        trusted=np.array(trusted if trusted is not None else [label is not None for label in given]),
    )


def decide(row: int, verdict: str, new_label: str = "", given: str = "A", who: str = "ana", **more) -> Decision:
    return Decision(f"r{row}", "sha", given, verdict, new_label, who, "2026-01-31", "", 2, **more)


def test_each_verdict_does_what_it_says():
    rows = make("AAAA.A")
    made = [
        decide(0, "keep"),
        decide(1, "relabel", "B"),
        decide(2, "ambiguous"),
        decide(3, "out_of_scope"),
        decide(4, "relabel", "C", given=""),
    ]
    found = settle(rows, made, TASK)
    assert found.verdicts.tolist() == ["keep", "relabel", "ambiguous", "out_of_scope", "relabel", ""]
    assert found.training(rows).tolist() == ["A", "B", NONE, NONE, "C", "A"]
    assert found.errors.tolist() == [False, True, True, True, True, False]
    assert settle(rows, [], TASK).training(rows).tolist() == rows.before.tolist() == ["A", "A", "A", "A", NONE, "A"]


def test_the_latest_decision_of_a_reviewer_counts_and_reviewers_must_agree():
    rows = make("AA")
    made = [decide(0, "ambiguous"), decide(0, "relabel", "B", who="bo"), decide(0, "relabel", "B")]
    assert settle(rows, made, TASK).labels.tolist() == ["B", NONE]
    assert settle(rows, made[:2], TASK).done.tolist() == [False, False]
    assert settle(rows, made[:1], TASK).verdicts.tolist() == ["ambiguous", ""]


def test_a_kept_automatic_label_stays_what_the_person_saw():
    rows = make("B", trusted=[False])  # a rule says B today
    found = settle(rows, [decide(0, "keep", given="C")], TASK)
    assert (found.verdicts.tolist(), found.training(rows).tolist()) == (["relabel"], ["C"])
    assert settle(rows, [decide(0, "keep", given="B")], TASK).verdicts.tolist() == ["keep"]
    assert rows.before.tolist() == [NONE]


def test_unknown_rows_and_labels_settle_nothing():
    rows = make("A")
    assert not settle(rows, [decide(7, "keep"), decide(0, "relabel", "gone")], TASK).done.any()


def test_a_label_that_is_called_like_a_verdict_is_a_label():
    rows = make("A")
    task = Task(kind="classification", labels=["A", "ambiguous"])
    found = settle(rows, [decide(0, "relabel", "ambiguous")], task)
    assert (found.verdicts.tolist(), found.labels.tolist()) == (["relabel"], ["ambiguous"])


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(decisions.VERDICTS),
            st.sampled_from("BC"),
            st.sampled_from("xy"),
            st.sampled_from(["2026-01-30", "2026-01-31"]),
        ),
        max_size=20,
    )
)
def test_it_is_what_apply_decisions_does(choices):
    table = make_rows([{"label": "A"}] * 6)
    ids = table["id"].to_pylist()
    made = [
        Decision(
            ids[n],
            hashing.text_sha(table["text"][n].as_py()),
            "A",
            verdict,
            new * (verdict == "relabel"),
            who,
            day,
            "",
            2,
        )
        for n, verdict, new, who, day in choices
    ]
    split = tables.set_column(table.select(["id"]), "split", ["train"] * 6, pa.string())
    none = pa.table({name: pa.array([], pa.string()) for name in ("id", "label", "label_origin", "label_confidence")})
    joined = apply_decisions.join(table, split, none)
    out = apply_decisions.apply(joined, settling.latest(made), {}, TASK, Ledger("apply_decisions")).to_pylist()
    expected = {row["id"]: (row["label"], row["verdict"] or "") for row in out}

    order = np.argsort(ids)
    rows = make("A" * 6)
    rows = Rows(np.array(ids, dtype=object)[order], rows.groups, rows.splits, rows.texts, rows.given, rows.trusted)
    found = settle(rows, made, TASK)
    replayed = dict(
        zip(rows.ids.tolist(), zip(found.training(rows), found.verdicts.tolist(), strict=True), strict=True)
    )
    dropped = {id for id, (_, verdict) in replayed.items() if verdict == "out_of_scope"}
    assert {id: of for id, of in replayed.items() if id not in dropped} == expected


@pytest.mark.parametrize("verdict", decisions.VERDICTS)
def test_no_verdict_is_forgotten(verdict):
    found = settle(make("A"), [decide(0, verdict, "B" if verdict == "relabel" else "")], TASK)
    assert found.done.all()
    assert found.errors.all() == (verdict != KEEP)
