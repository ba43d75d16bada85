"""Doubts: told on stderr and in a stage's metrics, and a stop where params say so."""

import json

import pytest

from winnow.base import gates
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.gates import Doubt, Example

DOUBTS = [
    Doubt("a.most", "9 of 10 rows went", "a.most: 0.9", "read some", (Example("01", "one", "02", "two"),)),
    Doubt("a.least", "a class\nhas 1 row", "a.least: 1"),
]


def test_without_a_section_a_run_goes_on_and_says_what_it_doubts(workspace, capsys):
    folder = workspace(a={"most": 0.5})
    gates.settle("a", DOUBTS, folder / "a.json")
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "a: IN DOUBT: 2 doubts",
        "  1. 9 of 10 rows went",
        "     such as 01 “one” like 02 “two”",
        "     look at one: winnow why 01",
        "     mend: read some",
        "     accept: params.yaml: a.most: 0.9",
        "  2. a class has 1 row",
        "     accept: params.yaml: a.least: 1",
        "  the run goes on (params.yaml: gates.on_doubt: warn); the report says it too",
    ]


def test_no_doubt_says_nothing_and_stops_nothing(workspace, capsys):
    folder = workspace(gates={"on_doubt": "stop"})
    gates.settle("a", [], folder / "a.json")
    assert capsys.readouterr().err == ""


def test_a_strict_run_stops_once_all_is_told(workspace, capsys):
    workspace(gates={"on_doubt": "stop"})
    with pytest.raises(UserError, match=r"2 doubts, listed above and in m/a\.json; .* gates\.on_doubt: warn$"):
        gates.settle("a", DOUBTS, gates.Path("m/a.json"))
    assert "a.least: 1" in capsys.readouterr().err


def test_a_wrong_word_is_named(workspace):
    workspace(gates={"on_doubt": "never"})
    with pytest.raises(UserError, match=r"params\.yaml: gates\.on_doubt: "):
        gates.settle("a", DOUBTS, gates.Path("a.json"))


def test_doubts_come_back_from_the_metrics_of_all_stages(tmp_path):
    write_json(tmp_path / "a.json", {"rows": 3, gates.KEY: gates.told(DOUBTS)})
    write_json(tmp_path / "b.json", {"rows": 3})
    assert list(gates.read(tmp_path)) == [("a", doubt) for doubt in DOUBTS]
    assert json.loads((tmp_path / "a.json").read_text())["doubts"][0]["examples"][0]["other_id"] == "02"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a few\n words", "a few words"),
        (" ".join("abcdefghijklmnop"), "a b c d e f g h i j k l …"),
        ("字" * 300, "字" * gates.LONGEST + " …"),
        ("red \x1b[31m\u202etxt", "red [31mtxt"),
        ("", ""),
    ],
)
def test_an_example_shows_the_first_words_or_characters(text, shown):
    assert gates.beginning(text) == shown


def test_of_many_classes_some_are_named():
    assert gates.listed({"a": 1, "b": 0}) == "“a” 1, “b” 0"
    assert gates.listed({f"c{n}": n for n in range(500)}).endswith("“c19” 19, and 480 more")
