"""Decisions that edit prompts: one more cell of the line; old files are read, and stale ones told."""

import csv
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings

from stages.rounds.replay import Rows, settle
from tests import review_project
from tests.winnow.people.test_responses_in_decisions import GIVEN, HASH, PROMPT, RESPONSES, TASK, project, sheet
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.commands.merge import checks, tables
from winnow.commands.merge.trees import Version
from winnow.kinds.classification.labels import Task as Classes
from winnow.kinds.generation.labels import SEEN
from winnow.people import decisions, settling
from winnow.people.decisions import Decision
from winnow.review import importing, journal, session
from winnow.review.session import Invalid, Session
from winnow.rows import tables as rows_of_tables
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

CLASSES = Classes(kind="classification", labels=["A", "B"])
SHA = hashing.text_sha(PROMPT)
NEW = "<|system|>\nBe brief.\n<|user|>\nWhich one?"
OLD_HEADER = ",".join([*decisions.COLUMNS, "seconds"])


def edit(new_text: str = NEW, new_label: str = "", **cells) -> Decision:
    own = {"id": "row-000", "text_sha": SHA, "given_label": HASH, "reviewer": "ana", "decided_on": "2026-01-31"}
    own |= {"note": "", "line": 2, "verdict": "relabel"} | cells
    return Decision(**own, new_label=TASK.told_new(new_label), new_text=TASK.told_text(new_text))


def check(*made: Decision, task=TASK, given: str = GIVEN, text: str = PROMPT) -> None:
    versions = {"row-000": decisions.version(hashing.text_sha(text), given, task)}
    settling.check(made, versions, task, Path("decisions.csv"))


@settings(max_examples=60)
@given(RESPONSES, RESPONSES)
def test_any_prompt_survives_the_file(tmp_path_factory, prompt, response):
    path = tmp_path_factory.mktemp("decisions") / "decisions.csv"
    made = edit(prompt, response)
    assert journal.unreadable(made) == ""
    journal.append(path, [journal.cells(made), journal.cells(edit("", "b", id="bb"))])
    assert path.read_bytes().count(b"\n") == 3
    first, second = decisions.read(path)
    assert (first, second.id, second.new_text) == (made, "bb", "")
    assert (TASK.meant_text(first.new_text), TASK.meant(first.new_label)) == (prompt, response)


@pytest.mark.parametrize("header", ["", ",".join(decisions.COLUMNS), OLD_HEADER, decisions.EMPTY.strip()])
def test_an_old_file_gets_the_column_with_the_first_edit(tmp_path, header):
    path = tmp_path / "decisions.csv"
    old = ",".join(["aa", "sha", HASH, "keep", "", "ana", "2026-01-30", ""])
    path.write_text(f"{header}\n{old}\n" if header else "")
    journal.append(path, [journal.cells(edit("", "One"))])
    assert "new_text" not in path.read_text()
    journal.append(path, [journal.cells(edit())])
    journal.append(path, [journal.cells(edit("", "Two"))])
    lines = path.read_text().splitlines()
    assert lines[0] == ",".join(decisions.EDITED_COLUMNS)
    found = decisions.read(path)
    assert [made.new_text for made in found] == [*([""] if header else []), "", TASK.told_text(NEW), ""]
    assert found[0].verdict == ("keep" if header else "relabel")


def test_a_queue_that_was_saved_as_the_file_takes_edits(tmp_path):
    path = tmp_path / "decisions.csv"
    decisions.write_queue(path, [{"id": "aa", "text": "a"}], decisions.EDITED_QUEUE_COLUMNS)
    journal.append(path, [journal.cells(edit()), journal.cells(edit("", "b"))])
    assert [made.new_text for made in decisions.read(path)] == [TASK.told_text(NEW), ""]


def test_two_branches_merge_by_union_and_by_winnow(tmp_path):
    files = {name: tmp_path / f"{name}.csv" for name in ("base", "ours", "theirs")}
    for file in files.values():
        file.write_text(OLD_HEADER + "\n")
    journal.append(files["ours"], [journal.cells(edit())])
    journal.append(files["theirs"], [journal.cells(edit("", "One", id="bb", reviewer="bo"))])
    version = Version(*(files[name].read_text() for name in ("base", "ours", "theirs")))
    subprocess.run(["git", "merge-file", "--union", *(files[name] for name in ("ours", "base", "theirs"))], check=True)
    for text in (files["ours"].read_text(), tables.decided("decisions.csv", version)):
        files["base"].write_text(text)
        found = {(made.id, made.new_text, made.new_label) for made in decisions.read(files["base"])}
        assert found == {("row-000", TASK.told_text(NEW), ""), ("bb", "", "One")}
        assert checks.of_decisions(files["base"], version) == ([], [])


