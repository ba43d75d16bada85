"""`winnow init`: what it asks, refuses, empties and says.

tests/pipeline/test_newcomer.py runs the pipeline on what it writes.
"""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.winnow.commands.init import shapes
from tests.winnow.commands.init.conftest import ROOT
from tests.winnow.commands.init.test_shapes import collected, written
from winnow.base import params
from winnow.commands import layout
from winnow.commands.init import example, look
from winnow.commands.init.ask import Answers
from winnow.kinds.token_classification import labels as spans
from winnow.people import decisions


def lines(path, rows, header, **options) -> str:
    path.write_text(shapes.table(rows, header, **options), encoding="utf-8")
    return str(path)


def jsonl(path, rows) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def refused(init, capsys, *words) -> str:
    """What a refusal says: one line, beside those of progress that a busy machine may add."""
    with pytest.raises(SystemExit) as ended:
        init(*words)
    assert ended.value.code == 1
    told = re.sub(r"^.* so far\n", "", capsys.readouterr().err, flags=re.MULTILINE)
    assert told.count("\n") == 1
    return told


def test_no_label_at_all(init, capsys, tmp_path, project):
    path = lines(
        tmp_path / "texts.csv", [(text, f"{n}.5") for n, (text, _) in enumerate(shapes.ROWS)], ["text", "price"]
    )
    assert "no column looks like a label; there are 'text', 'price'; name it by --label" in refused(init, capsys, path)
    init(path, "--labels", "yes,no", "--yes")
    made = written(project)
    assert made["task"]["labels"] == ["yes", "no"]
    assert made["collect"]["sources"][0]["purpose"] == "task"
    assert len(collected("texts")) == 60


@pytest.mark.parametrize(
    ("piece", "pieces", "least"),
    [("很好吃", 2, 3), ("好", 4, 1), ("ดี", 8, 3), ("ดี", 5, 1), ("good ", 6, 3), ("good ", 5, 1), ("👍", 6, 3)],
)
def test_the_least_words_are_guessed_in_every_script(init, tmp_path, project, piece, pieces, least):
    rows = [(piece * pieces + "。" * (n % 9), ("a", "b")[n % 2]) for n in range(60)]
    init(lines(tmp_path / "texts.csv", rows, ["text", "label"]), "--yes")
    assert written(project)["clean"].get("min_words", 3) == least


def test_a_sign_that_no_table_has_between_columns_is_told_and_named(init, capsys, tmp_path, project):
    rows = [(*row, n) for n, row in enumerate(shapes.ROWS)]
    path = lines(tmp_path / "odd.csv", rows, ["Text", "Label", "Nr"], delimiter="~")
    assert 'is one column as it stands, and "~" is equally often in its lines; name' in refused(init, capsys, path)
    assert "--delimiter ab: must be one sign" in refused(init, capsys, path, "--delimiter", "ab")
    init(path, "--delimiter", "~", "--yes")
    (made,) = written(project)["collect"]["sources"]
    assert (made["delimiter"], made["columns"]["text"], made["columns"]["label"]) == ("~", "Text", "Label")
    assert len(collected("odd")) == len(shapes.ROWS)
    one = tmp_path / "one.csv"  # a sign in some lines is part of texts, and so it is in all where a person says so
    one.write_text(
        "\n".join(["text", *(f"{text} ~ {n}" if n % 3 else text for n, (text, _) in enumerate(shapes.ROWS))])
    )
    init(one, "--labels", "a,b", "--look")
    init(path, "--delimiter", "tab", "--labels", "a,b", "--look")


@pytest.mark.parametrize("option", ["label", "group", "date", "key"])
def test_an_option_of_one_column_is_given_once(option, init, capsys, tmp_path):
    path = lines(tmp_path / "two.csv", shapes.ROWS, ["text", "topic"])
    told = refused(init, capsys, path, f"--{option}", "topic", f"--{option}", "text")
    assert f"--{option} topic --{option} text: only one column is the {option}" in told
    assert ("columns.aux" in told) == (option == "label")


