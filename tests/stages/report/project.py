"""The inputs of the stage report, made from small tables: of any number of classes, approaches and decisions."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from ruamel.yaml import YAML

from stages.compare import __main__ as compare
from tests import predicted
from tests.conftest import make_rows
from winnow.base import files
from winnow.rows import ledger, tables

LABELS = ["FRUIT", "STONE", "WATER"]
COMPARE = {
    "pairs": [["transfer", "tfidf"], ["dapt", "tfidf"], ["dapt", "transfer"]],
    "baseline": "tfidf",
    "resamples": 200,
    "confidence": 0.95,
}
EVIL = '<script>alert("x")</script> | a & b `c` [d](e)'
ARGV = (
    "--metrics metrics --plots plots --manifest manifest.json --ledger ledger --rows data/rows.parquet"
    " --issues data/issues.parquet --packages packages.txt --predictions predictions --test test"
    " --html out/report.html --datasheet out/DATASHEET.md --model-card out/MODEL_CARD.md"
    " --croissant out/croissant.json --summary out/summary.json"
).split()


@dataclass(frozen=True)
class Shape:
    """What the inputs are of.

    Attributes:
        labels: the classes.
        arms: the approaches beside the baseline, each with how often it is right.
        decisions: people's.
        compare: section `compare` of params.yaml.
    """

    labels: list[str] = field(default_factory=lambda: LABELS)
    arms: dict[str, float] = field(default_factory=lambda: {"transfer": 0.8, "dapt": 0.81})
    decisions: int = 3
    compare: dict = field(default_factory=lambda: COMPARE)


DEFAULT = Shape()


def arm(right: float, seed: int) -> pa.Table:
    """Return predictions of 600 rows of three classes, of which a share is right."""
    truth, rng = np.arange(600) % 3, np.random.default_rng(seed)
    said = np.where(rng.random(600) < right, truth, rng.integers(0, 3, size=600))
    probabilities = np.eye(3)[said] * 0.6 + 0.4 / 3
    splits = ["dev" if n // 5 % 4 == 0 else "test" for n in range(600)]
    columns = {"id": [f"{n:03d}" for n in range(600)], "group": [f"g{n // 5}" for n in range(600)], "split": splits}
    return predicted.table(columns, truth, probabilities, LABELS)


@cache
def arms_of(right: tuple[tuple[str, float], ...]) -> dict[str, pa.Table]:
    """Return predictions of the baseline, and of two runs of each approach, which are right as often as told."""
    arms = {"tfidf-0": arm(0.6, 0)}
    return arms | {f"{name}-{seed}": arm(share, 10 * seed + len(name)) for name, share in right for seed in (1, 2)}


@cache
def compared(right: tuple[tuple[str, float], ...], pairs: tuple[tuple[str, str], ...]) -> dict:
    """Return the comparison of `arms_of`."""
    settings = compare.Params(**COMPARE | {"pairs": [list(pair) for pair in pairs]})
    return compare.compare(arms_of(right), predicted.task(LABELS), settings)


def write_metrics(shape: Shape) -> None:
    """Write what all stages say; what is compared are predictions of three classes, whatever the shape."""
    labels, arms = shape.labels, arms_of(tuple(shape.arms.items()))
    share = dict(zip(labels, np.linspace(2, 1, len(labels)) / (1.5 * len(labels)), strict=True))
    of_split = {"rows": 900, "groups": 200, "text_rows": 400, "label_shares": share}
    budget = (
        {label: 300 // len(labels) for label in labels}
        if len(labels) != 3
        else dict(zip(labels, (150, 90, 60), strict=True))
    )
    overlap = {"texts": 1640, "too_short": 31, "covered": 0.0375, "any": 97, "from_20_percent": 43,
               "from_80_percent": 17, "found": 19, "rows": 23}  # fmt: skip
    metrics = {
        "adapt": {
            "held_out_loss": {"masked_lm": {"before": 6.1, "after": 3.9}}, "documents": 4000, "tokens": 150000,
            "objectives": {"masked_lm": 1.0}, "interpolation": 1.0, "transductive": False,
        },
        "balance": {
            "rows": 300, "labels": budget, "weights": {}, "left_out": {"budget": 1200, "not_train": 900},
        },
        "clean": {"rows_in": 4100, "rows_out": 4050, "changed_share": 0.21,
                  "entries": {"change.strip_markup": 700, "drop.min_words": 50}},
        "compare": compared(tuple(shape.arms.items()), tuple(map(tuple, shape.compare["pairs"]))),
        "deduplicate": {"rows_in": 4050, "rows_out": 3900, "exact": 100, "near": 50, "clusters": 120,
                        "label_conflicts": 4, "against": {EVIL: {"texts": 164, "overlap": {"text": overlap | {
                            "left": overlap | {"covered": 0.0125}}}}}},
        "split": dict.fromkeys(("train", "dev", "test"), of_split) | {"leaks": 0, "test_sha": "ab" * 32}
        | {"overlap": {"dev": {"text": overlap | {"covered": 0.0}}}},
    }  # fmt: skip
    for name, value in metrics.items():
        files.write_json(Path(f"metrics/{name}.json"), value)
    for name, table in arms.items():
        tables.write(table, Path(f"predictions/{name}.parquet"))
    Path("test").mkdir(exist_ok=True)
    write_plots(list(arms), shape, metrics["compare"]["best"])
    write_ledgers()
    write_curation()
    write_labels(shape)
    write_rounds()


def write_ledgers() -> None:
    """Write what the stages that take rows out say of each: 10 rows refused, 50 dropped by a rule, 150 duplicates."""
    taken = {
        "collect": [("refuse", "no_text", 10)],
        "clean": [("drop", "min_words", 50), ("change", "strip_markup", 700)],
        "deduplicate": [("drop", "exact_duplicate", 100), ("drop", "near_duplicate", 50)],
    }
    for stage, entries in taken.items():
        book = ledger.Ledger(stage)
        for action, rule, rows in entries:
            for number in range(rows):
                book.add(f"{rule}-{number:04d}", action, rule, "as told", ledger.Details("a", "b"))
        book.write(Path(f"ledger/{stage}.parquet"))


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
        "collect": {"garden": {"rows": 4100}},
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


def write_labels(shape: Shape) -> None:
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
            "unlabelled": 300, "labelled": 200, "coverage": 2 / 3, "abstained": 57,
            "combine": "label_model", "combined": {"label_model": {"coverage": 0.925} | right,
                                                   "majority": {"coverage": 0.0} | unmeasured},
            "rules": {"heading": dict.fromkeys(shape.labels, votes), EVIL: {}},
            "by_rule": {
                "heading": {"kind": "regex", "coverage": 0.7829, "overlap": 0.1234, "conflict": 0.0567} | right,
                EVIL: {"kind": "llm", "coverage": 0.0, "overlap": 0.0, "conflict": 0.0, "unusable_answers": 1017}
                | unmeasured,
            },
        },
        "audit": {"rows": 100, "samples": {}},
        "apply_decisions": {
            "rows_in": 2700, "rows": 2700, "decisions": shape.decisions, "conflicts": 1, "unlabelled": 100,
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
            "per_class": {label: {"rows": 860, "suspected": 80, "queue_rows": 33} for label in shape.labels},
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
    by = {"dev": dict.fromkeys(("given", "corrected"), figures)}
    scored = {"dev": dict.fromkeys(("given", "corrected"), score)}
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
    kinds = ("given", "corrected")
    states = [(name, count, "dev", kind, *score.values()) for name, count in made.items() for kind in kinds]
    header = ["round", "decisions", "split", "labels", "macro_f1", "low", "high"]
    files.write_csv(Path("plots/rounds/evolution.csv"), header, states)
    planted = [(0, 0, 0.81), (130, 1, 0.8), (130, 2, 0.79), (520, 1, 0.77), (520, 2, 0.775)]
    files.write_csv(Path("plots/rounds/planted.csv"), ["wrong_labels", "seed", "macro_f1"], planted)


def write_plots(arms: list[str], shape: Shape, best: str) -> None:
    """Write the plots of adaptation, training, learning curve and evaluation; a fifth of the rows are confused."""
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
    names = list(dict.fromkeys(name.split("-")[0] for name in arms))
    dev = np.arange(max(150, 3 * len(shape.labels)))
    truth = dev % len(shape.labels)
    said = np.where(rng.random(len(dev)) < 0.2, rng.integers(0, len(shape.labels), len(dev)), truth)
    confusion = [(name, shape.labels[t], shape.labels[p]) for name in names for t, p in zip(truth, said, strict=True)]
    files.write_csv(folder / "evaluate/confusion.csv", ["approach", "actual", "predicted"], confusion)
    files.write_csv(folder / "evaluate/calibration.csv", ["arm", "confidence", "accuracy", "rows"],
                    [(name, c, c - 0.07, 50) for name in arms for c in (0.35, 0.55, 0.75, 0.95)])  # fmt: skip
    reached = {"tfidf": 0.6} | shape.arms
    per_class = [
        (name, label, reached[name] - 0.3 * place / len(shape.labels))
        for name in names
        for place, label in enumerate(shape.labels)
    ]
    files.write_csv(folder / "evaluate/per_class.csv", ["approach", "label", "f1"], per_class)


def write_inputs(folder: Path, default_params: dict, shape: Shape = DEFAULT, **sections: dict) -> None:
    """Write every input of the stage into `folder`, the current one."""
    task = {"kind": "classification", "labels": shape.labels}
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(default_params | {"task": task, "compare": shape.compare} | sections, file)
    write_metrics(shape)
    source = {
        "pin": {"kind": "file"}, "licence": "CC-BY-4.0", "purpose": "task",
        "published": ["2019-01-02", "2021-05-30"], "rows": {"read": 4110, "kept": 4100, "refused": 10},
    }  # fmt: skip
    files.write_json(folder / "manifest.json", {"garden": source, EVIL: source | {"published": None}})
    texts = [
        EVIL,
        *(f"The {label.lower()} of row {n}, " + "told at length, " * 40 for n, label in enumerate(shape.labels * 9)),
    ]
    rows = make_rows(
        [{"text": text, "label": shape.labels[n % len(shape.labels)], "split": "train"} for n, text in enumerate(texts)]
    )
    tables.write(rows, folder / "data/rows.parquet")
    ids = rows["id"].to_pylist()
    issues = [
        {"id": id, "split": "train", "given_label": shape.labels[0], "suggested_label": shape.labels[1],
         "score": n / 40, "is_issue": n < 25, "reasons": "the model gives FRUIT 2 % and STONE 90 %",
         "p_error": max(0.9 - n / 40, 0.001),
         "tier": "almost certain" if n == 0 else "possible", "kinds": ["label_error"], "detectors": [],
         "gain_per_minute": 3 - n / 40}
        for n, id in enumerate(ids)
    ]  # fmt: skip
    unjudged = {"given_label": None, "suggested_label": None, "p_error": None, "tier": None, "gain_per_minute": None}
    issues[-1] |= unjudged | {"kinds": ["conflict"]}
    tables.write(pa.Table.from_pylist(issues), folder / "data/issues.parquet")
    files.write_text(folder / "packages.txt", "pyarrow==26.0.1\n")
