"""What a reviewer is shown, and what others do to it meanwhile."""

from dataclasses import replace

import pytest

from tests import review_project
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.kinds.token_classification import labels as spans
from winnow.people import decisions, settling
from winnow.review import journal
from winnow.review.assign import Part
from winnow.review.session import DecidedElsewhere, Invalid, Session, Verdict

VERDICT = {"verdict": "keep", "new_label": "", "note": "", "seconds": 1.0}


@pytest.fixture
def project(tmp_path):
    return review_project.make(tmp_path)


def text_sha(row: int) -> str:
    return hashing.text_sha(f"the text of row {row}")


def decide(session: Session, row: int, since: int = 0, **cells) -> int:
    return session.decide(row, since, Verdict(**VERDICT | {"text_sha": text_sha(row)} | cells))


def write(project, number: int, reviewer: str, verdict: str = "relabel", label: str = "PLANT", **cells) -> None:
    """Write a decision as somebody else does."""
    line = {"id": f"row-{number:03}", "text_sha": text_sha(number), "given_label": "" if number % 2 else "FRUIT"}
    line |= {"verdict": verdict, "new_label": label, "reviewer": reviewer, "decided_on": "2026-01-31"}
    journal.append(project.decisions, [line | cells])


def ids(session: Session) -> list[str]:
    return [entry["id"] for entry in session.entries(0, 100)]


def test_rows_come_in_the_order_of_their_rank(tmp_path):
    rows = review_project.entries(30)[::-1]
    session = Session(review_project.make(tmp_path, rows))
    assert ids(session) == [row["id"] for row in rows]
    assert [entry["id"] for entry in session.entries(28, 20)] == ["row-001", "row-000"]
    assert session.row_of("row-000") == 29
    assert session.row_of("nobody") is None


def test_a_decision_is_a_line_at_once(project):
    session = Session(project)
    receipt = decide(session, 1, verdict="relabel", new_label="STONE", note=" a\nnote ", seconds=3.14159)
    [decision] = decisions.read(project.decisions)
    assert (decision.id, decision.given_label, decision.new_label) == ("row-001", "", "STONE")
    assert (decision.reviewer, decision.note, decision.seconds) == ("ana", "a note", 3.1)
    assert session.changes(0) == [(1, {"verdict": "relabel", "new_label": "STONE", "note": "a note"})]
    assert session.written == [(receipt, 1)]


def test_a_date_that_would_overrule_all_later_ones_is_named(project):
    write(project, 1, "ana", decided_on="9999-12-31T23:59:59Z")
    with pytest.raises(UserError, match=r"line 2: decided_on '9999-12-31T23:59:59Z' is not a date"):
        Session(project)


def test_a_decision_says_when_it_was_made_and_what_its_row_was_drawn_for(tmp_path):
    rows = [entry | {"drawn_for": "v1"} for entry in review_project.entries(1)] + review_project.entries(3)[1:]
    project = review_project.make(tmp_path, rows)
    session, began = Session(project), decisions.now()
    decide(session, 0)
    decide(session, 0, since=1, verdict="ambiguous")  # within the same second
    decide(session, 2)
    made = decisions.read(project.decisions)
    assert [decision.drawn_for for decision in made] == ["v1", "v1", ""]
    assert began <= made[0].decided_on < made[1].decided_on
    assert settling.latest(made)["row-000"]["ana"].verdict == "ambiguous"


def test_what_is_decided_is_left_out_unless_the_text_or_label_was_another(project):
    write(project, 0, "ana")
    write(project, 2, "bo")
    write(project, 3, "ana", text_sha="older")
    write(project, 4, "bo", given_label="STONE")
    session = Session(project)
    assert ids(session) == ["row-001", "row-003", "row-004", "row-005"]
    assert session.left_out == 2


def test_who_review_at_one_time_share_the_queue_and_what_is_disputed_is_for_all(project):
    one, two = (replace(project, part=Part(number, 2)) for number in (1, 2))
    own, others = ids(Session(one)), ids(Session(two))
    assert own
    assert others
    assert sorted(own + others) == ids(Session(project))
    write(project, int(own[0][-1]), "ana")
    assert Session(one).left_out == 1
    assert Session(two).left_out == 0
    write(project, int(own[0][-1]), "bo", label="STONE")
    assert own[0] in ids(Session(two))


def test_overlap_and_conflicts_bring_rows_to_a_second_reviewer(project):
    write(project, 0, "bo")
    assert "row-000" in ids(Session(replace(project, overlap=1.0)))
    write(project, 0, "cy", "keep", "")
    write(project, 1, "ana")
    write(project, 1, "bo", label="STONE")
    session = Session(project)
    assert ids(session)[:2] == ["row-000", "row-001"]
    assert session.changes(0) == []
    decide(session, 1, verdict="relabel", new_label="STONE")
    assert session.changes(0)[0][1]["new_label"] == "STONE"


