"""`winnow init` on entities: what it says of files that mark no documents, of broken lines, of long texts."""

import json

import pytest

from tests.winnow.commands.init.test_init import lines, refused
from tests.winnow.commands.init.test_shapes import written
from winnow.commands.init import budget

OTHERS = "cat dog fox owl hen bee ant elk emu yak".split()


def conll(rows: int, every: str = "", broken: str = "") -> str:
    """Return sentences with a drug each; `every` stands before each, and `broken` in each third."""
    of = [
        f"{every}the O\n{broken if row % 3 == 0 else ''}{OTHERS[row % 10]}{row} O\naspirin B-Drug\n\n"
        for row in range(rows)
    ]
    return "".join(of)


@pytest.fixture
def group(init, capsys, project):
    """Return a function that tells what `winnow init` says of groups, and the group that it writes."""

    def told(path, *words) -> tuple[str, str | None]:
        init(path, "--yes", "--licence", "x", "--force", *words)
        out = capsys.readouterr().out
        said = next(line for line in out.splitlines() if line.strip().startswith("group"))
        assert "0 values" not in out
        return said.split("  ")[-1].strip(), written(project)["collect"]["sources"][0]["columns"].get("group")

    return told


def test_sentences_are_grouped_by_documents_or_by_files_or_it_says_how_to_mark_them(group, tmp_path):
    one = tmp_path / "one.conll"
    one.write_text(conll(60))
    said, written_ = group(one)
    assert written_ is None
    assert said.startswith("none: nothing marks where a document begins, so each sentence is its own")
    assert "put a line -DOCSTART- before each text, or each text in a file of its own" in said
    assert group(one, "--group", "document")[0] == "document: empty in all rows, so each is its own"
    marked = tmp_path / "marked.conll"
    marked.write_text(conll(60, every="-DOCSTART- O\n\n"))
    assert group(marked) == ("document: 60", "document")
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(70):
        (folder / f"{number}.conll").write_text(conll(2).replace("the", f"the{number}"))
    assert group(folder) == ("file: 70", "file")


def test_a_broken_line_is_told_with_its_file_its_number_what_is_expected_and_the_mend(init, capsys, tmp_path):
    (tmp_path / "some.conll").write_text(conll(60, broken="odd one out\n"))
    (tmp_path / "all.conll").write_text("a O\nb\n\nc O\nd\n\n")
    told = refused(init, capsys, tmp_path / "some.conll", "--look")
    assert "20 of 60 rows cannot be read, the first: some.conll, line 2: 3 columns ('odd one out'), where 2 are" in told
    assert "the word in column 1, its tag in the last; mend the line" in told
    assert "no row can be read, the first: all.conll, line 2: 1 column ('b'), where 2 are expected" in (
        every := refused(init, capsys, tmp_path / "all.conll", "--look")
    )
    assert "encoding" not in told + every


def test_a_corpus_without_an_entity_is_told_and_can_be_set_up_by_the_types(init, capsys, tmp_path, project):
    (tmp_path / "none.conll").write_text(conll(60).replace("B-Drug", "O"))
    told = refused(init, capsys, tmp_path / "none.conll", "--yes")
    assert "none.conll: no row has an entity in column 'spans'; mend the file" in told
    assert "or name the types by --labels A,B" in told
    init(tmp_path / "none.conll", "--labels", "Drug", "--yes")
    assert written(project)["task"] == {"kind": "token_classification", "labels": ["Drug"]}


def test_an_encoding_is_asked_for_where_bytes_are_of_another_one(init, capsys, tmp_path):
    (tmp_path / "texts").mkdir()
    for number in range(20):
        (tmp_path / f"texts/{number}.txt").write_bytes(b"a caf\xe9" if number % 4 == 0 else b"a cafe")
    told = refused(init, capsys, tmp_path / "texts", "--labels", "a,b", "--encoding", "utf-8", "--look")
    assert "byte 5 is not UTF-8; name the --encoding, or convert the file to UTF-8" in told
    (tmp_path / "head.csv").write_text("text,label\n")
    assert "holds no row; add rows, or name its columns by --header" in refused(init, capsys, tmp_path / "head.csv")


def test_what_is_read_of_a_text_is_told_as_each_kind_reads_it(init, capsys, tmp_path):
    (tmp_path / "one.conll").write_text(conll(60))
    init(tmp_path / "one.conll", "--look")
    assert "The first run reads each text whole, 32 tokens at a time, adapts" in capsys.readouterr().out
    rows = [(f"a text of {word} {n}", word[0]) for n in range(10) for word in OTHERS[:2]]
    init(lines(tmp_path / "rows.csv", rows, ["text", "label"]), "--look")
    assert "The first run reads 32 tokens of a text, adapts" in capsys.readouterr().out


def test_long_texts_that_are_read_whole_cost_their_whole_length():
    machine = budget.Machine(2, "avx2")
    cut, whole = (
        budget.plan(budget.Data(100, 100, 2, 500_000, 5000, is_cut=is_cut), 50_000, machine, 10)
        for is_cut in (True, False)
    )
    assert cut.max_length == whole.max_length == budget.MOST_TOKENS
    assert whole.minutes > 2 * cut.minutes


def tabled(tmp_path, rows: list[tuple[str, list]]):
    """Return a file of texts with spans, each text with its number at the end."""
    lines = [json.dumps({"text": f"{text} {row}", "entities": spans}) for row, (text, spans) in enumerate(rows)]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines))
    return tmp_path / "texts.jsonl"


def told(init, capsys, path) -> str:
    init(path, "--yes", "--licence", "x")
    return capsys.readouterr().out


def test_of_spans_that_overlap_the_longest_stays_which_is_told(init, capsys, tmp_path, project):
    nested = [("University of Leeds in Leeds", [[0, 19, "place"], [14, 19, "city"], [23, 28, "town"]])] * 20
    out = told(init, capsys, tabled(tmp_path, [("nothing but Leeds", [[12, 17, "town"]]), *nested]))
    assert "spans of 20 rows overlap: the longest stays (task.overlap), and the ledger has the others" in out
    assert "town 21, place 20" in out
    assert "too rare, left without a label: city" in out
    assert written(project)["task"]["overlap"] == "longest"


@pytest.mark.parametrize(
    ("unit", "width"),
    [("utf16", lambda text: len(text.encode("utf-16-le")) // 2), ("bytes", lambda text: len(text.encode()))],
)
def test_what_offsets_count_is_seen_where_characters_would_part_words(init, capsys, tmp_path, project, unit, width):
    rows = []
    for number in range(40):
        text = f"{'😀 ' * (number % 4)}an aspirin a day"
        start = width(text[: text.index("aspirin")])
        rows.append((text, [[start, start + 7, "drug"]]))
    assert "offsets count " in told(init, capsys, tabled(tmp_path, rows))
    assert written(project)["collect"]["sources"][0]["offsets"] == unit


def test_spans_of_parts_of_words_count_characters_as_others_do(init, capsys, tmp_path, project):
    rows = [
        ("😀 " * (number % 4) + "unhappy", [[number % 4 * 2 + 2, number % 4 * 2 + 7, "stem"]]) for number in range(40)
    ]
    assert "offsets count" not in told(init, capsys, tabled(tmp_path, rows))
    assert "offsets" not in written(project)["collect"]["sources"][0]
