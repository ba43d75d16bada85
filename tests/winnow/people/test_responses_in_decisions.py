"""Decisions of responses: each is one line of decisions.csv, and any text comes back, wherever the line has been."""

import csv
import io
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.rounds.replay import Rows, settle
from tests import nasty, review_project
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.commands.merge import checks, tables
from winnow.commands.merge.trees import Version
from winnow.kinds.generation import telling
from winnow.kinds.generation.labels import Task
from winnow.people import decisions, queue, settling
from winnow.people.decisions import Decision
from winnow.review import importing, journal, session
from winnow.review.session import Invalid, Session

TASK = Task(kind="generation")
PROMPT = "<|system|>\nBe brief.\n<|user|>\nWhich?"
GIVEN = "Two lines:\n\n- one"
HASH = telling.fingerprint(GIVEN)
FORMS = st.sampled_from(['"', "\\", "\\n", '"a\\nb"', HASH, "'=1", "=1+1", "1e5", "\r\n", "\u2028", "<<<<<<< a", "007"])
RESPONSES = st.lists(st.one_of(FORMS, nasty.PIECES), min_size=1, max_size=8).map("".join).filter(str.strip)


def relabel(new: str, **cells) -> Decision:
    own = {"id": "aa", "text_sha": "sha", "given_label": HASH, "reviewer": "ana", "decided_on": "2026-01-31"}
    own |= {"note": "", "line": 2} | cells
    return Decision(**own, verdict="relabel", new_label=TASK.told_new(new))


@given(RESPONSES)
def test_any_response_is_told_in_one_line_and_read_back(response):
    cell = TASK.told_new(response)
    assert TASK.meant(cell) == response
    assert len(cell.splitlines()) == 1
    assert cell.strip() == cell
    assert decisions.meant(decisions.guard(cell)) == cell


@given(RESPONSES, RESPONSES)
def test_what_people_saw_is_told_by_its_hash(response, other):
    cell = TASK.told_given(response)
    assert len(cell) == len("sha256:") + 16
    assert TASK.meant(cell, response) == response
    assert TASK.meant(cell, other) == (response if other == response else None)


@pytest.mark.parametrize(
    ("response", "cell"),
    [
        ("The capital is Paris.", "The capital is Paris."),
        (r'\frac{1}{2} is "half"', r'\frac{1}{2} is "half"'),
        ('"Emma"', '"Emma"'),
        ("One\nTwo", r'"One\nTwo"'),
        (" a", r'"\u0020a"'),
        ("a ", r'"a\u0020"'),
        (r'"a\nb"', r'"\"a\\nb\""'),
        ("a\u2028b", r'"a\u2028b"'),
        (HASH, rf'"\u0073{HASH[1:]}"'),
    ],
)
def test_a_response_of_one_line_stays_as_it_is(response, cell):
    assert TASK.told_new(response) == cell
    assert TASK.meant(cell) == response


@settings(max_examples=60)
@given(RESPONSES, st.sampled_from(["\n", "\r\n"]))
def test_any_response_survives_the_file(tmp_path_factory, response, end):
    path = tmp_path_factory.mktemp("decisions") / "decisions.csv"
    made = relabel(response)
    assert journal.unreadable(made) == ""
    journal.append(path, [journal.cells(made), journal.cells(replace(made, id="bb"))])
    content = path.read_bytes()
    assert content.count(b"\n") == 3
    assert b"\r" not in content
    path.write_bytes(content.replace(b"\n", end.encode()))
    first, second = decisions.read(path)
    assert (first, second.id) == (made, "bb")
    assert TASK.meant(first.new_label) == response


@settings(max_examples=15, deadline=None)
@given(RESPONSES, RESPONSES)
def test_two_branches_merge_by_union_and_by_winnow(tmp_path_factory, one, other):
    folder = tmp_path_factory.mktemp("merge")
    files = {name: folder / f"{name}.csv" for name in ("base", "ours", "theirs")}
    for file in files.values():
        file.write_text(decisions.EMPTY)
    mine, theirs = relabel(one), relabel(other, id="bb", reviewer="bo")
    journal.append(files["ours"], [journal.cells(mine)])
    journal.append(files["theirs"], [journal.cells(theirs)])
    version = Version(*(files[name].read_text() for name in ("base", "ours", "theirs")))
    order = [files[name] for name in ("ours", "base", "theirs")]
    subprocess.run(["git", "merge-file", "--union", *order], check=True)
    for text in (files["ours"].read_text(), tables.decided("decisions.csv", version)):
        files["base"].write_text(text)
        found = decisions.read(files["base"])
        assert {(line.id, TASK.meant(line.new_label)) for line in found} == {("aa", one), ("bb", other)}
        assert checks.of_decisions(files["base"], version) == ([], [])


def project(folder: Path, given: str | None = GIVEN) -> session.Project:
    rows = [{"id": "row-000", "text": PROMPT, "given_label": given, "split": "train"}]
    return replace(review_project.make(folder, rows), task=TASK)


