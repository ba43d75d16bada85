"""balance: the budget chooses by hash, every row left out is in the ledger, weights average one."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.balance import __main__ as balance
from stages.semantic_duplicates.__main__ import LEFT_OUT
from tests.conftest import make_rows
from tests.other_tasks import WORDS
from winnow import kinds
from winnow.balance import balancing
from winnow.base.errors import UserError
from winnow.encoder import embeddings
from winnow.kinds.classification.labels import Task
from winnow.kinds.classification.weights import class_weights
from winnow.rows import tables, training_table
from winnow.rows.ledger import Ledger

TASK = {"kind": "classification", "labels": ["FRUIT", "STONE"]}
PARAMS = {"train_on": ["given", "human"], "max_labels": None, "weights": "sqrt", "seed": 1}
PARAMS |= {"beta": 0.9, "max_per_class": None, "undersample": "hash", "oversample": 1, "dev_rows": False}
OUTPUTS = ("training.parquet", "dev.parquet", "ledger.parquet", "metrics.json")
COMMAND = (
    "--rows rows.parquet --left-out left_out.parquet --embeddings embeddings --out training.parquet --dev dev.parquet "
    "--ledger ledger.parquet --metrics metrics.json"
).split()


def table(rows: list[dict]) -> pa.Table:
    return make_rows([{"split": "train", "verdict": None} | row for row in rows], aux=("kind",))


def some(count: int = 40) -> list[dict]:
    return [
        {"label": "STONE" if n % 4 == 0 else "FRUIT", "aux_kind": "small", "meta": {"heading": "x"}}
        for n in range(count)
    ]


def choose(rows: pa.Table, **changes) -> tuple[list[str], Ledger]:
    ledger = Ledger("balance")
    settings = balancing.Params.model_validate(PARAMS | changes)
    chosen = balancing.choose(rows, {}, settings, Task(**TASK), ledger)
    return chosen["id"].to_pylist(), ledger


def run(workspace, rows: list[dict], left_out: dict[str, str] | None = None, vectors=None, task=TASK, **changes):
    folder = workspace(task=task, balance=PARAMS | changes)
    tables.write(table(rows), folder / "rows.parquet")
    pairs = [{"id": id, "keeper": keeper, "similarity": 0.99} for id, keeper in (left_out or {}).items()]
    tables.write(pa.Table.from_pylist(pairs, LEFT_OUT), folder / "left_out.parquet")
    if vectors is not None:
        embeddings.write(folder / "embeddings", table(rows)["id"].to_pylist(), vectors)
    balance.main(COMMAND)
    return folder


def test_the_training_table_holds_what_training_needs_and_no_heading(workspace):
    folder = run(workspace, some())
    out = tables.read(folder / "training.parquet")
    assert out.column_names == ["id", "group", "text", "label", "weight", "aux_kind"]
    assert "meta" not in out.column_names
    assert out.schema.field("weight").type == pa.float64()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["labels"] == {"FRUIT": 30, "STONE": 10}
    assert metrics["weights"]["STONE"] > metrics["weights"]["FRUIT"]
    assert sum(out["weight"].to_pylist()) / 40 == pytest.approx(1)


def test_every_row_left_out_is_in_the_ledger_with_its_rule(workspace):
    left_out = {
        "not_train": {"label": "FRUIT", "split": "dev"},
        "origin": {"label": "FRUIT", "label_origin": "rule"},
        "unlabelled": {},
        "ambiguous": {"verdict": "ambiguous"},
    }
    rows = [*some(), *left_out.values()]
    folder = run(workspace, rows, max_labels=30)
    entries = tables.read(folder / "ledger.parquet").to_pylist()
    ids = table(rows)["id"].to_pylist()
    rules = {entry["id"]: entry["rule"] for entry in entries}
    assert [rules[id] for id in ids[40:]] == list(left_out)
    assert Counter(rules.values())["budget"] == 10
    assert {entry["action"] for entry in entries} == {"skip"}
    training = tables.read(folder / "training.parquet")["id"].to_pylist()
    assert sorted([*training, *rules]) == sorted(ids)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["left_out"] == {"ambiguous": 1, "budget": 10, "not_train": 1, "origin": 1, "unlabelled": 1}


def test_a_row_that_says_what_another_says_is_left_out(workspace):
    ids = table(some())["id"].to_pylist()
    folder = run(workspace, some(), left_out={ids[3]: ids[5], "not-here": ids[5]})
    assert sorted(tables.read(folder / "training.parquet")["id"].to_pylist()) == sorted({*ids} - {ids[3]})
    [entry] = tables.read(folder / "ledger.parquet").to_pylist()
    assert (entry["id"], entry["action"], entry["rule"]) == (ids[3], "skip", "semantic_duplicate")
    assert (entry["reason"], entry["other_id"]) == (f"says what {ids[5]} says", ids[5])


@given(small=st.integers(10, 40), large=st.integers(10, 40), seed=st.integers(0, 9))
def test_a_larger_budget_holds_the_smaller(small, large, seed):
    rows = table([{"label": "FRUIT" if n % 2 else "STONE"} for n in range(40)])
    small, large = sorted((small, large))
    try:
        fewer, ledger = choose(rows, max_labels=small, seed=seed)
    except UserError:
        return  # a budget that loses a class
    more, _ = choose(rows, max_labels=large, seed=seed)
    assert set(fewer) <= set(more)
    assert len(fewer) == small
    ledger.check(40, small)


def test_another_seed_draws_other_rows():
    rows = table(some())
    assert choose(rows, max_labels=20)[0] != choose(rows, max_labels=20, seed=2)[0]


def test_a_decision_about_another_row_leaves_the_file_as_it_was(workspace):
    rows = [*some(), {"label": "FRUIT", "split": "dev"}, {}]
    before = (run(workspace, rows) / "training.parquet").read_bytes()
    rows[40] |= {"label": "STONE", "label_origin": "human", "verdict": "relabel"}
    rows[41] |= {"verdict": "ambiguous"}
    assert (run(workspace, rows) / "training.parquet").read_bytes() == before


def test_the_stage_writes_the_same_bytes_twice(workspace):
    folder = run(workspace, some(), max_labels=20)
    first = [(folder / name).read_bytes() for name in OUTPUTS]
    balance.main(COMMAND)
    assert [(folder / name).read_bytes() for name in OUTPUTS] == first


LABELS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=50)


@given(labels=LABELS, scheme=st.sampled_from(["none", "inverse", "sqrt", "effective_number"]))
def test_weights_average_one_over_rows(labels, scheme):
    weights = class_weights(labels, scheme)
    assert sum(weights[label] for label in labels) / len(labels) == pytest.approx(1)
    counts = Counter(labels)
    for rare, common in ((a, b) for a in counts for b in counts if counts[a] < counts[b]):
        assert weights[rare] == weights[common] if scheme == "none" else weights[rare] > weights[common]


def test_inverse_gives_each_class_the_same_total_and_sqrt_stands_between():
    labels = ["a"] * 90 + ["b"] * 10
    inverse = class_weights(labels, "inverse")
    assert 90 * inverse["a"] == pytest.approx(10 * inverse["b"])
    assert class_weights(labels, "sqrt")["b"] / class_weights(labels, "sqrt")["a"] == pytest.approx(3)


def test_effective_number_goes_from_equal_weights_to_inverse_as_beta_grows():
    labels = ["a"] * 90 + ["b"] * 10

    def ratio(beta: float) -> float:
        weights = class_weights(labels, "effective_number", beta)
        return weights["b"] / weights["a"]

    assert ratio(0) == pytest.approx(1)
    assert ratio(0.9) == pytest.approx((1 - 0.9**90) / (1 - 0.9**10))
    assert ratio(0.99999) == pytest.approx(9, rel=0.01)


def test_a_class_keeps_its_first_rows_by_hash_and_the_ledger_tells_of_the_others(workspace):
    folder = run(workspace, some(), max_per_class=12)
    few = tables.read(folder / "training.parquet")
    assert Counter(few["label"].to_pylist()) == {"FRUIT": 12, "STONE": 10}
    entries = tables.read(folder / "ledger.parquet").to_pylist()
    assert {(entry["rule"], entry["reason"]) for entry in entries} == {("undersample", "beyond 12 rows of FRUIT")}
    more = tables.read(run(workspace, some(), max_per_class=20) / "training.parquet")
    assert set(few["id"].to_pylist()) < set(more["id"].to_pylist())


def test_redundancy_first_leaves_out_the_rows_of_the_largest_class_that_are_most_like_others(workspace):
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(40, 8)).astype(np.float32)
    fruit = [number for number in range(40) if number % 4]
    copied = {fruit[place]: fruit[place + 10] for place in range(5)}
    for copy, original in copied.items():
        vectors[copy] = 3 * vectors[original] + 0.001 * generator.normal(size=8)
    vectors[0] = vectors[4]  # of STONE, which has few enough
    ids = table(some())["id"].to_pylist()
    folder = run(workspace, some(), vectors=vectors, max_per_class=25, undersample="redundancy")
    others = {entry["id"]: entry["other_id"] for entry in tables.read(folder / "ledger.parquet").to_pylist()}
    pairs = [{ids[copy], ids[original]} for copy, original in copied.items()]
    assert sorted(len(pair & set(others)) for pair in pairs) == [1] * 5
    assert len(others) == 5
    for id, other in others.items():
        assert {id, other} in pairs


def test_redundant_rows_go_as_in_a_search_over_all_pairs(monkeypatch):
    monkeypatch.setattr(balancing, "BLOCK", 7)
    vectors = np.random.default_rng(2).normal(size=(40, 4))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines, expected = np.tril(unit @ unit.T, -1) - 9 * np.triu(np.ones((40, 40))), []
    for _ in range(25):
        later, like = np.unravel_index(cosines.argmax(), cosines.shape)
        expected.append((later, like))
        cosines[later], cosines[:, later] = -9, -9
    assert balancing.redundant(vectors, 25) == expected


def test_oversampling_brings_rare_classes_up_within_the_cap(workspace):
    def standing(cap: float) -> Counter:
        folder = run(workspace, some(), oversample=cap)
        rows = training_table.read(folder / "training.parquet", ["id", "label"])
        times = Counter(rows["id"].to_pylist())
        assert len(times) == 40
        assert max(times.values()) <= np.ceil(cap)
        return Counter(rows["label"].to_pylist())

    assert standing(2.5) == {"FRUIT": 30, "STONE": 25}
    assert standing(9) == {"FRUIT": 30, "STONE": 30}
    assert standing(1) == {"FRUIT": 30, "STONE": 10}


def test_dev_rows_are_handed_on_only_where_asked_and_only_labels_that_people_stand_for(workspace):
    rows = [
        *some(),
        {"label": "FRUIT", "split": "dev"},
        {"label": "FRUIT", "split": "dev", "label_origin": "rule"},
        {"split": "dev"},
        {"label": "STONE", "split": "test"},
    ]
    assert tables.read(run(workspace, rows) / "dev.parquet").num_rows == 0
    dev = tables.read(run(workspace, rows, dev_rows=True) / "dev.parquet")
    assert dev["id"].to_pylist() == [table(rows)["id"].to_pylist()[40]]
    assert dev.column_names == ["id", "group", "text", "label"]


@pytest.mark.parametrize(
    ("rows", "changes", "message"),
    [
        (some(), {"oversample": 0.5}, "balance.oversample"),
        (some(), {"undersample": "random"}, "balance.undersample"),
        (
            some(),
            {"max_labels": 1},
            "balance.max_labels: the first 1 rows: the only label is '(FRUIT|STONE)'",
        ),
        ([{}] * 3, {}, "rows to train on: no row has a label"),
        ([{"label": "FRUIT"}] * 3, {}, "the only label is 'FRUIT'"),
        (some(), {"train_on": ["human"]}, "rows to train on: no row has a label"),
        (some(), {"max_labels": 0}, "balance.max_labels"),
        (some(), {"weights": "cube"}, "balance.weights"),
        (some(), {"train_on": []}, "balance.train_on"),
        (some(), {"train_on": ["people"]}, "balance.train_on"),
        (some(), {"max_rows": 5}, "balance.max_rows: unknown parameter"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(workspace, tmp_path, rows, changes, message):
    with pytest.raises(UserError, match=message):
        run(workspace, rows, **changes)
    assert not any((tmp_path / name).exists() for name in OUTPUTS)


def test_classes_beyond_the_budget_are_in_doubt_and_the_others_train(workspace, capsys):
    labels = [f"kind {number}" for number in range(30)]
    rows = [{"label": labels[number % 30]} for number in range(300)]
    folder = run(workspace, rows, task=TASK | {"labels": [*labels, "ABSENT"]}, max_labels=20)
    metrics = json.loads((folder / "metrics.json").read_text())
    (doubt,) = metrics["doubts"]
    missing = 31 - len(metrics["labels"])
    assert f"{missing} class(es) have fewer than 1 row(s) to train on (balance.min_per_class): " in doubt["what"]
    assert doubt["mend"] == f"raise balance.max_labels, beyond which {missing - 1} of them stand"
    assert doubt["accept"] == "balance.min_per_class: 0"
    assert "IN DOUBT" in capsys.readouterr().err


def test_a_row_without_an_embedding_is_named(workspace):
    rows = some()
    folder = run(workspace, rows[:39], vectors=np.ones((39, 2), np.float32))
    workspace(task=TASK, balance=PARAMS | {"max_per_class": 9, "undersample": "redundancy"})
    tables.write(table(rows), folder / "rows.parquet")
    with pytest.raises(UserError, match=r"embeddings: 1 row\(s\) have no embedding, first"):
        balance.main(COMMAND)


def several(labels: list[str]) -> pa.Table:
    return table([{"label": label} for label in labels])


def test_a_row_of_several_classes_stays_where_one_needs_it_and_stands_as_often_as_the_rarest_asks():
    rows = several(["cat dog", *["cat"] * 8, "dog"])
    settings, ledger = balancing.Params.model_validate(PARAMS | {"max_per_class": 2}), Ledger("balance")
    kept = balancing.undersample(rows, settings, WORDS, None, ledger)["label"].to_pylist()
    assert "cat dog" in kept
    assert kept.count("cat") <= 2
    assert kept.count("dog") == 1
    times = dict(zip(rows["label"].to_pylist(), balancing.copies(rows, 9, WORDS, 1), strict=True))
    assert times["cat"] == 1
    assert times["cat dog"] > 1
    assert times["dog"] > 1


def test_a_kind_without_weights_weighs_every_row_alike_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    (tmp_path / "words").mkdir()
    rows, settings = several(["cat", "cat dog"]), balancing.Params.model_validate(PARAMS | {"weights": "none"})
    table, weights = balancing.weigh(rows, settings, WORDS)
    assert table["weight"].to_pylist() == [1.0, 1.0]
    assert weights == {"cat": 1.0, "dog": 1.0}
    with pytest.raises(UserError, match=r"task\.kind words has no weights"):
        balancing.weigh(rows, settings.model_copy(update={"weights": "sqrt"}), WORDS)
