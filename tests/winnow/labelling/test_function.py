"""Kind python: a user's function labels; one that fails, or that DVC would not see, is one clear line."""

import pytest

from tests.winnow.labelling.conftest import make_rule, row, vote
from winnow.base.errors import UserError

CODE = """
import json

def label(row):
    if row["meta"].get("colour") == "grey":
        return "STONE"
    return "FRUIT" if "sweet" in row["text"] else None

def spoils(row):
    row["meta"]["colour"] = row["text"] = "grey"

def fails(row):
    return json.loads(
        row["text"])

def guesses(row):
    return 7

def invents(row):
    return "PLANT"

constant = 1
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "mine.py").write_text(CODE)
    return folder


def python(function: str):
    return make_rule(kind="python", function=function)


def test_a_function_of_the_folder_labels_rows(files):
    rows = [row("a sweet one"), row("plain", colour="grey"), row("plain")]
    assert vote(python("mine.py:label"), *rows, files=files) == ["FRUIT", "STONE", None]


def test_a_function_cannot_change_what_the_next_rule_sees(files):
    given = row("plain", colour="red")
    assert vote(python("mine.py:spoils"), given, files=files) == [None]
    assert given == row("plain", colour="red")


def test_a_function_of_an_installed_package_labels_rows(files):
    assert vote(python("textwrap:dedent"), files=files) == []
    with pytest.raises(UserError, match=r"'mine': textwrap:dedent failed on row 0{15}7: .*line .*TypeError"):
        vote(python("textwrap:dedent"), row("text", 7), files=files)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("mine.py:fails", r"mine.py:fails failed on row 0{15}7: mine.py, line 13: JSONDecodeError: Expecting value"),
        ("mine.py:guesses", "mine.py:guesses returned 7 for row 0{15}7; return None or a label"),
        (
            "mine.py:invents",
            "mine.py:invents returned 'PLANT' for row 0{15}7: label 'PLANT' is not one of .*FRUIT, STONE",
        ),
        ("mine.py:other", "rules/mine.py has no function 'other'"),
        ("mine.py:constant", "rules/mine.py has no function 'constant'"),
        ("yours.py:label", "rules/yours.py cannot be imported: FileNotFoundError"),
        ("broken.py:label", "rules/broken.py cannot be imported: SyntaxError: .*line 1"),
        ("no_such_package.rules:label", "no_such_package.rules cannot be imported: ModuleNotFoundError"),
        ("beside:label", "beside is a file of this repository that the stage does not depend on; move it to rules/"),
    ],
)
def test_what_cannot_work_is_one_line(files, monkeypatch, function, message):
    (files / "broken.py").write_text("def label(row: return None")
    (files.parent / "beside.py").write_text("def label(row): return None")
    monkeypatch.syspath_prepend(files.parent)
    with pytest.raises(UserError, match=f"^params.yaml: annotate.rules 'mine': .*{message}"):
        vote(python(function), row("no json", 7), files=files)


def test_a_file_that_dvc_would_not_see_change_is_refused(files):
    outside = files.parent / "tools" / "x.py"
    outside.parent.mkdir()
    outside.write_text(CODE)
    (files / "link.py").symlink_to(outside)
    (files / "linked").symlink_to(outside.parent)
    (files / "again.py").symlink_to(files / "mine.py")
    for name in ("../tools/x.py", "../rules/mine.py", str(outside), "link.py", "linked/x.py"):
        with pytest.raises(UserError, match=f"^params.yaml: annotate.rules 'mine': '{name}' leads out of .*rules/, "):
            vote(python(f"{name}:label"), row("sweet"), files=files)
    assert vote(python("again.py:label"), row("sweet"), files=files) == ["FRUIT"]
