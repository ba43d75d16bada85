"""Decisions and queues: what people may write, and that a queue cannot run as a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task
from winnow.kinds.token_classification import labels as spans
from winnow.people import decisions, settling

TASK = Task(kind="classification", labels=["FRUIT", "STONE"])
HEADER = ",".join(decisions.COLUMNS)
ROWS = {"aa": ("sha-a", "FRUIT"), "bb": ("sha-b", "")}
GOOD = "aa,sha-a,FRUIT,relabel,STONE,ana,2026-01-31,"


def read(tmp_path, *lines: str, header: str = HEADER) -> list[decisions.Decision]:
    path = tmp_path / "decisions.csv"
    path.write_bytes("\n".join([header, *lines, ""]).encode())
    return decisions.read(path)


def check(tmp_path, *lines: str) -> None:
    settling.check(read(tmp_path, *lines), ROWS, TASK, tmp_path / "decisions.csv")


def fill_in(queue_text: str, **cells: str) -> str:
    """Return a queue as a person saves it, with the same cells in each row."""
    rows = list(csv.DictReader(io.StringIO(queue_text, newline="")))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(row | cells for row in rows)
    return out.getvalue()


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r\n＝a ") | st.characters(codec="utf-8")))
def test_guard_disarms_formulas_and_unguard_gives_the_cell_back(cell):
    guarded = decisions.guard(cell)
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))
    assert decisions.unguard(guarded) == cell


@pytest.mark.parametrize("cell", ["1234567890123456", "0012345678901234", "1234567e89012345", "007", "1E5"])
def test_guard_keeps_the_digits_of_ids_that_spreadsheets_round(cell):
    assert decisions.guard(cell) == f"'{cell}"
    assert decisions.unguard(decisions.guard(cell)) == cell
    assert decisions.guard(f"'{cell}") == f"''{cell}"


@pytest.mark.parametrize("cell", ["0.1234", "12.5", "2026-01-31", "a1234567890123456", "1234", "0"])
def test_guard_leaves_numbers_that_are_no_ids_alone(cell):
    assert decisions.guard(cell) == cell


@pytest.mark.parametrize(
    ("cell", "said"), [("'\n", ""), ("'\t=1 ", "=1"), (" '=1", "=1"), ("''=1", "'=1"), ("'", "'"), (" a ", "a")]
)
def test_a_cell_says_what_was_guarded_without_space_around_it(cell, said):
    assert decisions.meant(cell) == said


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=50))
def test_a_queue_keeps_its_rows_whatever_the_text(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("queue") / "queue.csv"
    decisions.write_queue(path, [{"id": "aa", "text": text}, {"id": "bb"}])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == decisions.QUEUE_COLUMNS
    assert [row[0] for row in rows[1:]] == ["aa", "bb"]
    assert decisions.unguard(rows[1][decisions.QUEUE_COLUMNS.index("text")]) == text


def test_a_text_too_long_for_a_spreadsheet_is_shortened(tmp_path):
    path = tmp_path / "queue.csv"
    decisions.write_queue(path, [{"id": "aa", "text": "x" * 100_000}])
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))[1][decisions.QUEUE_COLUMNS.index("text")]) < 32_767


def test_a_filled_in_queue_is_a_set_of_decisions(tmp_path):
    queue = tmp_path / "queue.csv"
    labelled = Task(kind="classification", labels=["+FRUIT", "STONE"])
    rows = [
        {"id": "aa", "text_sha": "sha-a", "given_label": "+FRUIT", "text": '=a "quoted",\nlong text', "score": "0.1"}
    ]
    decisions.write_queue(queue, rows)
    filled = fill_in(queue.read_text(), verdict="relabel", new_label="STONE", reviewer="ana", decided_on="2026-01-31")
    queue.write_text(filled, encoding="utf-8-sig", newline="")

    [decision] = decisions.read(queue)

    assert (decision.id, decision.given_label, decision.new_label) == ("aa", "+FRUIT", "STONE")
    settling.check([decision], {"aa": ("sha-a", "+FRUIT")}, labelled, queue)


def test_a_queue_appended_whole_counts_only_the_lines_that_were_filled_in(tmp_path):
    queue = tmp_path / "queue.csv"
    decisions.write_queue(queue, [{"id": "aa", "text_sha": "sha-a", "given_label": "FRUIT", "text": "a text"}])
    filled = fill_in(queue.read_text(), verdict="keep", reviewer="ana", decided_on="2026-01-31")
    found = read(tmp_path, GOOD, "", filled, queue.read_text())
    assert [(decision.id, decision.verdict) for decision in found] == [("aa", "relabel"), ("aa", "keep")]


def test_a_header_alone_is_no_decision(tmp_path):
    assert read(tmp_path) == []


TIMED = f"{HEADER},seconds"


def test_the_ninth_column_is_the_time_taken(tmp_path):
    found = read(tmp_path, GOOD, f"{GOOD},12.5", f"{GOOD}b,", f"{GOOD},7,,", header=TIMED)
    assert [decision.seconds for decision in found] == [None, 12.5, None, 7.0]


def test_the_tenth_column_is_the_version_that_an_audit_was_drawn_for(tmp_path):
    found = read(tmp_path, GOOD, f"{GOOD},,v1", f"{GOOD},7,", f"{GOOD},7,v2", header=f"{TIMED},drawn_for")
    assert [(decision.seconds, decision.drawn_for) for decision in found] == [
        (None, ""),
        (None, "v1"),
        (7.0, ""),
        (7.0, "v2"),
    ]


@pytest.mark.parametrize("header", [HEADER, f"{TIMED},drawn_for"])
def test_a_filled_in_audit_names_what_it_was_drawn_for_wherever_it_stands(tmp_path, header):
    queue = tmp_path / "audit.csv"
    asked = {"id": "aa", "text_sha": "sha-a", "given_label": "FRUIT", "reasons": "why", "text": "t", "drawn_for": "v1"}
    decisions.write_queue(queue, [asked, asked | {"id": "bb"}])
    assert decisions.read(queue) == []  # nobody filled it in
    filled = fill_in(queue.read_text(), verdict="keep", reviewer="ana", decided_on="2026-01-31")
    assert [found.drawn_for for found in read(tmp_path, GOOD, filled, header=header)] == ["", "v1", "v1"]


def test_a_queue_appended_below_the_ninth_column_has_no_times(tmp_path):
    queue = tmp_path / "queue.csv"
    decisions.write_queue(queue, [{"id": "aa", "text_sha": "sha-a", "given_label": "FRUIT", "suggested_label": "3"}])
    filled = fill_in(queue.read_text(), verdict="keep", reviewer="ana", decided_on="2026-01-31", text="a text")
    found = read(tmp_path, f"{GOOD},12.5", filled, f"{GOOD},3.0", header=TIMED)
    assert [decision.seconds for decision in found] == [12.5, None, 3.0]


def test_without_a_ninth_column_a_ninth_cell_is_no_time(tmp_path):
    assert [decision.seconds for decision in read(tmp_path, f"{GOOD},12.5")] == [None]


def test_the_ninth_column_of_a_merged_header_counts(tmp_path):
    assert [decision.seconds for decision in read(tmp_path, f"{GOOD},12.5", TIMED)] == [12.5]


@pytest.mark.parametrize("seconds", ["fast", "-1", "nan", "inf", "1e3", "1,5", "12 s"])
def test_a_time_that_is_none_is_named_with_its_line(tmp_path, seconds):
    with pytest.raises(UserError, match=r"line 3: seconds '.*' is not a number of seconds such as 12\.5"):
        read(tmp_path, GOOD, f'{GOOD},"{seconds}"', header=TIMED)


def test_equal_lines_are_one_decision_wherever_they_stand(tmp_path):
    other, keep = GOOD.replace("ana", "bo"), "aa,sha-a,FRUIT,keep,,ana,2026-01-31T08:00:00Z,"
    again = GOOD.replace("2026-01-31", "2026-01-31T09:00:00Z")
    found = read(tmp_path, GOOD, other, GOOD, keep, keep, again, GOOD)
    assert [(decision.reviewer, decision.verdict, decision.decided_on) for decision in found] == [
        ("ana", "relabel", "2026-01-31"),
        ("bo", "relabel", "2026-01-31"),
        ("ana", "keep", "2026-01-31T08:00:00Z"),
        ("ana", "relabel", "2026-01-31T09:00:00Z"),  # ana changed her mind twice
    ]


def test_good_decisions_pass(tmp_path):
    check(tmp_path, GOOD, "aa,sha-a,FRUIT,keep,,bo,2026-02-01,sure", "bb,sha-b,,relabel,FRUIT,ana,2026-02-01,")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("zz,sha-a,FRUIT,keep,,ana,2026-01-31,", "id 'zz' is not in the table; `winnow why zz`"),
        ("aa,old,FRUIT,keep,,ana,2026-01-31,", "the text of aa changed"),
        ("aa,sha-a,STONE,keep,,ana,2026-01-31,", "given_label was 'STONE', is 'FRUIT'"),
        ("aa,sha-a,FRUIT,kep,,ana,2026-01-31,", "verdict 'kep' is not one of keep, relabel, ambiguous, out_of_scope"),
        ("aa,sha-a,FRUIT,,,ana,2026-01-31,", "verdict ''"),
        ("aa,sha-a,FRUIT,relabel,PLANT,ana,2026-01-31,", "new_label: label 'PLANT' is not one of"),
        ("aa,sha-a,FRUIT,relabel,,ana,2026-01-31,", "needs a new_label"),
        ("aa,sha-a,FRUIT,relabel,FRUIT,ana,2026-01-31,", "use keep"),
        ("aa,sha-a,FRUIT,keep,STONE,ana,2026-01-31,", "only relabel takes one"),
        ("bb,sha-b,,keep,,ana,2026-01-31,", "'keep' on a row without a label"),
        ("aa,sha-a,FRUIT,keep,,,2026-01-31,", "reviewer is missing"),
        ("aa,sha-a,FRUIT,keep,,ana,,", "decided_on '' is not a date"),
        ("aa,sha-a,FRUIT,keep,,ana,31/01/2026,", "decided_on '31/01/2026' is not a date"),
        ("aa,sha-a,FRUIT,keep,,ana,2026-02-30,", "decided_on '2026-02-30' is not a date"),
        ("aa,sha-a,FRUIT,keep,,ana,9999-12-31T23:59:59Z,", "decided_on '9999-12-31T23:59:59Z' is not a date"),
        ("aa,sha-a,FRUIT,keep,,ana,2026-01-31T25:00:00Z,", "or a time 2026-01-31T09:30:00Z"),
        ("aa,sha-a,FRUIT,keep,,ana,2026-01-31T09:30:00,", "or a time 2026-01-31T09:30:00Z"),
    ],
)
def test_each_mistake_is_named_with_its_line(tmp_path, line, message):
    with pytest.raises(UserError) as error:
        check(tmp_path, GOOD.replace("-31", "-30"), line)
    assert message in str(error.value)
    assert "line 3: " in str(error.value)
    assert "1 problem: " in str(error.value)


def test_all_problems_are_counted_and_ten_are_shown(tmp_path):
    with pytest.raises(UserError) as error:
        check(tmp_path, *(f"id{n},sha,FRUIT,keep,,ana,2026-01-31," for n in range(13)))
    assert "13 problems: " in str(error.value)
    assert str(error.value).endswith("; and 3 more")
    assert str(error.value).count("not in the table") == 10


@pytest.mark.parametrize("header", ["id,verdict", HEADER.replace(",", ";"), ""])
def test_another_header_is_refused(tmp_path, header):
    with pytest.raises(UserError, match="line 1: the header must begin with id,text_sha"):
        read(tmp_path, GOOD, header=header)


@pytest.mark.parametrize("text", [",", ",,,\r\n,,\r\n", '\n""\n'])
def test_empty_cells_are_no_header(tmp_path, text):
    path = tmp_path / "decisions.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"line 1: the header must begin with id,.*; got empty cells alone"):
        decisions.read(path)


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", ">>>>>>> theirs"])
def test_conflict_markers_ask_for_the_merge(tmp_path, marker):
    with pytest.raises(UserError, match="line 3: Git conflict marker; resolve the merge"):
        read(tmp_path, GOOD, marker)


def test_lines_with_too_few_cells_are_all_named(tmp_path):
    with pytest.raises(UserError, match=r"2 problems: line 2: 2 cells, needs 8.*line 4: 1 cells"):
        read(tmp_path, "aa,bb", GOOD, "cc")


def test_an_open_quote_is_no_csv(tmp_path):
    with pytest.raises(UserError, match="line 2: not valid CSV"):
        read(tmp_path, 'aa,"never closed')


def test_bytes_that_are_not_utf8(tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_bytes(HEADER.encode() + b"\naa,\xff")
    with pytest.raises(UserError, match="not UTF-8"):
        decisions.read(path)


SPANS = spans.Task(kind="token_classification", labels=["A"])


@pytest.mark.parametrize(
    ("new_label", "told"),
    [
        ('[[0,4,"A"]]', ""),
        ("[]", ""),
        ("[[0,4", ""),  # which is told as no label
        ('[[0,5,"A"]]', 'line 2: new_label of aa: span [0, 5, "A"], "some ", begins or ends with white space'),
        ('[[0,99,"A"]]', 'line 2: new_label of aa: span [0, 99, "A"] ends beyond the text, which has 10 characters'),
    ],
)
def test_new_labels_that_cannot_be_of_their_text_are_told(tmp_path, new_label, told):
    cell = new_label.replace('"', '""')
    sha = hashing.text_sha("some words")
    made = read(tmp_path, f'aa,{sha},[],relabel,"{cell}",ana,2026-01-31,')
    problems = decisions.misfits(made, {"aa": "some words"}, SPANS)
    assert len(problems) == bool(told)
    assert all(problem.startswith(told) for problem in problems)
    for other in ({}, {"aa": "another version"}, {"bb": "some words"}):
        assert decisions.misfits(made, other, SPANS) == []
    assert decisions.misfits(made, {"aa": "some words"}, TASK) == []
