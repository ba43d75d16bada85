"""Agreement on spans: alpha and kappa of words, entity F1 between reviewers, and a consensus word by word."""

import json

import numpy as np
import pyarrow as pa
import pytest

from stages.agreement import __main__ as agreement
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.people import decisions
from winnow.rows import tables

TASK = {"kind": "token_classification", "labels": ["drug", "illness"]}
SETTINGS = {"min_rows": 5, "resamples": 200, "confidence": 0.95, "seed": 1}
TEXT = "aspirin for lung cancer and gout"  # six words
DRUG, CANCER, LUNG, GOUT = (0, 7, "drug"), (17, 23, "illness"), (12, 23, "illness"), (28, 32, "illness")
RIGHT = canonical([DRUG, LUNG, GOUT])
COUNT = 12
ROWS = make_rows([{"label": RIGHT, "text": f"{TEXT} {number}", "group": f"g{number}"} for number in range(COUNT)])
IDS, TEXTS = ROWS["id"].to_pylist(), ROWS["text"].to_pylist()


@pytest.fixture
def stage(workspace):
    def run(*said: tuple[int, str, str]) -> tuple[dict[int, dict], dict]:
        folder = workspace(task=TASK, agreement=SETTINGS, review={"overlap": 0.1})
        tables.write(ROWS, folder / "rows.parquet")
        tables.write(pa.table({"id": IDS}), folder / "scores.parquet")
        lines = []
        for row, who, label in said:
            verdict = label if label in ("ambiguous", "out_of_scope") else "keep" if label == RIGHT else "relabel"
            new = label if verdict == "relabel" else ""
            quoted = ['"' + cell.replace('"', '""') + '"' for cell in (RIGHT, new)]
            sha = hashing.text_sha(TEXTS[row])
            lines.append(f"{IDS[row]},{sha},{quoted[0]},{verdict},{quoted[1]},{who},2026-01-31,")
        (folder / "decisions.csv").write_text("\n".join([",".join(decisions.COLUMNS), *lines, ""]), encoding="utf-8")
        agreement.main(
            "--rows rows.parquet --scores scores.parquet --decisions decisions.csv --out consensus.parquet "
            "--metrics metrics.json".split()
        )
        out = tables.read(folder / "consensus.parquet").to_pylist()
        return {IDS.index(row["id"]): row for row in out}, json.loads((folder / "metrics.json").read_text())

    return run


def test_who_marks_half_of_an_entity_agrees_on_most_words_and_not_on_the_entity(stage):
    half = canonical([DRUG, CANCER, GOUT])
    out, metrics = stage(*((row, who, label) for row in range(COUNT) for who, label in (("ana", RIGHT), ("bo", half))))
    assert metrics["parts"] == 7 * COUNT  # words, the number at the end among them
    assert metrics["observed_agreement"] == pytest.approx(6 / 7)
    assert metrics["entity_f1"] == pytest.approx(2 / 3)
    assert 0.5 < metrics["alpha"] < metrics["observed_agreement"]
    pair = metrics["pairs"]["ana / bo"]
    assert (pair["rows"], pair["same"], pair["entity_f1"]) == (COUNT, 0, pytest.approx(2 / 3))
    assert metrics["confused"] == {"no entity / illness": COUNT}
    assert metrics["conflicts"] == COUNT == len(out)
    assert (
        "ana drug: aspirin; illness: lung cancer; illness: gout, bo drug: aspirin; illness: cancer" in out[0]["reason"]
    )
    assert Task(**TASK).is_label(out[0]["suggested_label"])


def test_two_of_three_outvote_the_third_word_by_word(stage):
    labels = {"ana": [DRUG, LUNG], "bo": [LUNG, GOUT], "cy": [DRUG, CANCER, GOUT]}
    out, metrics = stage(*((row, who, canonical(own)) for row in range(COUNT) for who, own in labels.items()))
    assert {row["suggested_label"] for row in out.values()} == {RIGHT}  # which nobody gave
    assert {row["majority"] for row in out.values()} == {None}
    assert all(0.5 < row["dawid_skene_confidence"] <= 1 for row in out.values())
    assert metrics["pairs"]["ana / bo"]["entity_f1"] == pytest.approx(1 / 2)
    assert set(metrics["reviewers"]) == set(labels)


def test_verdicts_without_a_label_say_nothing_of_words(stage):
    who = "ana", "bo", "cy"
    votes = [(row, name, "ambiguous") for row in range(6) for name in who[:2]]
    votes += [(row, "cy", RIGHT) for row in range(6)]
    votes += [(row, name, RIGHT) for row in range(6, COUNT) for name in who]
    out, metrics = stage(*votes)
    assert {out[row]["suggested_label"] for row in range(6)} == {None}
    assert {out[row]["dawid_skene"] for row in range(6)} == {"ambiguous"}
    assert {out[row]["suggested_label"] for row in range(6, COUNT)} == {RIGHT}
    assert metrics["entity_f1"] == metrics["alpha"] == 1.0


def test_no_label_at_all_and_too_few_rows_measure_nothing(stage):
    out, metrics = stage(*((row, who, "out_of_scope") for row in range(COUNT) for who in ("ana", "bo")))
    assert {row["dawid_skene"] for row in out.values()} == {"out_of_scope"}
    assert metrics["parts"] == 0
    assert metrics["alpha"] is metrics["entity_f1"] is None
    out, metrics = stage(*((row, who, RIGHT) for row in range(4) for who in ("ana", "bo")))
    assert metrics["entity_f1"] is metrics["pairs"]["ana / bo"]["entity_f1"] is None
    out, metrics = stage()
    assert (out, metrics["reason"], metrics["parts"]) == ({}, "no decision yet", 0)
    assert np.isnan([value for value in metrics.values() if isinstance(value, float)]).sum() == 0