def test_columns_that_are_no_labels_together_say_so(init, capsys, tmp_path):
    path = lines(tmp_path / "two.csv", [(*row, "low") for row in shapes.ROWS], ["text", "topic", "urgency"])
    told = refused(init, capsys, path, "--label", "topic,urgency")
    assert "columns of yes and no alone are learnt together, by --task multilabel" in told
    told = refused(init, capsys, path, "--label", "topic,urgency", "--task", "multilabel")
    assert "column 'topic' says neither yes nor no" in told


def test_one_label_alone(init, capsys, tmp_path):
    path = lines(tmp_path / "spam.csv", [(text, "spam") for text, _ in shapes.ROWS], ["text", "label"])
    assert "column 'label' holds one label ('spam'), and two are the least" in refused(init, capsys, path)


def test_two_columns_that_may_be_the_label(init, capsys, tmp_path, project):
    rows = [(text, label, ("low", "high")[n % 2]) for n, (text, label) in enumerate(shapes.ROWS)]
    path = lines(tmp_path / "two.csv", rows, ["text", "topic", "sentiment"])
    assert "which column is the label (topic, sentiment, none)? Give --label" in refused(init, capsys, path)
    init(path, "--label", "sentiment", "--yes")
    assert written(project)["task"]["labels"] == ["high", "low"]
    assert written(project)["collect"]["sources"][0]["columns"]["meta"] == ["topic"]


def iob(number: int) -> list[tuple[str, str]]:
    """Return the words of a sentence with tags; its second word is a drug, of every fourth the last one an illness."""
    words = shapes.text(number).split()
    tags = ["O", "B-Drug", "I-Drug"] + ["O"] * (len(words) - 4) + ["B-Ill" if number % 4 == 0 else "O"]
    return list(zip(words, tags, strict=True))


def marked_rows(number: int) -> dict:
    """Return the same sentence as a text with spans, as doccano writes them."""
    text, found = "", []
    for word, tag in iob(number):
        start = len(text) + (1 if text else 0)
        text = f"{text} {word}" if text else word
        if tag.startswith("B-"):
            found.append({"start_offset": start, "end_offset": len(text), "label": tag[2:]})
        elif tag.startswith("I-"):
            found[-1]["end_offset"] = len(text)
    return {"text": text, "entities": found, "doc": f"d{number % 30}"}


@pytest.mark.parametrize("form", ["news.tsv", "spans.jsonl", "tags.jsonl"])
def test_spans_are_recognised_and_set_up(form, init, capsys, tmp_path, project):
    path = tmp_path / form
    if form == "spans.jsonl":
        jsonl(path, map(marked_rows, range(60)))
    elif form == "tags.jsonl":
        pairs = [list(zip(*iob(number), strict=True)) for number in range(60)]
        jsonl(path, [{"tokens": words, "ner_tags": tags, "doc": f"d{n % 30}"} for n, (words, tags) in enumerate(pairs)])
    else:
        sentences = ["".join(f"{word}\t{tag}\n" for word, tag in iob(number)) for number in range(60)]
        path.write_text("\n".join(sentences))
    init(str(path), "--yes")
    assert "labels" in capsys.readouterr().out
    made = written(project)
    assert made["task"] == {"kind": "token_classification", "labels": ["Drug", "Ill"]}
    assert made["annotate"]["combine"] == "majority"
    assert "spans of 2 types are marked" in made["report"]["description"]
    rows = collected(path.stem)
    task = params.parse(made["task"], spans.Task, "task")
    assert len(rows) == 60
    assert sum("Ill" in task.names(row["label"]) for row in rows) == 15
    assert all("Drug" in task.names(row["label"]) for row in rows)


