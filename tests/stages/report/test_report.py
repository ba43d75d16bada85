"""The report and its documents: all inputs made here; the page is whole, safe, and the same again."""

import contextlib
import json
import re
import shutil
import warnings
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from stages.compare import __main__ as compare
from stages.report import __main__ as report
from stages.report import inputs, sections
from tests import predicted
from tests.conftest import ROOT, make_rows
from winnow.base import files
from winnow.base.errors import UserError
from winnow.kinds.headline import Headline
from winnow.rows import tables

LABELS = ["FRUIT", "STONE", "WATER"]
EVIL = '<script>alert("x")</script> | a & b `c` [d](e)'
ARGV = (
    "--metrics metrics --plots plots --manifest manifest.json --rows data/rows.parquet --issues data/issues.parquet"
    " --packages packages.txt --html out/report.html --datasheet out/DATASHEET.md --model-card out/MODEL_CARD.md"
    " --croissant out/croissant.json --summary out/summary.json"
).split()


def arm(right: float, seed: int) -> pa.Table:
    truth, rng = np.arange(600) % 3, np.random.default_rng(seed)
    said = np.where(rng.random(600) < right, truth, rng.integers(0, 3, size=600))
    probabilities = np.eye(3)[said] * 0.6 + 0.4 / 3
    splits = ["dev" if n // 5 % 4 == 0 else "test" for n in range(600)]
    columns = {"id": [f"{n:03d}" for n in range(600)], "group": [f"g{n // 5}" for n in range(600)], "split": splits}
    return predicted.table(columns, truth, probabilities, LABELS)


def write_metrics(default_params, transfer: float) -> None:
    settings = compare.Params(**(default_params["compare"] | {"resamples": 200}))
    arms = {"tfidf-0": arm(0.6, 0)}
    arms |= {f"{name}-{seed}": arm(right, 10 * seed + len(name)) for name, right in
             (("transfer", transfer), ("dapt", transfer + 0.01)) for seed in (1, 2)}  # fmt: skip
    share = {"FRUIT": 0.5, "STONE": 0.3, "WATER": 0.2}
    of_split = {"rows": 900, "groups": 200, "text_rows": 400, "label_shares": share}
    metrics = {
        "adapt": {"held_out_loss": {"masked_lm": {"before": 6.1, "after": 3.9}}, "documents": 4000, "tokens": 150000},
        "balance": {
            "rows": 300, "labels": {"FRUIT": 150, "STONE": 90, "WATER": 60}, "weights": {},
            "left_out": {"budget": 1200, "not_train": 900},
        },
        "clean": {"rows_in": 4100, "rows_out": 4050, "changed_share": 0.21,
                  "entries": {"change.strip_markup": 700, "drop.min_words": 50}},
        "compare": compare.compare(arms, predicted.task(LABELS), settings),
        "deduplicate": {"rows_in": 4050, "rows_out": 3900, "exact": 100, "near": 50, "clusters": 120,
                        "label_conflicts": 4},
        "split": dict.fromkeys(("train", "dev", "test"), of_split) | {"leaks": 0, "test_sha": "ab" * 32},
    }  # fmt: skip
    for name, value in metrics.items():
        files.write_json(Path(f"metrics/{name}.json"), value)
    write_plots(arms)
    write_curation()
    write_labels()
    write_rounds()


def write_curation() -> None:
    """Write what represent, removals, semantic_duplicates and validate say."""
    estimate = {"value": 0.0312, "low": -0.00004, "high": 0.0721, "groups": 40}
    source = {
        "rows": 2050, "words": {"median": 40.0}, "vocabulary": {"distinct_words": 0.25},
        "languages": {"en": 0.99, "fr": 0.01}, "labels": {"entropy": 0.9},
        "clusters": {"rows": 300, "coverage": 0.88, "entropy": 0.9, "vendi": 41.0},
        "duplicates": {"share": 0.04}, "distance": {"embeddings": estimate, "words": None},
        "adds": {"own_mass": estimate, "new_words": 17, "new_word_share": 0.1, "new_token_share": 0.02},
    }  # fmt: skip
    bare = source | {
        "vocabulary": {},
        "languages": {},
        "labels": {"entropy": None},
        "clusters": {"rows": 0},
        "adds": None,
    }
    removed = {"rows": 4100, "removed": 50, "share": 50 / 4100, "low": 0.009, "high": 0.016}
    drifted = {"train": {"value": 0.31, "status": "warn"}, "dev": {"value": 0.01, "status": "ok"}}
    metrics = {
        "represent": {
            "sources": {"garden": source, EVIL: bare},
            "reference": {"source": None, "rows": 1700, "noise_floor": {"embeddings": 0.002, "words": None}},
        },
        "removals": {"clean": {"min_words": removed | {"skew": 2.5, "most_removed_class": "STONE"}}},
        "semantic_duplicates": {"pairs": 41, "a_key_of_tomorrow": {"deep": 0.125}},
        "validate": {"rows": {"clean": 4050}, "failures": 0},
        "drift": {"reference": "the last release", "status": "warn", "measures": {"labels": drifted}},
    }  # fmt: skip
    for name, value in metrics.items():
        files.write_json(Path(f"metrics/{name}.json"), value)
    folder = Path("plots")
    header = ["rule", "stage", "dimension", "value", "rows", "removed", "share", "low", "high"]
    places = (("all", "all"), ("class", "STONE"), ("source", EVIL), ("split", "train"))
    rows = [("min_words", "clean", *place, *list(removed.values())) for place in places]
    files.write_csv(folder / "removals.csv", header, rows)
    plots = {
        "vocabulary": (["source", "tokens", "distinct"], [(s, n, n // 2) for s in ("garden", EVIL) for n in (99, 200)]),
        "clusters": (["source", "cluster", "rows"], [(s, n, n + 1) for s in ("garden", EVIL) for n in range(8)]),
        "dates": (["source", "year", "rows"], [("garden", 2019, 5), ("garden", 2021, 15)]),
        "distances": (["source", "measure", "value", "low", "high", "noise_floor"],
                      [("garden", "embeddings", 0.03, 0.01, 0.07, 0.002), (EVIL, "words", 0.03, 0.01, 0.07, None)]),
        "characteristic": (["source", "word", "z", "count", "count_others"], [("garden", EVIL, 9.5, 30, 1)]),
        "examples": (["source", "id", "cluster", "own_share"], [("garden", "0123456789abcdef", 3, 1.0)]),
    }  # fmt: skip
    for name, table in plots.items():
        files.write_csv(folder / f"represent/{name}.csv", *table)


def write_labels() -> None:
    """Write what annotate, apply_decisions, score, calibrate, find_issues and choose_rows say."""
    right = {"measured_on": 400, "accuracy": 0.9713, "accuracy_low": 0.9501, "accuracy_high": 0.9842}
    unmeasured = {"measured_on": 0, "accuracy": 0.0, "accuracy_low": 0.0, "accuracy_high": 1.0}
    votes = {"fired": 40, "labelled": 38, "rejected": 0, "precision": 0.97, "precision_lower": 0.91, "measured_on": 400}
    audited = {"rows": 60, "drawn": 40, "audited": 40, "correct": 39, "precision": 0.975, "lower": 0.871}
    refused = {"rows": 70, "drawn": 40, "audited": 0, "correct": 0, "precision": 0.0, "lower": 0.0, "accepted": False}
    quality = {"ece": 0.0123, "brier": 0.0456, "log_loss": 0.0789}
    found = {"average_precision": 0.6543, "precision_at_100": 0.77}
    metrics = {
        "annotate": {
            "unlabelled": 300, "labelled": 200, "coverage": 2 / 3, "abstained": 57, "audit_rows": 100,
            "combine": "label_model", "combined": {"label_model": {"coverage": 0.925} | right,
                                                   "majority": {"coverage": 0.0} | unmeasured},
            "rules": {"heading": dict.fromkeys(LABELS, votes), EVIL: {}},
            "by_rule": {
                "heading": {"kind": "regex", "coverage": 0.7829, "overlap": 0.1234, "conflict": 0.0567} | right,
                EVIL: {"kind": "llm", "coverage": 0.0, "overlap": 0.0, "conflict": 0.0, "unusable_answers": 1017}
                | unmeasured,
            },
        },
        "apply_decisions": {
            "rows_in": 2700, "rows": 2700, "decisions": 3, "conflicts": 1, "unlabelled": 100,
            "settled": {"keep": 1, "relabel": 2, "ambiguous": 0, "out_of_scope": 0},
            "labelled": {"given": 2398, "human": 2, "rule": 200},
            "acceptance": {"rule": {
                "FRUIT": audited | {"accepted": True, "refusal": ""},
                "STONE": audited | {"accepted": True, "refusal": "", "winning_rate": 2 / 3},
                "WATER": refused | {"refusal": f"people decided on 0 rows of its audit sample, 30 needed {EVIL}"},
            }},
        },
        "score": {"rows": 2400, "accuracy": 0.81, "macro_f1": 0.7859, "log_loss": 0.5, "f1": {}},
        "calibrate": {
            "rows": 2400,
            "plantings": [
                {"planted": 360, "detectors": {"stack": found, "loss_probe": found | {"average_precision": 0.3}}},
                {"planted": 352, "detectors": {"stack": found | {"average_precision": 0.7543},
                                               "loss_probe": found | {"average_precision": 0.4}}},
            ],
        },
        "find_issues": {
            "rows": 2600, "suspected": 240, "suspected_share": 0.092, "conflicts": 1, "queue_rows": 100,
            "duplicates_with_other_labels": 1, "estimated_errors": 210, "estimated_noise": 0.081,
            "expected_errors": 187.3, "queue_expected_errors": 61.8, "queue_minutes": 26.4,
            "tiers": {"almost certain": 3, "likely": 5, "possible": 9, "unlikely": 11},
            "kinds": {"conflict": 1, "label_error": 240, "outlier": 37, "a_kind_of_tomorrow": 4},
            "detectors": {"cleanlab both": 131, "neighbours": 402},
            "per_class": {label: {"rows": 860, "suspected": 80, "queue_rows": 33} for label in LABELS},
            "dataset": {
                "class_imbalance": {"rarest": "WATER", "share": 0.0432, "issue": True},
                "underperforming_group": {"rows": 64, "score": 0.41, "issue": False, "examples": ["0123456789abcdef"]},
                "non_iid": {"p_value": 0.0314, "rows": 985}, "null": {"rows": 12, "columns": {EVIL: 0.0765}},
                "outlier": {"rows": 38}, "near_duplicate": {}, "of_tomorrow": {"deep": {"down": 0.625}},
            },
            "calibration": {
                "noise": 0.07, "weights": {"stack": 1.0}, "decisions_left_out": 0, "planted_errors_alone": quality,
                "planted": {"rows": 2400, "errors": 360} | quality,
                "decisions": {"rows": 98, "errors": 46} | quality | {"ece": 0.0321},
            },
            "pace": {"decisions": 31, "seconds": 6.2, "words_per_minute": 240.0},
        },
        "choose_rows": {
            "labelled": {"FRUIT": 700, "STONE": 900, "WATER": 803}, "without_label": 261, "strategy": "typical",
            "cold_start": True, "chosen": 94, "held_out": 7, "suggested": {"FRUIT": 51, "WATER": 43},
        },
    }  # fmt: skip
    for name, value in metrics.items():
        files.write_json(Path(f"metrics/{name}.json"), value)
    curve = [(p, p * 0.9, 240.0, source) for source in ("planted", "decisions") for p in (0.01, 0.2, 0.9)]
    files.write_csv(Path("plots/calibration.csv"), ["predicted", "observed", "rows", "source"], curve)


def write_rounds() -> None:
    """Write what agreement and rounds say."""
    figures = {"gain": 0.00417, "gain_low": -0.00123, "gain_high": 0.01042}
    score = {"macro_f1": 0.8123, "macro_f1_low": 0.79, "macro_f1_high": 0.83}
    by = {split: dict.fromkeys(("given", "corrected"), figures) for split in ("dev", "test")}
    scored = {split: dict.fromkeys(("given", "corrected"), score) for split in ("dev", "test")}
    share = {"rows": 2600, "errors": 130.0, "share": 0.0503, "share_low": 0.0201, "share_high": 0.0904}
    left = share | {"share": 0.0312, "share_low": 0.0071, "share_high": 0.0723}
    ids = {"rows": 0, "ids": []}
    deeds = {
        "decisions": 31, "rows": 29, "open": 1, "queue": {"rows": 20, "changed": 13},
        "verdicts": {"keep": 12, "relabel": 14, "ambiguous": 2, "out_of_scope": 1},
        "changes": [{"given": "FRUIT", "new": "WATER", "rows": 14}, {"given": "FRUIT", "new": "ambiguous", "rows": 2}],
    }  # fmt: skip
    timed = {"seconds": {"timed": 31, "total": 372.0, "median": 9.0}}
    metrics = {
        "agreement": {
            "rows": 60, "rows_of_several": 41, "conflicts": 1, "min_rows": 20,
            "alpha": 0.7123, "alpha_low": 0.51, "alpha_high": 0.88,
            "observed_agreement": 0.8049, "observed_agreement_low": 0.7, "observed_agreement_high": 0.9,
            "pairs": {
                f"ana / {EVIL}": {"rows": 41, "same": 33, "kappa": 0.7091, "kappa_low": 0.5, "kappa_high": 0.9},
                "ana / cy": {"rows": 3, "same": 2, "kappa": None, "kappa_low": None, "kappa_high": None},
            },
            "confused": {"FRUIT / WATER": 5, "FRUIT / ambiguous": 8},
            "reviewers": {
                "ana": {"rows": 50, "rows_with_others": 41, "accuracy_dawid_skene": 0.9123, "quality_crowdlab": 0.8765},
                EVIL: {"rows": 10, "rows_with_others": 0},
            },
            "overlap": {"wanted": 0.1, "reached": 0.0683},
        },
        "rounds": {
            "rounds": 2, "decisions": 33,
            "done": {"000": deeds | {"decisions": 2}, "001": deeds | timed},
            "noise": {
                "001": {
                    "drawn": 100, "judged": 92, "open": 8, "passed_over": 0, "vanished": ids, "changed": ids,
                    "before": {"all": share, "test": share}, "after": {"all": left, "test": left | {"share": 0.0419}},
                    "precision": 0.6154, "precision_low": 0.44, "precision_high": 0.76,
                    "recall": 0.5556, "recall_low": 0.3, "recall_high": 0.8, "observed_to_expected": 1.234,
                },
                "002": {"drawn": 100, "judged": 0, "open": 100, "passed_over": 0, "vanished": ids, "changed": ids},
            },
            "models": {
                "macro_f1": {
                    "before": {"decisions": 0} | scored, "000": {"decisions": 2} | scored,
                    "001": {"decisions": 33} | scored,
                },
                "change": {"last_round": by, "all": by},
            },
            "edits": {
                "relabel": {"rows": 14} | by, "drop": {"rows": 0}, "an_edit_of_tomorrow": {"rows": 3} | by,
            },
            "stopping": {
                "verdict": "stop", "says": f"Stop: people would change about 4 of the next 50 rows {EVIL}.",
                "next_rows": 50, "without_probability": 1, "expected_changes": 4.1, "precision": 0.0837,
                "test_error_points": 0.0512, "gain_points": 0.0713, "gain_points_low": -0.02, "gain_points_high": 0.15,
                "training_labels": 2617, "relabelled_share": 0.875, "next_decisions": 50, "new_labels_points": 0.1234,
                "wrong_label_points": 0.0081, "wrong_label_points_low": -0.001, "wrong_label_points_high": 0.02,
            },
        },
    }  # fmt: skip
    for name, value in metrics.items():
        files.write_json(Path(f"metrics/{name}.json"), value)
    made = {"before": 0, "000": 2, "001": 33}
    states = [(name, count, split, kind, *score.values()) for name, count in made.items() for split in ("dev", "test")
              for kind in ("given", "corrected")]  # fmt: skip
    header = ["round", "decisions", "split", "labels", "macro_f1", "low", "high"]
    files.write_csv(Path("plots/rounds/evolution.csv"), header, states)
    planted = [(0, 0, 0.81), (130, 1, 0.8), (130, 2, 0.79), (520, 1, 0.77), (520, 2, 0.775)]
    files.write_csv(Path("plots/rounds/planted.csv"), ["wrong_labels", "seed", "macro_f1"], planted)


def write_plots(arms: dict[str, pa.Table]) -> None:
    rng = np.random.default_rng(0)
    steps = range(1, 60)
    folder = Path("plots")
    loss = {n: 9 * np.exp(-n / 25) + 2 + rng.normal() / 5 for n in steps}
    files.write_csv(folder / "adapt.csv", ["tokens", "phase", "objective", "loss", "learning_rate"],
                    [(n * 2500, "head" if n < 15 else "all", "masked_lm", float(loss[n]), 1e-4)
                     for n in steps])  # fmt: skip
    curve = [(a, n, s, 1 - k / np.sqrt(n) + rng.normal() / 60) for a, k in (("probe", 3), ("tfidf", 4.5))
             for n in (50, 100, 200, 400, 800) for s in (1, 2, 3)]  # fmt: skip
    files.write_csv(folder / "learning_curve.csv", ["arm", "labels", "seed", "macro_f1"], curve)
    for name in arms:
        if name != "tfidf-0":
            rows = [(n, n // 15 + 1, float(loss[n]) / 4, 1e-4) for n in steps]
            arm, seed = name.split("-")
            run = f"transfer-{'adapted' if arm == 'dapt' else 'base'}-{seed}"
            files.write_csv(folder / f"training/{run}.csv", ["step", "epoch", "loss", "learning_rate"], rows)
    confusion = [(name.split("-")[0], row["label"], row["predicted"]) for name in ("tfidf-0", "transfer-1", "dapt-1")
                 for row in arms[name].to_pylist() if row["split"] == "test"]  # fmt: skip
    files.write_csv(folder / "evaluate/confusion.csv", ["approach", "actual", "predicted"], confusion)
    files.write_csv(folder / "evaluate/calibration.csv", ["arm", "confidence", "accuracy", "rows"],
                    [(name, c, c - 0.07, 50) for name in arms for c in (0.35, 0.55, 0.75, 0.95)])  # fmt: skip
    per_class = [(a, label, f1) for a, f1 in (("dapt", 0.8), ("tfidf", 0.6), ("transfer", 0.79)) for label in LABELS]
    files.write_csv(folder / "evaluate/per_class.csv", ["approach", "label", "f1"], per_class)


def write_inputs(folder: Path, default_params: dict, transfer: float = 0.8, **sections: dict) -> None:
    """Write every input of the stage into `folder`, the current one."""
    task = {"kind": "classification", "labels": LABELS}
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(default_params | {"task": task} | sections, file)
    write_metrics(default_params, transfer)
    source = {
        "pin": {"kind": "file"}, "licence": "CC-BY-4.0", "purpose": "task",
        "published": ["2019-01-02", "2021-05-30"], "rows": {"read": 4110, "kept": 4100, "refused": 10},
    }  # fmt: skip
    files.write_json(folder / "manifest.json", {"garden": source, EVIL: source | {"published": None}})
    texts = [
        EVIL,
        *(f"The {label.lower()} of row {n}, " + "told at length, " * 40 for n, label in enumerate(LABELS * 9)),
    ]
    rows = make_rows([{"text": text, "label": LABELS[n % 3], "split": "train"} for n, text in enumerate(texts)])
    tables.write(rows, folder / "data/rows.parquet")
    ids = rows["id"].to_pylist()
    issues = [
        {"id": id, "split": "train", "given_label": "FRUIT", "suggested_label": "STONE", "score": n / 40,
         "is_issue": n < 25, "reasons": "the model gives FRUIT 2 % and STONE 90 %", "p_error": 0.9 - n / 40,
         "tier": "almost certain" if n == 0 else "possible", "kinds": ["label_error"], "detectors": [],
         "gain_per_minute": 3 - n / 40}
        for n, id in enumerate(ids)
    ]  # fmt: skip
    unjudged = {"given_label": None, "suggested_label": None, "p_error": None, "tier": None, "gain_per_minute": None}
    issues[-1] |= unjudged | {"kinds": ["conflict"]}
    tables.write(pa.Table.from_pylist(issues), folder / "data/issues.parquet")
    files.write_text(folder / "packages.txt", "pyarrow==26.0.1\n")


@pytest.fixture
def ready(tmp_path, monkeypatch, default_params):
    """Write every input into an empty folder and run the stage there."""
    monkeypatch.chdir(tmp_path)

    def call(transfer: float = 0.8, run: bool = True, **sections):
        write_inputs(tmp_path, default_params, transfer, **sections)
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
        self.tags, self.ids, self.links, self.stack, self.text = [], [], [], [], ""
        self.feed(html)
        assert not self.stack

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
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
        self.text += data


def test_the_page_is_whole_and_needs_nothing_else(out):
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert [link for link in page.links if not link.startswith("#")] == []
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert page.tags.count("svg") == 19


def test_the_page_tells_data_issues_curves_and_comparison(out):
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    for words in ("Data", "Automatic labels", "Label issues", "Learning curves", "Comparison", "Run it again"):
        assert words in page.text
    assert "Passed:" in page.text
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
    text = " ".join(Page((out / "report.html").read_text(encoding="utf-8")).text.split())
    for words in ("Sources", "Removals", "Duplicates", "Validation and drift"):
        assert words in text
    for value in (
        "0.031 (0.000 to 0.072)", "chance alone", "the training rows that came with a label (1,700 rows)",
        "en 99.0", "0123456789abcdef", "1.22 (0.90 to 1.60)", "STONE, 2.5×", "a key of tomorrow: deep", "0.125",
        "4,050", "0.310 (warn)", "measured against the last release; status: warn",
    ):  # fmt: skip
        assert value in text, value
    sheet = (out / "DATASHEET.md").read_text(encoding="utf-8")
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
        "an edit of tomorrow 3", "dropping rows 0 – – – –", "Stop: people would change about 4",
        "4.1 (8.4 %)", "+0.07 (−0.02 to +0.15)", "macro-F1 on dev 0.8 (−0.1 to 2.0)", "87.5 %",
        "261 rows without a label wait", "shows the 94 most worth one", "which asks no model",
        "then 7 of dev and test", "FRUIT 700 51 STONE 900 0 WATER 803 43",
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
    for words in ("Nobody has decided anything yet", "No round has begun", "not known yet", "No rule proposes labels"):
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
        (folder / f"metrics/{stage}.json").unlink()
        (folder / f"plots/{stage}.csv").unlink(missing_ok=True)
        shutil.rmtree(folder / f"plots/{stage}", ignore_errors=True)
    if missing == "all":
        (folder / "plots/calibration.csv").unlink()
    report.main(ARGV)
    page = Page((folder / "out/report.html").read_text(encoding="utf-8"))
    assert page.tags.count("svg") == {"represent": 14, "drift": 19, "rounds": 15, "all": 9}[missing]
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
    for words, stage in (("More review", "rounds"), ("single detectors", "calibrate"), ("macro-F1 0.786", "score")):
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


def test_personal_data_is_told_where_it_was_looked_for(ready, default_params):
    folder = ready()
    assert "Whether texts name or describe people was not measured" in Path("out/DATASHEET.md").read_text()
    path = folder / "metrics/clean.json"
    files.write_json(path, json.loads(path.read_text()) | {"personal_data": {"email": 1234}})
    report.main(ARGV)
    assert "1,234 email" in Path("out/DATASHEET.md").read_text(encoding="utf-8")


def test_same_bytes_again(ready, out):
    assert outputs(ready()) == outputs(out.parent)


def test_a_failure_to_beat_the_baseline_is_seen(ready):
    bad = Page((ready(transfer=0.55) / "out/report.html").read_text(encoding="utf-8")).text
    assert "Failed:" in bad
    assert "does not beat tfidf" in " ".join(bad.split())
    assert "**Failed.**" in Path("out/MODEL_CARD.md").read_text(encoding="utf-8")


def test_no_text_becomes_markup(out):
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(" in page
    sheet = (out / "DATASHEET.md").read_text(encoding="utf-8")
    assert "<script" not in sheet
    widths = {line.count("|") - line.count("\\|") for line in sheet.splitlines() if "alert" in line}
    # the manifest, the diversity and the distances of the sources; accepted labels, pairs of reviewers
    assert widths == {10, 8, 5, 4}


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
    assert made["macro_f1"] == {name: of["macro_f1"] for name, of in compared["test"].items()}
    for pair, gain in made["gain"].items():
        assert gain["mean"] == compared["difference"][pair]["test"]["macro_f1"]
        assert gain["low"] < gain["mean"] < gain["high"]
    assert made["leaks"] == 0
    assert made["labels"] == {
        "labelled": 2600, "decisions": 3, "suspected": 240, "agreement_alpha": 0.7123, "advice": "stop",
        "wrong_share": {"mean": 0.0312, "low": 0.0071, "high": 0.0723},
    }  # fmt: skip


def test_croissant_is_valid_and_reads_the_rows(out, monkeypatch):
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
    difference = {"skill": value, "skill_low": low, "skill_high": high}
    return sections.verdict(difference, ("a", "b"), Headline("skill", larger_is_better), "its skill")


def test_verdict_signs():
    assert (told(0.05, 0.01, 0.09)["sign"], told(0.05, 0.01, 0.09, larger_is_better=False)["sign"]) == (
        "better",
        "worse",
    )
    assert (told(-0.05, -0.09, -0.01)["sign"], told(-0.05, -0.09, -0.01, False)["sign"]) == ("worse", "better")
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
