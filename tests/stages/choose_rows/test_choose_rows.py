"""choose_rows: open rows of train alone, the doubtful first; a cold start without labels; a queue to be filled in."""

import csv
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stages.choose_rows import __main__ as choose_rows
from stages.score import __main__ as score
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.encoder import embeddings
from winnow.kinds.classification.labels import Task
from winnow.kinds.generation.labels import Task as Generation
from winnow.labelling.votes import OUT as VOTES
from winnow.people import decisions, queue, settling
from winnow.rows import tables

TASK = {"kind": "classification", "labels": ["FRUIT", "STONE", "WATER"]}
PARAMS = {
    "strategy": "margin",
    "cold_start": "typical",
    "min_labels_per_class": 2,
    "rows": 4,
    "proposed": False,
    "held_out_rows": 0,
    "neighbours": 2,
    "seed": 1,
}
NAMES = ("rows", "split", "scores", "embeddings", "votes", "out", "queue-csv", "queue-html", "metrics")
COMMAND = [part for name in NAMES for part in (f"--{name}", name)]
OUTPUTS = NAMES[5:]


def rows_of(open_: int = 10, labelled: int = 12, **changes) -> list[dict]:
    """Rows with a label, then rows without one, of the training split."""
    known = [{"label": TASK["labels"][number % 3]} for number in range(labelled)]
    return [*known, *({"label": None} | changes for _ in range(open_))]


def vectors_of(rows: list[dict]) -> np.ndarray:
    """Each label around an axis of its own; rows without a label in between."""
    axes = {label: np.eye(4)[number] for number, label in enumerate(TASK["labels"])}
    noise = np.random.default_rng(1).normal(scale=0.05, size=(len(rows), 4))
    return np.array([axes.get(row.get("label"), np.full(4, 0.5)) for row in rows]) + noise


def chances_of(rows: list[dict]) -> np.ndarray:
    """The later a row, the less certain the model is that it is a FRUIT."""
    first = np.linspace(0.95, 0.45, len(rows))
    return np.stack([first, (1 - first) * 0.8, (1 - first) * 0.2], axis=1)


def write(folder, rows: list[dict], votes: list[dict] | None = None, scores: bool = True) -> list[str]:
    """Write the stage's inputs; a row's `split`, `verdict`, `given_label` and `conflict` have defaults."""
    full = [{"split": "train", "verdict": None, "given_label": row.get("label")} | row for row in rows]
    table = make_rows([{key: row[key] for key in row if key != "conflict"} for row in full])
    table = tables.set_column(table, "conflict", [row.get("conflict", False) for row in rows], pa.bool_())
    ids = table["id"].to_pylist()
    tables.write(table, folder / "rows")
    tables.write(table.select(["id", "split"]), folder / "split")
    embeddings.write(folder / "embeddings", ids, vectors_of(rows).astype(np.float32))
    tables.write_sorted(pa.Table.from_pylist(votes or [], schema=VOTES), folder / "votes")
    if scores:
        columns = {
            f"p_{label}": pa.array(chances_of(rows)[:, n], pa.float32()) for n, label in enumerate(TASK["labels"])
        }
        tables.write(pa.table({"id": table["id"]} | columns), folder / "scores")
    return ids


def run(workspace, rows: list[dict], votes: list[dict] | None = None, scores: bool = True, /, **changes):
    """Return the ids of all rows, the queue's entries and the metrics."""
    folder = workspace(task=TASK, choose_rows=PARAMS | changes)
    ids = write(folder, rows, votes, scores)
    choose_rows.main(COMMAND)
    return ids, queue.read(folder / "out"), json.loads((folder / "metrics").read_text())