def test_an_edit_is_sound_and_a_stale_one_is_told():
    check(edit())
    check(edit(NEW, "Another"))
    with pytest.raises(UserError, match=f"the text of row-000 changed \\(text_sha was '{SHA}', is "):
        check(edit(), text=NEW)
    with pytest.raises(UserError, match="the label of row-000 changed"):
        check(edit(), given="Another")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (edit(verdict="keep"), "with verdict 'keep'; only relabel takes one"),
        (edit(""), "verdict 'relabel' needs a new_label or a new_text"),
        (edit(NEW, GIVEN), "is the label that the row has; leave it empty, so that the label stays"),
        (edit(PROMPT), "is the text that the row has; leave it empty"),
        (edit("\u200b"), "new_text: the prompt is empty; say out of scope where there is none"),
        (edit(" \n"), "new_text: the prompt is empty; say out of scope where there is none"),
        (
            edit("<|system|>\nBe brief."),
            "new_text: the prompt has no turn of the user, a line <|user|> and what is asked below it",
        ),
        *(
            (
                edit(f"<|tools|>\n{tools}\n<|user|>\nHow warm is it?"),
                "new_text: what stands below the prompt's line <|tools|> is no JSON list of objects",
            )
            for tools in ("weather", "{}", '["weather"]', "[" * 100_000)
        ),
        (edit("Be brief.\n<|user|>\nWhich?"), "new_text: the prompt has the line <|user|> and begins with none such"),
        (
            edit("<|user|>\na\n<|tools|>\n[]"),
            "new_text: the prompt is no dialogue: a dialogue's header <|tools|> stands",
        ),
        (edit("<|user|>\nWhich?"), "must be written 'Which?'"),
        (replace(edit(), new_text=NEW), "must be written '\"<|system|>\\n"),
    ],
)
def test_what_is_no_edit_is_told_in_one_line(made, said):
    with pytest.raises(UserError) as error:
        check(made)
    assert str(error.value).startswith("decisions.csv: 1 problem: line 2: ")
    assert said in str(error.value)


def test_a_row_without_a_response_and_a_kind_without_prompts():
    made = replace(edit(), given_label="")
    with pytest.raises(UserError, match="new_text on a row without a label needs a new_label"):
        check(made, given="")
    check(replace(made, new_label="One"), given="")
    of_class = replace(edit("other"), given_label="A")
    with pytest.raises(UserError, match=r"the texts of task\.kind classification are not edited; take it out"):
        check(of_class, given="A", task=CLASSES)


def test_reviewers_agree_where_both_edits_are_the_same():
    same = {"ana": edit(), "bo": edit(reviewer="bo")}
    assert settling.settled(same) == settling.Outcome(HASH, "", TASK.told_text(NEW))
    assert settling.settled(same | {"cy": edit("Other", reviewer="cy")}) is None
    assert settling.settled(same | {"cy": edit("", reviewer="cy", verdict="keep")}) is None


@settings(max_examples=40)
@given(RESPONSES.filter(SEEN.search))
@example("One\nTwo")
def test_any_prompt_comes_back_from_a_spreadsheet(tmp_path_factory, text):
    made = project(tmp_path_factory.mktemp("sheet"))
    new = dialogue.written(Dialogue([Message("user", text)]))
    cells = {"verdict": "relabel", "new_text": decisions.guard(TASK.told_text(new))}
    file = sheet(made, **cells, reviewer="ana", decided_on="2026-01-31")
    for added in (1, 0):
        assert importing.run(file, review_project.target(made)).added == added
    [line] = decisions.read(made.decisions)
    assert (line.verdict, line.new_label, TASK.meant_text(line.new_text)) == ("relabel", "", new)


def test_the_sheet_has_a_column_and_turns_are_typed_into_it(tmp_path):
    made = project(tmp_path)
    file = sheet(made, verdict="relabel", new_text=NEW.replace("\n", "\r\n"), new_label=GIVEN, reviewer="ana")
    with file.open(newline="") as lines:
        assert next(csv.reader(lines)) == list(decisions.EDITED_QUEUE_COLUMNS)
    importing.run(file, review_project.target(made), now="2026-01-31")
    [line] = decisions.read(made.decisions)
    assert (line.new_label, TASK.meant_text(line.new_text)) == ("", NEW)
    assert made.decisions.read_text().count("\n") == 2


