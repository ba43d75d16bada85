"""The bench of label errors: kinds of planted errors, the several raters, and all of it from end to end."""

import csv
import json

import numpy as np
import pytest

from bench import detectors, raters
from bench import labels as bench
from tests import tiny_encoder
from tests.bench.synthetic import FORM, LABELS, RECIPE, WORDS
from tests.conftest import make_rows
from winnow.base import hashing
from winnow.base.files import sha256
from winnow.encoder import embeddings
from winnow.rows import tables


@pytest.fixture
def folder(workspace):
    """Rows of twenty documents with their embeddings, and parameters of the stages that the bench borrows from."""
    folder = workspace(
        task={"kind": "classification", "labels": LABELS},
        score={
            "method": "probe",
            "folds": 3,
            "regularization": {"probe": 1.0, "tfidf": 10.0},
            "finetune": RECIPE,
        },
        encoder={"max_length": 16},
        embed={"batch_tokens": 128, "text_rows": 0},
        compute={"threads": 1, "device": "cpu", "precision": "fp32"},
    )
    random = np.random.default_rng(1)
    rows = []
    for number in range(180):
        own, other = WORDS[number % 3], WORDS[random.integers(3)]
        text = f"{own[random.integers(3)]} {own[random.integers(3)]} {other[random.integers(3)]} {number}"
        document = f"document-{number // 3}"
        rows.append({"text": text, "label": LABELS[number % 3], "group": document, "cluster": document})
    table = make_rows([*rows, {"text": "by a rule", "label": "HOT", "label_origin": "rule", "cluster": "x"}])
    tables.write(table, folder / "rows.parquet")
    vectors = np.random.default_rng(0).normal(scale=0.4, size=(181, 3)) + np.eye(3)[np.arange(181) % 3]
    embeddings.write(folder / "embeddings", table["id"].to_pylist(), vectors.astype(np.float32))
    return folder


@pytest.fixture
def cached(folder, monkeypatch):
    """An encoder's output where the bench keeps it: no encoder is needed."""
    (folder / "base").mkdir()
    (folder / "base/model.safetensors").write_bytes(b"weights")

    def keep(texts: list[str]) -> None:
        name = hashing.digest(sha256(folder / "base/model.safetensors"), 16, *texts)[:16]
        vectors = np.random.default_rng(2).normal(size=(len(texts), 3)).astype(np.float32)
        embeddings.write(folder / "cache" / f"embeddings-{name}", [str(n) for n in range(len(texts))], vectors)

    table = tables.read(folder / "rows.parquet", ["text", "label_origin"]).to_pylist()
    keep([row["text"] for row in table if row["label_origin"] == "given"])
    return keep


def run(extra: str) -> tuple[list[dict], list[dict]]:
    """Return the entries and the single runs."""
    command = (
        "--rows rows.parquet --embeddings embeddings --base base --encoder encoder --cache cache --out out/labels.json"
    )
    bench.main([*command.split(), "--seeds", "1", "2", "--processes", "1", *extra.split()])
    with open("out/labels.csv", encoding="utf-8", newline="") as file:
        runs = list(csv.DictReader(file))
    with open("out/labels.json", encoding="utf-8") as file:
        return json.load(file), runs


def test_the_bench_runs_from_end_to_end(folder, cached, capsys):
    entries, runs = run("--kinds uniform instance --rates 0.1 0.2 --sentences 0")
    names = {entry["peer"] for entry in entries}
    assert {"cleanlab self_confidence, words", "cleanlab normalized_margin, base", detectors.TIERED} <= names
    assert len(entries) == 2 * 2 * 2 * len(names)  # kinds, rates, sets of rows
    assert len(runs) == 2 * len(entries)
    for entry in entries:
        assert set(FORM) <= set(entry)
        of_run = [
            row
            for row in runs
            if (row["kind"], float(row["rate"]), row["rows"]) == (entry["kind"], entry["rate"], entry["rows"])
        ]
        for side, detector in (("ours", detectors.TIERED), ("theirs", entry["peer"])):
            own = [float(row["average_precision"]) for row in of_run if row["detector"] == detector]
            assert entry[side] == pytest.approx(np.mean(own), abs=1e-5)
        assert entry["difference"][0] == pytest.approx(entry["ours"] - entry["theirs"], abs=1e-5)
    goals = {(entry["kind"], entry["peer"].rpartition(", ")[2], entry["goal"]) for entry in entries if entry["goal"]}
    assert goals == {("instance", "ensemble", 0.1), ("instance", "words", 0.2)}
    # 180 rows with a label that people gave; the rule's is none of them.
    assert {row["wrong"] for row in runs if row["rows"] == "all" and row["rate"] == "0.1"} == {"18"}
    assert "| detector | 10% | 20% |" in capsys.readouterr().out


