"""predict: what a trained model says of people's files is what evaluate counted, row by row, whatever their size."""

import csv
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests import nasty
from tests.conftest import ROOT
from tests.stages.evaluate.test_evaluate import run as evaluate
from tests.stages.evaluate.test_evaluate import write_baseline
from tests.stages.finetune.test_finetune import train
from winnow import kinds
from winnow.base.errors import UserError
from winnow.commands import cli, trained
from winnow.rows import predictions

MODEL = "classifier/transfer-base-1"


@pytest.fixture
def model(encoder_params, encoder_folder, labelled):
    """A folder with a trained model, `MODEL`, beside which everything else of a project may stand."""
    folder = encoder_params()
    train(folder, encoder_folder, labelled, "transfer-base-1")
    return folder


def told(folder, *arguments: str) -> list[dict]:
    """Predict a file and return the rows of what comes out."""
    execute(*arguments)
    with (folder / arguments[1]).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def execute(*arguments: str) -> None:
    parser = cli.parser()
    parsed = parser.parse_args(["predict", *arguments])
    parsed.execute(parsed)


def test_it_says_what_evaluate_counted(model, labelled, capsys):
    write_baseline(model, labelled)
    evaluate(model)
    arm = predictions.read_all(model / "predictions")["transfer-1"]
    rows = labelled.filter(pc.not_equal(labelled["split"], "train"))
    pq.write_table(rows.select(["text", "id"]), model / "new.parquet")
    told(model, "new.parquet", "out.csv", "--model", MODEL, "--probabilities")
    with (model / "out.csv").open(encoding="utf-8", newline="") as file:
        found = {row["id"]: row for row in csv.DictReader(file)}
    assert len(found) == arm.num_rows
    for row in arm.to_pylist():
        assert found[row["id"]]["predicted"] == row["predicted"]
        for label in ("COLOUR", "ANIMAL"):
            assert float(found[row["id"]][f"p_{label}"]) == pytest.approx(row[f"p_{label}"], abs=1e-6)
        assert float(found[row["id"]]["probability"]) == pytest.approx(max(row["p_COLOUR"], row["p_ANIMAL"]), abs=1e-6)
    assert f"{arm.num_rows} rows" in capsys.readouterr().err


def test_no_row_and_no_column_is_lost(model, capsys):
    lines = ["n,text,n2", "1,the a red one,=x", "2,,", '3," \t ",y', "4,the a cat one,z"]
    (model / "new.csv").write_text("\n".join(lines), encoding="utf-8")
    rows = told(model, "new.csv", "out.csv", "--model", MODEL)
    assert list(rows[0]) == ["n", "text", "n2", "predicted", "probability"]
    assert [row["n"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["n2"] for row in rows] == ["'=x", "", "y", "z"]
    assert [row["predicted"] for row in rows] == ["COLOUR", "", "", "ANIMAL"]
    assert [bool(row["probability"]) for row in rows] == [True, False, False, True]
    assert "out.csv: 4 rows; 2 without text, which have no prediction" in capsys.readouterr().err
    with pytest.raises(UserError, match="has a column 'predicted' already; give --prefix"):
        execute("out.csv", "again.csv", "--model", MODEL)
    assert not (model / "again.csv").exists()
    again = told(model, "out.csv", "again.csv", "--model", MODEL, "--prefix", "second_")
    assert [row["second_predicted"] for row in again] == [row["predicted"] for row in again]
    assert [row["n2"] for row in again] == ["'=x", "", "y", "z"]


def test_what_is_declared_as_plain_text_keeps_what_looks_like_markup(model):
    text = "the a <b id='cat dog mouse horse'>red</b> one"
    nasty.write_cleaning(model / MODEL, strip_markup=True)
    (model / "new.jsonl").write_text(json.dumps({"text": text}) + "\n", encoding="utf-8")
    types = ["text/plain", "text/html", "TEXT/PLAIN; charset=utf-8", ""]
    with (model / "typed.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text", "media_type"], *([text, type_] for type_ in types)])

    def sure(name: str, *more: str) -> list[float]:
        # Which rows share a batch changes the last bits.
        return [round(float(row["probability"]), 6) for row in told(model, name, "out.csv", "--model", MODEL, *more)]

    plain, page, again, untold = sure("typed.csv")
    assert plain == again != page == untold
    assert sure("new.jsonl") == [page]
    assert sure("new.jsonl", "--media-type", "text/plain") == [plain]
    assert sure("typed.csv", "--media-type", "text/html") == [page] * 4
    (model / "inbox/old").mkdir(parents=True)  # mails hold no markup either
    for name in ("a.eml", "old/b.eml"):
        (model / "inbox" / name).write_text(f"From: x@example.org\nSubject: =2\n\n{text}", encoding="utf-8")
    assert sure("inbox", "--text", "body") == [plain] * 2
    rows = told(model, "inbox", "out.csv", "--model", MODEL)
    assert [(row["file"], row["subject"], row["body"]) for row in rows] == [
        ("inbox/a.eml", "'=2", text),
        ("inbox/old/b.eml", "'=2", text),
    ]
    (model / "inbox/c.eml").write_bytes(b"\0")
    (model / "out.csv").unlink()
    with pytest.raises(UserError, match=r"inbox/c\.eml: no e-mail"):
        execute("inbox", "out.csv", "--model", MODEL)
    assert not (model / "out.csv").exists()
    (model / "two.csv").write_text("text,media_type,media_type\na,b,c\n", encoding="utf-8")
    with pytest.raises(UserError, match="column 'media_type' stands 2 times; rename one, or give --media-type"):
        execute("two.csv", "out.csv", "--model", MODEL)


