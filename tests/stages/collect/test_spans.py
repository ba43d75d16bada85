"""Spans from every form that tools write: one canonical label, and one clear line for what is none."""

import json

import datasets
import pytest

from stages.collect import __main__ as collect
from tests.stages.collect.test_collect import COMMAND, jsonl
from winnow.base.errors import UserError
from winnow.kinds.token_classification.labels import spans
from winnow.rows import tables

TASK = {"kind": "token_classification", "labels": ["drug", "ill"]}
TEXT = "😀 aspirin for a sore throat"
CUTS = [(2, 9, "drug"), (16, 27, "ill")]
UTF16 = [(start + 1, end + 1, name) for start, end, name in CUTS]
BYTES = [(start + 3, end + 3, name) for start, end, name in CUTS]
IOB = "aspirin B-drug\nfor O\na O\nsore B-ill\nthroat I-ill\n"
SENTENCE = "aspirin for a sore throat"
OF_SENTENCE = [("aspirin", "drug"), ("sore throat", "ill")]


@pytest.fixture
def run(workspace):
    """Return a function that writes files and runs the stage on one source of them."""

    def run(content: dict[str, bytes | str], task: dict | None = None, share: float = 0.5, **source):
        entry = {"name": "s", "kind": "file", "licence": "x", "purpose": "task"} | source
        if entry["kind"] == "file":
            entry = {"path": "s.jsonl"} | entry
        folder = workspace(task=TASK | (task or {}), collect={"max_refused_share": share, "sources": [entry]})
        for name, data in content.items():
            path = folder / "data/sources" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data.encode() if isinstance(data, str) else data)
        collect.main(COMMAND)
        rows = tables.read(folder / "raw/s.parquet").sort_by("source_key").to_pylist()
        return rows, tables.read(folder / "ledger.parquet").to_pylist()

    return run


def marked(row: dict) -> list[tuple[str, str]] | None:
    """Return what a row's spans say of its text."""
    label = row["label"]
    return label and [(row["text"][start:end], name) for start, end, name in spans(label)]


def of_keys(start: str, end: str, name: str, offsets=CUTS) -> list[dict]:
    return [{start: first, end: last, name: type_, "id": 5} for first, last, type_ in offsets]


def results(offsets, texts=True) -> list[dict]:
    """Return results as Label Studio exports them."""
    own = [{"text": TEXT[start:end]} if texts else {} for start, end, _ in CUTS]
    values = [
        {"value": {"start": start, "end": end, "labels": [name]} | text, "type": "labels", "from_name": "label"}
        for (start, end, name), text in zip(offsets, own, strict=True)
    ]
    return [*values, {"value": {"choices": ["good"]}, "type": "choices"}]


