"""examples/mesh at reduced size: every stage runs, by the example's parameters, on papers with several headings."""

import json
from functools import partial

import pytest

from tests.generality import mesh
from tests.generality.test_generality import cloned, overlay
from winnow.kinds.multilabel import labels

SMALL = {"balance": {"max_labels": 120}}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone after all stages."""
    names = overlay("mesh")["task"]["labels"]
    clone = cloned("mesh", tmp_path_factory.mktemp("mesh"), SMALL, partial(mesh.wheel, names))
    clone.run_stages()
    return clone


def test_headings_become_sets_and_others_are_left_out(clone):
    names = overlay("mesh")["task"]["labels"]
    wanted = {
        str(number): None if given is None else labels.canonical(set(given) - set(mesh.UNLISTED))
        for number, (_, given) in enumerate(mesh.papers(names), 1)
    }
    rows = clone.rows("data/raw/pubmed-1976-headings.parquet")
    assert {row["source_key"]: row["label"] for row in rows} == wanted
    assert {row["group"] for row in rows} == set(wanted)
    assert rows[0]["text"].startswith("On walks")


def test_headings_are_learnt_and_a_report_is_made(clone):
    evaluated = json.loads((clone.folder / "reports/metrics/evaluate.json").read_text(encoding="utf-8"))["dev"]
    assert evaluated["tfidf-0"]["ranking_precision"] > 0.7  # by chance: a quarter
    split = json.loads((clone.folder / "reports/metrics/split.json").read_text(encoding="utf-8"))
    assert split["dev"]["stratification_error"] < 0.03
    report = (clone.folder / "reports/report.html").read_text(encoding="utf-8")
    assert overlay("mesh")["report"]["title"] in report
    assert "Haplorhini" in report