def test_texts_are_cleaned_as_those_that_were_learnt_from(model):
    (model / "new.csv").write_text("text\nthe a <b id='cat dog mouse horse'>red</b> one\n<p></p>\n", encoding="utf-8")
    plain = told(model, "new.csv", "out.csv", "--model", MODEL)
    nasty.write_cleaning(model / MODEL, strip_markup=True)
    (model / "clean.csv").write_text("text\nthe a red one\n", encoding="utf-8")
    cleaned, clean = (told(model, name, "out.csv", "--model", MODEL) for name in ("new.csv", "clean.csv"))
    assert cleaned[0]["probability"] == clean[0]["probability"] != plain[0]["probability"]
    assert cleaned[0]["text"].startswith("the a <b")
    assert (cleaned[1]["predicted"], plain[1]["predicted"] != "") == ("", True)
    uncleaned = told(model, "new.csv", "out.csv", "--model", MODEL, "--no-cleaning")
    assert uncleaned[0]["probability"] == plain[0]["probability"]
    with pytest.raises(UserError, match="no cleaning profile 'html'; the model has own"):
        execute("new.csv", "out.csv", "--model", MODEL, "--profile", "html")


def test_it_abstains_where_it_is_unsure(model, capsys):
    (model / "new.csv").write_text("text\nthe a red one\nzzz\n\n", encoding="utf-8")
    sure = [float(row["probability"]) for row in told(model, "new.csv", "out.csv", "--model", MODEL)[:2]]
    bound = sum(sure) / 2
    rows = told(model, "new.csv", "out.csv", "--model", MODEL, "--abstain-below", str(bound))
    assert [bool(row["predicted"]) for row in rows] == [sure[0] >= bound, sure[1] >= bound, False]
    assert [float(row["probability"]) for row in rows[:2]] == sure
    assert "1 without a label" in capsys.readouterr().err
    for wrong in ("0", "1.5", "-1"):
        with pytest.raises(UserError, match="--abstain-below is"):
            execute("new.csv", "out.csv", f"--abstain-below={wrong}")