@pytest.mark.parametrize(
    ("name", "text", "format"),
    [
        ("news.conll", "Ann B-PER\nhere O\n", "conll"),
        ("news.txt", "Ann B-PER\nhere O\n\nyes O\n", "conll"),
        ("news", "-DOCSTART- O\n\nAnn NN B-PER\nhere RB O\n\nyes UH O\n", "conll"),
        ("table.tsv", "text\tlabel\nAnn is here\tB-side\n\nHe is not\tO\n", "tsv"),
        ("table.tsv", "word\tO\n\nother\tO\n", "tsv"),
    ],
)
def test_files_of_tagged_words_are_known_by_their_lines(tmp_path, name, text, format):
    (tmp_path / name).write_text(text)
    assert look.at(tmp_path / name, None, None).format == format


def test_spans_that_cannot_be_set_up_are_told_in_one_line(init, capsys, tmp_path):
    numbers = jsonl(tmp_path / "n.jsonl", [{"tokens": ["a", "b"], "ner_tags": [0, 1]}] * 9)
    assert "the tags are numbers; a data set of kind hf tells their names" in refused(init, capsys, numbers, "--yes")
    one = jsonl(tmp_path / "one.jsonl", map(marked_rows, range(60)))
    assert "--task classification: the labels are of kind token_classification" in refused(
        init, capsys, one, "--task", "classification", "--yes"
    )
    other = lines(tmp_path / "other.csv", shapes.ROWS, ["text", "topic"])
    told = refused(init, capsys, one, other, "--yes")
    assert (
        f"one.jsonl: column 'entities' holds entities; {other}: column 'topic' holds one label a row: 2 tasks" in told
    )
    assert "--label none" not in told


HALF = "\ud800"  # of a surrogate pair: JSON can hold it, and it is no character


def test_halves_of_surrogate_pairs_are_refused_and_passed_over_as_collect_does(init, capsys, tmp_path, project):
    rows = [{"text": text, "label": label} for text, label in shapes.ROWS]
    rows[0]["text"] += HALF
    rows[1]["label"] = HALF
    rows[2][f"{HALF}k"] = "a"
    init(jsonl(tmp_path / "rows.jsonl", rows), "--yes")
    told = capsys.readouterr()
    assert "2 cannot be read, the first: rows.jsonl, line 1: column 'text' holds half a surrogate pair" in told.out
    assert '1 keys with half a surrogate pair, such as "\\ud800k", are left out' in told.err
    assert written(project)["task"]["labels"] == list(shapes.LABELS)
    assert len(collected("rows")) == len(rows) - 2


def test_names_with_half_a_surrogate_pair_are_named(init, capsys, tmp_path):
    odd = jsonl(tmp_path / "odd.jsonl", [{f"text{HALF}": text} for text, _ in shapes.ROWS])
    assert r'odd.jsonl: key "text\ud800" holds half a surrogate pair; rename it' in refused(init, capsys, odd, "--yes")
    sets = [json.dumps(["fish", HALF] if number % 9 == 0 else ["fish", "wood"][: number % 3]) for number in range(60)]
    rows = [{"text": text, "tags": of} for (text, _), of in zip(shapes.ROWS, sets, strict=True)]
    told = refused(init, capsys, jsonl(tmp_path / "sets.jsonl", rows), "--yes")
    assert "column 'tags': the label \"\\ud800\" holds half a surrogate pair; rename it in the file" in told


def test_spans_and_lists_that_are_refused_are_no_empty_rows(init, capsys, tmp_path, project):
    rows = [marked_rows(number) for number in range(60)]
    broken = {"start": 0, "end": 9999, "label": "X"}
    rows[3]["entities"] = [broken]
    init(jsonl(tmp_path / "rows.jsonl", rows), "--yes")
    told = capsys.readouterr().out
    assert "1 cannot be read" in told
    assert "empty" not in told
    assert len(collected("rows")) == 59