def test_the_rows_between_two_classes_come_first_with_reasons_and_neighbours(workspace):
    ids, entries, metrics = run(workspace, rows_of())
    assert [entry["id"] for entry in entries] == ids[:17:-1]
    first = entries[0]
    assert first["text_sha"] == hashing.text_sha(first["text"])
    assert (first["given_label"], first["suggested_label"], first["p_error"]) == (None, "FRUIT", None)
    assert first["reasons"][0] == "the model wavers between two labels"
    assert first["reasons"][1] == "the model gives FRUIT 45 % and STONE 44 %"
    assert first["reasons"][2].startswith("the nearest row with a label is ")
    assert [chance["label"] for chance in first["probabilities"]] == TASK["labels"]
    assert len(first["neighbours"]) == 2
    assert {near["id"] for entry in entries for near in entry["neighbours"]} <= set(ids[:12])
    similarities = [near["similarity"] for near in first["neighbours"]]
    assert similarities == sorted(similarities, reverse=True)
    assert metrics == {
        "labelled": {"FRUIT": 4, "STONE": 4, "WATER": 4},
        "without_label": 10,
        "strategy": "margin",
        "cold_start": False,
        "chosen": 4,
        "held_out": 0,
        "suggested": {"FRUIT": 4},
    }


def test_the_nearest_row_with_a_label_is_the_nearest(workspace, tmp_path):
    ids, entries, _ = run(workspace, rows_of(), neighbours=1)
    known, vectors = embeddings.read(tmp_path / "embeddings")
    place = {id: number for number, id in enumerate(known)}
    for entry in entries:
        own = vectors[place[entry["id"]]]
        cosines = {
            id: own @ vectors[place[id]] / np.linalg.norm(own) / np.linalg.norm(vectors[place[id]]) for id in ids[:12]
        }
        [near] = entry["neighbours"]
        assert near["id"] == max(cosines, key=cosines.get)
        assert near["similarity"] == pytest.approx(max(cosines.values()), abs=1e-5)
        assert f"is {near['label']}, similarity {near['similarity']:.2f}" in entry["reasons"][2]


def test_settled_proposed_and_labelled_rows_and_those_of_other_splits_stay_out(workspace):
    rows = [
        *rows_of(1),
        {"label": None, "verdict": "ambiguous"},
        {"label": None, "conflict": True},
        {"label": None, "purpose": "text"},
        {"label": None, "split": "dev"},
        {"label": None, "split": "test"},
        {"label": "FRUIT", "label_origin": "rule"},
        {"label": None, "given_label": "STONE"},
    ]
    ids, entries, metrics = run(workspace, rows)
    assert [entry["id"] for entry in entries] == [ids[12]]
    assert metrics["without_label"] == 4  # one of train, one proposed, one of dev, one of test
    ids, entries, _ = run(workspace, rows, proposed=True)
    assert {entry["id"]: entry["given_label"] for entry in entries} == {ids[12]: None, ids[19]: "STONE"}


def test_a_label_that_people_do_not_stand_for_is_no_neighbour_and_counts_for_nothing(workspace):
    rows = [*rows_of(2), *({"label": "FRUIT", "label_origin": "model"} for _ in range(9))]
    ids, entries, metrics = run(workspace, rows, neighbours=20)
    assert metrics["labelled"] == {"FRUIT": 4, "STONE": 4, "WATER": 4}
    assert {near["id"] for entry in entries for near in entry["neighbours"]} == set(ids[:12])


def test_held_out_rows_are_drawn_at_random_and_stand_last(workspace):
    rows = [*rows_of(6), *({"label": None, "split": ("dev", "test")[n % 2]} for n in range(20))]
    ids, entries, metrics = run(workspace, rows, held_out_rows=5)
    assert metrics["held_out"] == 5
    assert {entry["id"] for entry in entries[:4]} <= set(ids[12:18])
    drawn = entries[4:]
    assert {entry["id"] for entry in drawn} <= set(ids[18:])
    assert all(entry["reasons"][0] == f"drawn at random from {entry['split']}, to measure on" for entry in drawn)
    _, fewer, _ = run(workspace, rows, held_out_rows=3)
    assert [entry["id"] for entry in fewer[4:]] == [entry["id"] for entry in drawn[:3]]
    _, others, _ = run(workspace, rows, held_out_rows=5, seed=2)
    assert [entry["id"] for entry in others[4:]] != [entry["id"] for entry in drawn]


