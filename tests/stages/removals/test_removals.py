"""removals: the counts are those of a naive count, a rule that harms one class stops the run, no row goes missing."""

import csv
import json
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.removals import __main__ as removals
from tests.conftest import make_rows
from tests.other_tasks import WORDS
from winnow.base import gates
from winnow.base.errors import UserError
from winnow.rows import tables
from winnow.rows.ledger import Details, Ledger
from winnow.statistics.intervals import wilson

TASK = {"kind": "classification", "labels": ["A", "B"]}
PARAMS = {"max_skew": None, "max_share": None}
COMMAND = (
    "--raw raw --rows rows.parquet --split split.parquet --clean clean.parquet --deduplicate deduplicate.parquet "
    "--metrics metrics.json --plot removals.csv"
).split()
MANIFEST = {"a": {"rows": {"read": 50}, "refused": {"bad_date": 2}}, "b": {"rows": {"read": 9}, "refused": {}}}


def prepare(folder, rows: list[dict]) -> None:
    """Write what the stage reads: each row may have `rule` (of clean), `copy` (of deduplicate), `split`."""
    (folder / "raw").mkdir(exist_ok=True)
    (folder / "raw/manifest.json").write_text(json.dumps(MANIFEST))
    table = make_rows(rows)
    kept = table.drop_columns([name for name in ("rule", "copy", "split") if name in table.column_names])
    for source in set(kept["source"].to_pylist()):
        tables.write(kept.filter(pa.compute.equal(kept["source"], source)), folder / f"raw/{source}.parquet")
    ledgers = {"clean": Ledger("clean"), "deduplicate": Ledger("deduplicate")}
    left = []
    for row in table.to_pylist():
        ledgers["clean"].add(row["id"], "change", "collapse_space", "white space")
        stage = "clean" if row.get("rule") else "deduplicate" if row.get("copy") else None
        if stage:
            details = Details(other_id=table["id"][0].as_py() if row.get("copy") else None)
            ledgers[stage].add(row["id"], "drop", row.get("rule") or row["copy"], "why", details)
        else:
            left.append({key: row[key] for key in ("id", "group", "split")} | {"cluster": row["id"]})
    columns = pa.schema([(name, pa.string()) for name in ("id", "group", "cluster", "split")])
    tables.write(pa.Table.from_pylist(left, columns), folder / "split.parquet")
    cleaned = table.filter(pa.array([not row.get("rule") for row in table.to_pylist()]))
    tables.write(cleaned.select(["id", "text"]), folder / "rows.parquet")
    for stage, ledger in ledgers.items():
        ledger.write(folder / f"{stage}.parquet")


def run(folder) -> tuple[dict, list[dict]]:
    removals.main(COMMAND)
    with (folder / "removals.csv").open(encoding="utf-8") as file:
        return json.loads((folder / "metrics.json").read_text()), list(csv.DictReader(file))


def skewed(of_a: int, of_b: int, rows: int = 100) -> list[dict]:
    """Rows of classes A and B, 100 of each, of which the rule `short` removes some."""
    return [
        {"source": "a", "label": label, "split": "train", "rule": "short" if number < removed else None}
        for label, removed in (("A", of_a), ("B", of_b))
        for number in range(rows)
    ]


def naive(rows: list[dict]) -> dict:
    """Count with dicts what the stage counts with arrays: (stage, rule, dimension, value) -> (rows, removed)."""
    splits = {row["group"]: row["split"] for row in rows if not (row["rule"] or row["copy"])}
    entered, removed = Counter(), Counter()
    rules = {("clean", row["rule"]) for row in rows if row["rule"]}
    rules |= {("deduplicate", row["copy"]) for row in rows if row["copy"] and not row["rule"]}
    for row in rows:
        classes = WORDS.names(row["label"]) if row["label"] else ["(no label)"]
        values = [("all", "all"), ("source", row["source"]), ("split", splits.get(row["group"], "(none)"))]
        values += [("class", name) for name in (classes if row["purpose"] == "task" else ["(text)"])]
        for pair in values:
            entered["clean", *pair] += 1
            entered["deduplicate", *pair] += row["rule"] is None
            if row["rule"]:
                removed["clean", row["rule"], *pair] += 1
            elif row["copy"]:
                removed["deduplicate", row["copy"], *pair] += 1
    return {
        (stage, rule, *pair): (rows_, removed[stage, rule, *pair])
        for stage, rule in rules
        for (of, *pair), rows_ in entered.items()
        if of == stage and rows_
    }


ROW = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["a", "b"]),
        "purpose": st.sampled_from(["task", "text"]),
        "label": st.sampled_from(["A", "B", "A B", None]),
        "rule": st.sampled_from(["short", "foreign", None, None]),
        "copy": st.sampled_from(["exact", None, None]),
        "group": st.sampled_from(["g0", "g1", "g2", "g3"]),
    }
)