def test_mails_without_labels_and_a_column_that_is_named(init, capsys, tmp_path, project):
    path = shapes.mbox(tmp_path)
    assert "no column looks like a label" in refused(init, capsys, path)
    init(path, "--labels", "a,b", "--yes", "--group", "from")
    assert written(project)["collect"]["sources"][0]["columns"]["group"] == "from"
    assert len(collected("list")) == 30
    assert "has no column 'form' for --group" in refused(init, capsys, path, "--labels", "a,b", "--group", "form")


def nonsense(tmp_path) -> dict[str, str]:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "image.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(4000))
    (tmp_path / "empty.csv").touch()
    (tmp_path / "blank.csv").write_text("\n\n \n")
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "array.json").write_text('[{"text": "a", "label": "b"}]')
    (tmp_path / "cut.parquet").write_bytes(b"PAR1" + b"\0" * 50)
    (tmp_path / "cut.csv.gz").write_bytes(b"\x1f\x8b\x08\0\0\0")
    (tmp_path / "packed.csv").write_bytes(b"\x1f\x8b\x08\0\0\0")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "deep.jsonl").write_text(('{"a":' * 3000 + "1" + "}" * 3000 + "\n") * 3)
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04nonsense")
    (tmp_path / "words.txt").write_text("word\n")
    (tmp_path / "fast.txt").write_text("".join(f"__label__{label} {text}\n" for text, label in shapes.ROWS))
    (tmp_path / "few.csv").write_text("text,label\nhello there,a\nhello you,b\nhello me,c\n")
    ragged = [*(f"{text},{label}" for text, label in shapes.ROWS), *["a,b,c,d"] * 10]
    (tmp_path / "quote.csv").write_text('sep=;\n"text\n')
    (tmp_path / "ragged.csv").write_text("text,label\n" + "\n".join(ragged))
    return {
        "nothing": "a folder without files",
        "missing.csv": "not found",
        "image.csv": "binary, neither text nor Parquet",
        "empty.csv": "an empty file",
        "blank.csv": "holds blank lines alone",
        "book.xlsx": ".xlsx is not read",
        "array.json": "one JSON value, not one a line",
        "deep.json": "one JSON value, not one a line",
        "deep.jsonl": "no line is a JSON object",
        "cut.parquet": "truncated or damaged",
        "cut.csv.gz": "truncated or damaged",
        "packed.csv": "truncated or damaged",
        "bad.zip": "bad.zip",
        "words.txt": "words.txt",
        "fast.txt": r"`sed 's/^__label__\([^ ]*\) /\1\t/' fast.txt > rows.tsv` makes a column of it",
        "few.csv": "column 'label' holds 'a', 'b', 'c', and fewer than two of them have the 5 rows",
        "quote.csv": "no row can be read: a quote is opened and never closed",
        "ragged.csv": "10 of 70 rows cannot be read, the first: ragged.csv, line 62: 4 fields, the header has 2",
    }


def test_nonsense_is_one_line_and_changes_nothing(init, capsys, tmp_path, project):
    before = (project / "params.yaml").read_bytes()
    for name, told in nonsense(tmp_path).items():
        assert told in refused(init, capsys, tmp_path / name, "--yes"), name
    assert (project / "params.yaml").read_bytes() == before
    assert (project / "data/rounds/001.csv").exists()
    assert not list((project / "data/sources").iterdir())


def test_a_question_without_a_terminal_names_its_option(init, capsys, tmp_path, project):
    path = shapes.packed(tmp_path)
    told = refused(init, capsys, path)
    assert "Under what licence may the rows be used? Give --licence and --yes, which agrees to the rest; or" in told
    assert "or --yes alone for 'internal'" in told
    told = refused(init, capsys, path.with_name("missing.csv"), "--licence", "MIT")  # before a file is looked at
    assert "--look shows how, and writes nothing. Give --yes to agree" in told
    init(path, "--licence", "MIT", "--look")
    assert "label" in capsys.readouterr().out
    days = [(text, label, f"{n % 12 + 1:02d}/{n % 11 + 1:02d}/2024") for n, (text, label) in enumerate(shapes.ROWS)]
    path = lines(tmp_path / "days.csv", days, ["text", "label", "date"])
    assert "which form (%d/%m/%Y, %m/%d/%Y)? Give --date-format" in refused(init, capsys, path)
    init(path, "--date-format", "%m/%d/%Y", "--yes")
    assert written(project)["collect"]["sources"][0]["columns"]["published_format"] == "%m/%d/%Y"


