"""The report and its documents: all inputs made here; the page is whole, safe, and the same again."""

import contextlib
import json
import re
import shutil
import sys
import warnings
import xml.etree.ElementTree as ET
from argparse import Namespace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from stages.compare import __main__ as compare
from stages.report import __main__ as report
from stages.report import flow, inputs, plots, verdicts
from stages.report import tables as page_tables
from stages.report.rounds import reviewer_tables
from stages.report.words import number, points
from tests import predicted
from tests.conftest import ROOT
from tests.stages.report.project import ARGV, COMPARE, DEFAULT, EVIL, LABELS, Shape, write_inputs
from winnow.base import files
from winnow.base.errors import UserError
from winnow.kinds.headline import Headline
from winnow.people.decisions import VERDICTS
from winnow.rows import predictions, tables
from winnow.validation import comparison, looks
from winnow.validation.looks import Look


@pytest.fixture
def ready(tmp_path, monkeypatch, default_params):
    """Write every input into an empty folder and run the stage there."""
    monkeypatch.chdir(tmp_path)

    def call(shape: Shape = DEFAULT, run: bool = True, **sections):
        write_inputs(tmp_path, default_params, shape, **sections)
        if run:
            report.main(ARGV)
        return tmp_path

    return call


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    """The documents of one run, to look at."""
    folder = tmp_path_factory.mktemp("report")
    with contextlib.chdir(folder):
        default_params = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        write_inputs(folder, default_params)
        report.main(ARGV)
    return folder / "out"


def outputs(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}


class Page(HTMLParser):
    """Collects what a browser would act on, and checks that tags nest."""

    VOID = frozenset("meta br img input link hr wbr".split())

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.ids, self.links, self.stack, self.text, self.plots = [], [], [], [], "", 0
        self.feed(html)
        assert not self.stack

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.plots += (tag, dict(attributes).get("class")) == ("figure", "plot")
        for name, value in attributes:
            assert not name.startswith("on")
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href"):
                self.links.append(value)
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.stack.pop()

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.stack):
            self.text += data


def test_the_page_is_whole_and_needs_nothing_else(out):
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert not {"img", "iframe", "object"} & set(page.tags)
    assert page.tags.count("script") == 1
    assert [link for link in page.links if not link.startswith("#")] == ["data:,"]
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert page.plots == 12


def test_the_page_tells_data_issues_curves_and_comparison(out):
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    for words in ("Data", "Automatic labels", "Label issues", "Learning curves", "Comparison", "Run it again"):
        assert words in page.text
    assert "On dev dapt is better than tfidf" in page.text
    assert "Of the 2 steps that were to help" in page.text
    for value in (
        "4,050",
        "120 clusters",
        "strip_markup",
        "210",
        "loss of masked_lm went from 6.100 to 3.900",
        "pyarrow==26.0.1",
        "2019-01-02",
    ):
        assert value in page.text
    assert page.text.count("FRUIT 2 %") == 0
    assert page.text.count("told at length") <= 20 * 25


def test_the_page_tells_sources_removals_duplicates_validation_and_drift(out):
    page = (out / "report.html").read_text(encoding="utf-8")
    text = " ".join(Page(page).text.split())
    for words in ("Sources", "Removals", "Duplicates", "Overlap", "Validation and drift"):
        assert words in text
    for value in (
        "0.031 (0.000 to 0.072)", "chance alone", "the training rows that came with a label (1,700 rows)",
        "en 99.0", "0123456789abcdef", "1.22 (0.90 to 1.60)", "STONE, 2.5×", "a key of tomorrow: deep", "0.125",
        "4,050", "0.310 (warn)", "measured against the last release; status: warn",
    ):  # fmt: skip
        assert value in text, value
    cells = page.replace("</td>", " </td>")
    for value in ("text all rows 1,640 31 3.8 % 97 43 17 19 23 1.2 %", "dev text train 1,640 31 0.0 % 97 43 17 19 23"):
        assert value in " ".join(Page(cells).text.split()), value
    sheet = (out / "DATASHEET.md").read_text(encoding="utf-8")
    assert "| text | all rows | 1640 | 31 | 3.8 % | 97 | 43 | 17 | 19 | 23 | 1.2 % |" in sheet
    for value in ("Diversity of the sources", "0.031 (0.000 to 0.072)", "1.22 (0.90 to 1.60)", "status warn"):
        assert value in sheet


