"""apply_decisions of edited prompts: every table after it has the new text, and no text gets into two splits."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest

from stages.annotate import __main__ as annotate
from stages.apply_decisions import __main__ as apply_decisions
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.kinds.generation.labels import Task
from winnow.people import decisions
from winnow.people.decisions import Decision
from winnow.review import journal
from winnow.rows import edited, tables
from winnow.validation import schemas

TASK = Task(kind="generation")
ROWS = [
    {"text": f"Which number is {number}?", "label": f"It is {number}.", "group": f"g{number}"} for number in range(6)
]
ROWS.append({"text": "Raw text.", "purpose": "text", "label": None, "group": "g6"})
TABLE = make_rows(ROWS)
IDS, TEXTS = TABLE["id"].to_pylist(), TABLE["text"].to_pylist()
TEXTS_OF = [row["text"] for row in ROWS]
PLACE = dict(zip(TEXTS, IDS, strict=True))
SPLITS = ["train", "train", "train", "dev", "test", "train", "train"]
SETTINGS = {"min_rows_per_label": 0, "acceptance": {"min_rows": 2, "method": "precision", "min_precision": 0.9}}


def edit(number: int, new_text: str, new_label: str = "", **cells) -> Decision:
    text, label = ROWS[number]["text"], ROWS[number]["label"]
    told = PLACE[text], hashing.text_sha(text), TASK.told_given(label), "relabel", TASK.told_new(new_label)
    made = Decision(*told, "ana", "2026-01-31", "", line=0, new_text=TASK.told_text(new_text))
    return replace(made, **cells)


@pytest.fixture
def stage(workspace, tmp_path):
    """Return a function that runs the stage on decisions, and returns the labelled rows by their number."""

    def run(*made: Decision) -> dict[int, dict]:
        folder = workspace(task={"kind": "generation"}, apply_decisions=SETTINGS)
        table = tables.set_column(TABLE, "cluster", IDS, pa.string())
        tables.write(table, folder / "rows.parquet")
        number = {PLACE[row["text"]]: place for place, row in enumerate(ROWS)}
        splits = [SPLITS[number[id]] for id in IDS]
        tables.write(tables.set_column(table.select(["id"]), "split", splits, pa.string()), folder / "split.parquet")
        tables.write(pa.Table.from_pylist([], schema=annotate.OUT), folder / "annotations.parquet")
        tables.write(pa.table({"id": pa.array([], pa.string())}), folder / "audit.parquet")
        (folder / "decisions.csv").write_text(decisions.EMPTY)
        journal.append(folder / "decisions.csv", [journal.cells(decision) for decision in made])
        apply_decisions.main(
            "--rows rows.parquet --split split.parquet --annotations annotations.parquet --audit audit.parquet "
            "--decisions decisions.csv --out labelled.parquet --edited edited.parquet --evaluated evaluated.parquet "
            "--undecided undecided.parquet --ledger ledger.parquet --metrics metrics.json".split()
        )
        return {number[row["id"]]: row for row in tables.read(folder / "labelled.parquet").to_pylist()}

    return run


def ledger(folder) -> list[tuple]:
    rows = tables.read(folder / "ledger.parquet").to_pylist()
    return [(row["action"], row["rule"], row["before_sha"], row["after_sha"], row["other_id"]) for row in rows]


def test_a_new_prompt_stands_in_every_table_and_the_response_stays(stage, tmp_path):
    new = "<|system|>\nBe brief.\n<|user|>\nWhich one?"
    out = stage(edit(0, new))
    assert (out[0]["text"], out[0]["given_text"], out[0]["label"]) == (new, TEXTS_OF[0], "It is 0.")
    assert (out[0]["label_origin"], out[0]["verdict"]) == ("human", "relabel")
    assert [out[row]["given_text"] for row in range(1, 6)] == [None] * 5
    rows = {row["id"]: row["text"] for row in tables.read(tmp_path / "edited.parquet").to_pylist()}
    assert rows == dict(zip(IDS, TEXTS, strict=True)) | {PLACE[TEXTS_OF[0]]: new}
    assert tables.schema(tmp_path / "edited.parquet") == tables.schema(tmp_path / "rows.parquet")
    shas = hashing.text_sha(TEXTS_OF[0]), hashing.text_sha(new)
    assert ledger(tmp_path) == [("change", "edit_text", *shas, None)]
    assert json.loads((tmp_path / "metrics.json").read_text())["edited_texts"] == 1
    schemas.check_table(tmp_path / "labelled.parquet", schemas.labelled(TASK), "mend")


def test_models_are_measured_by_new_prompts_of_dev(stage, tmp_path):
    out = stage(edit(3, "Which?", "Three."))
    assert (out[3]["text"], out[3]["label"]) == ("Which?", "Three.")
    rows = {row["id"]: row for row in tables.read(tmp_path / "evaluated.parquet").to_pylist()}
    assert (rows[PLACE[TEXTS_OF[3]]]["text"], rows[PLACE[TEXTS_OF[3]]]["label"]) == ("Which?", "Three.")
    assert [rule for _, rule, *_ in ledger(tmp_path)] == ["edit_text", "relabel"]


def test_without_edits_the_rows_are_copied_byte_by_byte(stage, tmp_path):
    out = stage(edit(1, "", "Another."))
    assert (tmp_path / "edited.parquet").read_bytes() == (tmp_path / "rows.parquet").read_bytes()
    assert out[1]["label"] == "Another."
    assert {row["given_text"] for row in out.values()} == {None}


def test_reviewers_who_disagree_on_a_prompt_leave_it(stage, tmp_path):
    out = stage(edit(0, "One?"), edit(0, "Two?", reviewer="bo"))
    assert (out[0]["text"], out[0]["conflict"], out[0]["verdict"]) == (TEXTS_OF[0], True, None)
    assert (tmp_path / "edited.parquet").read_bytes() == (tmp_path / "rows.parquet").read_bytes()


@pytest.mark.parametrize(("number", "other", "splits"), [(3, 0, ("dev", "train")), (0, 4, ("train", "test"))])
def test_a_prompt_of_another_split_stops_the_run(stage, tmp_path, number, other, splits):
    copy = ROWS[other]["text"].upper()
    said = f"line 2: new_text of {PLACE[TEXTS_OF[number]]}, a row of {splits[0]}, says the same as the text of "
    with pytest.raises(
        UserError, match=f"{said}{PLACE[TEXTS_OF[other]]}, a row of {splits[1]}: models would be judged"
    ):
        stage(edit(number, copy))
    assert not (tmp_path / "labelled.parquet").exists()
    out_of_scope = edit(other, "", verdict="out_of_scope")
    assert number in stage(edit(number, copy), out_of_scope)


def test_two_new_prompts_of_two_splits_may_not_be_one(stage):
    with pytest.raises(UserError, match=r"decisions\.csv: 2 problems: line 2: new_text of"):
        stage(edit(0, "The same?"), edit(3, "the same"))


def test_a_copy_in_the_same_split_is_noted(stage, tmp_path):
    assert len(stage(edit(0, TEXTS_OF[1]))) == 6
    assert ("note", "copy", None, None, PLACE[TEXTS_OF[1]]) in ledger(tmp_path)


def test_a_prompt_that_changed_since_is_told(stage):
    with pytest.raises(UserError, match=r"line 2: the text of .* changed .*; read it again and decide anew"):
        stage(edit(0, "New?", text_sha="0" * 16))


def test_an_edit_that_keeps_a_response_of_a_model_is_stale_with_it():
    made = edit(0, "New?", given_label=TASK.told_given("old"))
    row = {"label_origin": "model", "given_label": "It is 0."}
    assert apply_decisions.on_today(made, row, TASK) == made
    both = replace(made, new_label="It is 0.")
    assert apply_decisions.on_today(both, row, TASK) == edit(0, "New?")


def test_tables_are_read_as_people_saw_them(stage, tmp_path):
    stage(edit(0, "New?"), edit(1, "", "Another."))
    rows = edited.before(tmp_path / "labelled.parquet", ["id", "text"], [PLACE[TEXTS_OF[row]] for row in (0, 1)])
    assert {row["text"] for row in rows} == {TEXTS_OF[0], TEXTS_OF[1]}
    tables.write(tables.read(tmp_path / "labelled.parquet").drop_columns("given_text"), tmp_path / "old.parquet")
    assert edited.before(tmp_path / "old.parquet", ["id", "text"], [PLACE[TEXTS_OF[0]]])[0]["text"] == "New?"


@pytest.mark.parametrize(("given_text", "verdict"), [("Old?", "keep"), ("New?", "relabel")])
def test_a_table_whose_given_text_is_none_is_refused(stage, tmp_path, given_text, verdict):
    stage(edit(0, "New?"))
    path = tmp_path / "labelled.parquet"
    schemas.check_table(path, schemas.labelled(TASK), "mend")
    table = tables.read(path)
    place = table["id"].to_pylist().index(PLACE[TEXTS_OF[0]])
    for name, value in (("given_text", given_text), ("verdict", verdict)):
        values = [value if row == place else old for row, old in enumerate(table[name].to_pylist())]
        table = tables.set_column(table, name, values, pa.string())
    tables.write(table, path)
    with pytest.raises(UserError, match="a row has a given_text although nobody edited its text: 1 row"):
        schemas.check_table(path, schemas.labelled(TASK), "mend")
