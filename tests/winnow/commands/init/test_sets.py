"""`winnow init` on several labels a row: lists, joined names, 0/1 columns; and that `collect` then reads them so."""

import csv
import json
import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.winnow.commands.init import shapes
from tests.winnow.commands.init.test_init import jsonl, refused
from tests.winnow.commands.init.test_shapes import collected, written

NAMES = ("fish", "wind", "wood")
# None: nobody has said; the empty list: none of them.
SETS = [
    None if number % 13 == 12 else [name for bit, name in enumerate(NAMES) if number >> bit & 1] for number in range(64)
]
TEXTS = [shapes.text(number) for number in range(64)]


def table(path, header, rows) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def lists(folder) -> str:
    return jsonl(folder / "rows.jsonl", [{"text": t, "tags": s} for t, s in zip(TEXTS, SETS, strict=True)])


def parquet(folder) -> str:
    pq.write_table(pa.table({"text": TEXTS, "labels": SETS}), folder / "rows.parquet")
    return str(folder / "rows.parquet")


def joined(mark, name="labels"):
    def make(folder) -> str:
        cells = ["" if s is None else mark.join(s) or "[]" for s in SETS]
        return table(folder / "rows.csv", ["text", name], zip(TEXTS, cells, strict=True))

    return make


def printed(folder) -> str:
    cells = ["" if s is None else str(s) for s in SETS]
    return table(folder / "rows.csv", ["text", "labels"], zip(TEXTS, cells, strict=True))


def columns(folder) -> str:
    cells = [["" if s is None else int(name in s) for name in NAMES] for s in SETS]
    return table(folder / "rows.csv", ["text", *NAMES], ([t, *c] for t, c in zip(TEXTS, cells, strict=True)))


@pytest.mark.parametrize(
    ("make", "label", "delimiter"),
    [
        (lists, "tags", ";"),
        (parquet, "labels", ";"),
        (joined("|"), "labels", "|"),
        (joined("; ", "topics"), "topics", ";"),
        (joined(";", "tags"), "tags", ";"),
        (joined(";"), "labels", ";"),
        (joined(", "), "labels", ","),
        (printed, "labels", ";"),
        (columns, list(NAMES), ";"),
    ],
    ids=["lists", "parquet", "bars", "topics", "tags", "semicolons", "commas", "printed", "columns"],
)
def test_several_labels_a_row_are_seen_and_collected_as_they_are(make, label, delimiter, init, tmp_path, project):
    init(make(tmp_path), "--yes")
    made = written(project)
    assert made["task"] == {"kind": "multilabel", "labels": list(NAMES), "delimiter": delimiter}
    assert made["annotate"] == made["annotate"] | {"rules": [], "combine": "majority"}
    assert made["collect"]["sources"][0]["columns"] == {"text": "text", "label": label}
    found = {row["text"]: row["label"] for row in collected("rows")}
    assert found == {
        text: None if own is None else json.dumps(sorted(own), separators=(",", ":"))
        for text, own in zip(TEXTS, SETS, strict=True)
    }


def test_the_kind_is_offered_and_each_may_be_chosen(init, capsys, tmp_path, project):
    path = lists(tmp_path)
    asked = refused(init, capsys, path)
    assert "column 'tags': lists of labels: which kind of task (classification, multilabel)? Give --task" in asked
    rows = [[text, *(int(name in (names or [])) for name in NAMES)] for text, names in zip(TEXTS, SETS, strict=True)]
    asked = refused(init, capsys, table(tmp_path / "flags.csv", ["text", *NAMES], rows))
    assert "columns 'fish', 'wind', 'wood': 0 or 1 each, which are several labels a row: which kind of task" in asked
    assert "for --task multilabel; give a column of single" in refused(init, capsys, path, "--task", "classification")
    init(path, "--task", "multilabel", "--look")
    told = capsys.readouterr().out
    assert "tags: lists of labels: 4 rows without" in told
    path = columns(tmp_path)
    init(path, "--task", "classification", "--label", "wind", "--yes")
    assert written(project)["task"] == {"kind": "classification", "labels": ["0", "1"]}


def test_a_person_names_the_columns(init, capsys, tmp_path, project):
    path = columns(tmp_path)
    init(path, "--task", "multilabel", "--label", "wood, fish", "--yes")
    assert written(project)["task"]["labels"] == ["fish", "wood"]
    assert "wind" in written(project)["collect"]["sources"][0]["columns"]["meta"]
    told = refused(init, capsys, path, "--task", "multilabel", "--label", "fish,moss")
    assert "there is no column 'moss'; there are text, fish, wind, wood" in told
    keywords = jsonl(tmp_path / "keys.jsonl", [{"text": t, "keywords": s} for t, s in zip(TEXTS, SETS, strict=True)])
    init(keywords, "--task", "multilabel", "--label", "keywords", "--yes")
    assert written(project)["task"]["labels"] == list(NAMES)
    single = table(tmp_path / "one.csv", ["text", "label"], shapes.ROWS)
    assert "no column looks like several labels a row" in refused(init, capsys, single, "--task", "multilabel")


