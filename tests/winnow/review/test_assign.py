"""Who is shown which row: each row once, a stable share of them twice, disputed rows to everyone."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.review.assign import Params, Part, read_part, wanted

IDS = hashing.row_ids("test", map(str, range(2000)))


def shared(overlap: float) -> set[str]:
    """The rows that bo is shown after ana has judged all of them."""
    return {id for id in IDS if wanted(id, "bo", {id: {"ana"}}, overlap)}


def test_a_row_that_nobody_judged_is_for_everyone():
    assert all(wanted(id, "ana", {}, 0) and wanted(id, "ana", {id: set()}, 0) for id in IDS)


def test_the_share_of_rows_for_two_is_the_overlap_and_a_larger_one_holds_the_smaller():
    assert shared(0) == set()
    assert shared(1) == set(IDS)
    assert len(shared(0.1)) == pytest.approx(200, abs=45)
    assert shared(0.1) < shared(0.3)


@given(st.sampled_from(IDS), st.sets(st.sampled_from(["ana", "bo", "cy"])), st.floats(0, 1))
def test_nobody_judges_a_row_twice_and_no_more_than_two_judge_one(id, judged, overlap):
    for reviewer in ("ana", "bo", "cy"):
        shown = wanted(id, reviewer, {id: judged}, overlap)
        assert not (shown and (reviewer in judged or len(judged) > 1))
        assert wanted(id, reviewer, {id: judged}, overlap, conflicts={id})


def test_two_reviewers_who_share_a_queue_judge_it_once_and_the_overlap_twice():
    decided: dict[str, set[str]] = {}
    for number, id in enumerate(IDS):
        first, second = ("ana", "bo") if number % 2 else ("bo", "ana")
        for reviewer in (first, second):
            if wanted(id, reviewer, decided, 0.2):
                decided.setdefault(id, set()).add(reviewer)
    assert len(decided) == len(IDS)
    assert {id for id, by in decided.items() if len(by) == 2} == shared(0.2)


@pytest.mark.parametrize("overlap", [-0.1, 1.1])
def test_an_overlap_is_a_share(overlap):
    with pytest.raises(UserError, match=r"review\.overlap"):
        params.parse({"overlap": overlap}, Params, "params.yaml: review")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_parts_share_the_rows_once_and_the_overlap_twice(count):
    held = [[id for id in IDS if Part(number + 1, count).holds(id, 0.2)] for number in range(count)]
    times = Counter(id for part in held for id in part)
    assert set(times) == set(IDS)
    assert {id for id, number in times.items() if number == 2} == (shared(0.2) if count > 1 else set())
    assert min(map(len, held)) == pytest.approx(max(map(len, held)), rel=0.2)


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "1/99999"])
def test_a_part_is_one_of_several(text):
    with pytest.raises(UserError, match="must be a part and how many there are"):
        read_part(text)
