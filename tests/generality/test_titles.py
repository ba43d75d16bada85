"""examples/titles at reduced size: every stage runs, by the example's parameters, on abstracts and their titles."""

import json

import pytest
from ruamel.yaml import YAML

from tests import tiny_generator
from tests.generality import titles
from tests.generality.test_generality import SHORTER, overlay
from tests.pipeline import tiny_model
from tests.pipeline.clone import Clone
from tests.pipeline.corpus import vocabulary

SMALL = {
    "approaches": {"transfer": {"adapter": {"rank": 4, "alpha": 8.0}, "max_length": 256, "max_new_tokens": 16}},
    "balance": {"max_labels": 20},
    "finetune": {"epochs": 1, "frozen_layers": 1},
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone after all stages, with a tiny language model in place of the example's."""
    folder = tmp_path_factory.mktemp("titles")
    for part in ("model", "wheels", "clone"):
        (folder / part).mkdir()
    sections = overlay("titles")
    [source] = sections["collect"]["sources"]
    sections["collect"] = {"sources": [source | titles.wheel(source, folder / "wheels")]}
    for section, values in (SHORTER | SMALL).items():
        sections[section] = sections.get(section, {}) | values
    whole = {"task": sections.pop("task"), "generator": {"kind": "folder", "folder": "tiny", "licence": "MIT"}}
    sections["fetch_model"] = tiny_model.build(vocabulary(), folder / "model", folder / "wheels")
    sections["arms"] = overlay("titles")["arms"]
    sections.pop("generator")
    tiny_generator.write(folder / "clone/models/local/tiny")
    made = Clone(folder / "clone", folder / "wheels", lambda place: None, sections)
    file, yaml = made.folder / "params.yaml", YAML(typ="safe")
    document = yaml.load(file.read_text(encoding="utf-8")) | whole
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)
    made.run_stages()
    return made


def test_titles_are_responses_to_abstracts(clone):
    rows = clone.rows("data/raw/pubmed-2021-titles.parquet")
    assert {row["source_key"]: (row["text"], row["label"]) for row in rows} == {
        str(number): pair for number, pair in enumerate(titles.papers(), 1)
    }


def test_titles_of_other_papers_are_asked_about_first(clone):
    wrong = {title for number, (_, title) in enumerate(titles.papers()) if number % 20 == 7}
    queue = sorted(clone.rows("data/queue.parquet"), key=lambda row: row["rank"])
    assert wrong & {row["given_label"] for row in queue[:6]}


def test_titles_are_written_and_judged(clone):
    compared = json.loads((clone.folder / "reports/metrics/compare.json").read_text(encoding="utf-8"))["dev"]
    assert set(compared["approaches"]) == {"transfer", "tfidf"}
    report = (clone.folder / "reports/report.html").read_text(encoding="utf-8")
    assert overlay("titles")["report"]["title"] in report
