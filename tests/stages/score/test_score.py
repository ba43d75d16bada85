"""score: every row is predicted once, by a model that saw nothing of its group or cluster."""

import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.score import __main__ as score
from tests import tiny_encoder
from tests.conftest import ROOT, make_rows
from winnow.base.errors import UserError
from winnow.encoder import embeddings
from winnow.kinds.classification import members, scored
from winnow.kinds.classification.labels import Task
from winnow.rows import tables

TASK = {"kind": "classification", "labels": ["FRUIT", "STONE", "WATER"]}
RECIPE = {
    **{"seeds": [1], "epochs": 6, "batch_tokens": 32, "learning_rate": 1e-2},
    **{"head_learning_rate": 1e-2, "warmup_share": 0.1, "weight_decay": 0.01, "label_smoothing": 0.0, "dropout": 0.0},
    **{"freeze_embeddings": False, "frozen_layers": 0},
}
PARAMS = {"method": "probe", "folds": 3, "regularization": {"probe": 1.0, "tfidf": 1.0}, "finetune": RECIPE}
ENCODER = {"max_length": 16}
COMPUTE = {"threads": 1, "device": "cpu", "precision": "fp32"}
COMMAND = (
    "--rows rows.parquet --embeddings embeddings --encoder encoder --out scores.parquet "
    "--unlabelled unlabelled.parquet --metrics metrics.json".split()
)
CENTRES = {"FRUIT": [3, 0, 0, 0], "STONE": [0, 3, 0, 0], "WATER": [0, 0, 3, 0]}


def corpus(folder, rows: list[dict]) -> pa.Table:
    """Write labelled rows and embeddings that tell the classes apart; return the rows."""
    table = make_rows([{"cluster": f"c{n}", "split": "train"} | row for n, row in enumerate(rows)])
    noise = np.random.default_rng(1).normal(size=(len(rows), 4))
    centres = np.array([CENTRES.get(row.get("label"), [0, 0, 0, 0]) for row in rows])
    tables.write(table, folder / "rows.parquet")
    embeddings.write(folder / "embeddings", table["id"].to_pylist(), noise + centres)
    return table


def balanced(count: int = 90) -> list[dict]:
    return [{"label": TASK["labels"][n % 3]} for n in range(count)]


def probabilities(table: pa.Table, prefix: str = "") -> np.ndarray:
    return np.stack([table[f"{prefix}p_{label}"].to_numpy() for label in TASK["labels"]], axis=1)