FORMS = {
    "spaCy": list(map(list, CUTS)),
    "Prodigy": of_keys("start", "end", "label"),
    "doccano": of_keys("start_offset", "end_offset", "label"),
    "pipeline": of_keys("start", "end", "entity_group"),
    "JSON as text": json.dumps(CUTS),
    "Python as text": str(CUTS),
    "columns": {"start": [2, 16], "end": [9, 27], "label": ["drug", "ill"]},
    "Label Studio, small": [
        {"start": start, "end": end, "text": TEXT[start:end], "labels": [name]} for start, end, name in CUTS
    ],
    "Label Studio's results": results(CUTS),
    "Label Studio's annotations": [{"result": [], "was_cancelled": True}, {"result": results(CUTS)}],
    "tags": ["O", "B-drug", "O", "O", "B-ill", "I-ill"],
    "tags as text": "O B-drug O O B-ill I-ill",
    "IOBES": ["O", "S-drug", "O", "O", "B-ill", "E-ill"],
    "BILOU": ["O", "U-drug", "O", "O", "B-ill", "L-ill"],
    "types alone": ["O", "drug", "O", "O", "ill", "ill"],
    "IOB1": ["O", "I-drug", "O", "O", "I-ill", "I-ill"],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_spans(run, form):
    rows, ledger = run(
        {"s.jsonl": jsonl([{"t": TEXT, "l": FORMS[form]}])}, format="jsonl", columns={"text": "t", "label": "l"}
    )
    assert rows[0]["text"] == TEXT
    assert spans(rows[0]["label"]) == tuple(CUTS)
    assert ledger == []


@pytest.mark.parametrize(("unit", "offsets"), [("utf16", UTF16), ("bytes", BYTES), ("characters", CUTS)])
def test_offsets_of_other_units_are_read_where_it_is_said_and_hinted_at_where_not(run, unit, offsets):
    data = {"s.jsonl": jsonl([{"k": "1", "t": TEXT, "l": results(offsets)}, {"k": "2", "t": "plain", "l": []}])}
    source = {"format": "jsonl", "columns": {"key": "k", "text": "t", "label": "l"}}
    rows, ledger = run(data, offsets=unit, **source)
    assert [spans(row["label"]) for row in rows] == [tuple(CUTS), ()]
    assert ledger == []
    if unit != "characters":
        rows, ledger = run(data, **source)
        assert len(rows) == 1
        assert f"give offsets: {unit} in its entry of params.yaml" in ledger[0]["reason"]


def test_a_unit_that_ends_within_a_character_is_refused(run):
    rows = [{"t": TEXT, "l": [[1, 9, "drug"]]}, {"t": "b", "l": []}]
    source = {"format": "jsonl", "columns": {"text": "t", "label": "l"}}
    found, ledger = run({"s.jsonl": jsonl(rows)}, offsets="utf16", **source)
    assert len(found) == 1
    assert 'span [1, 9, "drug"] is none of the text, which has 28 UTF-16 units' in ledger[0]["reason"]


WORDS = TEXT.split()


@pytest.mark.parametrize(
    ("text", "label", "told"),
    [
        ("abc", [[0, 4, "drug"]], 'span [0, 4, "drug"] is none of the text, which has 3 characters'),
        ("abc", [[0, 3]], "[0, 3] is no span; a span has a start, an end and a label"),
        ("abc", [[3, 3, "drug"]], "is no span"),
        ("abc", [{"start": 0, "end": 2.5, "label": "drug"}], "is no span"),
        ("abc", [{"start": 0, "end": 2, "label": None}], "is no span"),
        ("abc", [{"start": 0, "end": 2, "label": []}], "is no span"),
        ("abc", {"start": [0], "end": [1, 2], "label": ["drug"]}, "lists of start, end, label are not equally long"),
        ("abc", "drug", "the label 'drug' is no list of spans"),
        ("abc", {"start": 0}, "is no list of spans"),
        ("abc", 7, "the label '7' is no list of spans"),
        ("abc", [0, 1, 2], "the tags are numbers"),
        ("a b c", ["O", "B-drug"], "the text has 3 words, and there are 2 tags"),
        (["a", "", "c"], ["O", "O", "O"], "word 2 of the text is empty"),
        (["a", "b"], ["O", None], "the tag of word 2 is missing"),
        ("abc", [{"start": 0, "end": 2, "label": "drug", "text": "bc"}], 'should be "bc", and the text has "ab" there'),
        ("abc", [{"result": []}, {"result": []}], "there are 2 annotations; export the one that counts"),
        (None, [[0, 1, "drug"]], "which has 0 characters"),
    ],
)
def test_a_row_whose_spans_cannot_be_read_is_refused_with_one_line(run, text, label, told):
    rows = [{"t": text, "l": label}, {"t": "fine", "l": [[0, 4, "drug"]]}, {"t": "unknown"}, {"t": "none", "l": []}]
    found, ledger = run({"s.jsonl": jsonl(rows)}, format="jsonl", columns={"text": "t", "label": "l"})
    assert sorted((row["text"], row["label"]) for row in found if row["label"]) == [
        ("fine", '[[0,4,"drug"]]'),
        ("none", "[]"),
    ]
    assert [entry["rule"] for entry in ledger] == ["bad_label"]
    assert ledger[0]["reason"].startswith("s.jsonl, line 1: ")
    assert told in ledger[0]["reason"]
    assert "\n" not in ledger[0]["reason"]


@pytest.mark.parametrize(("overlap", "kept"), [("longest", ["sore throat"]), ("first", ["a sore"]), ("refuse", None)])
def test_of_spans_that_overlap_the_parameter_says_which_stays(run, overlap, kept):
    data = {"s.jsonl": jsonl([{"t": SENTENCE, "l": [[12, 18, "ill"], [14, 25, "ill"]]}])}
    source = {"format": "jsonl", "columns": {"text": "t", "label": "l"}, "task": {"overlap": overlap}}
    if kept is None:
        with pytest.raises(
            UserError, match=r"source 's': s.jsonl, line 1, key '\w+': spans .* overlap; set task.overlap"
        ):
            run(data, **source)
        return
    rows, ledger = run(data, **source)
    assert [text for text, _ in marked(rows[0])] == kept
    (entry,) = ledger
    assert entry["action"] == "note"
    assert f"spans overlap others and fall out (task.overlap: {overlap})" in entry["reason"]


def test_types_are_translated_and_unknown_ones_stop_the_run(run):
    data = {"s.jsonl": jsonl([{"t": SENTENCE, "l": [[0, 7, "Chem"], [8, 11, "word"], [14, 25, "ill"]]}])}
    source = {"format": "jsonl", "columns": {"text": "t", "label": "l"}}
    rows, _ = run(data, label_map={"Chem": "drug", "word": None}, **source)
    assert marked(rows[0]) == OF_SENTENCE
    with pytest.raises(UserError, match=r'these are no labels: "word" \(1 row\)'):
        run(data, label_map={"Chem": "drug"}, **source)
    with pytest.raises(UserError, match=r"label_map: 'Chem': label 'drugs' is not one of params.yaml"):
        run(data, label_map={"Chem": "drugs"}, **source)


def test_white_space_is_taken_off_borders_and_told(run):
    data = {"s.jsonl": jsonl([{"t": SENTENCE, "l": [[0, 8, "drug"], [11, 12, "ill"]]}])}
    rows, ledger = run(data, format="jsonl", columns={"text": "t", "label": "l"})
    assert marked(rows[0]) == [("aspirin", "drug")]
    assert "white space taken off the borders of spans" in ledger[0]["reason"]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (IOB, {}),
        (IOB.replace(" ", "\t"), {}),
        (f"-DOCSTART- O\n\n{IOB}", {}),
        (IOB.replace(" ", " NN "), {}),
        (IOB.replace(" ", "|x|"), {"delimiter": "|"}),
        (f"# sent_id = 1\n# text = aspirin\n{IOB}", {}),
        (
            "".join(f"{n}\t{line}\n" for n, line in enumerate(IOB.replace(" ", "\t").splitlines(), 1)),
            {"conll": {"word": 2}},
        ),
        (
            "".join(f"{' '.join(reversed(line.split()))}\n" for line in IOB.splitlines()),
            {"conll": {"word": 2, "tag": 1}},
        ),
        (IOB.replace("\n", "\r\n"), {}),
        (IOB.encode("utf-16"), {"encoding": "utf-16"}),
    ],
)
def test_iob_files_of_many_kinds_give_the_same_row(run, data, options):
    rows, ledger = run({"s.txt": data}, path="s.txt", format="conll", **options)
    assert [row["text"] for row in rows] == [SENTENCE]
    assert marked(rows[0]) == OF_SENTENCE
    assert ledger == []