def test_the_page_tells_labels_and_what_people_decided(out):
    page = (out / "report.html").read_text(encoding="utf-8")
    text = " ".join(Page(page.replace("</td>", " </td>")).text.split())
    for value in (
        "200 of 300 rows without one", "On 57 more they vote", "120 are accepted",
        "40 of 40 97.5 % 87.1 %", "no: people decided on 0 rows",
        "yes: stands for 66.7 % of the reviewers", "78.3 % 12.3 % 5.7 %",
        "97.1 (95.0 to 98.4) 400", "llm, 1,017 unusable answers", "label model yes 92.5 %",
        "majority no 0.0 % – 0", "add up to 187",
        "100 rows, in which 62 errors are expected: about 26 minutes", "as measured on the 31 decisions",
        "almost certain 90 % 3 0.9", "possible 20 % 9 ", "a kind of tomorrow 4",
        "far from all other rows 37", "planted errors 2,400 360 0.012 0.046 0.079",
        "decisions, by models that did not see them 98 46 0.032",
        "decisions, before any was learnt from 98 46 0.012",
        "stack of the models and of what the group says 0.704 0.770", "loss of model probe 0.350",
        "360 of 2,400 labels; guessing has average precision 0.150", "cleanlab both 131",
        "yes: the rarest, WATER, has 4.3 %", "p = 0.031", "7.6 %; all of them in 12 rows",
        "deep.down 0.625", "near duplicate not enough rows to tell",
        "no: the worst of 64 rows has label quality 0.41", "0.712 (0.510 to 0.880) on 41 rows", "80.5 %",
        "0.709 (0.500 to 0.900)", "ana / cy 3 66.7 % –", "91.2 % 0.876",
        "FRUIT / ambiguous 8 FRUIT / WATER 5", "relabel 2", "3.1 % (0.7 to 7.2)",
        "Round 1 all 2,600 5.0 (2.0 to 9.0) 3.1 (0.7 to 7.2)",
        "Round 1 test 2,600 5.0 (2.0 to 9.0) 4.2 (0.7 to 7.2)",
        "Round 1 100 92 8 61.5 (44.0 to 76.0) 55.6 (30.0 to 80.0) 1.234", "Round 2 100 0 100 – – –",
        "Round 1 31 29 12 14 2 1 1 13 of 20 6 min, 9 s each", "Before the first round 2 29", "FRUIT WATER 28",
        "0.812 (0.790 to 0.830)", "the last round +0.42 (−0.12 to +1.04)", "replacing labels 14 +0.42",
        "an edit of tomorrow 3", "dropping rows 0 – –", "Stop: people would change about 4",
        "4.1 (8.4 %)", "+0.07 (−0.02 to +0.15)", "macro-F1 on dev 0.8 (−0.1 to 2.0)", "87.5 %",
        "261 rows without a label wait", "shows the 94 most worth one", "which asks no model",
        "then 7 of dev and test", "FRUIT 0.810 ",
    ):  # fmt: skip
        assert value in text, value
    assert "&lt;script&gt;alert(" in re.search(r'<div class="verdict">.*?</div>', page, re.DOTALL)[0]


def test_the_queue_is_in_its_order(out):
    page = (out / "report.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr>(.*?)</tr>", re.search(r'<figure class="queue">.*?</figure>', page, re.DOTALL)[0])[1:]
    told = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    ids = tables.read(out.parent / "data/issues.parquet").sort_by("score")["id"].to_pylist()  # low score, high gain
    assert [row[-1] for row in told] == [ids[-1], *ids[:19]]  # the reviewers' conflict is an open question
    assert told[0][:4] == ["none", "none", "–", "–"]
    assert told[1][:4] == ["FRUIT", "STONE", "90.0\u202f%", "almost certain"]


def test_the_documents_tell_how_labels_were_checked(out):
    sheet = " ".join((out / "DATASHEET.md").read_text(encoding="utf-8").split())
    for value in (
        "3.1 % (0.7 to 7.2) of the labels are wrong", "4.2 % (0.7 to 7.2) of those of test",
        "120 were accepted", "no: people decided on 0 rows of its audit sample",
        "Krippendorff's alpha: 0.712 (0.510 to 0.880)", "2 relabel", "| Round 1 | 31 | 29 | 12 | 14 | 2 | 1 |",
    ):  # fmt: skip
        assert value in sheet, value
    card = " ".join((out / "MODEL_CARD.md").read_text(encoding="utf-8").split())
    assert "Of the test labels 4.2 % (0.7 to 7.2) are wrong" in card