def test_one_rater_is_judged_where_the_others_have_a_majority(folder, cached, monkeypatch):
    random = np.random.default_rng(3)
    sentences = []
    for number in range(90):
        votes = tuple([number % 3] * 8 + random.integers(3, size=2).tolist())
        text = f"{WORDS[number % 3][number % 2]} sentence {number}"
        sentences.append(raters.Sentence(f"{number:03}", f"part {number}", f"part {number}", text, votes))
    sentences.append(raters.Sentence("999", "part x", "part x", "a tie", (0, 0, 2, 2, 1)))
    monkeypatch.setattr(raters, "fetch", lambda cache: cache)
    monkeypatch.setattr(raters, "read", lambda archive: sentences)
    cached([sentence.text for sentence in sentences])
    entries, runs = run("--kinds --sentences 91")
    assert {(entry["kind"], entry["rows"]) for entry in entries} == {(bench.RATERS, "all")}
    for seed in (1, 2):
        one, majority = raters.one_against_the_others(sentences, seed)
        wrong = {row["wrong"] for row in runs if row["seed"] == str(seed)}
        assert wrong == {str(((one != majority) & (majority >= 0)).sum())}


def test_adjacent_errors_take_the_label_of_the_row_before_or_after(folder, cached):
    corpus = bench.default_corpus(*(folder / name for name in ("rows.parquet", "embeddings", "base", "cache")))
    chances = detectors.adjacent(corpus, np.full((180, 3), 1 / 3))
    assert chances.sum(axis=1) == pytest.approx(1)
    order = {(group, key): row for row, (group, key) in enumerate(zip(corpus.groups, corpus.keys, strict=True))}
    for (group, key), row in order.items():
        number = int(key.removeprefix("row-"))
        beside = [order.get((group, f"row-{other}")) for other in (number - 1, number + 1)]
        allowed = {corpus.truth[row], *(corpus.truth[other] for other in beside if other is not None)}
        assert set(np.flatnonzero(chances[row])) == allowed


def test_with_finetuning_the_loss_is_a_detector_and_the_ensemble_has_three(folder, cached):
    tiny_encoder.write(folder / "encoder", [word for words in WORDS for word in words])
    entries, runs = run("--kinds instance --rates 0.2 --sentences 0 --finetune")
    names = {entry["peer"] for entry in entries}
    assert {"loss, finetune", "cleanlab self_confidence, finetune", detectors.TIERED} <= names
    by_name = {row["detector"]: row for row in runs if (row["seed"], row["rows"]) == ("1", "all")}
    own, same = by_name["loss, finetune"], by_name["cleanlab self_confidence, finetune"]
    assert float(own["average_precision"]) == pytest.approx(float(same["average_precision"]), abs=0.01)
    assert own["flagged_recall"] == ""


def test_embeddings_are_made_once(folder):
    tiny_encoder.write(folder / "encoder", ["ice", "fire"])
    first = bench.encoded(["ice", "fire ice"], folder / "encoder", folder / "kept")
    assert first.shape == (2, 32)
    [kept] = (folder / "kept").iterdir()
    changed = kept.stat().st_mtime_ns
    assert (bench.encoded(["ice", "fire ice"], folder / "encoder", folder / "kept") == first).all()
    assert kept.stat().st_mtime_ns == changed
    bench.encoded(["ice"], folder / "encoder", folder / "kept")
    assert len(list((folder / "kept").iterdir())) == 2