def test_sentences_and_documents_of_an_iob_file(run):
    data = f"-DOCSTART- -X- O\n\n{IOB}\n# B-drug\n\n-DOCSTART- O\n\nnothing O\n".replace("-X- ", "")
    rows, _ = run({"s.txt": data}, path="s.txt", format="conll")
    assert sorted(row["text"] for row in rows) == ["#", SENTENCE, "nothing"]
    assert len({row["group"] for row in rows}) == 2
    rows, _ = run({"s.txt": data}, path="s.txt", format="conll", conll={"rows": "documents"})
    assert sorted((row["text"], len(spans(row["label"]))) for row in rows) == [(f"{SENTENCE}\n#", 3), ("nothing", 0)]


def test_words_stand_where_their_offsets_say(run):
    data = "10 (  O\n11 IL-2 B-drug\n17 ) O\n\n18 . O\n".replace("  ", " ")
    options = {"conll": {"word": 2, "start": 1}}
    rows, _ = run({"s.txt": data}, path="s.txt", format="conll", **options)
    assert sorted(map(marked, rows)) == [[], [("IL-2", "drug")]]
    assert {row["text"] for row in rows} == {"(IL-2  )", "."}
    _, ledger = run({"s.txt": f"{data}\n5 a O\n4 b O\n"}, path="s.txt", format="conll", **options)
    assert "'b' begins at 4, within the word before it (conll.start)" in ledger[0]["reason"]


