"""drift: a file beside the training data of a project, from the command line; and what is to be labelled next."""

import csv
import json

import pytest

from stages.embed import __main__ as embed
from tests.conftest import ROOT
from tests.stages.conftest import COLOURS, FILLER
from tests.stages.finetune.test_finetune import train
from winnow.base.errors import UserError
from winnow.commands import cli
from winnow.readers import tabular
from winnow.readers.layout import Layout
from winnow.rows import tables

MODEL = "classifier/transfer-base-1"


@pytest.fixture
def project(encoder_params, encoder_folder, labelled, default_params):
    """A project with a trained model, embeddings, and everything in one folder."""
    folder = encoder_params(arms={})
    document = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    for here, there in (
        ("data/labelled.parquet", "labelled.parquet"),
        ("data/embeddings", "embeddings"),
        ("models/adapted", str(encoder_folder)),
    ):
        document = document.replace(here, there)
    (folder / "dvc.yaml").write_text(document, encoding="utf-8")
    with (folder / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("choose_rows:\n  strategy: mixed\n  rows: 6\n")
    train(folder, encoder_folder, labelled, "transfer-base-1")
    tables.write(labelled, folder / "labelled.parquet")
    embed.main(["--rows", "labelled.parquet", "--encoder", str(encoder_folder), "--out", "embeddings"])
    return folder


def drift(*arguments: str) -> None:
    parsed = cli.parser().parse_args(["drift", *arguments, "--model", MODEL])
    parsed.execute(parsed)


def test_the_dataset_itself_and_other_text(project, labelled, capsys):
    texts = [text for text, split in zip(labelled["text"].to_pylist(), labelled["split"].to_pylist(), strict=True)
             if split == "dev"]  # fmt: skip
    (project / "same.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    drift("same.jsonl", "--json", "same.json")
    out = " ".join(capsys.readouterr().out.split())
    assert "There is no measurable difference." in out
    assert "that the dataset has" in out
    assert json.loads((project / "same.json").read_text())["differs"] == []

    rows = [
        [f"t{number // 2}", f'zebra quagga {FILLER[number % 9]} okapi \x1b[31m {number}\n\t"of" two lines']
        for number in range(80)
    ]
    with (project / "other.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["thread", "body"], *rows, ["x", ""], rows[0]])
    drift("other.csv", "--text", "body", "--group", "thread", "--out", "next.jsonl", "--json", "other.json")
    out = capsys.readouterr().out
    assert "82 rows, 1 without text, 1 that repeat another" in out
    assert "40 of them are compared" in out
    assert "The new text differs in words" in " ".join(out.split())
    assert "zebra" in out
    assert "\x1b" not in out
    made = [json.loads(line) for line in (project / "next.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(made) == 6
    assert len({row["row"] for row in made}) == 6
    for row in made:
        assert [row["group"], row["text"]] == rows[row["row"] - 1]
        assert row["label"] is None
        assert row["predicted"] in ("COLOUR", "ANIMAL")
    for name in ("next.tsv", "again.csv"):  # what is written, `collect` reads
        drift("other.csv", "--text", "body", "--group", "thread", "--out", name, "--rows", "6")
        layout = Layout(format=name[-3:]).dialect()
        with (project / name).open("rb") as stream:
            read = list(tabular.read_csv(stream, name, ["row", "group", "text", "label"], layout))
        assert [[int(record.values[0]), *record.values[1:]] for record in read] == [
            [row["row"], row["group"], row["text"], ""] for row in made
        ]
    drift("other.csv", "--text", "body", "--out", "next.csv", "--rows", "3")
    with (project / "next.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 3


def test_what_the_dataset_has_is_not_to_be_labelled(project, labelled):
    known = labelled["text"].to_pylist()[:30]
    new = [f"the {COLOURS[number % 4]} okapi {number}" for number in range(4)]
    (project / "new.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in known + new), encoding="utf-8")
    drift("new.jsonl", "--out", "next.jsonl")
    made = [json.loads(line) for line in (project / "next.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted(row["text"] for row in made) == sorted(new)
    (project / "inbox").mkdir()  # the same rows as mails, of one thread
    for number, text in enumerate(known + new):
        mail = f"From: x@example.org\nSubject: Re: zebra\n\n{text}"
        (project / f"inbox/{number:02}.eml").write_text(mail, encoding="utf-8")
    drift("inbox", "--text", "body", "--out", "next.jsonl")
    made = [json.loads(line) for line in (project / "next.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted(row["text"] for row in made) == sorted(new)
    with pytest.raises(UserError, match="inbox: 1 rows with"):
        drift("inbox", "--group", "thread")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("text\n", r"new\.csv: 0 rows with \d+ training rows cannot be compared; it takes 5"),
        ("text\none two\nthree four\n", r"new\.csv: 2 rows with"),
        ("", r"new\.csv: line 1: there is no header"),
        ("a,b\n1,2\n", r"which column holds the texts"),
    ],
)
def test_empty_and_tiny_files_are_named(project, data, message):
    (project / "new.csv").write_text(data, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        drift("new.csv", "--out", "next.csv")
    assert not (project / "next.csv").exists()
    (project / "new.csv").write_text("text\na\n", encoding="utf-8")
    with pytest.raises(UserError, match="there is no column 'thread'"):
        drift("new.csv", "--group", "thread")