def test_the_examples_leftovers_go(init, tmp_path, project, capsys):
    init(shapes.packed(tmp_path), "--yes")
    told = capsys.readouterr().out
    assert "Next: `make repro`" in told
    assert decisions.read(project / "data/decisions.csv") == []
    left = {path.name for path in (project / "data").rglob("*") if path.is_file()}
    assert left <= {"decisions.csv", "README.md", ".gitkeep", "rows.csv.gz"}
    made = written(project)
    assert made["annotate"]["rules"] == []
    assert made["gates"]["on_doubt"] == "warn"
    assert re.search(r"^  rules: \[\] # what each kind reads", (project / "params.yaml").read_text(), re.MULTILINE)
    init(tmp_path / "rows.csv.gz", "--yes", "--strict")
    assert written(project)["gates"]["on_doubt"] == "stop"
    assert layout.problems(project) == []


def test_somebodys_own_work_stays_unless_forced(init, tmp_path, project, capsys):
    path = shapes.packed(tmp_path)
    with (project / "data/decisions.csv").open("a") as file:
        file.write("0123456789abcdef,0123456789abcdef,METHODS,keep,,ana,2026-01-31,,\n")
    assert "data/decisions.csv: not of the example" in refused(init, capsys, path, "--yes")
    init(path, "--yes", "--force")
    (project / "data/rounds/001.csv").write_text("mine")
    (project / "rules/mine.py").write_text("x = 1\n")
    assert "data/rounds/001.csv, rules/mine.py: not of the example" in refused(init, capsys, path, "--yes")
    assert (project / "rules/mine.py").exists()


def test_files_stay_where_they_are_below_the_sources(init, project, capsys):
    (project / "data/sources/in").mkdir()
    path = shapes.many_classes(project / "data/sources/in")
    init(path, "--yes")
    told = capsys.readouterr().out
    assert "copied" not in told
    assert re.search(r"Version it: `git add (\S+)`, or `dvc add \1` for texts that must not enter Git\n", told)
    assert written(project)["collect"]["sources"][0]["path"] == "in/intents.csv"
    other = shapes.many_classes(project / "data")
    init(other, "--yes")
    other.write_text("text,label\n" + "".join(f"{shapes.text(n)},{n % 2}\n" for n in range(20)))
    before = (project / "params.yaml").read_bytes()
    assert "something else stands there" in refused(init, capsys, other, "--yes")
    assert (project / "params.yaml").read_bytes() == before
    assert "no text encoding" in refused(init, capsys, other, "--encoding", "utf-9")
    assert "--minutes 0: must be above 0" in refused(init, capsys, other, "--minutes", "0")


def test_a_file_without_labels_beside_one_with_them_adapts_the_encoder(init, tmp_path, project):
    more = lines(tmp_path / "more.csv", [(shapes.text(n),) for n in range(100, 150)], ["message"])
    init(shapes.packed(tmp_path), more, "--yes")
    assert [source["purpose"] for source in written(project)["collect"]["sources"]] == ["task", "text"]
    assert [row["purpose"] for row in collected("more")] == ["text"] * 50


def test_an_example_is_an_overlay(init, project, capsys):
    assert "there are" in refused(init, capsys, "--example", "mush", "--yes")
    init("--example", "emails", "--yes")
    made = written(project)
    assert made["task"]["labels"] == ["complaint", "question"]
    assert made["adapt"]["objectives"] == {"masked_lm": 1.0}
    assert layout.problems(project) == []