@pytest.mark.parametrize(
    ("tags", "kept", "told"),
    [
        (["I-drug", "O", "B-ill"], ["a", "c"], "word 1 has I-drug, and no span of drug goes on: a span begins there"),
        (["B-drug", "I-ill", "O"], ["a", "b"], "word 2 has I-ill, and no span of ill goes on"),
        (["B-drug", "O", "E-drug"], ["a", "c"], "word 3 has E-drug, and no span of drug goes on"),
        (["I-drug", "I-ill", "B-ill"], ["a", "b", "c"], None),  # IOB1
    ],
)
def test_broken_tags_are_mended_and_told(run, tags, kept, told):
    data = "".join(f"{word} {tag}\n" for word, tag in zip("abc", tags, strict=True))
    found = [run({"s.txt": data}, path="s.txt", format="conll")]
    lists = {"s.jsonl": jsonl([{"t": list("abc"), "l": tags}])}
    found.append(run(lists, format="jsonl", columns={"text": "t", "label": "l"}))
    for rows, ledger in found:
        assert [text for text, _ in marked(rows[0])] == kept
        assert [entry["action"] for entry in ledger] == ["note"] * (told is not None)
        assert told is None or told in ledger[0]["reason"]


@pytest.mark.parametrize(
    ("data", "options", "told"),
    [
        (
            "a O\nb B-drug x\n\nc O\n",
            {},
            "s.txt, line 2: 3 columns ('b B-drug x'), where 2 are expected, parted by white space, as in the first "
            "word's line: the word in column 1, its tag in the last; mend the line, or conll and delimiter in "
            "its entry of params.yaml",
        ),
        ("a O\nb\n\nc O\n", {}, "s.txt, line 2: 1 column ('b'), where 2 are expected"),
        (
            f"a\tO\nb{100 * 'b'} O\n\nc\tO\n",
            {"conll": {"word": -2, "tag": 2}},
            f"1 column ('b{59 * 'b'}…'), where 2 are expected, parted by tabs, as in the first word's line: the "
            "word in column -2, its tag in column 2",
        ),
        ("a|O\nb\n\nc|O\n", {"delimiter": "|"}, "parted by '|'"),
        ("a\tO\n \tO\n\nc\tO\n", {}, "s.txt, line 2: its word is empty; mend the line"),
        ("a\tO\nb\t\n\nc\tO\n", {}, "s.txt, line 2: the tag of 'b' is missing; mend the line"),
        (
            "x a O\n\n5 c O\n",
            {"conll": {"word": 2, "start": 1}},
            "line 1: 'x' is no number of characters (conll.start)",
        ),
    ],
)
def test_a_sentence_that_cannot_be_read_is_refused_with_one_line(run, data, options, told):
    rows, ledger = run({"s.txt": data}, path="s.txt", format="conll", **options)
    assert [row["text"] for row in rows] == ["c"]
    assert [(entry["action"], entry["rule"]) for entry in ledger] == [("refuse", "unreadable")]
    assert told in ledger[0]["reason"]