def sheet(made: session.Project, **cells: str) -> Path:
    """Return the queue's file as a person saved it, filled in."""
    file = made.queue.with_name("queue.csv")
    rows = (queue.csv_row(entry, TASK) for entry in queue.read(made.queue))
    decisions.write_queue(file, rows, decisions.EDITED_QUEUE_COLUMNS)
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(row | cells for row in rows)
    file.write_bytes(out.getvalue().encode())
    return file


@settings(max_examples=40)
@given(RESPONSES)
@example("One\nTwo")
@example('"One\\nTwo"')
def test_any_response_comes_back_from_a_spreadsheet(tmp_path_factory, response):
    made = project(tmp_path_factory.mktemp("sheet"))
    cell = decisions.guard(TASK.told_new(response))
    file = sheet(made, verdict="relabel", new_label=cell, reviewer="ana", decided_on="2026-01-31")
    for added in (1, 0):
        assert importing.run(file, review_project.target(made)).added == added
    [line] = decisions.read(made.decisions)
    assert (line.given_label, TASK.meant(line.new_label)) == (HASH, response)


def test_a_person_types_lines_into_a_cell(tmp_path):
    made = project(tmp_path)
    file = sheet(made, verdict="relabel", new_label='Use "\\n":\nprint()', reviewer="ana", decided_on="2026-01-31")
    importing.run(file, review_project.target(made))
    assert TASK.meant(decisions.read(made.decisions)[0].new_label) == 'Use "\\n":\nprint()'
    assert made.decisions.read_text().count("\n") == 2


def test_the_sheet_shows_the_whole_dialogue(tmp_path):
    made = project(tmp_path)
    [row] = csv.DictReader(io.StringIO(sheet(made).read_bytes().decode(), newline=""))
    assert row["given_label"] == HASH
    assert row["text"] == f"{PROMPT}\n<|assistant|>\n{GIVEN}"


@pytest.mark.parametrize(
    ("cell", "said"), [(HASH, "is the hash of a response"), ("x" * 32_767, "to which a spreadsheet cuts")]
)
def test_a_cell_that_is_no_response_is_refused(tmp_path, cell, said):
    made = project(tmp_path)
    file = sheet(made, verdict="relabel", new_label=cell, reviewer="ana", decided_on="2026-01-31")
    with pytest.raises(UserError, match=said):
        importing.run(file, review_project.target(made))
    assert decisions.read(made.decisions) == []


def verdict(kind: str, new: str = "") -> session.Verdict:
    shown = hashing.text_sha(PROMPT)
    return session.Verdict(shown, kind, new, "", 3.0)


def test_the_page_edits_a_response(tmp_path):
    made = project(tmp_path)
    review = Session(made)
    review.decide(0, 0, verdict("relabel", "One\nTwo"))
    assert review.changes(0) == [(0, {"verdict": "relabel", "new_label": "One\nTwo", "note": ""})]
    [line] = decisions.read(made.decisions)
    assert (line.given_label, line.new_label) == (HASH, r'"One\nTwo"')
    assert Session(made).rows == 0


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (GIVEN, "is the label that the row has; use keep"),
        ("x" * 140_000, "new_label has 140,000 characters, and a cell of decisions.csv holds 131,072"),
        ("\n", "the response is empty"),
    ],
)
def test_the_page_is_told_what_cannot_be_saved(tmp_path, new, said):
    with pytest.raises(Invalid, match=said):
        Session(project(tmp_path)).decide(0, 0, verdict("relabel", new))


def stale_of(decision: Decision, text_sha: str = "sha", given: str = GIVEN) -> str:
    with pytest.raises(UserError) as error:
        settling.check([decision], {"aa": decisions.version(text_sha, given, TASK)}, TASK, Path("decisions.csv"))
    return str(error.value)


def test_a_response_that_changed_stops_the_run():
    said = stale_of(relabel("One"), given="Another\nresponse")
    assert said == (
        f"decisions.csv: 1 problem: line 2: the label of aa changed (given_label was '{HASH}', is "
        f"'{telling.fingerprint(chr(10).join(['Another', 'response']))}'); look again and decide anew"
    )
    assert "the text of aa changed" in stale_of(relabel("One"), text_sha="other")


def test_a_cell_written_by_hand_must_be_one_line():
    said = stale_of(replace(relabel("One"), new_label="One\nTwo"))
    assert "must be written '\"One\\nTwo\"'" in said
    assert "tells a label that people saw" in stale_of(replace(relabel("One"), new_label=telling.fingerprint("a")))


def test_a_long_response_is_told_short():
    assert len(stale_of(replace(relabel("One"), verdict="keep", new_label="x" * 5000))) < 600


def test_rounds_settle_on_responses():
    given = [GIVEN, GIVEN, "gone"]
    rows = Rows(*(list("abc") for _ in range(4)), given, [True] * 3)
    rows = replace(rows, ids=np.array(list("abc"), dtype=object))
    made = [
        replace(relabel("One\nTwo"), id="a"),
        replace(relabel("x"), id="b", verdict="keep", new_label=""),
        replace(relabel("x"), id="c", verdict="keep", new_label=""),
    ]
    found = settle(rows, made, TASK)
    assert found.verdicts.tolist() == ["relabel", "keep", ""]
    assert found.labels.tolist() == ["One\nTwo", GIVEN, None]