def test_before_any_decision_and_round_the_documents_say_so(ready):
    folder = ready(run=False)
    changes = {
        "apply_decisions": {"decisions": 0, "conflicts": 0},
        "agreement": dict.fromkeys(("alpha", "alpha_low", "alpha_high", "observed_agreement"))
        | {"reason": "no decision yet", "pairs": {}, "confused": {}, "reviewers": {}, "overlap": {"reached": None}},
        "annotate": {"rules": {}, "by_rule": {}},
        "rounds": {"rounds": 0, "decisions": 0, "done": {}, "noise": {}},
    }
    for stage, change in changes.items():
        path = folder / f"metrics/{stage}.json"
        files.write_json(path, json.loads(path.read_text()) | change)
    report.main(ARGV)
    text = " ".join(Page((folder / "out/report.html").read_text(encoding="utf-8")).text.split())
    for words in (
        "Nobody has decided anything yet",
        "No round has begun",
        "labels are wrong is not known",
        "No rule proposes labels",
    ):
        assert words in text
    assert "replaced rather than left out" not in text
    sheet = (folder / "out/DATASHEET.md").read_text(encoding="utf-8")
    assert "People have not yet judged a random sample" in sheet
    assert "not known (no decision yet)" in sheet
    assert "How many are wrong is unknown" in (folder / "out/MODEL_CARD.md").read_text(encoding="utf-8")
    labels = json.loads((folder / "out/summary.json").read_text())["labels"]
    assert labels.keys() == {"labelled", "decisions", "suspected", "advice"}


@pytest.mark.parametrize("missing", ["represent", "drift", "rounds", "all"])
def test_what_a_pipeline_does_not_measure_is_left_out(ready, missing):
    folder = ready(run=False)
    gone = (*inputs.CURATION, *inputs.REVIEW) if missing == "all" else (missing,)
    for stage in gone:
        (folder / f"metrics/{stage}.json").unlink(missing_ok=True)
        (folder / f"plots/{stage}.csv").unlink(missing_ok=True)
        shutil.rmtree(folder / f"plots/{stage}", ignore_errors=True)
    if missing == "all":
        (folder / "plots/calibration.csv").unlink()
    report.main(ARGV)
    page = Page((folder / "out/report.html").read_text(encoding="utf-8"))
    assert page.plots == {"represent": 9, "drift": 12, "rounds": 10, "all": 6}[missing]
    text = " ".join(page.text.split())
    told = {
        "represent": "Diversity and distances of the sources were not measured",
        "removals": "What the rules removed by class, source and split was not measured",
        "semantic_duplicates": "Duplicates by meaning were not looked for",
        "validate": "The tables were not validated",
        "agreement": "How far reviewers agree was not measured",
        "rounds": "What rounds of review did, and how many labels are wrong, was not measured",
        "choose_rows": "Rows worth labelling were not chosen",
    }
    for stage, words in told.items():
        assert (words in text) == (stage in gone)
    assert ("Drift was measured" in text) == ("drift" not in gone)
    for words, stage in (
        ("Stop: people would", "rounds"),
        ("single detectors", "calibrate"),
        ("macro-F1 0.786", "score"),
    ):
        assert (words in text) == (stage not in gone)
    summary = json.loads((folder / "out/summary.json").read_text())
    assert {"wrong_share", "advice"}.isdisjoint(summary["labels"]) == ("rounds" in gone)
    assert ("agreement_alpha" in summary["labels"]) == ("agreement" not in gone)


def test_a_manifest_with_keys_of_its_own_is_shown(ready):
    folder = ready(run=False)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["garden"] |= {"pin": {"kind": "s3", "version": "v17", "new": [1]}, "bytes": 12}
    manifest["garden"]["rows"]["skipped"] = 987
    files.write_json(folder / "manifest.json", manifest)
    report.main(ARGV)
    text = Page((folder / "out/report.html").read_text(encoding="utf-8")).text
    assert "s3 v17" in text
    assert "987" in text


def test_personal_data_is_told_where_it_was_looked_for(ready):
    folder = ready()
    assert "Whether texts name or describe people was not measured" in Path("out/DATASHEET.md").read_text()
    path = folder / "metrics/clean.json"
    files.write_json(path, json.loads(path.read_text()) | {"personal_data": {"email": 1234}})
    report.main(ARGV)
    assert "1,234 email" in Path("out/DATASHEET.md").read_text(encoding="utf-8")


def test_same_bytes_again(ready, out):
    assert outputs(ready()) == outputs(out.parent)


def test_a_failure_to_beat_the_baseline_is_seen(ready):
    bad = Page(
        (ready(Shape(arms={"transfer": 0.55, "dapt": 0.56})) / "out/report.html").read_text(encoding="utf-8")
    ).text
    sentence = "dapt does not differ measurably from tfidf"
    assert f"On dev {sentence}" in " ".join(bad.split())
    assert 'class="verdict bad"' in Path("out/report.html").read_text(encoding="utf-8")
    assert f"**On dev, {sentence}" in Path("out/MODEL_CARD.md").read_text(encoding="utf-8")