def test_going_back_to_one_label_a_row_leaves_nothing_of_sets(init, tmp_path, project):
    init(lists(tmp_path), "--yes")
    init(table(tmp_path / "one.csv", ["text", "label"], shapes.ROWS), "--yes", "--force")
    assert written(project)["task"] == {"kind": "classification", "labels": list(shapes.LABELS)}
    init("--example", "mesh", "--yes", "--force")
    assert written(project)["task"]["unlisted"] == "leave_out"
    init("--example", "intents", "--yes", "--force")
    assert set(written(project)["task"]) == {"kind", "labels"}
    assert written(project)["task"]["kind"] == "classification"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("[x]", 'label "[x]" begins like a list;'),
        ("[NaN]", 'label "[NaN]" begins like a list;'),
        ("", 'the label "" is blank;'),
        (" ", 'the label "" is blank;'),
        ("\u200b", r'the label "\u200b" is blank;'),
        ("none of them", 'label "none of them" is what the empty set is called;'),
    ],
)
def test_a_list_with_a_name_that_no_label_can_have(init, capsys, tmp_path, project, name, told):
    sets = [[name, "wood"] if n % 3 else ["fish"] for n in range(len(TEXTS))]
    path = jsonl(tmp_path / "rows.jsonl", [{"text": t, "tags": own} for t, own in zip(TEXTS, sets, strict=True)])
    said = refused(init, capsys, path, "--yes")
    assert said == f"winnow init: column 'tags': {told} rename it in the file, or leave it out: --labels fish,wood\n"
    init(path, "--labels", "fish,wood", "--yes")
    assert {row["label"] for row in collected("rows")} == {'["fish"]', '["wood"]'}


def test_what_leaves_a_name_out_can_be_given_as_it_is_told(init, capsys, tmp_path, project):
    names = ["fish", "a, b", 'say "c"', "it's", *(f"name {number}" for number in range(20))]
    sets = [["[x]", "[y]", names[n % len(names)], names[(n + 1) % len(names)]] for n in range(len(TEXTS) * 8)]
    rows = [{"text": f"{TEXTS[n % len(TEXTS)]} {n}", "tags": own} for n, own in enumerate(sets)]
    path = jsonl(tmp_path / "rows.jsonl", rows)
    said = refused(init, capsys, path, "--yes")
    option = shlex.split(said.partition("or leave it out: ")[2])
    init(path, "--yes", "--licence", "x", "--minutes", "1", *option)
    assert sorted(written(project)["task"]["labels"]) == sorted(names)


@pytest.mark.parametrize("column", ["topics", "odd"])
def test_joined_names_that_a_person_names_as_the_label_are_told_loudly(init, capsys, tmp_path, project, column):
    cells = [";".join(own or ("fish",)) for own in SETS]
    path = table(tmp_path / "one.csv", ["text", column], zip(TEXTS, cells, strict=True))
    init(path, "--label", column, "--yes")
    assert (
        f"CAREFUL: column '{column}': several labels a row, joined by ';'. Each cell is read as one label: --task "
        in (capsys.readouterr().out)
    )
    assert written(project)["task"]["kind"] == "classification"
    for kind in ("classification", "multilabel"):
        init(path, "--label", column, "--task", kind, "--look")
        assert "CAREFUL" not in capsys.readouterr().out


def test_names_with_a_comma_are_one_label_each(init, tmp_path, project):
    names = ("books, music", "food; drink", "tools")
    init(table(tmp_path / "one.csv", ["text", "label"], [(t, names[n % 3]) for n, t in enumerate(TEXTS)]), "--yes")
    assert written(project)["task"] == {"kind": "classification", "labels": sorted(names)}


def test_numbers_with_a_comma_are_no_sets(init, tmp_path, project):
    rows = [(text, f"{n % 3},{n % 2 * 5}") for n, text in enumerate(TEXTS)]
    init(table(tmp_path / "one.csv", ["text", "label"], rows), "--yes")
    assert written(project)["task"] == {"kind": "classification", "labels": ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]}


ODD = {
    "a list of numbers": ([[n % 3, 7] for n in range(64)], "multilabel"),
    "lists with nothing in some": (
        [[None, "a"] if n % 9 == 0 else ["a", "b"][: n % 3] for n in range(64)],
        None,
    ),
    "lists of lists": ([[["a"], ["b"]]] * 64, None),
    "empty lists alone": ([[]] * 64, None),
    "hostile names": ([["<b>", "=1+1", "\u202ea"][: n % 4] for n in range(64)], "multilabel"),
    "one name": ([["a"]] * 64, None),
}


