"""deduplicate: what it finds against brute force, which row it keeps, and that order never matters."""

import json
import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import deduplicate as stage
from tests.conftest import make_rows
from winnow import hashing, params, tables
from winnow.errors import UserError

ALL = {"permutations": 128, "shingle_words": 3, "threshold": 0.8, "drop_near": True, "seed": 1}


def options(**changes) -> stage.Params:
    return params.parse(ALL | changes, stage.Params, "params.yaml: deduplicate")


def words(chooser: random.Random, count: int) -> list[str]:
    return [f"w{chooser.randrange(3000)}" for _ in range(count)]


def perturbed(seed: int, originals: int = 60, copies: int = 5) -> list[str]:
    """Return texts and edited copies, whose similarities lie on both sides of any threshold."""
    chooser = random.Random(seed)
    texts = []
    for _ in range(originals):
        text = words(chooser, chooser.randrange(20, 120))
        texts.append(" ".join(text))
        for edits in range(copies):
            copy = list(text)
            for _ in range(edits * len(copy) // 40):
                copy[chooser.randrange(len(copy))] = f"w{chooser.randrange(3000)}"
            texts.append(" ".join([*copy, f"end{len(texts)}"]))
    return texts


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9])
def test_near_duplicates_equal_those_of_brute_force(threshold):
    texts = perturbed(seed=7)
    table = make_rows([{"text": text} for text in texts])
    rows, _, _ = stage.deduplicate(table, options(threshold=threshold, drop_near=False))
    cluster = dict(zip(rows["text"].to_pylist(), rows["cluster"].to_pylist(), strict=True))
    sets = {text: stage.shingles(stage.normalize(text), 3) for text in texts}
    linked = {text: {text} for text in texts}
    true_pairs = 0
    found = 0
    for first, second in combinations(texts, 2):
        if len(sets[first] & sets[second]) / len(sets[first] | sets[second]) >= threshold:
            true_pairs += 1
            found += cluster[first] == cluster[second]
            joined = linked[first] | linked[second]
            for text in joined:
                linked[text] = joined
    assert true_pairs > 50
    assert found / true_pairs >= 0.95
    for first, second in combinations(texts, 2):
        assert cluster[first] != cluster[second] or second in linked[first]


def test_every_drop_names_a_kept_row_that_is_truly_similar():
    texts = perturbed(seed=3, originals=30)
    table = make_rows([{"text": text} for text in texts])
    rows, ledger, counts = stage.deduplicate(table, options())
    ledger.check(table.num_rows, rows.num_rows)
    text = dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
    kept = set(rows["id"].to_pylist())
    assert counts["near"] > 10
    for id_, _, action, rule, reason, before, _ in ledger.entries:
        keeper = reason.rsplit(" ", 1)[1]
        first, second = (set(stage.shingles(stage.normalize(text[row]), 3)) for row in (id_, keeper))
        assert (action, rule, keeper in kept) == ("drop", "near_duplicate", True)
        assert len(first & second) / len(first | second) >= 0.8
        assert before == hashing.text_sha(text[id_])


def test_exact_duplicates_differ_in_case_punctuation_and_form_only():
    texts = ["The café – is OPEN.", "the CAFE\u0301 is open", "(The) café is “open”!", "the café is shut"]
    rows, _, counts = stage.deduplicate(make_rows([{"text": text} for text in texts]), options(drop_near=False))
    assert counts == {"exact": 2, "near": 0, "clusters": 1, "label_conflicts": 0}
    assert sorted(rows["text"].to_pylist()) == sorted([max(texts[:3], key=len), texts[3]])


def test_texts_without_words_are_not_all_alike():
    rows, _, counts = stage.deduplicate(make_rows([{"text": "!!!"}, {"text": "???"}, {"text": "???"}]), options())
    assert sorted(rows["text"].to_pylist()) == ["!!!", "???"]
    assert counts["exact"] == 1


@pytest.mark.parametrize(
    ("best", "other"),
    [
        ({"purpose": "task", "text": "a b c d"}, {"purpose": "text", "text": "a, b, c, d!", "label": "X"}),
        ({"label": "X", "text": "a b c d"}, {"text": "a, b, c, d!!"}),
        ({"label": "X", "text": "a b c d!"}, {"label": "X", "text": "a b c d"}),
    ],
)
def test_which_row_is_kept(best, other):
    for order in ([best, other], [other, best]):
        rows, _, _ = stage.deduplicate(make_rows(order), options())
        assert rows["text"].to_pylist() == [best["text"]]


def test_of_equals_the_lowest_id_is_kept():
    table = make_rows([{"text": "one and the same"} for _ in range(5)])
    rows, _, _ = stage.deduplicate(table, options())
    assert rows["id"].to_pylist() == [min(table["id"].to_pylist())]


