"""Two datasets that the code was not written for, by params alone: all of dvc.yaml runs on each.

A folder of raw e-mails in two classes, and a CSV of short messages in fourteen unequal classes without groups. The
parameters stand in examples/, as docs/examples.md tells them; only what makes a run short is added.
"""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.generality import emails, intents
from tests.pipeline import tiny_model
from tests.pipeline.clone import ROOT, Clone
from winnow.base import hashing

EXAMPLES = ROOT / "examples"
STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
SETS = {"emails": emails.write, "intents": intents.write}
SHORT = {
    "compute": {"threads": 1, "device": "cpu", "precision": "fp32"},
    "adapt": {"tokens": 3000, "max_length": 64},
    "arms": {"seeds": [1]},
    "finetune": {"epochs": 1, "frozen_layers": 0},
    "learning_curve": {"budgets": [40], "seeds": [1]},
    "compare": {"resamples": 100},
}
SHORTER = SHORT | {
    "adapt": {"tokens": 2000, "warmup_tokens": 600},
    "score": {"folds": 3},
    "rounds": {"planted": [0.2], "plant_seeds": 1, "resamples": 100},
    "represent": {"resamples": 100},
}


def overlay(name: str) -> dict[str, dict]:
    return YAML(typ="safe").load((EXAMPLES / name / "params.yaml").read_text(encoding="utf-8"))


def cloned(name: str, folder: Path, own: dict[str, dict], pinned: Callable[[dict, Path], dict]) -> Clone:
    """Return a clone with an example's parameters, before any stage.

    Args:
        own: sections of params.yaml that make its run short, beside `SHORTER`.
        pinned: writes the wheel of the example's source into a folder, and returns what says which it is.
    """
    for part in ("model", "wheels", "clone"):
        (folder / part).mkdir()
    sections = overlay(name)
    [source] = sections["collect"]["sources"]
    sections["collect"] = {"sources": [source | pinned(source, folder / "wheels")]}
    for section, values in (SHORTER | own).items():
        sections[section] = sections.get(section, {}) | values
    sections["fetch_model"] = tiny_model.build(vocabulary(), folder / "model", folder / "wheels")
    return Clone(folder / "clone", folder / "wheels", lambda sources: None, sections)