@pytest.mark.parametrize(("sets", "kind"), ODD.values(), ids=list(ODD))
def test_odd_lists_are_read_or_end_in_one_line(sets, kind, init, capsys, tmp_path, project):
    path = jsonl(tmp_path / "odd.jsonl", [{"text": t, "labels": s} for t, s in zip(TEXTS, sets, strict=True)])
    if kind is None:
        assert len(refused(init, capsys, path, "--yes")) < 400
        return
    init(path, "--yes")
    assert written(project)["task"]["kind"] == kind


def test_rare_names_go_and_of_very_many_the_most_frequent_stay(init, tmp_path, project):
    rows = [
        {"text": text, "labels": [*(own or []), f"only {n}"]}
        for n, (text, own) in enumerate(zip(TEXTS, SETS, strict=True))
    ]
    init(jsonl(tmp_path / "rows.jsonl", rows), "--yes")
    made = written(project)
    assert made["task"] == {"kind": "multilabel", "labels": list(NAMES), "delimiter": ";", "unlisted": "leave_out"}
    assert "label_map" not in made["collect"]["sources"][0]
    assert {row["label"] for row in collected("rows")} == {
        json.dumps(sorted(own or []), separators=(",", ":")) for own in SETS
    }
    few = [
        {"text": text, "labels": [*(own or []), f"only {n % 16}"]}
        for n, (text, own) in enumerate(zip(TEXTS, SETS, strict=True))
    ]
    init(jsonl(tmp_path / "few.jsonl", few), "--yes", "--force")
    assert written(project)["collect"]["sources"][0]["label_map"] == {f"only {n}": None for n in range(16)}
    assert "unlisted" not in written(project)["task"]


def test_a_name_that_holds_the_usual_delimiter_gets_another(init, tmp_path, project):
    rows = [
        {"text": t, "labels": ["a; b" if n == "fish" else n for n in s or []]} for t, s in zip(TEXTS, SETS, strict=True)
    ]
    init(jsonl(tmp_path / "rows.jsonl", rows), "--yes")
    assert written(project)["task"]["delimiter"] == "|"
    assert any('"a; b"' in row["label"] for row in collected("rows"))


def test_files_that_do_not_go_together_are_refused(init, capsys, tmp_path):
    first = joined("|")(tmp_path)
    (tmp_path / "rows.csv").rename(tmp_path / "bars.csv")
    other = joined(";")(tmp_path)
    assert "the files join labels by ';' and '|'" in refused(init, capsys, tmp_path / "bars.csv", other, "--yes")
    single = table(tmp_path / "one.csv", ["text", "label"], shapes.ROWS)
    assert "holds several labels a row; " in (told := refused(init, capsys, other, single, "--yes"))
    assert "holds one label a row: 2 tasks; set up one of them with its own files" in told
    assert first


SPANS = [{"text": text, "entities": [[0, 6, "what"], [7, 9, "who"]]} for text in TEXTS]


def test_no_label_is_taken_of_any_kind_and_the_task_is_the_one_asked_for(init, tmp_path, project):
    path = jsonl(tmp_path / "rows.jsonl", SPANS)
    wanted = {
        "classification": ("a,b", {}),
        "multilabel": ("a,b", {"delimiter": ";"}),
        "token_classification": ("a", {}),
    }
    for kind, (labels, own) in wanted.items():
        init(path, "--label", "none", "--labels", labels, "--task", kind, "--yes", "--force")
        assert written(project)["task"] == {"kind": kind, "labels": labels.split(",")} | own
        assert written(project)["collect"]["sources"][0]["columns"] == {"text": "text"}


def test_lists_that_are_written_as_text_are_lists_where_a_person_names_the_column(init, tmp_path, project):
    init(printed(tmp_path), "--label", "labels", "--yes")
    assert written(project)["task"]["labels"] == list(NAMES)
    rows = [(text, f"({'abc'[n % 3]}) part") for n, text in enumerate(TEXTS)]
    init(table(tmp_path / "one.csv", ["text", "label"], rows), "--yes", "--force")
    assert written(project)["task"] == {"kind": "classification", "labels": ["(a) part", "(b) part", "(c) part"]}


def test_what_one_kind_alone_says_goes_with_it(init, tmp_path, project):
    text = (project / "params.yaml").read_text()
    spans = text.replace("  kind: classification", "  kind: token_classification\n  overlap: longest", 1)
    (project / "params.yaml").write_text(spans)
    init("--example", "intents", "--yes", "--force")
    assert set(written(project)["task"]) == {"kind", "labels"}