def test_a_conflict_of_labels_is_told():
    table = make_rows([{"text": "one two three", "label": "A"}, {"text": "one two three!", "label": "B"}])
    rows, ledger, counts = stage.deduplicate(table, options())
    keeper = rows["id"][0].as_py()
    assert counts["label_conflicts"] == 1
    assert [entry[4] for entry in ledger.entries] == [f"exact duplicate of {keeper}; labels differ (B, A)"]


def test_near_duplicates_kept_share_the_lowest_id_as_cluster():
    chooser = random.Random(1)
    text = words(chooser, 60)
    table = make_rows([{"text": " ".join(text)}, {"text": " ".join([*text, "more"])}, {"text": "alone in the world"}])
    rows, ledger, counts = stage.deduplicate(table, options(drop_near=False))
    ids = table["id"].to_pylist()
    clusters = dict(zip(rows["id"].to_pylist(), rows["cluster"].to_pylist(), strict=True))
    assert clusters == {ids[0]: min(ids[:2]), ids[1]: min(ids[:2]), ids[2]: ids[2]}
    assert (len(ledger.entries), counts["clusters"]) == (0, 1)
    assert rows.schema.names == [*table.schema.names, "cluster"]


def test_the_ends_of_a_chain_stay_in_one_cluster():
    chooser = random.Random(5)
    text = words(chooser, 100)
    middle = text + words(chooser, 15)
    end = middle + words(chooser, 15)
    table = make_rows([{"text": " ".join(each)} for each in (text, middle, end)])
    rows, _, counts = stage.deduplicate(table, options())
    assert counts["near"] == 1
    assert sorted(map(len, rows["text"].to_pylist())) == sorted(map(len, [" ".join(text), " ".join(end)]))
    assert len(set(rows["cluster"].to_pylist())) == 1


SMALL = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.lists(st.sampled_from(["a", "B", "c,", "é", "…"]), max_size=5).map(" ".join),
            "label": st.sampled_from([None, "X", "Y"]),
            "purpose": st.sampled_from(["task", "text"]),
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(SMALL, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_rows_changes_nothing_and_no_row_is_lost(rows, chooser, drop_near):
    table = make_rows(rows)
    order = list(range(table.num_rows))
    chooser.shuffle(order)
    chosen = options(drop_near=drop_near, threshold=0.5, shingle_words=2)
    first, second = (stage.deduplicate(each, chosen) for each in (table, table.take(order)))
    assert first[0].equals(second[0])
    assert first[1].table().equals(second[1].table())
    assert first[2] == second[2]
    first[1].check(table.num_rows, first[0].num_rows)


def test_a_signature_does_not_depend_on_the_order_of_shingles():
    tokens = [f"shingle {number}" for number in range(300)]
    signatures = {
        tuple(stage.RMinHash.digest_matrix_from_token_sets([order], 64, 1).to_rows()[0])
        for order in (tokens, tokens[::-1], random.Random(2).sample(tokens, 300))
    }
    assert len(signatures) == 1


@pytest.mark.parametrize(("threshold", "rows"), [(0.8, 6), (0.5, 3), (1.0, 128)])
def test_bands_find_pairs_at_the_threshold(threshold, rows):
    length = stage.rows_per_band(threshold, 128)
    assert length == rows
    assert 1 - (1 - threshold**length) ** (128 // length) >= stage.RECALL


def test_main_writes_the_same_bytes_in_any_order(workspace):
    folder = workspace(deduplicate=ALL)
    table = make_rows([{"text": text} for text in [*perturbed(seed=9, originals=5), "twice", "Twice"]])
    written = []
    for rows in (table, table.take(list(range(table.num_rows))[::-1])):
        tables.write_sorted(rows, folder / "rows.parquet")
        names = ("rows", "out", "ledger", "metrics")
        stage.main([f"--{name}={folder / name}{'.parquet' if name == 'rows' else ''}" for name in names])
        written.append([(folder / name).read_bytes() for name in names[1:]])
    assert written[0] == written[1]
    metrics = json.loads((folder / "metrics").read_text())
    assert metrics["rows_in"] == table.num_rows
    assert metrics["rows_out"] == metrics["rows_in"] - metrics["exact"] - metrics["near"]


def test_an_empty_table_is_an_error(workspace):
    folder = workspace(deduplicate=ALL)
    tables.write(make_rows([]), folder / "rows.parquet")
    with pytest.raises(UserError, match="has no row"):
        stage.main([f"--rows={folder / 'rows.parquet'}", "--out=out", "--ledger=ledger", "--metrics=metrics"])
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "change", [{"threshold": 0.0}, {"threshold": "0.8"}, {"permutations": -1}, {"shingle_words": 0}, {"shingles": 3}]
)
def test_bad_parameters_are_named(change):
    with pytest.raises(UserError, match=rf"deduplicate\.{next(iter(change))}"):
        options(**change)
