"""examples/chemicals at reduced size: lists mark, a person reads a sample, the labels are learnt; its own decisions."""

import json

import pytest

from tests.generality import chemicals
from tests.generality.test_generality import EXAMPLES, cloned, overlay
from tests.pipeline.clone import Clone
from winnow.kinds.token_classification.labels import Task, spans
from winnow.labelling.settings import Params
from winnow.labelling.version import version
from winnow.people import decisions

SMALL = {"encoder": {"max_length": 64}, "balance": {"max_labels": 100}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A clone after all stages, and how many of the sample's labels the person found wrong."""
    clone = cloned("chemicals", tmp_path_factory.mktemp("chemicals"), SMALL, chemicals.wheel)
    for file in (EXAMPLES / "chemicals/rules").iterdir():
        (clone.folder / "rules" / file.name).write_bytes(file.read_bytes())
    clone.run_stages("audit")
    wrong = chemicals.judge(clone.folder / "reports/review/audit.csv", clone.folder / "data/decisions.csv")
    clone.run_stages()
    return clone, wrong


def read(clone: Clone, name: str) -> dict:
    return json.loads((clone.folder / "reports/metrics" / f"{name}.json").read_text(encoding="utf-8"))


def test_lists_mark_what_they_hold_and_no_word_that_is_like_it(made):
    rows = made[0].rows("data/labelled.parquet")
    marked = {row["text"][start:end] for row in rows for start, end, _ in spans(row["given_label"] or "[]")}
    assert marked == set(chemicals.LISTED)


def test_the_audit_counts_what_the_lists_lack_and_people_measure_alone(made):
    clone, wrong = made
    assert 0 < wrong < 20
    [(name, judged)] = read(clone, "apply_decisions")["acceptance"]["rule"].items()
    assert (name, judged["accepted"], judged["audited"] - judged["correct"]) == ("chemical", True, wrong)
    rows = {row["id"]: row for row in clone.rows("data/labelled.parquet")}
    measured = [rows[row["id"]] for row in clone.rows("data/evaluated.parquet")]
    assert {row["label_origin"] for row in measured} == {"human"}
    assert all(row["label"] == chemicals.truth(row["text"]) for row in measured)
    assert sum(row["label_origin"] == "rule" for row in rows.values()) > 100


def test_chemicals_are_learnt_and_a_report_is_made(made):
    measured = read(made[0], "evaluate")["dev"]
    assert measured["tfidf-0"]["entity_f1"] > 0.7
    assert set(measured["transfer-1"]) >= {"entity_f1", "partial_f1"}
    report = (made[0].folder / "reports/report.html").read_text(encoding="utf-8")
    assert overlay("chemicals")["report"]["title"] in report


def test_the_decisions_are_on_labels_of_the_rules_as_they_stand():
    """Whoever changes the rules draws another sample, which nobody has read yet."""
    example = EXAMPLES / "chemicals"
    task = Task(**overlay("chemicals")["task"])
    now = version(Params(**overlay("chemicals")["annotate"]), example / "rules")
    made = decisions.read(example / "decisions.csv")
    assert len({decision.id for decision in made}) == len(made)
    assert sum(decision.drawn_for == now for decision in made) >= overlay("chemicals")["annotate"]["audit_rows"]
    for decision in made:
        for label in filter(None, (decision.given_label, decision.new_label)):
            task.check(label, decision.id)
        assert decision.verdict in ("keep", "relabel")
        assert decision.reviewer == "maintainers"