def vocabulary() -> list[str]:
    """Word pieces that spell any ASCII word."""
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    return [*letters, *(f"##{letter}" for letter in letters)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a function that runs the pipeline on one of the sets and returns its clone."""
    folder = tmp_path_factory.mktemp("generality")
    (folder / "model").mkdir()
    (folder / "wheels").mkdir()
    model = tiny_model.build(vocabulary(), folder / "model", folder / "wheels")

    def run(name: str) -> Clone:
        sections = {"fetch_model": model} | SHORT
        for section, values in overlay(name).items():
            sections[section] = sections.get(section, {}) | values
        # The example's own would warm up for longer than the short run adapts.
        sections["adapt"] |= {"warmup_tokens": 1000}
        clone = Clone(folder / name, folder / "wheels", SETS[name], sections)
        assert set(clone.run_stages()) == set(STAGES)
        return clone

    return run


@pytest.fixture(scope="module")
def emails_clone(run):
    return run("emails")


@pytest.fixture(scope="module")
def intents_clone(run):
    return run("intents")


@pytest.fixture
def clone(name, request):
    """The clone of the set that the test is parametrized with."""
    return request.getfixturevalue(f"{name}_clone")


def queue(clone: Clone) -> list[str]:
    """The ids of the review queue, the row to be read first first."""
    with (clone.folder / "reports/review/queue.csv").open(encoding="utf-8", newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", SETS)
def test_all_stages_run_and_the_pages_are_made(clone, name):
    report = (clone.folder / "reports/report.html").read_text(encoding="utf-8")
    assert overlay(name)["report"]["title"] in report
    assert all(label in report for label in overlay(name)["task"]["labels"])
    assert not re.search("pubmed|abstract", report, re.IGNORECASE)


@pytest.mark.parametrize(("name", "least"), [("emails", 0.8), ("intents", 0.6)])
def test_the_classes_can_be_learnt(clone, least):
    metrics = json.loads((clone.folder / "reports/metrics/evaluate.json").read_text(encoding="utf-8"))
    assert metrics["dev"]["tfidf-0"]["macro_f1"] > least


def test_an_e_mail_becomes_its_words_and_its_folder_the_label(emails_clone):
    clone = emails_clone
    rows = {row["source_key"]: row for row in clone.rows("data/labelled.parquet")}
    row = rows["emails/question/005.eml"]
    assert row["label"] == "question"
    assert "Could you tell me whether" in row["text"]
    for row in rows.values():
        assert not re.search(
            r"<p>|&nbsp;|&rsquo;|track\(|^(From|Received):|wrote:|^>|Telephone|iVBOR", row["text"], re.M
        )
        assert emails.DISCLAIMER[:40] not in row["text"]
        assert row["published"].year == 2022
    threads = {}
    for row in rows.values():
        threads.setdefault(row["group"], set()).add(row["split"])
    assert {len(splits) for splits in threads.values()} == {1}
    assert (
        rows["emails/question/018.eml" if emails.misfiled(18) else "emails/complaint/018.eml"]["group"]
        == (rows["emails/complaint/010.eml"]["group"])
    )


def test_misfiled_e_mails_lead_the_queue(emails_clone):
    clone = emails_clone
    kept = {row["id"]: row["source_key"] for row in clone.rows("data/labelled.parquet")}
    misfiled = {id_ for id_, key in kept.items() if "copy" not in key and emails.misfiled(int(Path(key).stem))}
    assert len(misfiled) >= 5
    assert len(misfiled & set(queue(clone)[: 2 * len(misfiled)])) >= len(misfiled) / 2


def test_intents_keep_their_classes_and_lose_their_faults(intents_clone):
    clone = intents_clone
    rows = clone.rows("data/labelled.parquet")
    assert {row["label"] for row in rows} - {None} == set(intents.INTENTS)
    assert all(row["group"] == row["id"] for row in rows)
    actions = {
        (entry["id"], entry["action"])
        for stage in ("clean", "deduplicate")
        for entry in clone.rows(f"data/ledger/{stage}.parquet")
    }
    made = intents.rows()
    empty = hashing.row_ids("helpdesk", [str(1 + made.index(("", "renew_loan")))])[0]
    assert (empty, "drop") in actions
    copies = set(hashing.row_ids("helpdesk", ["1", str(len(made) - 3)]))
    assert len({(id_, "drop") for id_ in copies} & actions) == 1
    for split in ("train", "dev", "test"):
        assert {row["label"] for row in rows if row["split"] == split} - {None} == set(intents.INTENTS)


def test_wrong_intents_lead_the_queue(intents_clone):
    clone = intents_clone
    text_of = {row["id"]: row["text"] for row in clone.rows("data/labelled.parquet")}
    wrong = {text for text, label in intents.rows() if intents.wrong(text, label)} & set(text_of.values())
    first = {text_of[id_] for id_ in queue(clone)[: 2 * len(wrong)]}
    assert len(wrong) >= 5
    assert len(wrong & first) >= len(wrong) / 2  # by chance: less than one


def test_no_stage_knows_the_default_dataset():
    """The words of the default's source stand in its reader, and in params.yaml where the rule reads headings."""
    words = re.compile(r"pubmed|medline|\bnlm\b|\bpmid\b|\bmesh\b|biomedical", re.IGNORECASE)
    reader, formats = "stages/collect/medline.py", "stages/collect/sources/formats.py"
    assert words.search((ROOT / reader).read_text(encoding="utf-8"))
    for file in sorted(path for folder in ("stages", "winnow") for path in (ROOT / folder).rglob("*.*")):
        name = file.relative_to(ROOT).as_posix()
        # The name of the format, and torch's mesh of devices; nothing else may.
        allowed = {"medline"} if name == formats else {"mesh"} if name.startswith("winnow/training/") else set()
        if file.suffix in (".py", ".html", ".md", ".json") and name != reader:
            found = {word.lower() for word in words.findall(file.read_text(encoding="utf-8"))}
            assert found <= allowed, f"{name} speaks of {found}"


def test_the_recipes_show_the_tested_parameters():
    text = (ROOT / "docs/examples.md").read_text(encoding="utf-8")
    shown = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert shown == [(EXAMPLES / name / "params.yaml").read_text(encoding="utf-8") for name in (*SETS, "mesh")]