def test_a_gap_that_no_document_holds_is_refused(run):
    data = "a 0 O\nb 999999999999 B-drug\n\nc 0 O\n"
    rows, ledger = run({"s.txt": data}, path="s.txt", format="conll", conll={"start": 2})
    assert [row["text"] for row in rows] == ["c"]
    assert "'b' begins at 999999999999, and no document is longer than" in ledger[0]["reason"]


@pytest.mark.parametrize(
    ("data", "options"), [("a\nb\n", {}), ("a x O\n", {"tag": -3}), ("a x O\n", {"word": -2, "tag": 2})]
)
def test_words_that_are_their_own_tags_stop_the_run(run, data, options):
    with pytest.raises(
        UserError, match=r"s.txt: column -?\d is that of the words and of the tags, the first .* has [13];"
    ):
        run({"s.txt": data}, path="s.txt", format="conll", conll=options)


def test_a_task_that_everybody_skipped_in_label_studio_has_no_label(run):
    skipped = [{"result": [], "was_cancelled": True}, {"result": results(CUTS), "was_cancelled": True}]
    cells = [skipped, skipped[0], [{"result": [], "was_cancelled": False}]]
    data = [{"k": key, "t": TEXT, "l": cell} for key, cell in zip("123", cells, strict=True)]
    columns = {"key": "k", "text": "t", "label": "l"}
    rows, ledger = run({"s.jsonl": jsonl(data)}, format="jsonl", columns=columns)
    assert [row["label"] for row in rows] == [None, None, "[]"]
    assert ledger == []


def test_words_without_a_tag_are_refused(run):
    data = [{"t": ["a", "b"], "l": ["O", "B-drug"]}, {"t": ["c"], "l": []}, {"t": [], "l": []}]
    rows, ledger = run({"s.jsonl": jsonl(data)}, format="jsonl", columns={"text": "t", "label": "l"})
    assert sorted((row["text"], row["label"]) for row in rows) == [("", "[]"), ("a b", '[[2,3,"drug"]]')]
    assert [entry["rule"] for entry in ledger] == ["bad_label"]
    assert "the text has 1 words, and there are 0 tags" in ledger[0]["reason"]


def test_a_column_that_is_not_there_stops_the_run(run):
    with pytest.raises(UserError, match=r"s.txt: column 4 is missing, the first word's line has 2; mend conll.tag"):
        run({"s.txt": IOB}, path="s.txt", format="conll", conll={"tag": 4})
    with pytest.raises(UserError, match="only format conll has conll"):
        run({"s.txt": IOB}, path="s.txt", format="text", columns={"text": "body"}, conll={"tag": 4})


ANN = "T1\tdrug 2 9\taspirin\nT2\till 16 27\tsore throat\nR1\tTreats Arg1:T1 Arg2:T2\n#1\tNote T1\tx\n"


def test_standoff_of_brat(run):
    content = {
        "c/1.txt": TEXT,
        "c/1.ann": ANN,
        "c/1.b.txt": "fog\r\n rain",
        "c/1.b.ann": "T1\till 6 10\train\n",
        "c/2.txt": "x",
    }
    content |= {"c/3.txt": "y", "c/3.ann": "", "c/annotation.conf": "[entities]"}
    rows, ledger = run(content, path="c/*", format="brat")
    assert [(row["source_key"], row["label"] and len(spans(row["label"]))) for row in rows] == [
        ("c/1.b.txt", 1),
        ("c/1.txt", 2),
        ("c/2.txt", None),
        ("c/3.txt", 0),
    ]
    assert marked(rows[1]) == [("aspirin", "drug"), ("sore throat", "ill")]
    assert marked(rows[0]) == [("rain", "ill")]
    assert ledger == []