def test_an_example_brings_rules_and_decisions_and_the_next_one_takes_them_away(init, project):
    folder = Path("examples/chemicals").resolve()
    for _ in range(2):
        init("--example", "chemicals", "--yes")
        for place in ("rules/chemicals.txt", "decisions.csv"):
            there = project / (place if "/" in place else f"data/{place}")
            assert there.read_bytes() == (folder / place).read_bytes()
        assert sorted(path.name for path in (project / "data/sources").iterdir()) == []
        assert layout.problems(project) == []
    init("--example", "mesh", "--yes")
    assert not (project / "rules/chemicals.txt").exists()
    assert (project / "data/decisions.csv").read_text() == decisions.EMPTY
    init("--example", "chemicals", "--yes")
    with (project / "data/decisions.csv").open("a") as file:
        file.write("0123456789abcdef,0123456789abcdef,,keep,,me,2026-01-01,\n")
    with pytest.raises(SystemExit):
        init("--example", "mesh", "--yes")  # somebody's own work


def test_an_example_that_was_cut_off_before_its_rules_came_is_taken_again(init, project, monkeypatch):
    copying = example._copy

    def cut(places):
        copying(dict(list(places.items())[:-1]))
        if places:
            raise KeyboardInterrupt

    monkeypatch.setattr(example, "_copy", cut)
    with pytest.raises(SystemExit):
        init("--example", "chemicals", "--yes")
    monkeypatch.setattr(example, "_copy", copying)
    init("--example", "chemicals", "--yes")
    assert (project / "rules/chemicals.txt").exists()
    assert (project / "data/decisions.csv").read_bytes() == Path("examples/chemicals/decisions.csv").read_bytes()


