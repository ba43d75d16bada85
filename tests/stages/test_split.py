"""split: no leak, shares as asked, and the test rows stay what they are while data is added."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import split as stage
from tests.conftest import make_rows
from winnow import params, tables
from winnow.errors import UserError

ALL = {"dev": 0.15, "test": 0.25, "salt": "salt-1"}
RANK = {"train": 0, "dev": 1, "test": 2}


def options(**changes) -> stage.Params:
    return params.parse(ALL | changes, stage.Params, "params.yaml: split")


def assignment(rows: list[dict]) -> dict[str, str]:
    assigned = stage.split(table_of(rows), options(dev=0.3, test=0.3))
    return dict(zip(assigned["id"].to_pylist(), assigned["split"].to_pylist(), strict=True))


def table_of(rows: list[dict]) -> pa.Table:
    return make_rows([{"cluster": f"own-{number}"} | row for number, row in enumerate(rows)])


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "group": st.integers(0, 12).map("g{}".format),
            "cluster": st.integers(0, 20).map("c{}".format),
            "purpose": st.sampled_from(["task", "task", "text"]),
        }
    ),
    min_size=1,
    max_size=25,
)


def keyed(rows: list[dict], prefix: str) -> list[dict]:
    return [row | {"source_key": f"{prefix}{number}"} for number, row in enumerate(rows)]


@settings(deadline=None)
@given(ROWS)
def test_no_group_and_no_cluster_stands_in_two_splits(rows):
    table = table_of(rows)
    assigned = stage.split(table, options(dev=0.3, test=0.3))
    for name in ("group", "cluster"):
        places = {}
        for key, place in zip(table[name].to_pylist(), assigned["split"].to_pylist(), strict=True):
            assert places.setdefault(key, place) == place
    assert stage.leaks(assigned) == 0
    assert assigned.num_rows == table.num_rows


@settings(deadline=None)
@given(ROWS, ROWS)
def test_added_rows_move_no_task_row_to_a_lower_split(rows, more):
    rows = keyed(rows, "old-")
    before, after = assignment(rows), assignment(rows + keyed(more, "new-"))
    task = {id_ for id_, row in zip(before, rows, strict=True) if row["purpose"] == "task"}
    assert all(RANK[after[id_]] >= RANK[before[id_]] for id_ in task)


@settings(deadline=None)
@given(ROWS, ROWS)
def test_rows_in_new_groups_and_clusters_move_no_old_row(rows, more):
    rows = keyed(rows, "old-")
    more = [row | {"group": "new-" + row["group"], "cluster": "new-" + row["cluster"]} for row in keyed(more, "new-")]
    before, after = assignment(rows), assignment(rows + more)
    assert all(after[id_] == place for id_, place in before.items())


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, chooser):
    rows = keyed(rows, "")
    shuffled = list(rows)
    chooser.shuffle(shuffled)
    assert assignment(rows) == assignment(shuffled)


def test_shares_are_as_asked_and_the_salt_moves_rows():
    table = table_of([{} for _ in range(4000)])
    counts = stage.split(table, options())["split"].value_counts().to_pylist()
    shares = {count["values"]: count["counts"] / 4000 for count in counts}
    assert shares == pytest.approx({"train": 0.6, "dev": 0.15, "test": 0.25}, abs=0.03)
    assert not stage.split(table, options()).equals(stage.split(table, options(salt="salt-2")))


def test_text_rows_train_unless_a_task_row_ties_them():
    groups = [f"g{number}" for number in range(200)]
    drawn = {group: stage.draw(group, options()) for group in groups}
    test_group = next(group for group in groups if drawn[group] == "test")
    train_group = next(group for group in groups if drawn[group] == "train")
    alone = [{"group": group, "purpose": "text"} for group in groups]
    assert set(stage.split(table_of(alone), options())["split"].to_pylist()) == {"train"}
    tied = [
        {"group": test_group, "purpose": "task"},
        {"group": test_group, "purpose": "text", "cluster": "shared"},
        {"group": train_group, "purpose": "text", "cluster": "shared"},
    ]
    assert stage.split(table_of(tied), options())["split"].to_pylist() == ["test"] * 3


def test_leaks_are_counted():
    strings = {"id": ["1", "2", "3"], "group": ["a", "a", "b"], "cluster": ["x", "y", "y"]}
    assert stage.leaks(pa.table(strings | {"split": ["train", "test", "dev"]})) == 2
    assert stage.leaks(pa.table(strings | {"split": ["dev", "dev", "dev"]})) == 0


def test_main_writes_the_split_and_freezes_the_test_rows(workspace):
    folder = workspace(split=ALL)
    rows = [{"label": "AB"[number % 2], "group": f"g{number % 100}"} for number in range(300)]
    shas = []
    for table in (table_of(rows), table_of([*rows, {"purpose": "text", "group": "new"}])):
        tables.write(table, folder / "rows.parquet")
        stage.main([f"--rows={folder / 'rows.parquet'}", "--out=split.parquet", "--metrics=split.json"])
        metrics = json.loads((folder / "split.json").read_text())
        shas.append(metrics["test_sha"])
        assert metrics["leaks"] == 0
        assert sum(metrics[name]["rows"] for name in stage.SPLITS) == 300
        assert sum(metrics[name]["groups"] for name in stage.SPLITS) == 100
        assert sum(metrics["test"]["label_shares"].values()) == pytest.approx(1)
    assert metrics["train"]["text_rows"] == 1
    assert shas[0] == shas[1]
    assigned = tables.read(folder / "split.parquet")
    assert assigned.schema.names == ["id", "group", "cluster", "split"]
    assert assigned["id"].to_pylist() == sorted(table["id"].to_pylist())


def test_too_few_groups_for_three_splits_is_an_error(workspace):
    folder = workspace(split=ALL)
    tables.write(table_of([{"group": "one"}, {"group": "one"}]), folder / "rows.parquet")
    with pytest.raises(UserError, match="no row with purpose task falls into"):
        stage.main([f"--rows={folder / 'rows.parquet'}", "--out=split.parquet", "--metrics=split.json"])
    assert not (folder / "split.parquet").exists()


def test_rows_without_a_cluster_are_an_error(workspace):
    folder = workspace(split=ALL)
    tables.write(make_rows([{}]), folder / "rows.parquet")
    with pytest.raises(UserError, match="column 'cluster' is missing"):
        stage.main([f"--rows={folder / 'rows.parquet'}", "--out=split.parquet", "--metrics=split.json"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dev": 0.5, "test": 0.5}, r"split: dev \+ test must be below 1"),
        ({"dev": 0.0}, r"split\.dev"),
        ({"test": "0.2"}, r"split\.test"),
        ({"salt": ""}, r"split\.salt"),
        ({"sal": "x"}, r"split\.sal: unknown parameter"),
    ],
)
def test_bad_parameters_are_named(change, message):
    with pytest.raises(UserError, match=message):
        options(**change)