def test_every_row_is_scored_once_and_well_apart_classes_are_told(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    rows = corpus(folder, [*balanced(), {}, {"label": "FRUIT", "label_origin": "rule"}])
    score.main(COMMAND)
    out = tables.read(folder / "scores.parquet")
    chances_of = [f"{prefix}_{label}" for prefix in ("p", "probe_p", "words_p") for label in TASK["labels"]]
    assert out.column_names == ["id", "fold", *chances_of]
    assert out["id"].to_pylist() == sorted(rows["id"].to_pylist())
    parts = [probabilities(out, f"{member}_") for member in ("probe", "words")]
    for chances in (probabilities(out), *parts):
        assert chances.dtype == np.float32
        np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(probabilities(out), sum(parts) / 2, atol=1e-7)
    assert set(out["fold"].to_pylist()) == {0, 1, 2}
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["rows"] == 90  # neither the row without a label nor the one labelled by rule
    assert metrics["accuracy"] > 0.9
    assert metrics["macro_f1"] > 0.9
    assert metrics["log_loss"] < np.log(3) / 2  # half of it would be chance: the texts say nothing
    assert list(metrics["members"]) == ["probe", "words"]
    assert metrics["members"]["probe"]["macro_f1"] > 0.9 > 0.5 > metrics["members"]["words"]["macro_f1"]


def test_no_score_of_a_test_row_is_measured(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    corpus(folder, [row | {"split": ("train", "dev", "test")[n % 5 // 2]} for n, row in enumerate(balanced())])
    score.main(COMMAND)
    assert json.loads((folder / "metrics.json").read_text())["rows"] == 90 - 90 // 5
    assert tables.read(folder / "scores.parquet").num_rows == 90


@pytest.mark.parametrize("changed", ["dev", "test"])
def test_rows_without_a_label_are_told_of_by_models_that_saw_labels_of_train_alone(workspace, changed):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    splits = [("train", "train", "dev", "test")[n // 3 % 4] for n in range(90)]
    rows = [row | {"split": split} for row, split in zip(balanced(), splits, strict=True)]
    rows += [{"split": split} for split in ("train", "dev", "test")]
    rows += [{"split": "train", "label": "FRUIT", "label_origin": "rule"}]
    ids = corpus(folder, rows)["id"].to_pylist()
    score.main(COMMAND)
    out = tables.read(folder / "unlabelled.parquet")
    assert out["id"].to_pylist() == sorted(ids[90:93])
    assert out.column_names[:4] == ["id", *(f"p_{label}" for label in TASK["labels"])]
    np.testing.assert_allclose(probabilities(out), sum(probabilities(out, f"{m}_") for m in ("probe", "words")) / 2)
    names, vectors = embeddings.read(folder / "embeddings")
    features = vectors[[names.index(id) for id in ids]]
    known = np.array([row["split"] == "train" and n < 90 for n, row in enumerate(rows)])
    truth = np.array([TASK["labels"].index(row["label"]) for n, row in enumerate(rows) if known[n]])
    wanted = np.array([row.get("label") is None for row in rows])
    alone = members.Probe(features, 1.0).predict(known, truth, wanted, 3).astype(np.float32)
    order = np.argsort(ids[90:93])
    np.testing.assert_allclose(probabilities(out, "probe_"), alone[order], atol=1e-5)

    written = [(folder / name).read_bytes() for name in ("unlabelled.parquet", "scores.parquet")]
    for row in rows:
        if row["split"] == changed and "label" in row:
            row["label"] = TASK["labels"][(TASK["labels"].index(row["label"]) + 1) % 3]
    table = tables.read(folder / "rows.parquet")
    labels = dict(zip(ids, (row.get("label") for row in rows), strict=True))
    column = [labels[id] for id in table["id"].to_pylist()]
    tables.write(tables.set_column(table, "label", column, pa.string()), folder / "rows.parquet")
    score.main(COMMAND)
    assert (folder / "unlabelled.parquet").read_bytes() == written[0]
    assert (folder / "scores.parquet").read_bytes() != written[1]


@pytest.mark.parametrize("rows", [balanced(), [*balanced(), {"split": "dev"}]])
def test_where_no_row_wants_it_or_train_lacks_a_class_nothing_is_told_of_rows_without_a_label(workspace, rows):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    lacks = len(rows) > 90
    corpus(folder, [{"split": "dev"} | row if row.get("label") == "STONE" and lacks else row for row in rows])
    score.main(COMMAND)
    out = tables.read(folder / "unlabelled.parquet")
    assert out.num_rows == 0
    assert ("p_STONE" in out.column_names) is not lacks


def test_the_stage_writes_the_same_bytes_twice(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    corpus(folder, balanced())
    score.main(COMMAND)
    first = (folder / "scores.parquet").read_bytes(), (folder / "metrics.json").read_bytes()
    score.main(COMMAND)
    assert ((folder / "scores.parquet").read_bytes(), (folder / "metrics.json").read_bytes()) == first


def test_labels_set_by_rule_train_nothing(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    corpus(folder, balanced())
    score.main(COMMAND)
    plain = {row["id"]: row for row in tables.read(folder / "scores.parquet").to_pylist()}
    corpus(folder, [*balanced(), *({"label": "STONE", "label_origin": "rule"} for _ in range(50))])
    # The same embeddings for the first rows: noise is drawn row by row.
    score.main(COMMAND)
    more = {row["id"]: row for row in tables.read(folder / "scores.parquet").to_pylist()}
    assert plain == {id: more[id] for id in plain}


NAMES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 30)), min_size=1, max_size=60)


@given(rows=NAMES, folds=st.integers(2, 6))
def test_no_group_and_no_cluster_crosses_folds(rows, folds):
    groups = [f"g{group}" for group, _ in rows]
    clusters = [f"c{cluster}" for _, cluster in rows]
    assigned = score.assign_folds(groups, clusters, folds)
    assert assigned.min() >= 0
    assert assigned.max() < folds
    for names in (groups, clusters):
        for name in set(names):
            assert len({fold for fold, other in zip(assigned.tolist(), names, strict=True) if other == name}) == 1


def test_a_cluster_named_like_a_group_ties_nothing():
    groups = [f"name-{n}" for n in range(40)]
    clusters = [f"name-{(n + 1) % 40}" for n in range(40)]
    assert len(set(score.assign_folds(groups, clusters, 5).tolist())) > 1


def test_added_rows_move_no_old_row():
    groups = [f"g{n}" for n in range(50)]
    clusters = [f"c{n}" for n in range(51)]
    before = score.assign_folds(groups, clusters[:50], 5)
    after = score.assign_folds(["another", *groups], [clusters[50], *clusters[:50]], 5)
    np.testing.assert_array_equal(before, after[1:])


def test_a_row_is_not_scored_by_a_model_that_saw_its_label():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(60, 3)).astype(np.float32)
    truth, folds = np.arange(60) % 2, np.arange(60) // 20
    first = members.out_of_fold(members.Probe(features, 1.0), truth, folds, ["a", "b"])
    flipped = truth.copy()
    flipped[folds == 1] = 1 - flipped[folds == 1]
    second = members.out_of_fold(members.Probe(features, 1.0), flipped, folds, ["a", "b"])
    np.testing.assert_array_equal(first[folds == 1], second[folds == 1])
    assert (first[folds == 0] != second[folds == 0]).all()


def test_a_label_that_stands_in_one_group_only(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    rows = [{"label": TASK["labels"][n % 2]} for n in range(60)]
    corpus(folder, [*rows, *({"label": "WATER", "group": "lake"} for _ in range(9))])
    score.main(COMMAND)
    scores = tables.read(folder / "scores.parquet")
    assert scores.num_rows == 69
    (doubt,) = json.loads((folder / "metrics.json").read_text())["doubts"]
    assert "all rows of 1 class(es) lie in one fold" in doubt["what"]
    assert "“WATER” 9" in doubt["what"]
    assert doubt["accept"] == "score.max_unseen_classes: 1"


def test_a_row_without_an_embedding(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    rows = corpus(folder, balanced())
    embeddings.write(folder / "embeddings", rows["id"].to_pylist()[1:], np.ones((89, 4)))
    with pytest.raises(UserError, match=r"1 row\(s\) have no embedding, first " + rows["id"].to_pylist()[0]):
        score.main(COMMAND)


def test_embeddings_of_further_rows_do_no_harm(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    rows = corpus(folder, balanced())
    ids, array = embeddings.read(folder / "embeddings")
    embeddings.write(folder / "embeddings", ["dropped", *ids], np.vstack([array[:1], array]))
    score.main(COMMAND)
    assert tables.read(folder / "scores.parquet").num_rows == rows.num_rows


@pytest.mark.parametrize(
    "changes",
    [
        {"folds": 1},
        {"regularization": {"probe": 0.0, "tfidf": 1.0}},
        {"regularization": 1.0},
        {"fold": 5},
        {"method": "words"},
        {"finetune": RECIPE | {"seeds": []}},
        {"finetune": RECIPE | {"seeds": [-1]}},
        {"finetune": RECIPE | {"epoch": 2}},
    ],
)
def test_bad_parameters_are_named(workspace, changes):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS | changes)
    corpus(folder, balanced())
    with pytest.raises(UserError, match=f"score.{next(iter(changes))}"):
        score.main(COMMAND)


def test_words_tell_classes_that_embeddings_do_not(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    words = {"FRUIT": "sweet and ripe", "STONE": "hard and grey", "WATER": "wet and cold"}
    rows = corpus(folder, [row | {"text": f"{words[row['label']]} number {n}"} for n, row in enumerate(balanced())])
    embeddings.write(folder / "embeddings", rows["id"].to_pylist(), np.ones((len(rows), 4), dtype=np.float32))
    score.main(COMMAND)
    assert json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["accuracy"] > 0.95


def test_texts_without_words_are_named(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    corpus(folder, [row | {"text": "!"} for row in balanced()])
    with pytest.raises(UserError, match="the labelled texts hold no words"):
        score.main(COMMAND)


# The fine-tuned member. A tiny encoder learns from words that tell most labels.

WORDS = {"FRUIT": ["apple", "pear"], "STONE": ["slate", "flint"], "WATER": ["lake", "rain"]}


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    tiny_encoder.write(folder, [word for pair in WORDS.values() for word in pair] + ["the", "old", "new"])
    return folder


@pytest.fixture
def finetuned(workspace, encoder_folder):
    """Return a function that writes params.yaml, and runs the stage on rows whose words tell their label."""

    def run(rows: list[dict], method: str = "finetune", **recipe) -> pa.Table:
        settings = PARAMS | {"method": method, "finetune": RECIPE | recipe}
        folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=settings)
        corpus(folder, rows)
        score.main([str(encoder_folder) if part == "encoder" else part for part in COMMAND])
        return tables.read(folder / "scores.parquet")

    return run


def telling(count: int = 90) -> list[dict]:
    rows = balanced(count)
    return [
        row | {"text": f"the {('old', 'new')[n % 5 % 2]} {WORDS[row['label']][n // 3 % 2]}"}
        for n, row in enumerate(rows)
    ]


def test_finetuning_tells_the_classes_and_scores_rows_without_a_label(finetuned, tmp_path):
    rows = [*telling(), {"text": "the new pear"}, {"text": "the old lake", "label": "STONE", "label_origin": "rule"}]
    out = finetuned(rows)
    assert out.column_names[2:] == [f"{prefix}_{label}" for prefix in ("p", "finetune_p") for label in TASK["labels"]]
    np.testing.assert_array_equal(probabilities(out), probabilities(out, "finetune_"))
    np.testing.assert_allclose(probabilities(out).sum(axis=1), 1, atol=1e-6)
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["rows"] == 90
    assert metrics["members"]["finetune"]["accuracy"] == metrics["accuracy"] > 0.95
    of = {row["id"]: row for row in out.to_pylist()}
    unlabelled, by_rule = (of[id] for id in make_rows(rows)["id"].to_pylist()[-2:])
    assert unlabelled["p_FRUIT"] > 0.5
    assert by_rule["p_WATER"] > 0.5


def test_both_is_the_mean_of_all_three(finetuned):
    out = finetuned(telling(), "both", epochs=1)
    parts = [probabilities(out, f"{member}_") for member in ("probe", "words", "finetune")]
    np.testing.assert_allclose(probabilities(out), sum(parts) / 3, atol=1e-7)
    assert len({part.tobytes() for part in parts}) == 3


def test_finetuning_needs_no_embeddings_and_the_probe_no_encoder(workspace, encoder_folder):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS | {"method": "finetune"})
    corpus(folder, telling())
    command = [str(encoder_folder) if part == "encoder" else part for part in COMMAND]
    score.main([*command, "--embeddings", "nowhere"])
    with pytest.raises(UserError, match="nowhere: no model that"):
        score.main([*COMMAND, "--encoder", "nowhere"])
    workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    score.main([*COMMAND, "--encoder", "nowhere"])


def test_the_probe_loads_no_torch(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    corpus(folder, balanced())
    code = f"import sys; from stages.score.__main__ import main; main({COMMAND}); sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_finetuning_twice_gives_the_same_bytes_and_another_seed_others(finetuned, tmp_path):
    written = []
    for seeds in ([1], [1], [2], [1, 2]):
        out = finetuned(telling(60), epochs=1, dropout=0.1, seeds=seeds)
        written.append(((tmp_path / "scores.parquet").read_bytes(), probabilities(out)))
    assert written[0][0] == written[1][0]
    assert written[0][0] != written[2][0]
    np.testing.assert_allclose(written[3][1], (written[0][1] + written[2][1]) / 2, atol=1e-6)


def test_a_row_is_scored_by_models_that_saw_neither_its_label_nor_its_fold(finetuned):
    rows = telling(60)
    before = finetuned(rows, epochs=1)
    fold = dict(zip(before["id"].to_pylist(), before["fold"].to_pylist(), strict=True))
    ids = make_rows(rows)["id"].to_pylist()
    # A label moves from STONE to WATER: the rows of its fold keep their scores, and only they do.
    changed = next(n for n, row in enumerate(rows) if row["label"] == "STONE")
    rows[changed] = rows[changed] | {"label": "WATER"}
    after = finetuned(rows, epochs=1)
    same = (probabilities(before) == probabilities(after)).all(axis=1)
    inside = np.array([fold[id] == fold[ids[changed]] for id in before["id"].to_pylist()])
    np.testing.assert_array_equal(same, inside)


def test_two_classes_of_which_one_stands_in_one_fold_cannot_be_scored(workspace):
    folder = workspace(task={"kind": "classification", "labels": ["FRUIT", "WATER"]}, score=PARAMS)
    corpus(folder, [*({"label": "FRUIT"} for _ in range(40)), *({"label": "WATER", "group": "sea"} for _ in range(9))])
    with pytest.raises(UserError, match=r"fold \d: outside of it labelled rows have fewer than two classes"):
        score.main(COMMAND)


def test_beyond_the_bound_models_learn_from_the_lowest_ids_and_some_of_a_rare_class(monkeypatch):
    monkeypatch.setattr(score, "RARE", 2)
    labels = np.array(["FRUIT", None, "STONE", "FRUIT", "FRUIT", "WATER", "FRUIT", "WATER", "WATER"], dtype=object)
    learnt = score.bounded(labels, 4, Task(**TASK))
    assert learnt.tolist() == ["FRUIT", None, "STONE", "FRUIT", "FRUIT", "WATER", None, "WATER", None]
    assert score.bounded(labels, 8, Task(**TASK)) is labels


def test_blocks_of_prediction_and_texts_on_disk_change_no_score(workspace, monkeypatch):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS)
    corpus(folder, balanced())
    score.main(COMMAND)
    whole = tables.read(folder / "scores.parquet")
    monkeypatch.setattr(scored, "BLOCK", 7)
    score.main(COMMAND)
    np.testing.assert_allclose(probabilities(tables.read(folder / "scores.parquet")), probabilities(whole), atol=1e-6)


def test_all_rows_are_scored_though_models_learn_from_some(workspace):
    folder = workspace(task=TASK, compute=COMPUTE, encoder=ENCODER, score=PARAMS | {"max_rows": 100})
    rows = corpus(folder, balanced(330))
    score.main(COMMAND)
    assert len(tables.read(folder / "scores.parquet")) == len(rows)
    # A hundred by their ids, and what each class then lacks of a hundred.
    assert json.loads((folder / "metrics.json").read_text())["rows"] == 300
