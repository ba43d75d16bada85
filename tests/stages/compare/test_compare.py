"""Comparison: intervals that mean something, pairing, a verdict that can fail, and clear errors."""

import csv
import json

import numpy as np
import pytest

from stages.compare import __main__ as compare
from tests import predicted
from winnow.base.errors import UserError
from winnow.kinds.classification.metrics import measure
from winnow.rows import predictions, tables

LABELS = ["A", "B", "C"]
TASK = {"kind": "classification", "labels": LABELS}
PARAMS = {
    "baseline": "tfidf",
    "pairs": [["transfer", "tfidf"], ["dapt", "transfer"]],
    "resamples": 500,
    "confidence": 0.95,
    "seed": 1,
}


def arm(right: float, seed: int, rows: int = 400, labels=LABELS, actual=None):
    """Predictions that are right with a probability; five rows a group, a quarter of them dev."""
    truth = np.arange(rows) % 3
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(rows) < right, truth, (truth + rng.integers(1, 3, size=rows)) % 3)
    probabilities = np.eye(3)[said] * 0.7 + 0.1
    columns = {
        "id": [f"{n:04d}" for n in range(rows)],
        "group": [f"g{n // 5}" for n in range(rows)],
        "split": ["dev" if (n // 5) % 4 == 0 else "test" for n in range(rows)],
    }
    return predicted.table(columns, truth if actual is None else actual, probabilities, labels)


@pytest.fixture
def run(workspace):
    def call(arms: dict, **section):
        folder = workspace(task=TASK, compare=PARAMS | section)
        for name, table in arms.items():
            tables.write(table, folder / "predictions" / f"{name}.parquet")
        (folder / "predictions").mkdir(exist_ok=True)
        compare.main(["--predictions", "predictions", "--metrics", "compare.json", "--plot", "compare.csv"])
        return json.loads((folder / "compare.json").read_text()), folder

    return call


GOOD = {
    "tfidf-0": arm(0.6, 0),
    "transfer-1": arm(0.8, 1),
    "transfer-2": arm(0.8, 2),
    "dapt-1": arm(0.82, 3),
    "dapt-2": arm(0.82, 4),
}


def test_values_are_means_over_seeds(run):
    metrics, _ = run(GOOD)
    approaches = metrics["dev"]["approaches"]
    arms = [predictions.of_split(GOOD[name], "dev") for name in ("dapt-1", "dapt-2")]
    seeds = [measure(predicted.task(LABELS), arm, 10) for arm in arms]
    for name in ("accuracy", "macro_f1"):
        value = np.mean([seed[name] for seed in seeds])
        assert approaches["dapt"][name] == pytest.approx(value, abs=1e-6)
        assert approaches["dapt"][f"{name}_low"] < value < approaches["dapt"][f"{name}_high"]
    assert approaches["dapt"]["seeds"] == 2
    difference = metrics["dev"]["difference"]["dapt-transfer"]["macro_f1"]
    assert difference == pytest.approx(approaches["dapt"]["macro_f1"] - approaches["transfer"]["macro_f1"], abs=2e-6)


def test_nothing_of_test_stands_in_the_outputs(run):
    """The labels of test may be any others: the outputs are the same bytes."""
    names = ("compare.json", "compare.csv")
    _, folder = run(GOOD)
    before = [(folder / name).read_bytes() for name in names]
    truth = np.arange(400) % 3
    test = np.arange(400) // 5 % 4 != 0
    run({name: relabelled(table, np.where(test, (truth + 1) % 3, truth)) for name, table in GOOD.items()})
    assert [(folder / name).read_bytes() for name in names] == before


def relabelled(table, actual):
    return tables.set_column(table, "label", [LABELS[place] for place in actual], table["label"].type)


def test_a_clear_gain_is_a_clear_gain(run):
    metrics, _ = run(GOOD | {f"{name}-{seed}": arm(0.8, 10 * seed + len(name)) for name in ("transfer", "dapt")
                             for seed in (3, 4, 5)})  # fmt: skip
    assert metrics["best_beats_baseline"] is True
    assert metrics["dev"]["difference"]["transfer-tfidf"]["macro_f1_low"] > 0
    # The best is chosen on dev, and its gain over the baseline stands there even if no pair asks for it.
    best = max(("transfer", "dapt"), key=lambda name: metrics["dev"]["approaches"][name]["macro_f1"])
    assert metrics["best"] == best
    assert f"{best}-tfidf" in metrics["dev"]["difference"]


def test_an_arm_of_one_run_is_not_the_best_while_others_can_be_judged(run):
    alone = {name: GOOD[name] for name in ("tfidf-0", "transfer-1", "dapt-1")} | {"ensemble-1": arm(0.99, 7)}
    assert run(alone)[0]["best"] == "ensemble"
    assert run(alone | GOOD)[0]["best"] in ("transfer", "dapt")


def test_a_transformer_that_is_no_better_is_seen_to_fail(run):
    arms = GOOD | {"tfidf-0": arm(0.81, 9)}
    assert run(arms)[0]["best_beats_baseline"] is False


def test_an_approach_against_its_twin_differs_by_the_seeds_alone(run):
    metrics, _ = run({"tfidf-0": arm(0.6, 0), "transfer-1": arm(0.8, 1), "dapt-1": arm(0.8, 1)})
    difference = metrics["dev"]["difference"]["dapt-transfer"]
    assert {name: value for name, value in difference.items() if name != "interval"} == dict.fromkeys(
        ("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_f1_low", "macro_f1_high"), 0
    )


def test_pairing_narrows_the_interval(run):
    """Two arms that err on the same groups: their difference is surer than either."""
    first = arm(0.8, 1)
    truth, said = (np.array(first[column].to_pylist(), dtype=object) for column in ("label", "predicted"))
    mended = np.flatnonzero(truth != said)[::8]
    said[mended] = truth[mended]
    second = tables.set_column(first, "predicted", said, first["predicted"].type)
    metrics, _ = run({"tfidf-0": arm(0.6, 0), "transfer-1": first, "dapt-1": second})

    def width(of):
        return of["macro_f1_high"] - of["macro_f1_low"]

    difference = metrics["dev"]["difference"]["dapt-transfer"]
    assert 0 < width(difference) < 0.6 * width(metrics["dev"]["approaches"]["transfer"])


def test_seeds_that_differ_widen_the_interval(run):
    base = {"tfidf-0": arm(0.6, 0), "dapt-1": arm(0.8, 3)}
    alike, _ = run(base | {"transfer-1": arm(0.75, 1), "transfer-2": arm(0.75, 1)})
    apart, _ = run(base | {"transfer-1": arm(0.95, 1), "transfer-2": arm(0.55, 2)})
    found = [metrics["dev"]["approaches"]["transfer"] for metrics in (alike, apart)]
    widths = [of["macro_f1_high"] - of["macro_f1_low"] for of in found]
    assert widths[1] > 2 * widths[0]
    assert (found[1]["macro_f1_low"], found[1]["macro_f1_high"]) == (0, 1), "a share lies between 0 and 1"


def test_plot_and_bytes(run):
    metrics, folder = run(GOOD)
    bytes_ = [(folder / name).read_bytes() for name in ("compare.json", "compare.csv")]
    points = list(csv.DictReader(bytes_[1].decode().splitlines()))
    assert [(p["approach"], p["split"]) for p in points] == [
        (approach, "dev") for approach in ("dapt", "tfidf", "transfer")
    ]
    assert float(points[0]["macro_f1"]) == metrics["dev"]["approaches"]["dapt"]["macro_f1"]
    run(GOOD)
    assert [(folder / name).read_bytes() for name in ("compare.json", "compare.csv")] == bytes_


def test_another_approach_beside_it_changes_no_interval(run):
    pairs = [["transfer", "tfidf"]]
    alone, _ = run({name: table for name, table in GOOD.items() if "dapt" not in name}, pairs=pairs)
    beside, _ = run(GOOD, pairs=pairs)
    assert alone["dev"]["approaches"]["transfer"] == beside["dev"]["approaches"]["transfer"]
    assert alone["dev"]["difference"]["transfer-tfidf"] == beside["dev"]["difference"]["transfer-tfidf"]


@pytest.mark.parametrize(
    ("arms", "section", "message"),
    [
        ({}, {}, "holds no <arm>-<seed>.parquet"),
        ({"tfidf": arm(0.6, 0)}, {}, "arm 'tfidf': not of the form <arm>-<seed>"),
        (GOOD, {"baseline": "bow"}, "approach 'bow' has no predictions; there are dapt, tfidf, transfer"),
        (GOOD, {"pairs": [["dapt", "gpt"]]}, "approach 'gpt' has no predictions"),
        (GOOD, {"pairs": [["dapt"]]}, "must be two different approaches"),
        (GOOD, {"pairs": [["dapt", "dapt"]]}, "must be two different approaches"),
        ({"tfidf-0": GOOD["tfidf-0"]}, {"pairs": []}, "is the only approach"),
        (GOOD, {"resamples": -1}, "compare.resamples"),
        (GOOD, {"confidence": 95}, "compare.confidence"),
        (GOOD | {"transfer-2": arm(0.8, 2, rows=390)}, {}, "transfer-2.parquet: column 'id' differs"),
        (GOOD | {"transfer-2": arm(0.8, 2, actual=np.arange(400) // 140)}, {}, "column 'label' differs"),
        (GOOD | {"transfer-2": arm(0.8, 2, labels=["A", "B", "D"])}, {}, "column 'label' differs"),
        ({name: arm(0.8, 2, labels=["A", "B", "D"]) for name in GOOD}, {}, "label 'D' is not one of params.yaml"),
        ({name: t.filter([s == "test" for s in t["split"].to_pylist()]) for name, t in GOOD.items()}, {}, "no dev row"),
    ],
)
def test_errors_are_clear(run, arms, section, message):
    with pytest.raises(UserError) as error:
        run(arms, **section)
    assert message in str(error.value)


def test_arms_of_unrepaired_rows_are_compared_unasked_and_never_the_best(run):
    controls = {f"transfer_given-{seed}": arm(0.99, seed) for seed in (1, 2)}
    metrics, _ = run(GOOD | controls)
    assert metrics["best"] == "dapt"
    difference = metrics["dev"]["difference"]["transfer-transfer_given"]
    assert difference["macro_f1"] < 0
    assert "paired by seed" in difference["interval"]