def ask_test(folder: Path, **changes: str) -> None:
    """Leave a look at test, as `winnow test` does."""
    arms, task = predictions.read_all(folder / "predictions"), predicted.task(LABELS)
    settings = comparison.Params(**COMPARE)
    dataset = looks.fingerprint(folder / "data/rows.parquet")
    results = {
        "best": "dapt", "dataset": dataset, "predictions": looks.fingerprint_of_files(folder / "predictions"),
        "test": comparison.compare(arms, "test", task, settings),
    } | changes  # fmt: skip
    files.write_json(folder / "test/results.json", results)
    looks.record(
        folder / "test", Look("2026-11-29", "ana", results["dataset"], results["predictions"], "", f"release {EVIL}")
    )


def test_the_documents_tell_nothing_of_test_until_it_is_asked(ready, out):
    before = " ".join(Page((out / "report.html").read_text(encoding="utf-8")).text.split())
    assert "Nobody has looked at these test rows yet." in before
    card = (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "On test: not measured for these models" in card
    folder = ready(run=False)
    ask_test(folder)
    report.main(ARGV)
    results = json.loads((folder / "test/results.json").read_text())["test"]
    page = Page((folder / "out/report.html").read_text(encoding="utf-8"))
    text = " ".join(page.text.split())
    assert "On test dapt is better than tfidf" in text
    assert "On test" not in before
    assert f"looked at once, last on 2026-11-29 by ana: release {' '.join(EVIL.split())}" in text
    card = (folder / "out/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "looked at once" in card
    for value in (results["approaches"]["dapt"]["macro_f1"], results["difference"]["dapt-tfidf"]["macro_f1"]):
        told = number(value) if value > 0.5 else points(value)
        assert told in text
        assert told in card
        assert told not in before
    summary = json.loads((folder / "out/summary.json").read_text())
    assert summary == json.loads((out / "summary.json").read_text()) | {"test_looks": 1}


@pytest.mark.parametrize("change", [{"dataset": "another"}, {"predictions": "another"}])
def test_figures_of_test_that_are_not_of_today_are_not_shown(ready, change):
    folder = ready(run=False)
    ask_test(folder, **change)
    report.main(ARGV)
    text = " ".join(Page((folder / "out/report.html").read_text(encoding="utf-8")).text.split())
    assert "measures test, once nothing is left to choose" in text
    assert ("These predictions were not among them." in text) == ("predictions" in change)
    assert "On test: not measured" in (folder / "out/MODEL_CARD.md").read_text(encoding="utf-8")


def test_no_score_of_test_stands_in_the_documents(ready, out):
    """Whatever the labels of test are, and whatever models say there: the same bytes."""
    folder = ready(run=False)
    for path in (folder / "predictions").glob("*.parquet"):
        arm = tables.read(path)
        test = np.array(arm["split"].to_pylist()) == "test"
        said = np.array(arm["predicted"].to_pylist(), dtype=object)
        tables.write(tables.set_column(arm, "label", np.where(test, said, arm["label"].to_pylist()), pa.string()), path)
    settings = comparison.Params(**COMPARE)
    arms = {path.stem: tables.read(path) for path in (folder / "predictions").glob("*.parquet")}
    files.write_json(folder / "metrics/compare.json", compare.compare(arms, predicted.task(LABELS), settings))
    report.main(ARGV)
    assert outputs(folder) == outputs(out.parent)


def test_the_card_tells_how_the_model_was_made(ready, out):
    card = (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "masked-LM DAPT, domain-adaptive pre-training as Gururangan" in card
    assert "Its weights: the adapted ones alone." in card
    assert "(dapt-1, 59 steps; dapt-2, 59 steps)" in card
    recipe = {"epochs": 7, "batch_tokens": 4321}
    approaches = {"transfer": {"layer_decay": 0.875}}
    folder = ready(run=False, finetune=recipe, approaches=approaches)
    path = folder / "metrics/adapt.json"
    made = {
        "objectives": {"order": 0.25, "position": 0.75},
        "interpolation": 0.4,
        "transductive": True,
        "tokens": 98765,
    }
    files.write_json(path, json.loads(path.read_text()) | made)
    report.main(ARGV)
    card = (folder / "out/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "masked-LM DAPT, domain-adaptive" not in card
    for value in (
        "98,765 word pieces of 4,000 documents, text of dev and test rows among it",
        "position, places of passages (75 % of the word pieces): a self-supervision shaped like this task, unlike",
        "order, the order of neighbouring passages (25 % of the word pieces)",
        "the mean of the adapted weights (40 %) and the base's",
        "`finetune.epochs`: 7", "`finetune.batch\\_tokens`: 4321", "`approaches.transfer.layer\\_decay`: 0.875",
        "Licences of the texts: CC-BY-4.0", "licence Apache-2.0", "Nobody has looked at these test rows yet.",
    ):  # fmt: skip
        assert value.replace("\\_", "_") in card.replace("\\_", "_"), value
    page = " ".join(Page((folder / "out/report.html").read_text(encoding="utf-8")).text.split())
    assert (
        "dapt starts from the adapted encoder, which learnt without labels: position, places of passages (75 %" in page
    )


def test_the_card_of_an_ensemble_names_what_it_is_made_of(ready, default_params):
    ensembles = {"both": ["transfer", "dapt"]}
    folder = ready(run=False, arms=default_params["arms"] | {"ensembles": ensembles})
    shutil.copyfile(folder / "predictions/dapt-1.parquet", folder / "predictions/both-1.parquet")
    for path in (folder / "plots/evaluate").glob("*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        own = [line.replace("dapt", "both", 1) for line in lines if line.startswith(("dapt,", "dapt-1,"))]
        path.write_text("".join(lines + own), encoding="utf-8")
    arms = {path.stem: tables.read(path) for path in sorted((folder / "predictions").glob("*.parquet"))}
    settings = comparison.Params(**COMPARE)
    compared = compare.compare(arms, predicted.task(LABELS), settings) | {"best": "both"}
    files.write_json(folder / "metrics/compare.json", compared)
    report.main(ARGV)
    card = (folder / "out/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "the mean of what all runs of transfer and dapt predict" in card
    assert (
        "by the approach `transfer` (dapt-1, 59 steps; dapt-2, 59 steps; transfer-1, 59 steps; transfer-2, 59" in card
    )
    assert "The encoder was first adapted" in card


def test_what_no_decision_has_checked_is_called_a_guess(ready):
    folder = ready()
    told = "errors among those that nobody settled, a guess until people have decided on some."
    assert told not in (folder / "out/report.html").read_text(encoding="utf-8")
    metrics = json.loads((folder / "metrics/find_issues.json").read_text(encoding="utf-8"))
    for name in ("decisions", "planted_errors_alone"):
        del metrics["calibration"][name]
    files.write_json(folder / "metrics/find_issues.json", metrics)
    report.main(ARGV)
    assert told in (folder / "out/report.html").read_text(encoding="utf-8")


def test_a_model_that_was_not_adapted_is_not_called_so(ready):
    folder = ready(run=False)
    path = folder / "metrics/compare.json"
    compared = json.loads(path.read_text())
    files.write_json(path, compared | {"best": "transfer"})
    report.main(ARGV)
    card = (folder / "out/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "The encoder was not adapted: training began from the base." in card
    assert "word pieces" not in card


def test_one_seed_is_not_judged_in_words(ready):
    folder = ready(run=False)
    arms = {path.stem: tables.read(path) for path in (folder / "predictions").glob("*.parquet") if path.stem[-1] != "2"}
    settings = comparison.Params(**COMPARE)
    files.write_json(folder / "metrics/compare.json", compare.compare(arms, predicted.task(LABELS), settings))
    report.main(ARGV)
    text = " ".join(Page((folder / "out/report.html").read_text(encoding="utf-8")).text.split())
    assert "On dev dapt cannot be judged against tfidf" in text
    assert "over groups; one run of dapt: no interval over seeds)" in text
    assert "is better than" not in text
    assert "**On dev, dapt cannot be judged against tfidf" in (folder / "out/MODEL_CARD.md").read_text(encoding="utf-8")


def test_want_of_runs_names_the_parameter_that_gives_more():
    told = verdicts.helped([{"verdict": verdicts.UNJUDGED}])
    assert told == "Of the one step that was to help, 1 cannot be judged, for want of runs (params.yaml: arms.seeds)."


def test_intervals_that_are_all_zero_stand_in_the_middle():
    [bar] = page_tables.bars([(0.0, 0.0, 0.0, "open")], zero=True)
    assert (bar.low, bar.value, bar.high, bar.zero) == (50, 50, 50, 50)


def test_no_text_becomes_markup(out):
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert page.count("<script") == 1
    assert "&lt;script&gt;alert(" in page
    sheet = (out / "DATASHEET.md").read_text(encoding="utf-8")
    assert "<script" not in sheet
    widths = {line.count("|") - line.count("\\|") for line in sheet.splitlines() if "alert" in line}
    # the manifest, the diversity and the distances of the sources; overlap; accepted labels, pairs of reviewers
    assert widths == {13, 10, 8, 5, 4}


def test_markdown_tables_have_one_width_each(out):
    for name in ("DATASHEET.md", "MODEL_CARD.md"):
        text = (out / name).read_text(encoding="utf-8")
        found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
        assert len(found) >= 3
        for table in found:
            assert re.search(r"^\| -", table, re.MULTILINE)
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_the_audit_is_told_when_people_made_it(ready):
    folder = ready()
    assert "Nobody has yet checked" in (folder / "out/report.html").read_text(encoding="utf-8")
    path = folder / "metrics/apply_decisions.json"
    audit = {"rows": 90, "correct": 88, "precision": 0.978, "lower": 0.92}
    files.write_json(path, json.loads(path.read_text()) | {"audit": audit})
    report.main(ARGV)
    assert "97.8" in (folder / "out/report.html").read_text(encoding="utf-8")
    assert "at least 92.0" in (folder / "out/DATASHEET.md").read_text(encoding="utf-8")


def test_the_summary_holds_the_headline_figures(out):
    compared = json.loads((out.parent / "metrics/compare.json").read_text(encoding="utf-8"))
    made = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert made["dev"]["macro_f1"] == {name: of["macro_f1"] for name, of in compared["dev"]["approaches"].items()}
    for pair, gain in made["dev"]["gain"].items():
        assert gain["mean"] == compared["dev"]["difference"][pair]["macro_f1"]
        assert gain["low"] < gain["mean"] < gain["high"]
    assert made.keys() == {"dev", "test_looks", "labels", "trained_on", "leaks"}
    assert made["test_looks"] == 0
    assert made["leaks"] == 0
    assert made["labels"] == {
        "labelled": 2600, "decisions": 3, "suspected": 240, "agreement_alpha": 0.7123, "advice": "stop",
        "wrong_share": {"mean": 0.0312, "low": 0.0071, "high": 0.0723},
    }  # fmt: skip


def test_croissant_is_valid_and_reads_the_rows(out, monkeypatch):
    # It imports absl, whose handler keeps stderr as it is now, and closes it when a program, such as DVC's `artifacts`,
    # sets up logging anew while stderr is another: it must not keep the one by which pytest captures.
    with contextlib.redirect_stderr(sys.__stderr__):
        import mlcroissant

    def refused(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refused)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = mlcroissant.Dataset(jsonld=str(out / "croissant.json"))
        assert not dataset.metadata.issues.errors
        records = list(dataset.records("rows"))
    rows = tables.read(out.parent / "data/rows.parquet")
    assert len(records) == len(rows)
    assert [record["rows/id"].decode() for record in records] == rows["id"].to_pylist()
    described = json.loads((out / "croissant.json").read_text())
    assert described["distribution"][0]["sha256"] == files.sha256(out.parent / "data/rows.parquet")
    assert described["temporalCoverage"] == "2019-01-02/2021-05-30"
    assert described["inLanguage"] == ["en", "fr"]
    assert {field["name"] for field in described["recordSet"][0]["field"]} == set(rows.column_names) - {"meta"}


def test_plots_are_well_formed_and_keep_their_ids_apart(out):
    page = (out / "report.html").read_text(encoding="utf-8")
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        root = ET.fromstring(svg)
        ids = {element.get("id") for element in root.iter() if element.get("id")}
        used = re.findall(r"url\(#([^)]+)\)", svg) + re.findall(r'xlink:href="#([^"]+)"', svg)
        assert set(used) <= ids


@pytest.mark.parametrize("missing", ["metrics/compare.json", "plots/adapt.csv", "manifest.json", "data/issues.parquet"])
def test_a_missing_input_is_named(ready, missing):
    folder = ready(run=False)
    (folder / missing).unlink()
    with pytest.raises(UserError, match=re.escape(missing)):
        report.main(ARGV)
    assert not (folder / "out").exists()


def test_damaged_metrics_are_named(ready):
    folder = ready(run=False)
    (folder / "metrics/split.json").write_text("{")
    with pytest.raises(UserError, match=r"split\.json: not JSON"):
        report.main(ARGV)


@pytest.mark.parametrize("change", [{"title": ""}, {"queue_rows": -1}, {"colour": "red"}])
def test_bad_parameters_are_refused(ready, default_params, change):
    with pytest.raises(UserError, match=rf"params\.yaml: report\.{next(iter(change))}"):
        ready(report=default_params["report"] | change)


def told(value: float, low: float, high: float, larger_is_better: bool = True) -> dict:
    difference = {"skill": value, "skill_low": low, "skill_high": high, "interval": "groups and seeds"}
    return verdicts.verdict(difference, ("a", "b"), Headline("skill", larger_is_better), "its skill")


def test_verdict_signs():
    assert (told(0.05, 0.01, 0.09)["sign"], told(0.05, 0.01, 0.09, larger_is_better=False)["sign"]) == (
        "better",
        "worse",
    )
    assert (told(-0.05, -0.09, -0.01)["sign"], told(-0.05, -0.09, -0.01, False)["sign"]) == ("worse", "better")
    error = {"error": -0.25, "error_low": -0.5, "error_high": -0.125, "interval": "groups and seeds"}
    less = verdicts.verdict(error, ("a", "b"), Headline("error", larger_is_better=False, is_share=False), "its error")
    assert (less["sign"], less["gain"]) == ("better", "−0.250 in its error (−0.500 to −0.125)")
    alone = error | {"interval": "groups; one run of a: no interval over seeds"}
    verdict = verdicts.verdict(
        alone, ("a", "b"), Headline("error", larger_is_better=False, is_share=False), "its error"
    )
    assert (verdict["sign"], verdict["judged"]) == ("open", False)
    assert verdict["sentence"].startswith(
        "a cannot be judged against b: −0.250 in its error (−0.500 to −0.125 over groups"
    )
    open_ = told(0.05, -0.01, 0.09)
    assert (open_["sign"], open_["gain"]) == ("open", "+5.0 points of its skill (−1.0 to +9.0)")


def test_the_documents_read_no_parameter_that_params_yaml_may_leave_out():
    page = (ROOT / "docs/parameters.md").read_text(encoding="utf-8")
    needed = set(re.findall(r"^\| `([\w.]+)` \|.*\| \(none\) \|", page, re.MULTILINE))
    folder = ROOT / "stages/report"
    texts = [file.read_text(encoding="utf-8") for file in (*folder.glob("*.py"), *folder.glob("templates/*"))]
    read = {
        key for text in texts for key in re.findall(r"(?:inputs\.params|parameters)\.([a-z_]+(?:\.[a-z_]+)+)", text)
    }
    read |= {".".join(pair) for text in texts for pair in re.findall(r'inputs\.params\["(\w+)"\]\["(\w+)"\]', text)}
    read = {key for key in read if not key.endswith(".items")}
    assert len(read) > 12
    whole = {key.rpartition(".")[0] for key in needed}  # sections of which a key must stand there stand there
    assert read - needed - whole == set()


def test_no_row_is_lost_on_the_way_that_the_page_draws(ready):
    folder = ready(run=False)
    measured = read(folder)
    collected, labelled = flow.flows(measured)
    for column, following in zip(collected.columns, collected.columns[1:], strict=False):
        assert column[0].rows == sum(part.rows for part in following) or following[0].name == "Task"
    assert [dict(part.why) for column in collected.columns for part in column if part.kind == "left"] == [
        {"no_text": 10}, {"min_words": 50}, {"exact_duplicate": 100, "near_duplicate": 50},
    ]  # fmt: skip
    assert "8,220 read; then 8,200 collected, 20 left out" in collected.told
    assert labelled.columns[-1][0].rows == 300


def read(folder: Path) -> inputs.Inputs:
    names, values = ARGV[::2], ARGV[1::2]
    paths = {name[2:].replace("-", "_"): Path(value) for name, value in zip(names, values, strict=True)}
    return inputs.read(Namespace(**paths))


def test_what_was_to_help_and_did_not_is_told_in_the_first_lines(ready):
    ready(Shape(arms={"transfer": 0.9, "dapt": 0.6}))
    page = Path("out/report.html").read_text(encoding="utf-8")
    first = " ".join(Page(re.search(r'<div class="verdict.*?</div>', page, re.DOTALL)[0]).text.split())
    assert 'class="verdict mixed"' in page
    assert first.startswith("On dev transfer is better than tfidf")
    assert "Of the 2 steps that were to help, 2 made no measurable difference." in first
    steps = re.search(r'<ul class="steps">.*?</ul>', page, re.DOTALL)[0]
    assert re.search(r'Adapting the encoder.*?<b class="open">no measurable difference</b>: −', steps)
    assert "Passed" not in page


def test_the_worth_of_the_repair_is_told_where_arms_of_unrepaired_rows_ran(ready):
    shape = Shape(arms={"transfer": 0.97, "dapt": 0.8, "transfer_given": 0.3, "transfer_thinned": 0.96})
    folder = ready(shape, run=False)
    files.write_json(folder / "metrics/unrepaired.json", {"rows": 1300, "changed": 21, "removed": 4})
    report.main(ARGV)
    page = (folder / "out/report.html").read_text(encoding="utf-8")
    part = re.search(r"<p>Of 1,300 rows.*?</ul>", page, re.DOTALL)[0]
    said = " ".join(Page(part).text.split())
    assert "Of 1,300 rows to train on, people's decisions changed 21 and took out 4." in said
    assert "transfer does not differ measurably from transfer_given: +" in said  # of two seeds
    assert "transfer does not differ measurably from transfer_thinned: " in said
    first = " ".join(Page(page).text.split())
    assert "People's decisions in training" in first
    assert "People's decisions, beside leaving out as many rows at random" in first


def test_without_such_arms_nothing_is_told_of_it(out):
    assert "What the repair was worth" not in (out / "report.html").read_text(encoding="utf-8")


def test_doubts_of_gates_are_told_with_their_mends_and_examples(ready):
    folder = ready(run=False)
    doubt = {
        "gate": "removals.max_skew", "what": f"the rule {EVIL} takes one class", "mend": "look at the rule",
        "accept": "removals.max_skew: 9",
        "examples": [{"id": "0a1b", "text": EVIL, "other_id": "2c", "other_text": "x"}],
    }  # fmt: skip
    path = folder / "metrics/removals.json"
    files.write_json(path, json.loads(path.read_text()) | {"doubts": [doubt]})
    report.main(ARGV)
    text = " ".join(Page((folder / "out/report.html").read_text(encoding="utf-8")).text.split())
    assert text.count("takes one class. ") == 2  # in the open part, and with how to mend it
    assert "Look at the rule; accept it with params.yaml: removals.max_skew: 9." in text
    assert "like 2c: x" in text


def test_of_many_classes_the_worst_are_named_and_all_are_in_a_table(ready):
    labels = [f"class {n}" for n in range(77)]
    ready(Shape(labels))
    page = Path("out/report.html").read_text(encoding="utf-8")
    story = Page(page[page.index("<main>") : page.index('<h2 id="more">')].replace("<main>", "")).text
    assert "class 76: F1" in story
    assert "class 1: F1" not in story
    table = re.search(r'<figure class="classes">.*?</figure>', page, re.DOTALL)[0]
    assert table.count("<tr>") == 1 + 77
    assert '<figure class="matrix">' not in page
    card = Path("out/MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.count("27 more lines") == 2


def test_the_card_counts_the_groups_that_figures_rest_on(ready):
    folder = ready()
    assert "30 of the 200 groups in the dev split; the test split has 200 groups, with or without one" in card_of(
        folder
    )
    ask_test(folder)
    report.main(ARGV)
    assert "30 of the 200 groups in the dev split, 90 of the 200 groups in the test split" in card_of(folder)


def card_of(folder: Path) -> str:
    return (folder / "out/MODEL_CARD.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("error")
def test_names_of_any_characters_are_drawn_as_they_are():
    names = ["$\\\\frac{a}$ 5$", "_hidden", "a\x0bb\x00c", "😀 猫", "</svg><b>", "x" * 99, "\\\\alpha"]
    drawn = {
        "curves": plots.curves({name: ([1, 2], [3, 4]) for name in names}, dict.fromkeys(names, plots.GREY), "x", "y"),
        "marks": plots.marks(names, {name: range(7) for name in names}, dict.fromkeys(names, plots.GREY), "x"),
        "heat": plots.heat({name: [0.5, 0.5] for name in names}, "x"),
    }
    for name, drawing in drawn.items():
        shown = "".join(ET.fromstring(plots.plot(name, drawing).svg).itertext())
        for part in ("frac{a}$ 5$", "_hidden", "a b c", "😀 猫", "</svg><b>", "x" * 23 + "…", "alpha"):
            assert part in shown, (name, part)


def test_an_edit_that_helps_stands_on_the_side_of_better_where_less_is_better():
    gain = {"gain": 0.2, "gain_low": 0.1, "gain_high": 0.4}
    error = Headline("error", larger_is_better=False, is_share=False)
    said, drawn = verdicts._of_gain(gain, error)
    assert (said["verdict"], said["short"]) == ("better", "−0.200 (−0.400 to −0.100)")
    assert drawn == (-0.2, -0.4, -0.1, "better")
    said, drawn = verdicts._of_gain(gain, Headline("skill", larger_is_better=True))
    assert (said["verdict"], said["short"]) == ("better", "+20.0 points (+10.0 to +40.0)")


def test_a_training_curve_of_a_run_that_is_gone_is_not_read(tmp_path):
    for run in ("transfer-base-1", "transfer-adapted-1", "transfer-adapted-2", "few_shot-adapted-1"):
        files.write_csv(tmp_path / f"{run}.csv", ["step", "loss"], [(1, 0.5)])
    arms = {"approaches": ["transfer"], "encoders": ["adapted"], "seeds": [1, 2, 3]}
    assert list(inputs.read_training(tmp_path, arms)) == ["dapt-1", "dapt-2"]


def test_pairs_of_reviewers_are_told_how_alike_their_texts_are():
    pair = {"rows": 9, "same": 3, "kappa": 0.5, "chrf": 0.9, "text_chrf": 0.8125}
    metrics = {"apply_decisions": {"settled": dict.fromkeys(VERDICTS, 0)}, "agreement": {"pairs": {"ana / bo": pair}}}
    inputs_ = SimpleNamespace(metrics=metrics, headline=SimpleNamespace(name="chrf"), told="chrF")
    [row] = reviewer_tables(inputs_)["pairs"].rows
    assert row[-1].startswith("0.81")
    del pair["text_chrf"]
    assert len(reviewer_tables(inputs_)["pairs"].rows[0]) == len(row) - 1