def test_the_best_on_dev_is_taken_and_named(encoder_params, encoder_folder, labelled, default_params, capsys):
    arms = {"approaches": ["transfer"], "encoders": ["base"], "seeds": [1, 2]}
    folder = encoder_params(arms=arms)
    for seed in (1, 2):
        train(folder, encoder_folder, labelled, f"transfer-base-{seed}", seed=seed)
    document = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    for here, there in (("models/classifier", "classifier"), ("reports/metrics/evaluate.json", "evaluate.json"),
                        ("reports/metrics/compare.json", "compare.json")):  # fmt: skip
        document = document.replace(here, there)
    (folder / "dvc.yaml").write_text(document, encoding="utf-8")
    with pytest.raises(UserError, match=r"compare\.json: not made yet.*give --model FOLDER"):
        trained.best()
    on_dev = {"transfer-1": 0.7, "transfer-2": 0.8, "tfidf-0": 0.9}
    (folder / "evaluate.json").write_text(json.dumps({"dev": {name: {"macro_f1": of} for name, of in on_dev.items()}}))
    (folder / "compare.json").write_text(json.dumps({"best": "transfer", "test": {"never": "read"}}))
    assert trained.best()[0] == [Path("classifier/transfer-base-2")]
    (folder / "new.csv").write_text("text\nthe a red one\n", encoding="utf-8")
    (row,) = told(folder, "new.csv", "out.csv")
    assert capsys.readouterr().err.startswith("classifier/transfer-base-2: transfer-2, the best run on dev of transfer")

    with (folder / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("\ncompare: {baseline: tfidf}\n")
    dev = {"approaches": {"transfer": {"macro_f1": 0.75}, "tfidf": {"macro_f1": 0.763}}}
    (folder / "compare.json").write_text(json.dumps({"best": "transfer", "dev": dev}))
    said = "which is the best approach there; but plain tfidf is 1.3 points better in macro-F1 on dev"
    assert trained.best()[1].endswith(said)
    dev["approaches"]["tfidf"]["macro_f1"] = 0.7
    (folder / "compare.json").write_text(json.dumps({"best": "transfer", "dev": dev}))
    assert trained.best()[1].endswith("which is the best approach there")

    encoder_params(arms=arms | {"ensembles": {"both": "transfer"}})
    (folder / "compare.json").write_text(json.dumps({"best": "both"}))
    (mean,) = told(folder, "new.csv", "mean.csv")
    each = [told(folder, "new.csv", "o.csv", "--model", f"classifier/transfer-base-{seed}")[0] for seed in (1, 2)]
    assert each[1]["probability"] == row["probability"]
    assert float(mean["probability"]) == pytest.approx(sum(float(one["probability"]) for one in each) / 2)
    assert "the 2 runs of both" in capsys.readouterr().err

    # A baseline has no folder, and a folder that evaluate left out is no part.
    train(folder, encoder_folder, labelled, "transfer-base-3", seed=3)
    assert len(trained.best()[0]) == 2
    encoder_params(arms=arms | {"ensembles": {"both": ["transfer", "tfidf"]}})
    with pytest.raises(UserError, match=r"tfidf-0, one of its runs, has no folder.*--model FOLDER"):
        trained.best()


def test_a_models_folder_is_enough(model, own_precision, tmp_path_factory, monkeypatch, capsys):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    (elsewhere / "new.jsonl").write_text('{"text": "the a red one"}\n', encoding="utf-8")
    execute("new.jsonl", "out.jsonl", "--model", str(model / MODEL))
    assert json.loads((elsewhere / "out.jsonl").read_text(encoding="utf-8"))["predicted"] == "COLOUR"
    with pytest.raises(UserError, match=r"nowhere: no folder of a trained model"):
        execute("new.jsonl", "out.jsonl", "--model", "nowhere")
    (elsewhere / "made.csv").mkdir()
    with pytest.raises(UserError, match=r"made\.csv: a folder; name a file to write"):
        execute("new.jsonl", "made.csv", "--model", str(model / MODEL))
    with pytest.raises(UserError, match=r"new\.jsonl: is the file that is read"):
        execute("new.jsonl", "new.jsonl", "--model", "nowhere")


def test_a_model_that_is_damaged_is_one_line(model):
    (model / "new.csv").write_text("text\nmoss on a stone\n")
    for name, content in {"model.safetensors": b"\xff" * 100, "tokenizer.json": b"{}"}.items():
        shutil.copytree(model / MODEL, model / "broken")
        (model / "broken" / name).write_bytes(content)
        told = r"^broken: (no model that \w+ can load|a model's file is damaged or of another model): "
        with pytest.raises(UserError, match=told):
            execute("new.csv", "out.csv", "--model", "broken")
        shutil.rmtree(model / "broken")
    shutil.copytree(model / MODEL, model / "broken")
    for path in (model / "broken").glob("*.[jt]*"):
        if path.name.startswith(("tokenizer", "vocab")):
            path.unlink()
    with pytest.raises(UserError, match=r"broken: no tokenizer\.json"):
        execute("new.csv", "out.csv", "--model", "broken")
    assert not (model / "out.csv").exists()


def test_a_kind_without_probabilities_predicts_all_the_same(model, monkeypatch):
    has = kinds.has
    monkeypatch.setattr(kinds, "has", lambda task, concern: concern != "predictions" and has(task, concern))
    (model / "new.csv").write_text("text\nthe a red one\n", encoding="utf-8")
    assert told(model, "new.csv", "out.csv", "--model", MODEL) == [{"text": "the a red one", "predicted": "COLOUR"}]
    with pytest.raises(
        UserError, match=r"--abstain-below: the models of task\.kind classification tell no probability"
    ):
        execute("new.csv", "out.csv", "--model", MODEL, "--abstain-below", "0.5")


def test_the_file_that_is_read_is_never_written_whatever_it_is_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("new.csv").write_text("text\nmoss\n")
    Path("link.csv").symlink_to("new.csv")
    os.link("new.csv", "hard.csv")
    Path("folder").mkdir()
    pairs = "new.csv link.csv", "link.csv new.csv", "hard.csv link.csv", "hard.csv new.csv", "new.csv folder/../new.csv"
    for pair in pairs:
        with pytest.raises(UserError, match="is the file that is read; give another name"):
            execute(*pair.split(), "--model", "nowhere")
    with Path("new.csv").open() as file:
        monkeypatch.setattr(os, "fstat", lambda number, asked=os.fstat: asked(file.fileno() if number == 0 else number))
        with pytest.raises(UserError, match="is the file that is read"):
            execute("-", "new.csv", "--model", "nowhere")
    assert Path("new.csv").read_text() == "text\nmoss\n"


def test_ctrl_c_leaves_the_old_file_and_nothing_half_written(model):
    with (model / "new.csv").open("w", encoding="utf-8") as file:
        file.write("text\n" + "the a red one\n" * 500_000)
    (model / "out.csv").write_text("before")
    before = {path.name for path in model.iterdir()}
    command = [sys.executable, "-c", "from winnow.commands import cli; cli.main()", "predict", "new.csv", "out.csv"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stderr": subprocess.PIPE, "text": True}
    # Where the tests run in the background of a shell, Ctrl-C is ignored in them and what they start.
    heeding = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen([*command, "--model", MODEL], cwd=model, env=environment, preexec_fn=heeding, **pipes)
    while not any(path.stat().st_size for path in model.glob(".winnow-scratch/*/out.csv")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    lines = [line for line in process.communicate()[1].splitlines() if "predicting rows" not in line]
    assert (process.returncode, lines) == (130, ["winnow predict: interrupted"])
    assert (model / "out.csv").read_text() == "before"
    assert {path.name for path in model.iterdir()} == before


def peak(folder, name: str) -> float:
    """MiB that a process needs at most, which predicts a file."""
    script = (
        "import resource, sys; from winnow.commands import cli; cli.main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", script, "predict", name, "out.csv", "--model", MODEL]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) / 1024


def test_memory_does_not_grow_with_the_file(model):
    beside = "x" * 20_000
    for name, rows in (("small.csv", 500), ("large.csv", 5_500)):
        with (model / name).open("w", encoding="utf-8") as file:
            file.write("text,beside\n")
            file.writelines(f"the a red {number % 7},{beside}\n" for number in range(rows))
    assert (model / "large.csv").stat().st_size > 100 * 2**20
    assert peak(model, "large.csv") < peak(model, "small.csv") + 40