def test_on_a_terminal_it_asks(project, tmp_path):
    path = shapes.packed(tmp_path)
    command = [sys.executable, "-c", "from winnow.commands.cli import main; main()", "init", str(path)]
    here, there = pty.openpty()
    running = subprocess.Popen(
        command, stdin=there, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    os.write(here, b"\nn\n")
    told, _ = running.communicate(timeout=600)
    assert "Under what licence may the rows be used [internal]: " in told
    assert told.endswith("Nothing was written.\n")
    assert (project / "data/example.sha256").exists()


def test_git_keeps_the_bytes_that_are_pinned():
    asked = ["git", "check-attr", "text", "--", "data/sources/a.csv", "data/sources/b/c.txt"]
    told = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert told.count("text: unset") == 2


def test_lines_with_commas_are_no_table(init, tmp_path, project):
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{text}, thanks\n" for text, _ in shapes.ROWS))
    init(path, "--labels", "a,b", "--yes")
    assert written(project)["collect"]["sources"][0]["columns"] == {"text": "column_1"}
    assert [row["text"].endswith(", thanks") for row in collected("lines")] == [True] * 60


def test_of_a_folder_its_own_files_are_copied_and_no_link_is_gone_into(init, tmp_path, project):
    folder = shapes.texts_by_folder(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "key.txt").write_text("a secret of somebody's\n")
    (folder / "inner").symlink_to(outside)
    (folder / "itself").symlink_to(folder)
    (folder / "gone.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.txt")
    (folder / ".hidden").mkdir()
    (folder / ".hidden/x.txt").write_text("x\n")
    for _ in range(2):  # again: the copy is known to be one
        init(folder, "--yes")
    there = project / "data/sources" / folder.name
    assert not {"inner", "itself", "gone.txt", "pipe.txt", ".hidden"} & {path.name for path in there.iterdir()}
    assert any(there.rglob("*.txt"))


def test_a_file_that_changes_meanwhile_is_not_taken(init, capsys, tmp_path, project, monkeypatch):
    path = Path(lines(tmp_path / "a.csv", shapes.ROWS, ["text", "label"]))
    before = (project / "params.yaml").read_bytes()
    agree = Answers.agree

    def meanwhile(self, question):
        path.write_text("text,label\n")
        return agree(self, question)

    monkeypatch.setattr(Answers, "agree", meanwhile)
    assert "a.csv: has changed since it was looked at" in refused(init, capsys, path, "--yes")
    assert (project / "params.yaml").read_bytes() == before
    assert (project / "data/rounds/001.csv").exists()
    assert not list((project / "data/sources").iterdir())


def test_names_that_are_no_text_and_examples_from_elsewhere_are_refused(init, capsys, tmp_path, project):
    path = lines(tmp_path / "a.csv", shapes.ROWS, ["text", "label"])
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.csv"))
    os.rename(path, odd)
    assert "a file's name that is not UTF-8" in refused(init, capsys, odd, "--yes")
    (tmp_path / "params.yaml").write_text("collect: {sources: []}\n")
    for name in (str(tmp_path), "../..", "", "."):
        assert "examples" in refused(init, capsys, "--example", name, "--yes") or not name
    assert not list((project / "data/sources").iterdir())


def test_it_tells_of_markup_that_stays_and_leaves_columns_out(init, tmp_path, project, capsys):
    rows = [
        (f"<b>{text}</b>" if n < 3 else text, label, f"K{n // 2}", "RE: hello")
        for n, (text, label) in enumerate(shapes.ROWS)
    ]
    path = lines(tmp_path / "kunden.csv", rows, ["nachricht", "label", "kundennummer", "betreff"])
    assert "no column 'vertreff' for --without; it has nachricht" in refused(
        init, capsys, path, "--without", "vertreff"
    )
    init(path, "--yes", "--without", "betreff")
    told = capsys.readouterr().out
    assert "5% with markup, which stays (clean.default_profile: html takes it out)" in told
    columns = written(project)["collect"]["sources"][0]["columns"]
    assert columns == {"text": "nachricht", "label": "label", "group": "kundennummer"}
    init(path, "--look", "--group", "none")
    assert "none: each row is its own; --group names what ties rows" in capsys.readouterr().out


def test_texts_of_one_column_that_a_program_quoted_lose_no_word_and_keep_no_quote(init, tmp_path, project):
    init(shapes.texts_of_one_column(tmp_path), "--yes", "--labels", "a,b")
    (entry,) = written(project)["collect"]["sources"]
    assert (entry["format"], entry["quote"]) == ("tsv", '"')


def test_mails_of_too_few_threads_are_no_groups_and_it_says_so(init, tmp_path, project, capsys):
    folder = shapes.mails_by_folder(tmp_path)
    for number, path in enumerate(sorted(folder.rglob("*.eml"))):
        path.write_text(re.sub("Subject: .*", f"Subject: Form {number % 3}", path.read_text()))
    init(folder, "--yes")
    assert "group" not in written(project)["collect"]["sources"][0]["columns"]
    told = capsys.readouterr().out
    assert "thread has 3 values, since mails of one subject are one thread: too few, or too unequal, for a dev" in told
    init(folder, "--yes", "--group", "thread")
    assert written(project)["collect"]["sources"][0]["columns"]["group"] == "thread"


@pytest.mark.parametrize(
    ("groups", "is_one", "dev"), [(lambda n: n % 40, False, 0.12), (lambda n: n % 100, True, 0.2),
                                  (lambda n: 0 if n % 2 else n, False, 0.12), (lambda n: n % 400, True, 0.12)]
)  # fmt: skip
def test_a_group_is_one_whose_dev_and_test_have_enough_of_them(init, tmp_path, project, groups, is_one, dev):
    rows = [(shapes.text(n), "ab"[n % 2], f"u{groups(n)}") for n in range(1600)]
    init(lines(tmp_path / "rows.csv", rows, ["text", "label", "user"]), "--yes")
    made = written(project)
    columns = made["collect"]["sources"][0]["columns"]
    assert (columns.get("group"), columns.get("meta")) == (("user", None) if is_one else (None, ["user"]))
    assert made["split"].get("dev") == dev