@pytest.mark.parametrize(
    ("fragments", "kept"), [("refuse", None), ("whole", ["sore throat"]), ("parts", ["sore", "oat"])]
)
def test_spans_in_pieces(run, fragments, kept):
    content = {"1.txt": TEXT, "1.ann": "T1\till 16 20;24 27\tsore oat\n", "2.txt": "x"}
    rows, ledger = run(content, path="*", format="brat", fragments=fragments)
    if kept is None:
        assert len(rows) == 1
        assert "1.txt: 1.ann, line 1: the span is in 2 pieces; set fragments: whole or parts" in ledger[0]["reason"]
    else:
        assert [text for text, _ in marked(rows[0])] == kept


@pytest.mark.parametrize(
    ("ann", "told"),
    [
        ("T1 drug 2 9 aspirin\n", "1.ann, line 1: no span, 'T1 drug 2 9 aspirin'"),
        ("T1\tdrug 2 99\tx\n", "is none of the text, which has 27 characters"),
        ("T1\tdrug 3 10\taspirin\n", 'should be "aspirin", and the text has "spirin " there; they count utf16'),
        ("T1\tdrug 9 2\tx\n", "is no span"),
    ],
)
def test_standoff_that_cannot_be_read_is_refused_with_one_line(run, ann, told):
    rows, ledger = run({"1.txt": TEXT, "1.ann": ann, "2.txt": "x"}, path="*", format="brat")
    assert len(rows) == 1
    assert told in ledger[0]["reason"]


def test_files_of_brat_belong_together(run):
    with pytest.raises(UserError, match=r"1.ann: no text beside it, 1.txt"):
        run({"1.ann": ANN, "2.txt": "x"}, path="*", format="brat")
    with pytest.raises(UserError, match=r"1.csv: no .txt file; brat has texts in name.txt"):
        run({"1.csv": "x"}, path="1.csv", format="brat")


def test_words_and_tags_of_a_data_set(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    names = ["O", "B-drug", "I-drug", "B-ill", "I-ill"]
    features = {"tokens": datasets.List(datasets.Value("string"))}
    features |= {"ner_tags": datasets.List(datasets.ClassLabel(names=names))}
    rows = [{"tokens": SENTENCE.split(), "ner_tags": [1, 0, 0, 3, 4]}, {"tokens": ["x", "y"], "ner_tags": [0, -1]}]
    folder = tmp_path / "made"
    datasets.Dataset.from_list(rows, features=datasets.Features(features)).to_parquet(folder / "train.parquet")
    source = {"kind": "hf", "dataset": "./d", "split": "train"}
    content = {"d/train.parquet": (folder / "train.parquet").read_bytes()}
    columns = {"text": "tokens", "label": "ner_tags"}
    found, ledger = run(content, columns=columns, **source)
    assert [(row["text"], marked(row)) for row in found] == [(SENTENCE, OF_SENTENCE)]
    assert "the tag of word 2 is missing" in ledger[0]["reason"]


def test_spans_in_csv_and_texts_without_labels(run):
    data = f't,l\n"{SENTENCE}","[[0, 7, ""drug""]]"\nno label,\nno entity,[]\n'
    rows, ledger = run({"s.csv": data}, path="s.csv", format="csv", columns={"text": "t", "label": "l"})
    assert sorted((row["text"], row["label"]) for row in rows if row["label"]) == [
        (SENTENCE, '[[0,7,"drug"]]'),
        ("no entity", "[]"),
    ]
    assert ledger == []
    rows, _ = run({"s.csv": data}, path="s.csv", format="csv", columns={"text": "t"}, purpose="text")
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"text": ["t", "u"], "label": "l"}, "columns.text names 2 columns; labels of task.kind token_classification"),
        ({"text": "t", "label": ["l", "m"]}, "columns.label names 2 columns: l, m; the spans of a row stand in one"),
    ],
)
def test_spans_are_of_one_text_and_one_column(run, columns, told):
    with pytest.raises(UserError, match=told):
        run({"s.jsonl": jsonl([{"t": "x", "u": "y", "l": [], "m": []}])}, format="jsonl", columns=columns)
