"""Agreement on responses: on verdicts, by chrF between what two reviewers wrote, and a consensus among their edits."""

import json

import pyarrow as pa
import pytest

from stages.agreement import __main__ as agreement
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.kinds.generation.labels import Task
from winnow.people import decisions
from winnow.people.decisions import Decision
from winnow.review import journal
from winnow.rows import tables

TASK = Task(kind="generation")
SETTINGS = {"min_rows": 5, "resamples": 200, "confidence": 0.95, "seed": 1}
GIVEN, EDIT, NEAR, FAR = "Paris\nis it.", "It is\nParis.", "It is\nParis", "Nobody knows"
COUNT = 12
ROWS = make_rows([{"label": GIVEN, "text": f"Which? {number}", "group": f"g{number}"} for number in range(COUNT)])
IDS, TEXTS = ROWS["id"].to_pylist(), ROWS["text"].to_pylist()


class Edit:
    """Another prompt, beside a response that stays."""

    def __init__(self, before: str, new: str) -> None:
        self.text = new.format(before)

    def __str__(self) -> str:
        return self.text


@pytest.fixture
def stage(workspace):
    def run(*said: tuple[int, str, str | Edit], rows: pa.Table = ROWS) -> tuple[dict[int, dict], dict]:
        folder = workspace(task={"kind": "generation"}, agreement=SETTINGS, review={"overlap": 0.1})
        tables.write(rows, folder / "rows.parquet")
        tables.write(pa.table({"id": IDS}), folder / "scores.parquet")
        made = []
        for row, who, label in said:
            verdict = label if label in ("ambiguous", "out_of_scope") else "keep" if label == GIVEN else "relabel"
            edit = str(label) if isinstance(label, Edit) else ""
            new = TASK.told_new(label) if verdict == "relabel" and not edit else ""
            told = hashing.text_sha(TEXTS[row]), TASK.told_given(GIVEN), verdict, new
            made.append(journal.cells(Decision(IDS[row], *told, who, "2026-01-31", "", line=0, new_text=edit)))
        (folder / "decisions.csv").write_text(decisions.EMPTY)
        journal.append(folder / "decisions.csv", made)
        agreement.main(
            "--rows rows.parquet --scores scores.parquet --decisions decisions.csv --out consensus.parquet "
            "--metrics metrics.json".split()
        )
        out = tables.read(folder / "consensus.parquet").to_pylist()
        return {IDS.index(row["id"]): row for row in out}, json.loads((folder / "metrics.json").read_text())

    return run


def test_two_who_edit_otherwise_agree_that_the_response_is_wrong(stage):
    said = [(row, who, label) for row in range(COUNT) for who, label in (("ana", EDIT), ("bo", NEAR))]
    out, metrics = stage(*said)
    assert metrics["observed_agreement"] == 1
    assert 0.9 < metrics["chrf"] < 1
    assert metrics["chrf_low"] <= metrics["chrf"] <= metrics["chrf_high"]
    pair = metrics["pairs"]["ana / bo"]
    assert (pair["rows"], pair["same"], pair["chrf"]) == (COUNT, 0, metrics["chrf"])
    assert metrics["conflicts"] == COUNT == len(out)
    assert out[0]["suggested_label"] in (EDIT, NEAR)
    assert "\n" not in out[0]["reason"]


def test_chrf_is_the_same_whoever_is_asked_first(stage):
    measured = []
    for pair in (("ana", "bo"), ("bo", "ana")):
        said = [(row, who, label) for row in range(COUNT) for who, label in zip(pair, (EDIT, FAR), strict=True)]
        measured.append(stage(*said)[1]["chrf"])
    assert measured[0] == pytest.approx(measured[1])
    assert measured[0] < 0.3


def test_verdicts_are_compared(stage):
    said = [(row, "ana", GIVEN if row % 2 else EDIT) for row in range(COUNT)]
    said += [(row, "bo", GIVEN if row % 2 else "ambiguous") for row in range(COUNT)]
    out, metrics = stage(*said)
    assert metrics["observed_agreement"] == pytest.approx(0.5)
    assert metrics["confused"] == {"relabel / ambiguous": COUNT // 2}
    assert metrics["chrf"] == 1  # where both gave a response, they kept it
    assert out[1]["suggested_label"] == GIVEN


def test_the_edit_that_is_most_like_the_others_is_suggested(stage):
    said = [(row, who, label) for row in range(COUNT) for who, label in (("ana", EDIT), ("bo", NEAR), ("cy", FAR))]
    out, _ = stage(*said)
    assert {row["suggested_label"] for row in out.values()} <= {EDIT, NEAR}


def test_a_response_of_a_model_that_is_not_known_is_no_text(stage):
    rows = tables.set_column(ROWS, "label", [None] * COUNT, pa.string())
    said = [(row, who, label) for row in range(COUNT) for who, label in (("ana", EDIT), ("bo", GIVEN))]
    out, metrics = stage(*said, rows=rows)
    assert metrics["chrf"] is None
    assert metrics["confused"] == {"keep / relabel": COUNT}
    assert {row["suggested_label"] for row in out.values()} <= {EDIT, None}


def test_two_who_edit_the_prompt_agree_that_it_is_wrong(stage):
    edits = {"ana": "{} Today?", "bo": "{} Today"}
    said = [(row, who, Edit(TEXTS[row], edits[who])) for row in range(COUNT) for who in edits]
    out, metrics = stage(*said)
    assert metrics["observed_agreement"] == 1
    assert metrics["chrf"] == 1  # both kept the response
    assert metrics["edited_texts"] == COUNT == metrics["conflicts"] == len(out)
    assert 0.8 < metrics["text_chrf_low"] <= metrics["text_chrf"] < 1
    pair = metrics["pairs"]["ana / bo"]
    assert (pair["same"], pair["text_chrf"]) == (0, metrics["text_chrf"])
    assert "ana Paris is it., text Which? 0{+ Today?+}, bo Paris" in out[0]["reason"]


def test_one_who_edits_the_prompt_disagrees_with_one_who_keeps_it(stage):
    said = [(row, "ana", Edit(TEXTS[row], "{} Today?")) for row in range(COUNT)]
    out, metrics = stage(*said, *((row, "bo", GIVEN) for row in range(COUNT)))
    assert metrics["confused"] == {"keep / relabel": COUNT}
    assert 0.5 < metrics["text_chrf"] < 1  # the edited prompt and the one that stayed
    assert all(row["conflict"] for row in out.values())


def test_the_same_edit_of_a_prompt_is_no_conflict(stage):
    said = [(row, who, Edit(TEXTS[row], "{} Today?")) for row in range(COUNT) for who in ("ana", "bo")]
    out, metrics = stage(*said)
    assert metrics["conflicts"] == 0
    assert (metrics["pairs"]["ana / bo"]["same"], metrics["text_chrf"]) == (COUNT, 1)
    assert not any(row["conflict"] for row in out.values())


def test_a_prompt_edited_beside_a_response_that_is_not_known_is_no_text(stage):
    rows = tables.set_column(ROWS, "label", [None] * COUNT, pa.string())
    said = [(row, who, Edit(TEXTS[row], new)) for row in range(COUNT) for who, new in (("ana", "{}!"), ("bo", "a {}"))]
    out, _ = stage(*said, rows=rows)
    assert {row["suggested_label"] for row in out.values()} == {None}


def test_no_edited_prompt_measures_nothing(stage):
    _, metrics = stage(*((row, who, GIVEN) for row in range(COUNT) for who in ("ana", "bo")))
    assert (metrics["edited_texts"], metrics["text_chrf"]) == (0, None)