def test_a_second_decision_counts_and_undo_brings_the_first_back(project):
    session = Session(project)
    first = decide(session, 0)
    second = decide(session, 0, since=1, verdict="ambiguous")
    assert session.undo(second) == 0
    assert session.changes(2) == [(0, {"verdict": "keep", "new_label": "", "note": ""})]
    session.undo(first)
    assert session.changes(3) == [(0, None)]
    assert decisions.read(project.decisions) == []
    with pytest.raises(UserError, match="undone already"):
        session.undo(first)


def test_a_clock_that_is_behind_does_not_let_an_older_decision_overrule_a_new_one(project):
    write(project, 0, "ana", decided_on="2099-12-30")
    write(project, 0, "bo", label="STONE", decided_on="2099-12-30")
    session = Session(project)
    decide(session, 0, verdict="relabel", new_label="STONE")
    assert decisions.read(project.decisions)[-1].decided_on == "2099-12-30T00:00:01Z"
    assert ids(Session(project)) == ["row-001", "row-002", "row-003", "row-004", "row-005"]


def test_two_tabs_do_not_decide_over_each_other(project):
    session = Session(project)
    decide(session, 0)
    with pytest.raises(DecidedElsewhere):
        decide(session, 0, verdict="ambiguous")
    decide(session, 0, since=1, verdict="ambiguous")
    assert [decision.verdict for decision in decisions.read(project.decisions)] == ["keep", "ambiguous"]


def test_two_servers_see_each_other(project):
    ana, bo = Session(project), Session(replace(project, reviewer="bo"))
    decide(ana, 0)
    assert bo.changes(0) == [(0, {"by": "ana"})]
    with pytest.raises(DecidedElsewhere):
        decide(bo, 0)
    decide(bo, 2)
    decide(ana, 4, since=len(ana.changes(0)))
    assert [(row, change.get("by")) for row, change in ana.changes(0)] == [(0, None), (2, "bo"), (4, None)]
    assert [decision.reviewer for decision in decisions.read(project.decisions)] == ["ana", "bo", "ana"]


def test_lines_taken_out_by_hand_open_the_row_again(project):
    session = Session(project)
    receipt = decide(session, 0)
    project.decisions.write_text(",".join(decisions.COLUMNS) + "\n")
    assert session.changes(1) == [(0, None)]
    with pytest.raises(journal.TooLate, match="not there any more"):
        session.undo(receipt)


@pytest.mark.parametrize(
    ("row", "cells", "message"),
    [
        (0, {"verdict": "relabel", "new_label": "BERRY"}, "new_label: label 'BERRY' is not one of"),
        (0, {"verdict": "perhaps"}, "verdict 'perhaps' is not one of"),
        (0, {"verdict": "relabel", "new_label": "FRUIT"}, "use keep"),
        (1, {}, "'keep' on a row without a label"),
        (0, {"text_sha": "another"}, "the text of row-000 changed"),
        (6, {}, "row 6 is not in the queue, which has 6"),
        (-1, {}, "row -1 is not in the queue"),
    ],
)
def test_what_is_no_decision_is_refused_and_not_written(project, row, cells, message):
    before = project.decisions.read_bytes()
    with pytest.raises(Invalid) as error:
        decide(Session(project), row, **cells)
    assert message in str(error.value)
    assert "line 0" not in str(error.value)
    assert project.decisions.read_bytes() == before


def test_a_broken_decisions_file_is_told_and_nothing_is_written(project):
    session = Session(project)
    project.decisions.write_text("<<<<<<< HEAD\n")
    with pytest.raises(UserError, match="conflict marker"):
        decide(session, 0)
    with pytest.raises(UserError, match="conflict marker"):
        Session(project)
    project.decisions.unlink()
    decide(session, 0)
    assert len(decisions.read(project.decisions)) == 1


def test_a_queue_of_other_texts_than_the_table_s_is_refused(tmp_path, project):
    rows = review_project.entries(6)
    rows[3] |= {"text": "another text"}
    queue = project.queue.read_bytes()
    review_project.write_queue(tmp_path, rows)
    project.queue.write_bytes(queue)
    with pytest.raises(UserError, match=r"queue\.parquet: 1 of its rows \(row-003 first\) have another text or label"):
        Session(project)
    write(project, 3, "ana")
    assert Session(project).rows == 5


def test_a_row_without_any_labelled_table_yet_can_be_decided(project):
    project.labelled.unlink()
    decide(Session(project), 1, verdict="relabel", new_label="STONE")
    assert len(decisions.read(project.decisions)) == 1


def test_spans_that_cannot_be_of_their_text_are_refused(tmp_path):
    rows = [entry | {"given_label": "[]", "suggested_label": "[]"} for entry in review_project.entries(2)]
    task = spans.Task(kind="token_classification", labels=["A"])
    session = Session(replace(review_project.make(tmp_path, rows), task=task))
    with pytest.raises(Invalid, match="ends beyond the text, which has 17 characters"):
        decide(session, 1, verdict="relabel", new_label='[[0,99,"A"]]')
    decide(session, 1, verdict="relabel", new_label='[[0,3,"A"]]')
    assert [row for _, row in session.written] == [1]
