"""The audit sample: of each origin and class, stable, and never of rows that were judged before the rules stood."""

import itertools

import pytest

from stages.audit.draw import Draw, used_up
from tests.other_tasks import WORDS
from winnow.base import hashing
from winnow.people.decisions import Decision


def labelled(count: int, label: str = "FRUIT", origin: str = "rule", version: str = "v1") -> list[dict]:
    own = {"label": label, "label_origin": origin, "version": version}
    return [{"id": f"{label}-{origin}-{n}"} | own for n in range(count)]


def drawn(rows: list[dict], count: int, used=frozenset()) -> list[str]:
    return list(Draw.of(rows, used, count, WORDS).ids)


def lowest(ids, version: str = "v1") -> list[str]:
    return sorted(ids, key=lambda id: hashing.digest("audit", version, id))


def test_each_origin_and_label_has_its_sample_and_is_read_in_turn():
    rows = labelled(20) + labelled(20, "STONE") + labelled(3, origin="model")
    ids = drawn(rows, 5)
    names = ("FRUIT-rule", "STONE-rule", "FRUIT-model")
    assert [sum(id.startswith(f"{name}-") for id in ids) for name in names] == [5, 5, 3]
    assert len({id.rpartition("-")[0] for id in ids[:3]}) == 3
    assert drawn(rows, 2) == ids[:6]  # who stops half-way has a smaller sample of each


def test_a_row_is_in_the_sample_of_each_class_of_its_label():
    rows = labelled(20, "a") + labelled(20, "a b") + labelled(1, "c")
    for name in "abc":
        assert set(lowest(row["id"] for row in rows if name in row["label"].split())[:5]) <= set(drawn(rows, 5)), name


def test_another_label_elsewhere_moves_no_row_of_the_sample():
    before = set(drawn(labelled(100), 10))
    assert set(drawn(labelled(100) + labelled(50, "STONE"), 10)) >= before
    gone = labelled(100)[::2]
    assert {row["id"] for row in gone} & before <= set(drawn(gone, 10))


def test_another_version_is_another_draw_and_used_rows_are_left_out():
    first = drawn(labelled(200), 40)
    again = drawn(labelled(200, version="v2"), 40, set(first))
    assert not set(first) & set(again)
    assert len(again) == 40
    # Without any decision the next version's sample is a random one, too: a fifth of the rows are drawn again.
    assert len(set(first) & set(drawn(labelled(200, version="v2"), 40))) < 20


def test_how_many_are_used_up_is_told():
    draw = Draw.of(labelled(9) + labelled(4, "STONE"), {"FRUIT-rule-1", "FRUIT-rule-2"}, 5, WORDS)
    assert draw.counts() == {
        "rule": {
            "FRUIT": {"rows": 9, "drawn": 5, "used_up": 2},
            "STONE": {"rows": 4, "drawn": 4, "used_up": 0},
        }
    }
    told = {id.partition("-")[0]: draw.told(id) for id in draw.ids}
    assert told == {
        "FRUIT": ["random sample; 2 rows with this label were judged before, and cannot audit it"],
        "STONE": [],
    }


def decide(drawn_for: str, decided_on: str, reviewer: str = "ana") -> Decision:
    return Decision("aa", "sha", "FRUIT", "keep", "", reviewer, decided_on, "", 2, None, drawn_for)


@pytest.mark.parametrize(
    ("made", "used"),
    [
        ([("v2", "2026-01-31T09:00:00Z")], False),
        ([("v1", "2026-01-31T09:00:00Z")], True),  # the rules were mended since
        ([("", "2026-01-31T09:00:00Z")], True),  # another queue, or written by hand
        ([("v2", "2026-01-31T09:00:00Z"), ("", "2026-01-31T10:00:00Z")], False),  # looked at again, in another queue
        ([("v2", "2026-01-31T09:00:00Z"), ("v2", "2026-01-31T10:00:00Z", "bo")], False),
        ([("", "2026-01-31T08:00:00Z"), ("v2", "2026-01-31T09:00:00Z")], True),
        ([("v1", "2026-01-31T08:00:00Z"), ("v2", "2026-01-31T09:00:00Z")], True),
        ([("v2", "2026-01-31T09:00:00Z"), ("v1", "2026-01-31T10:00:00Z")], True),  # an old sheet was imported late
        ([("v2", "2026-01-31"), ("", "2026-01-31T10:00:00Z", "bo")], True),  # which of them was the first?
        ([("v2", "2026-01-31"), ("", "2026-02-01", "bo")], False),
    ],
)
def test_a_row_audits_if_it_was_judged_first_in_the_draw_of_today_s_rules(made, used):
    decisions = [decide(*one) for one in made]
    for order in itertools.permutations(decisions):  # as merges leave it
        assert used_up(order, {"aa": "v2"}) == ({"aa"} if used else set())
    assert used_up(decisions, {"bb": "v2"}) == set()