def test_a_prompt_that_was_copied_and_stays_is_kept(tmp_path):
    made = project(tmp_path)
    file = sheet(made, verdict="relabel", new_text=PROMPT, new_label=GIVEN, reviewer="ana", decided_on="2026-01-31")
    importing.run(file, review_project.target(made))
    [line] = decisions.read(made.decisions)
    assert (line.verdict, line.new_label, line.new_text) == ("keep", "", "")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("x" * 32_767, "line 2: new_text: the cell has 32,767 characters, to which a spreadsheet cuts"),
        (HASH, "line 2: new_text: 'sha256:"),
        ("a\n<|user|>\nb", "line 2: new_text: the prompt has the line <|user|> and begins with none such"),
    ],
)
def test_a_cell_that_is_no_prompt_is_refused(tmp_path, cell, said):
    made = project(tmp_path)
    file = sheet(made, verdict="relabel", new_text=cell, reviewer="ana", decided_on="2026-01-31")
    with pytest.raises(UserError, match=said.replace("|", "\\|")):
        importing.run(file, review_project.target(made))
    assert decisions.read(made.decisions) == []


def verdict(new_text: str, new: str = "") -> session.Verdict:
    return session.Verdict(SHA, "relabel", new, "", 3.0, new_text)


def test_the_page_s_edit_is_written_as_the_table_will_hold_it(tmp_path):
    made = project(tmp_path)
    review = Session(made)
    review.decide(0, 0, verdict("<|user|>\nWhich one?", GIVEN))
    shown = {"verdict": "relabel", "new_label": "", "note": "", "new_text": "Which one?"}
    assert review.changes(0) == [(0, shown)]
    assert decisions.read(made.decisions)[0].new_text == "Which one?"
    assert Session(made).rows == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * 140_000, "new_text has 140,000 characters, and a cell of decisions.csv holds 131,072"),
        ("<|calls|>\na", "new_text: the prompt is no dialogue"),
    ],
)
def test_the_page_is_told_what_cannot_be_saved(tmp_path, text, said):
    made = project(tmp_path)
    with pytest.raises(Invalid, match=said):
        Session(made).decide(0, 0, verdict(text))
    assert decisions.read(made.decisions) == []


def test_rounds_settle_on_edits_of_prompts():
    rows = Rows(
        *(np.array(list("abc"), dtype=object) for _ in range(4)), np.array([GIVEN] * 3, dtype=object), [True] * 3
    )
    made = [edit(id="a"), edit(NEW, "One", id="b"), edit("", id="c", verdict="keep")]
    found = settle(rows, made, TASK)
    assert found.verdicts.tolist() == ["relabel", "relabel", "keep"]
    assert (found.labels.tolist(), found.texts.tolist()) == ([GIVEN, "One", GIVEN], [NEW, NEW, ""])
    assert found.errors.tolist() == [True, True, False]


def test_a_second_reviewer_reads_the_prompt_as_it_was(tmp_path):
    made = project(tmp_path)
    Session(made).decide(0, 0, verdict(NEW))
    labelled = rows_of_tables.read(made.labelled)
    for name, values in (("given_text", [PROMPT]), ("text", [NEW])):  # as the next run leaves it
        labelled = rows_of_tables.set_column(labelled, name, values, labelled["id"].type)
    rows_of_tables.write(labelled, made.labelled)
    second = Session(replace(made, reviewer="bo", overlap=1.0))
    assert [entry["text"] for entry in second.entries(0, 9)] == [PROMPT]
    second.decide(0, 0, verdict(NEW))
    assert {line.reviewer: line.new_text for line in decisions.read(made.decisions)} == dict.fromkeys(
        ("ana", "bo"), TASK.told_text(NEW)
    )


def test_another_prompt_at_the_same_moment_is_no_decision_that_is_there_already(tmp_path):
    made = project(tmp_path)
    told = {"verdict": "relabel", "reviewer": "ana"}
    importing.run(sheet(made, **told, new_text="One?", decided_on="2026-01-30"), review_project.target(made))
    with pytest.raises(UserError, match="ana decides on row-000 in two ways on 2026-01-30"):
        importing.run(sheet(made, **told, new_text="Two?", decided_on="2026-01-30"), review_project.target(made))
    later = importing.run(sheet(made, **told, new_text="Two?", decided_on="2026-01-31"), review_project.target(made))
    assert (later.added, later.present) == (1, 0)