@pytest.mark.parametrize("strategy", ["typical", "k_center", "random"])
def test_with_no_label_at_all_the_embeddings_choose_and_no_scores_are_needed(workspace, strategy, tmp_path):
    _, entries, metrics = run(workspace, rows_of(8, 0), None, False, cold_start=strategy)
    assert (metrics["strategy"], metrics["cold_start"], len(entries)) == (strategy, True, 4)
    assert all(entry["suggested_label"] is None and not entry["probabilities"] for entry in entries)
    assert all(entry["reasons"] == [choose_rows.WHY[strategy], "no row has a label yet"] for entry in entries)
    # The table before decisions has no such columns.
    tables.write(tables.read(tmp_path / "rows").drop_columns(["verdict", "conflict", "given_label"]), tmp_path / "rows")
    choose_rows.main(COMMAND)
    assert queue.read(tmp_path / "out") == entries


def test_a_class_with_few_labels_makes_a_cold_start(workspace):
    rows = rows_of(6, 9)
    assert run(workspace, rows, min_labels_per_class=3)[2]["cold_start"] is False
    assert run(workspace, rows, min_labels_per_class=4)[2]["cold_start"] is True


def test_what_rules_say_stands_beside_the_row(workspace):
    rows = rows_of(1)
    ids = make_rows(rows)["id"].to_pylist()
    said = [{"id": ids[12], "rule": rule, "label": "STONE"} for rule in ("a", "b")]
    _, entries, _ = run(workspace, rows, [*said, {"id": ids[0], "rule": "a", "label": "FRUIT"}])
    assert entries[0]["votes"] == [{"rule": "a", "label": "STONE"}, {"rule": "b", "label": "STONE"}]


