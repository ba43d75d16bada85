"""split: no leak, classes even, test rows frozen, and few rows that move while data is added."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.split import __main__ as stage
from stages.split import overlaps
from stages.split.swaps import swap
from tests.conftest import make_rows
from tests.other_tasks import WORDS
from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.rows import splits, tables

ALL = {"dev": 0.15, "test": 0.25, "salt": "salt-1"}
COMMAND = "--rows=rows.parquet --frozen=frozen.txt --out=split.parquet --metrics=split.json".split()
TASK = {"kind": "classification", "labels": ["A", "B"]}
NOTHING = np.empty(0, np.uint64)


def options(**changes) -> stage.Params:
    return params.parse(ALL | changes, stage.Params, "params.yaml: split")


def table_of(rows: list[dict]) -> pa.Table:
    full = [{"cluster": f"own-{number}"} | row for number, row in enumerate([*rows, {}])]
    return make_rows(full).slice(0, len(rows)).sort_by("id")  # an empty table too has its columns


def rows_of(rows: list[dict]) -> stage.Rows:
    """What `read` gives, one entry a row in the order of `rows`."""
    labels = sorted({row["label"] for row in rows if row.get("label")})
    group = [row.get("group", f"group-{number}") for number, row in enumerate(rows)]
    cluster = [row.get("cluster", f"own-{number}") for number, row in enumerate(rows)]
    of_task = np.array([row.get("purpose", "task") == "task" for row in rows])
    label = [labels.index(row["label"]) if row.get("label") else -1 for row in rows]
    classes, counts = stage.counted(np.where(of_task, label, -1), labels, WORDS)
    return stage.Rows(*(splits.codes(pa.array(c)) for c in (group, cluster)), of_task, classes, counts)


def assign(rows: list[dict], frozen: np.ndarray = NOTHING, **changes) -> list[str]:
    chosen = options(**({"dev": 0.3, "test": 0.3} | changes))
    return [splits.SPLITS[index] for index in stage.split(rows_of(rows), frozen, chosen)]


def frozen_by(rows: list[dict], assigned: list[str]) -> np.ndarray:
    """What `winnow freeze` would write: the groups of test."""
    groups = [row["group"] for row, split in zip(rows, assigned, strict=True) if split == "test"]
    return np.unique(splits.codes(pa.array(groups, pa.string())))


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "group": st.integers(0, 12).map("g{}".format),
            "cluster": st.integers(0, 20).map("c{}".format),
            "purpose": st.sampled_from(["task", "task", "text"]),
            "label": st.sampled_from(["a", "a", "b", "a b", None]),
        }
    ),
    min_size=1,
    max_size=25,
)


@given(ROWS, ROWS)
def test_no_group_and_no_cluster_stands_in_two_splits_frozen_or_not(rows, older):
    for frozen in (NOTHING, frozen_by(older, assign(older))):
        assigned = assign(rows, frozen)
        for name in ("group", "cluster"):
            places: dict = {}
            for row, place in zip(rows, assigned, strict=True):
                assert places.setdefault(row[name], place) == place


@given(ROWS, ROWS, st.floats(0.05, 0.45), st.text(min_size=1))
def test_a_frozen_test_row_stays_in_test_whatever_is_added_removed_or_set(rows, more, share, salt):
    before = assign(rows)
    frozen = frozen_by(rows, before)
    for data in (rows + more, more + rows[::2]):
        after = assign(data, frozen, test=share, salt=salt)
        for row, place in zip(rows, before, strict=True):
            if place == "test":
                assert {after[i] for i, kept in enumerate(data) if kept["group"] == row["group"]} <= {"test"}


@given(ROWS, ROWS)
def test_freezing_a_split_changes_nothing(older, more):
    frozen = frozen_by(older, assign(older))
    before = assign(older + more, frozen)
    assert assign(older + more, np.union1d(frozen, frozen_by(older + more, before))) == before


def test_frozen_rows_take_the_place_of_others():
    old, new = papers(400), papers(400, start=400)
    frozen = frozen_by(old, assign(old, dev=0.15, test=0.25))
    assigned = assign(old + new, frozen, dev=0.15, test=0.25)
    assert assigned.count("test") / len(assigned) == pytest.approx(0.25, abs=0.01)
    assert error(old + new, stage.split(rows_of(old + new), frozen, options())) < 0.03


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, chooser):
    order = list(range(len(rows)))
    chooser.shuffle(order)
    before, after = assign(rows), assign([rows[place] for place in order])
    assert [before[place] for place in order] == after


# Groups of one label each, of up to four rows: the bound of the docstring holds for each class.
CLASSES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=60)


@given(CLASSES, st.floats(0.05, 0.45), st.floats(0.05, 0.45))
def test_a_class_s_share_is_exact_to_half_of_its_largest_group(groups, test, dev):
    rows = [
        {"group": f"g{number}", "label": f"l{label}"}
        for number, (label, size) in enumerate(groups)
        for _ in range(size)
    ]
    assigned = assign(rows, test=test, dev=dev)
    totals = Counter(row["label"] for row in rows)
    counts = Counter((row["label"], place) for row, place in zip(rows, assigned, strict=True))
    for label, total in totals.items():
        half = max(size for number, size in groups if f"l{number}" == label) / 2
        for name, share in (("test", test), ("dev", dev)):
            assert abs(counts[label, name] - share * total) <= half + 1e-9


def papers(count: int, start: int = 0) -> list[dict]:
    """Groups of several labels each, some labels rare, as the sections of papers are."""
    rows = []
    for number in range(start, start + count):
        for label, share in (("a", 0.95), ("b", 0.9), ("c", 0.5), ("d", 0.4), ("e", 0.05)):
            if hashing.unit("paper", number, label) < share:
                rows.append({"group": f"paper-{number}", "label": label})
    return rows


def error(rows: list[dict], assigned: np.ndarray) -> float:
    measured = stage.measure(rows_of(rows), assigned, NOTHING)
    return max(measured[name]["stratification_error"] for name in ("dev", "test"))


def test_mixed_groups_are_split_more_evenly_than_by_chance():
    rows, ours, chance = papers(400), [], []
    for salt in map(str, range(20)):
        ours.append(error(rows, stage.split(rows_of(rows), NOTHING, options(salt=salt))))
        drawn = [hashing.unit(salt, row["group"]) for row in rows]
        chance.append(error(rows, np.array([2 if d < 0.25 else 1 if d < 0.4 else 0 for d in drawn], np.int8)))
    assert np.mean(ours) < np.mean(chance) / 2
    assert max(ours) < 0.03


def test_a_row_counts_for_each_class_of_its_label():
    rows = [{"group": f"g{number % 200}", "label": ("a", "b", "a b", "c")[number % 4]} for number in range(800)]
    assigned = stage.split(rows_of(rows), NOTHING, options())
    found = stage.measure(rows_of(rows), assigned, NOTHING)
    assert found["train"]["label_shares"] == pytest.approx({"a": 0.4, "b": 0.4, "c": 0.2}, abs=0.01)
    assert error(rows, assigned) < 0.03


def test_added_groups_move_few_old_rows_and_no_row_of_dev_to_test():
    old, new = papers(400), papers(200, start=400)
    before, after = (stage.split(rows_of(rows), NOTHING, options()) for rows in (old, old + new))
    after = after[: len(old)]
    assert (before != after).mean() < 0.08  # the two borders move by about 1/sqrt(groups), and rows beside them
    assert not ((before == stage.DEV) & (after == stage.TEST)).any()
    assert not ((before == stage.TEST) & (after == stage.DEV)).any()


def test_shares_are_as_asked_and_the_salt_moves_rows():
    rows = [{} for _ in range(4000)]
    assert Counter(assign(rows, dev=0.15, test=0.25)) == {"train": 2400, "dev": 600, "test": 1000}
    assert assign(rows) != assign(rows, salt="salt-2")


def test_text_rows_train_unless_a_task_row_or_the_past_ties_them():
    alone = [{"group": f"g{number}", "purpose": "text"} for number in range(50)]
    assert set(assign(alone)) == {"train"}
    assert assign(alone, splits.codes(pa.array(["g7"]))).index("test") == 7
    tied = [
        {"group": "a"},
        {"group": "a", "purpose": "text", "cluster": "shared"},
        {"group": "b", "purpose": "text", "cluster": "shared"},
    ]
    assert assign(tied, splits.codes(pa.array(["a"]))) == ["test"] * 3


def test_leaks_are_counted():
    rows = rows_of([{"group": "a", "cluster": "x"}, {"group": "a", "cluster": "y"}, {"group": "b", "cluster": "y"}])
    assert stage.leaks(rows, np.array([0, 2, 1], np.int8)) == 2
    assert stage.leaks(rows, np.array([1, 1, 1], np.int8)) == 0


def run(folder: Path, rows: list[dict], frozen: str = "") -> dict:
    tables.write(table_of(rows), folder / "rows.parquet")
    (folder / "frozen.txt").write_text(frozen)
    stage.main(COMMAND)
    return json.loads((folder / "split.json").read_text())


def test_main_writes_the_split_its_measures_and_what_is_frozen(workspace):
    folder = workspace(split=ALL, task=TASK)
    rows = [{"label": "AB"[number % 2], "group": f"g{number % 100}"} for number in range(300)]
    first = run(folder, [*rows, {"purpose": "text", "group": "new", "label": None}])
    assigned = tables.read(folder / "split.parquet")
    assert assigned.schema.names == ["id", "group", "cluster", "split"]
    assert assigned["id"].to_pylist() == sorted(assigned["id"].to_pylist())
    assert first["leaks"] == 0
    assert sum(first[name]["rows"] for name in stage.SPLITS) == 300
    assert sum(first[name]["groups"] for name in stage.SPLITS) == 100
    assert sum(first["test"]["label_shares"].values()) == pytest.approx(1)
    assert first["train"]["text_rows"] == 1
    test = {row["group"] for row in assigned.to_pylist() if row["split"] == "test"}
    assert first["frozen"] == {"groups": 0, "absent": 0, "not_yet": len(test)}

    splits.write_frozen(folder / "groups.txt", splits.codes(pa.array([*test, "gone"])).tolist())
    again = run(folder, rows, (folder / "groups.txt").read_text())
    assert again["frozen"] == {"groups": len(test) + 1, "absent": 1, "not_yet": 0}
    assert again["test_sha"] == first["test_sha"]


@pytest.mark.parametrize(("groups", "few"), [(12, ["dev", "test"]), (40, ["dev"]), (200, [])])
def test_few_groups_are_in_doubt_and_enough_change_no_byte(workspace, groups, few, capsys):
    folder = workspace(split=ALL | {"dev": 0.1, "test": 0.4}, task=TASK, gates={"on_doubt": "warn"})
    metrics = run(folder, [{"label": "AB"[number % 2], "group": f"g{number % groups}"} for number in range(400)])
    told = capsys.readouterr().err
    if not few:
        assert "doubts" not in metrics
        assert not told
        return
    (doubt,) = metrics["doubts"]
    counts = [metrics[name]["groups"] for name in few]
    assert all(f"{name} has {count} group" in doubt["what"] for name, count in zip(few, counts, strict=True))
    assert doubt["accept"] == f"split.min_groups: {min(counts)}"
    assert "split: IN DOUBT: 1 doubt" in told
    accepted = {"split": ALL | {"dev": 0.1, "test": 0.4, "min_groups": min(counts)}}
    assert stage.doubts(metrics, stage.Params(**accepted["split"])) == []


PASSAGE = "the same long passage about owls that hunt mice by night in the old wood near the river bank"


def passages(count: int, every: int) -> list[dict]:
    """Rows with texts of their own, each of a group, of which some hold one passage."""
    own = [" ".join(f"w{number}x{place}" for place in range(15)) for number in range(count)]
    return [
        {"label": "AB"[number % 2], "group": f"g{number}", "text": f"{PASSAGE} {text}" if number % every == 0 else text}
        for number, text in enumerate(own)
    ]


def test_what_of_dev_and_test_stands_in_rows_that_train_is_told_and_in_doubt(workspace, capsys):
    settings = {"words": 13, "share": 0.5, "common": 1000, "max_share": 0.2}
    folder = workspace(split=ALL | {"overlap": settings}, task=TASK)
    metrics = run(folder, passages(200, 2))
    assigned = tables.read(folder / "split.parquet")
    texts = tables.read(folder / "rows.parquet")["text"].to_pylist()
    for name in ("dev", "test"):
        here = [text for text, split in zip(texts, assigned["split"].to_pylist(), strict=True) if split == name]
        held = sum(text.startswith(PASSAGE) for text in here)
        told = metrics["overlap"][name]["text"]
        assert (told["texts"], told["found"], told["any"]) == (len(here), held, held)
        assert told["covered"] == pytest.approx(18 * held / sum(len(text.split()) for text in here), rel=0.1)
        assert told["rows"] == sum(text.startswith(PASSAGE) for text in texts) - sum(
            text.startswith(PASSAGE)
            for text, split in zip(texts, assigned["split"].to_pylist(), strict=True)
            if split != "train"
        )
    dev, test = metrics["doubts"]
    assert {dev["gate"], test["gate"]} == {"split.overlap.max_share"}
    assert [PASSAGE[:40] in example["text"] + example["other_text"] for example in dev["examples"]] == [True] * 3
    assert "rows of dev stand in rows that train" in capsys.readouterr().err
    accepted = float(dev["accept"].rpartition(" ")[2])
    folder = workspace(split=ALL | {"overlap": settings | {"max_share": max(accepted, 0.9)}}, task=TASK)
    assert "doubts" not in run(folder, passages(200, 2))


def test_a_phrase_of_many_rows_is_no_overlap_and_none_is_looked_for_of_no_rows(workspace):
    folder = workspace(split=ALL | {"overlap": {"share": 0.5}}, task=TASK)
    assert run(folder, passages(200, 2))["overlap"]["test"]["text"]["any"] == 0
    folder = workspace(split=ALL | {"overlap": {"share": 0.5, "rows": 7, "common": 1000}}, task=TASK)
    told = run(folder, passages(200, 1))["overlap"]
    assert [told[name]["text"]["texts"] for name in ("dev", "test")] == [7, 7]
    folder = workspace(split=ALL | {"overlap": {"rows": 0}}, task=TASK)
    assert "overlap" not in run(folder, passages(200, 1))


def test_dialogues_are_compared_by_prompt_and_by_response(workspace):
    folder = workspace(split=ALL | {"overlap": {"common": 1000}}, task={"kind": "generation"})
    rows = [row | {"label": f"{PASSAGE} answer{n}"} for n, row in enumerate(passages(100, 1000))]
    told = run(folder, rows)["overlap"]["test"]
    assert told["prompt"]["any"] == 0
    assert told["response"]["found"] == told["response"]["texts"] > 0


def test_the_same_rows_give_the_same_bytes_whatever_the_batch(workspace, monkeypatch):
    folder = workspace(split=ALL, task=TASK)
    monkeypatch.setattr(overlaps, "BATCH_ROWS", 5)
    rows = papers(100)
    run(folder, rows)
    written = [(folder / name).read_bytes() for name in ("split.parquet", "split.json")]
    monkeypatch.setattr(stage, "BATCH_ROWS", 7)
    run(folder, rows)
    assert [(folder / name).read_bytes() for name in ("split.parquet", "split.json")] == written


@pytest.mark.parametrize(
    ("rows", "frozen", "message"),
    [
        ([{"group": "one"}, {"group": "one"}], "", "rows.parquet: no row with purpose task falls into"),
        ([{"cluster": None}, {}], "", "rows.parquet: column 'cluster' has no value in 1 row"),
        ([{}] * 9, "# words\n\n12345\n", "frozen.txt: line 3: '12345' is not 16 hex digits"),
        ([{}] * 9, "<<<<<<< HEAD\n", "frozen.txt: line 1: '<<<<<<< HEAD' is not 16 hex digits"),
        ([], "", "rows.parquet: has no row"),
    ],
)
def test_mistakes_in_the_data_are_named_and_nothing_is_written(workspace, rows, frozen, message):
    folder = workspace(split=ALL, task=TASK)
    with pytest.raises(UserError, match=message):
        run(folder, rows, frozen)
    assert not (folder / "split.parquet").exists()


def test_a_missing_column_is_named(workspace):
    folder = workspace(split=ALL, task=TASK)
    tables.write(make_rows([{}]), folder / "rows.parquet")
    with pytest.raises(UserError, match="column 'cluster' is missing"):
        stage.main(COMMAND)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dev": 0.5, "test": 0.5}, r"split: dev \+ test must be below 1"),
        ({"dev": 0.0}, r"split\.dev"),
        ({"test": "0.2"}, r"split\.test"),
        ({"salt": ""}, r"split\.salt"),
        ({"min_groups": 0}, r"split\.min_groups"),
        ({"sal": "x"}, r"split\.sal: unknown parameter"),
    ],
)
def test_bad_parameters_are_named(change, message):
    with pytest.raises(UserError, match=message):
        options(**change)


def test_sets_of_labels_are_as_even_as_whole_rows_allow():
    draw, rows = np.random.default_rng(5), []
    for _ in range(400):
        names = [
            name for name, share in zip("abcdef", (0.5, 0.4, 0.3, 0.2, 0.1, 0.05), strict=True) if draw.random() < share
        ]
        rows.append({"label": " ".join(names) or None})
    shares = {"dev": 0.15, "test": 0.25}
    for salt in ("one", "two", "three"):
        assigned = np.array(assign(rows, salt=salt, **shares))
        for split, share in shares.items():
            inside = [row["label"] for row, own in zip(rows, assigned, strict=True) if own == split and row["label"]]
            for name in "abcdef":
                whole = sum(name in (row["label"] or "").split() for row in rows)
                assert abs(sum(name in label.split() for label in inside) - share * whole) < 1.5


@given(st.integers(0, 10**6))
def test_units_cross_a_border_only_where_a_split_becomes_more_even(seed):
    from scipy.sparse import csr_array

    draw = np.random.default_rng(seed)
    held = draw.integers(0, 3, (30, 4))
    before = draw.integers(0, 3, 30).astype(np.int8)
    near = draw.permutation(np.flatnonzero(before != stage.DEV))[:12]
    after, wished = before.copy(), 0.3 * held.sum(axis=0)
    swap(after, csr_array(held), 0.3, near, (stage.TEST, stage.TRAIN))
    assert (before == after)[~np.isin(np.arange(30), near)].all()

    def uneven(split: np.ndarray) -> float:
        return float(((held[split == stage.TEST].sum(axis=0) - wished) ** 2 / np.maximum(held.sum(axis=0), 1)).sum())

    assert uneven(after) <= uneven(before) + 1e-9
    sides = {stage.TEST: stage.TRAIN, stage.TRAIN: stage.TEST}
    for unit in near:  # nothing that crosses alone is left
        other = after.copy()
        other[unit] = sides[int(after[unit])]
        assert uneven(other) >= uneven(after) - 0.02
