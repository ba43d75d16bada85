"""winnow test: figures of test on request, a line in the log for each look, and words that warn."""

import json

import numpy as np
import pyarrow as pa
import pytest

from tests import predicted
from tests.conftest import make_rows
from winnow.commands import cli
from winnow.kinds.classification.metrics import measure
from winnow.rows import predictions, tables
from winnow.validation import looks

LABELS = ["A", "B", "C"]
SECTIONS = {
    "task": {"kind": "classification", "labels": LABELS},
    "compare": {"baseline": "tfidf", "pairs": [["transfer", "tfidf"]], "resamples": 200, "confidence": 0.95},
    "evaluate": {"calibration_bins": 10},
}
SPLITS = np.array(["train", "dev", "test", "test"])[np.arange(240) // 3 % 4]


def write_arm(folder, name: str, right: float, seed: int) -> None:
    """Write predictions that are right with a probability."""
    rows = predictions.evaluated(tables.read(folder / "data/evaluated.parquet")).sort_by("id")
    truth, rng = np.array([LABELS.index(label) for label in rows["label"].to_pylist()]), np.random.default_rng(seed)
    said = np.where(rng.random(len(truth)) < right, truth, rng.integers(0, 3, len(truth)))
    columns = {column: rows[column].to_pylist() for column in ("id", "group", "split")}
    table = predicted.table(columns, truth, np.eye(3)[said] * 0.7 + 0.1, LABELS)
    tables.write(table, folder / f"data/predictions/{name}.parquet")


@pytest.fixture
def project(workspace):
    folder = workspace(**SECTIONS)
    rows = [
        {"label": LABELS[n % 3], "group": f"g{n // 3}", "split": str(split), "text": f"text {n}"}
        for n, split in enumerate(SPLITS)
    ]
    tables.write(make_rows(rows), folder / "data/evaluated.parquet")
    for name, right in (("tfidf-0", 0.4), ("transfer-1", 0.9), ("transfer-2", 0.85), ("dapt-1", 0.8), ("dapt-2", 0.8)):
        write_arm(folder, name, right, seed=len(name) + int(name[-1]) + int(100 * right))
    return folder


def look(*words: str) -> None:
    cli.main(["test", "--by", "ana", *words])


def test_the_figures_are_of_test_and_the_look_is_logged(project, capsys):
    look("--why", "release 1")
    results = json.loads((project / "data/test/results.json").read_text())
    arms = predictions.read_all(project / "data/predictions")
    task = predicted.task(LABELS)
    own = [measure(task, predictions.of_split(arms[f"dapt-{seed}"], "test"), 10) for seed in (1, 2)]
    figures = results["test"]["approaches"]["dapt"]
    assert figures["macro_f1"] == pytest.approx(np.mean([of["macro_f1"] for of in own]), abs=1e-6)
    assert results["test"]["arms"]["dapt-1"]["accuracy"] == pytest.approx(own[0]["accuracy"], abs=1e-6)
    best_on_test = max(results["test"]["approaches"], key=lambda name: results["test"]["approaches"][name]["macro_f1"])
    assert (results["best"], best_on_test) == ("dapt", "transfer"), "the best is chosen on dev"
    assert results["test"]["difference"]["transfer-tfidf"]["macro_f1_low"] > 0
    (line,) = looks.read(project / "data/test")
    assert (line.by, line.reason, line.dataset) == ("ana", "release 1", results["dataset"])
    said = capsys.readouterr().out
    assert f"dapt{' ' * 20} macro-F1" in said
    assert f"macro-F1 {figures['macro_f1']:.3f} ({figures['macro_f1_low']:.3f} to" in said
    assert "It is the only look at these test rows in the log." in said


def test_the_same_predictions_again_are_no_new_look_and_others_are(project, capsys):
    look("--why", "release 1")
    capsys.readouterr()
    look("--why", "curious")
    said = capsys.readouterr().out
    assert "by ana (release 1): no new look." in said
    assert "It is the only look" in said
    write_arm(project, "dapt-2", 0.82, seed=99)
    look("--why", "another recipe")
    said = capsys.readouterr().out
    assert "These test rows were looked at 2 times" in said
    assert "likelier that a choice fits these rows by chance. Choose on dev." in said
    assert [each.reason for each in looks.read(project / "data/test")] == ["release 1", "another recipe"]
    assert json.loads((project / "data/test/results.json").read_text())["looks"] == 2


def test_a_new_version_of_the_test_rows_begins_at_one(project, capsys):
    look("--why", "release 1")
    rows = tables.read(project / "data/evaluated.parquet")
    texts = [text.upper() if split == "test" else text for text, split in
             zip(rows["text"].to_pylist(), rows["split"].to_pylist(), strict=True)]  # fmt: skip
    tables.write(tables.set_column(rows, "text", texts, pa.string()), project / "data/evaluated.parquet")
    capsys.readouterr()
    look("--why", "release 2")
    assert "It is the only look" in capsys.readouterr().out
    assert len({each.dataset for each in looks.read(project / "data/test")}) == 2


@pytest.mark.parametrize(
    ("words", "message"), [(["--why", " "], "give a reason"), (["--why", "x", "--by", ""], "give --by NAME")]
)
def test_who_and_why_are_asked(project, capsys, words, message):
    with pytest.raises(SystemExit):
        look(*words)
    assert message in capsys.readouterr().err
    assert not (project / "data/test").exists()


def test_predictions_of_older_labels_are_refused_and_no_look_is_logged(project, capsys):
    rows = tables.read(project / "data/evaluated.parquet")
    labels = ["C" if split == "test" else label for label, split in
              zip(rows["label"].to_pylist(), rows["split"].to_pylist(), strict=True)]  # fmt: skip
    tables.write(tables.set_column(rows, "label", labels, pa.string()), project / "data/evaluated.parquet")
    with pytest.raises(SystemExit):
        look("--why", "release 1")
    said = capsys.readouterr()
    assert "are not of today's rows and labels; run `dvc repro evaluate`" in said.err
    assert said.out == ""
    assert not (project / "data/test").exists()