@settings(max_examples=40)
@given(st.lists(ROW, min_size=1, max_size=40))
def test_the_counts_are_those_of_a_naive_count(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("removals")
    rows = [row | {"split": ("train", "dev", "test", "train")[int(row["group"][1])]} for row in rows]
    prepare(folder, rows)
    removed = {stage: removals.read_removed(folder / f"{stage}.parquet") for stage in removals.STAGES}
    lines = removals.count(folder / "raw", removed, folder / "split.parquet", WORDS)
    found = {(line.stage, line.rule, line.dimension, line.value): (line.rows, line.removed) for line in lines}
    assert len(found) == len(lines)
    assert found == naive(rows)


def test_the_plot_has_every_value_with_its_interval_and_the_metrics_the_most_removed_class(workspace):
    folder = workspace(task=TASK, removals=PARAMS)
    prepare(folder, [*skewed(10, 2), {"source": "b", "purpose": "text", "split": "train", "copy": "exact"}])
    metrics, plot = run(folder)
    line = next(row for row in plot if row["value"] == "A")
    low, high = wilson(10, 100)
    assert list(line) == list(removals.HEADER)
    assert line == {
        "rule": "short", "stage": "clean", "dimension": "class", "value": "A", "rows": "100", "removed": "10",
        "share": "0.1", "low": f"{low:.6g}", "high": f"{high:.6g}",
    }  # fmt: skip
    assert [row["value"] for row in plot if row["stage"] == "collect"] == ["a"]
    short = metrics["clean"]["short"]
    assert (short["rows"], short["removed"], short["most_removed_class"]) == (201, 12, "A")
    assert short["skew"] == pytest.approx(0.1 / 0.06, abs=1e-6)
    assert "skew" not in metrics["deduplicate"]["exact"]  # it removed no row that has a class
    assert metrics["collect"] == {"a": {"bad_date": {"removed": 2, "rows": 50}}}


def test_the_split_of_a_removed_row_is_that_of_its_group(workspace):
    folder = workspace(task=TASK, removals=PARAMS)
    rows = [{"source": "a", "label": "A", "split": "dev", "group": "g", "rule": rule} for rule in ("short", None)]
    prepare(folder, [*rows, {"source": "a", "label": "A", "split": "test", "rule": "short"}])
    _, plot = run(folder)
    found = {row["value"]: (row["rows"], row["removed"]) for row in plot if row["dimension"] == "split"}
    assert found == {"dev": ("2", "1"), "(none)": ("1", "1")}


def test_the_stage_writes_the_same_bytes_twice_and_whatever_the_batches(workspace, monkeypatch):
    folder = workspace(task=TASK, removals=PARAMS)
    prepare(folder, skewed(10, 2))
    run(folder)
    first = [(folder / name).read_bytes() for name in ("metrics.json", "removals.csv")]
    monkeypatch.setattr(removals, "BATCH_ROWS", 7)
    run(folder)
    assert [(folder / name).read_bytes() for name in ("metrics.json", "removals.csv")] == first


@pytest.mark.parametrize(
    ("removed", "changes", "said"),
    [
        (
            (30, 0),
            {"max_skew": 1.4},
            [
                "rule 'short' of stage clean removes more than 1.4 times the 15.00% of all classes of 1 class "
                "(removals.max_skew): “A” 30 of 100 rows (30.0%)"
            ],
        ),
        (
            (45, 50),
            {"max_share": 0.3},
            [
                "rule 'short' of stage clean removes more than 30% of 2 classes (removals.max_share): "
                "“B” 50 of 100 rows (50.0%), in all 95 of 200 rows (47.5%), “A” 45 of 100 rows (45.0%)"
            ],
        ),
    ],
)
def test_a_rule_that_harms_is_in_doubt_with_all_classes_examples_and_what_accepts_it(
    workspace, capsys, removed, changes, said
):
    folder = workspace(task=TASK, removals=PARAMS | changes)
    prepare(folder, skewed(*removed))
    _, plot = run(folder)
    doubts = [entry for _, entry in gates.read(folder)]
    assert [doubt.what for doubt in doubts] == said
    assert plot
    told = capsys.readouterr().err
    assert said[0] in told
    for doubt in doubts:
        assert f"accept: params.yaml: {doubt.accept}\n" in told
        assert len(doubt.examples) == 3
        assert f"{doubt.examples[0].id} “the text of row" in told
        assert f"winnow why {doubt.examples[0].id}\n" in told
        key, value = doubt.accept.removeprefix("removals.").split(": ")
        workspace(task=TASK, gates={"on_doubt": "stop"}, removals=PARAMS | changes | {key: float(value)})
        run(folder)  # accepted


def test_a_strict_run_stops_after_everything_is_told_and_written(workspace, capsys):
    folder = workspace(task=TASK, gates={"on_doubt": "stop"}, removals=PARAMS | {"max_skew": 1.4, "max_share": 0.1})
    prepare(folder, skewed(40, 0))
    with pytest.raises(UserError, match=r"2 doubts, listed above and in metrics\.json; mend or accept each") as error:
        run(folder)
    assert "\n" not in str(error.value)
    assert (folder / "removals.csv").exists()
    assert capsys.readouterr().err.count("accept: params.yaml: removals.max_s") == 2


def test_near_duplicates_are_shown_beside_the_rows_in_whose_place_they_went(workspace, capsys):
    folder = workspace(task=TASK, removals=PARAMS | {"max_share": 0.1})
    rows = [
        {"source": "a", "label": "A", "split": "train", "copy": "near_duplicate" if number % 2 else None}
        | {"text": f"Dear customer {number}, your parcel waits for you at the post office, please come and fetch it"}
        for number in range(100)
    ]
    prepare(folder, [*rows, *skewed(0, 0)])
    run(folder)
    told = capsys.readouterr().err
    kept = make_rows(rows)["id"][0].as_py()
    assert f" like {kept} “Dear customer 0, your parcel waits for you at the post office, …”" in told
    assert "deduplicate.drop_near: false keeps near-duplicates" in told
    assert "deduplicate.threshold" in told


def test_with_many_classes_one_row_of_one_of_them_is_no_doubt_and_a_class_that_goes_is(workspace):
    """One short row of 152 is 0.66 % against 0.02 %: chance, among 77 classes. A quarter of a class is not."""
    labels = [f"class {number}" for number in range(77)]
    folder = workspace(task={"kind": "classification", "labels": labels}, removals={"max_skew": 3, "max_share": 0.2})
    for removed, expected in ((1, []), (38, ["removals.max_skew"])):
        rows = [
            {"source": "a", "label": label, "split": "train"}
            | {"rule": "short" if (label == "class 7" and number < removed) or number + place == 0 else None}
            for place, label in enumerate(labels)
            for number in range(152)
        ]
        prepare(folder, rows)
        run(folder)
        found = [doubt for _, doubt in gates.read(folder)]
        assert [doubt.gate for doubt in found if "class 7" in doubt.what] == expected
        assert [doubt.gate for doubt in found] == expected


@pytest.mark.parametrize(
    ("removed", "changes"),
    [
        ((2, 0), {"max_skew": 1.4}),  # twice the base rate, but of two rows
        ((30, 28), {"max_skew": 1.4, "max_share": 0.3}),
        ((0, 0), {"max_skew": 1.4, "max_share": 0.01}),
    ],
)
def test_what_chance_explains_passes(workspace, removed, changes):
    folder = workspace(task=TASK, removals=PARAMS | changes)
    prepare(folder, skewed(*removed))
    metrics, _ = run(folder)
    assert metrics["doubts"] == []


def test_unlabelled_rows_are_shown_but_are_no_class(workspace):
    folder = workspace(task=TASK, removals={"max_skew": 1.4, "max_share": None})
    rows = skewed(5, 5) + [{"source": "a", "split": "train", "rule": "short"} for _ in range(50)]
    prepare(folder, rows)
    metrics, plot = run(folder)
    assert metrics["clean"]["short"]["skew"] == 1
    assert next(row for row in plot if row["value"] == "(no label)")["share"] == "1"


def break_ledger(folder) -> None:
    ledger = Ledger("clean")
    ledger.add("0123456789abcdef", "drop", "short", "of another run")
    ledger.write(folder / "clean.parquet")


def break_id(folder) -> None:
    ledger = Ledger("clean")
    ledger.add("row-1", "drop", "short", "not an id")
    ledger.write(folder / "clean.parquet")


def break_split(folder) -> None:
    tables.write(tables.read(folder / "split.parquet").slice(1), folder / "split.parquet")


def no_source(folder) -> None:
    (folder / "raw/a.parquet").unlink()


def old_manifest(folder) -> None:
    (folder / "raw/manifest.json").write_text('{"a": {"rows": 7}}')


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            break_ledger,
            "the ledger of clean removes 1 rows, 0 of which entered it from raw; they are of different runs",
        ),
        (break_id, r"clean\.parquet: id 'row-1' is not 16 hex digits; run `dvc repro collect`"),
        (break_split, r"split\.parquet: has 189 rows; 190 of raw are in no ledger as removed; they are of different"),
        (no_source, "raw: no source's Parquet file; run `dvc repro collect`"),
        (old_manifest, r"raw/manifest\.json: not the manifest that collect writes; run `dvc repro collect`"),
        (lambda folder: (folder / "raw/manifest.json").unlink(), r"raw/manifest\.json: not found"),
        (lambda folder: (folder / "deduplicate.parquet").unlink(), r"deduplicate\.parquet: not found"),
    ],
)
def test_inputs_that_do_not_belong_together_are_named(workspace, damage, message):
    folder = workspace(task=TASK, removals=PARAMS)
    prepare(folder, skewed(10, 0))
    damage(folder)
    with pytest.raises(UserError, match=message):
        run(folder)
    assert not any((folder / name).exists() for name in ("metrics.json", "removals.csv"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_skew": 1.0}, "removals.max_skew"),
        ({"max_share": 0.0}, "removals.max_share"),
        ({"max_share": 1.5}, "removals.max_share"),
        ({"max_rows": 1}, "removals.max_rows: unknown parameter"),
    ],
)
def test_parameters_out_of_range_are_named(workspace, changes, message):
    folder = workspace(task=TASK, removals=PARAMS | changes)
    prepare(folder, skewed(1, 1))
    with pytest.raises(UserError, match=message):
        run(folder)