def test_a_filled_in_queue_is_a_set_of_decisions(workspace, tmp_path):
    _, entries, _ = run(workspace, rows_of(text='=1+1 "and", more'))
    with (tmp_path / "queue-csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["id"] for line in lines] == [entry["id"] for entry in entries]
    for line in lines:
        line |= {"verdict": "relabel", "new_label": "WATER", "reviewer": "ana", "decided_on": "2026-01-31"}
    with (tmp_path / "filled.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, decisions.QUEUE_COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    found = decisions.read(tmp_path / "filled.csv")
    assert len(found) == 4
    known = {
        row["id"]: (hashing.text_sha(row["text"]), "")
        for row in make_rows(rows_of(text='=1+1 "and", more')).to_pylist()
    }
    settling.check(found, known, Task(**TASK), tmp_path / "filled.csv")


def test_text_that_tries_to_be_markup_stays_text(workspace, tmp_path):
    run(workspace, rows_of(text='</script><script>alert("x")</script><img src=x onerror=alert(1)>'))
    page = (tmp_path / "queue-html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert '<script>alert("x")' not in page


def test_nothing_to_label_makes_an_empty_queue(workspace, tmp_path):
    _, entries, metrics = run(workspace, rows_of(0))
    assert (entries, metrics["chosen"]) == ([], 0)
    assert tables.schema(tmp_path / "out").equals(queue.ENTRY)
    assert len((tmp_path / "queue-csv").read_text().splitlines()) == 1


@pytest.mark.parametrize("strategy", ["mixed", "random", "typical"])
def test_the_stage_writes_the_same_bytes_twice(workspace, tmp_path, strategy):
    written = []
    for _ in range(2):
        run(workspace, rows_of(30), strategy=strategy, rows=9, held_out_rows=2)
        written.append([(tmp_path / name).read_bytes() for name in OUTPUTS])
    assert written[0] == written[1]


@pytest.mark.parametrize("strategy", ["margin", "mixed", "entropy", "k_center", "typical"])
def test_no_label_of_dev_or_test_changes_the_queue(workspace, tmp_path, strategy):
    """Every one is changed, before the models learn; the queue stays the same bytes."""
    axes, noise = dict(zip(TASK["labels"], np.eye(4), strict=False)), np.random.default_rng(1)
    rows = [
        {
            "label": TASK["labels"][n % 3] if n < 90 else None,
            "split": ("train", "dev", "train", "test")[n // 3 % 4],
            "text": " ".join(noise.choice(["apple", "slate", "lake", "old", "new"], 4)) + f" {n}",
        }
        for n in range(130)
    ]
    vectors = np.array([axes.get(row["label"], np.full(4, 0.4)) for row in rows]) + noise.normal(0, 0.5, (130, 4))
    score_params = {"method": "probe", "folds": 3, "regularization": {"probe": 1.0, "tfidf": 1.0}}
    changes = {"strategy": strategy, "held_out_rows": 4, "rows": 8}
    folder = workspace(task=TASK, choose_rows=PARAMS | changes, score=score_params)
    written = []
    for turn in (0, 1):
        for row in rows:
            if row["split"] != "train" and row["label"]:
                row["label"] = TASK["labels"][(TASK["labels"].index(row["label"]) + turn) % 3]
        ids = write(folder, rows, None, False)
        table = tables.read(folder / "rows")
        tables.write(tables.set_column(table, "cluster", table["id"], pa.string()), folder / "rows")
        embeddings.write(folder / "embeddings", ids, vectors.astype(np.float32))
        score.main(
            "--rows rows --embeddings embeddings --encoder none --out all --unlabelled scores --metrics m".split()
        )
        choose_rows.main(COMMAND)
        written.append([(folder / name).read_bytes() for name in (*OUTPUTS, "all")])
    assert written[0][:-1] == written[1][:-1]
    assert written[0][-1] != written[1][-1], "what finds label errors learns from all of them"
    entries = queue.read(folder / "out")
    assert len(entries) == 12
    split_of = dict(zip(ids, (row["split"] for row in rows), strict=True))
    assert {split_of[near["id"]] for entry in entries for near in entry["neighbours"]} == {"train"}


def test_rows_that_other_stages_do_not_know_are_named(workspace):
    folder = workspace(task=TASK, choose_rows=PARAMS)
    ids = write(folder, rows_of())
    gone = min(ids[12:])  # of those without a label
    scores = tables.read(folder / "scores")
    tables.write(scores.filter(pc.not_equal(scores["id"], gone)), folder / "scores")
    with pytest.raises(UserError, match=rf"scores: 1 row\(s\) are not in it, first {gone}; run `dvc repro score`"):
        choose_rows.main(COMMAND)
    gone = min(ids)
    tables.write(tables.read(folder / "split").slice(1), folder / "split")
    with pytest.raises(UserError, match=f"row {gone} is not in the output of `split`; run `dvc repro split`"):
        choose_rows.main(COMMAND)
    write(folder, rows_of())
    embeddings.write(folder / "embeddings", ids[:-1], vectors_of(rows_of())[:-1].astype(np.float32))
    with pytest.raises(UserError, match=f"row {ids[-1]} is not in the output of `embed`; run `dvc repro embed`"):
        choose_rows.main(COMMAND)
    assert not any((folder / name).exists() for name in OUTPUTS)


@pytest.mark.parametrize(
    "changes", [{"strategy": "magic"}, {"cold_start": "margin"}, {"rows": 0}, {"held_out_rows": -1}, {"batch": 1}]
)
def test_bad_parameters_are_named(workspace, changes):
    folder = workspace(task=TASK, choose_rows=PARAMS | changes)
    write(folder, rows_of())
    with pytest.raises(UserError, match=f"choose_rows.{next(iter(changes))}"):
        choose_rows.main(COMMAND)


def test_reasons_tell_long_responses_by_their_first_words():
    task, long = Generation(kind="generation"), " ".join(f"word{number}" for number in range(400))
    nearest = [{"label": f"near {long}", "similarity": 0.9, "text": "a prompt"}]
    told = choose_rows.reasons(f"best {long}", [], nearest, "a prompt", task)
    assert [reason.split("“")[1][:16] for reason in told] == ["best word0 word1", "near word0 word1"]
    assert max(map(len, told)) < 160
