"""decisions.csv as several writers leave it: whole, and with every decision."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.base.errors import UserError
from winnow.people import decisions
from winnow.review import journal

OLD_HEADER = ",".join(decisions.COLUMNS)
HEADER = f"{OLD_HEADER},seconds,drawn_for"
ROOT = Path(__file__).parents[3]


def row(id: str = "aa", **cells: str) -> dict[str, str]:
    filled_in = {"id": id, "text_sha": "sha-a", "given_label": "FRUIT", "verdict": "keep", "reviewer": "ana"}
    return filled_in | {"decided_on": "2026-01-31", "seconds": "2.5"} | cells


@pytest.fixture
def path(tmp_path):
    return tmp_path / "decisions.csv"


def git(folder: Path, *arguments: str) -> None:
    own = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_missing_file_is_made_with_its_header(path):
    journal.append(path, [row(drawn_for="v1")])
    assert path.read_text() == f"{HEADER}\naa,sha-a,FRUIT,keep,,ana,2026-01-31,,2.5,v1\n"
    [decision] = decisions.read(path)
    assert (decision.verdict, decision.seconds, decision.drawn_for) == ("keep", 2.5, "v1")


@pytest.mark.parametrize(
    ("before", "header"),
    [
        (f"{OLD_HEADER}\n", f"{HEADER}\n"),
        (OLD_HEADER, f"{HEADER}\n"),
        (f"{OLD_HEADER},seconds\n", f"{HEADER}\n"),
        (f"{OLD_HEADER}\r\nold,sha,A,keep,,bo,2026-01-01,\r\n", f"{HEADER}\r\nold,sha,A,keep,,bo,2026-01-01,\r\n"),
        (f"\ufeff{OLD_HEADER}\n", f"\ufeff{HEADER}\n"),
        (",".join(f'"{name}"' for name in decisions.COLUMNS) + "\n", f"{HEADER}\n"),
        ("", f"{HEADER}\n"),
        (f"{HEADER}\nold,sha,A,keep,,bo,2026-01-01,", f"{HEADER}\nold,sha,A,keep,,bo,2026-01-01,\n"),
    ],
)
def test_what_stands_in_the_file_stays_and_the_header_gets_the_columns_that_it_lacks(path, before, header):
    path.write_text(before, newline="")
    journal.append(path, [row()])
    journal.append(path, [row("bb")])
    lines = "aa,sha-a,FRUIT,keep,,ana,2026-01-31,,2.5,\nbb,sha-a,FRUIT,keep,,ana,2026-01-31,,2.5,\n"
    with path.open(newline="", encoding="utf-8") as file:
        assert file.read() == header + lines
    assert [decision.seconds for decision in decisions.read(path)][-2:] == [2.5, 2.5]


def test_under_a_queue_s_header_a_line_has_eight_cells(path):
    decisions.write_queue(path, [row("old")])
    journal.append(path, [row()])
    assert path.read_text().splitlines()[-1] == "aa,sha-a,FRUIT,keep,,ana,2026-01-31,"
    assert [decision.id for decision in decisions.read(path)] == ["old", "aa"]


@settings(max_examples=30)  # each writes three files through to the disk
@given(note=st.text(alphabet=st.sampled_from("=+@\"',;\n\r\x00\u2028 ") | st.characters(codec="utf-8")))
def test_any_note_is_one_line_that_reads_back(tmp_path_factory, note):
    path = tmp_path_factory.mktemp("notes") / "decisions.csv"
    decision = decisions.Decision("aa", "sha", "FRUIT", "keep", "", "ana", "2026-01-31", note, 0, 1.25)
    [line] = journal.append(path, [journal.cells(decision)]).lines
    assert path.read_bytes().count(b"\n") == 2
    [found] = decisions.read(path)
    assert found.note == journal.clean(note)
    journal.withdraw(path, line)
    assert path.read_text() == f"{HEADER}\n"


def test_a_note_keeps_its_letters_and_loses_what_breaks_a_line():
    assert journal.clean(" می\u200cخواهم\r\n\ttwo\u2028lines\x00 ") == "می\u200cخواهم two lines"
    assert len(journal.clean("x" * 5000)) == 2000


def test_a_link_and_the_file_s_permissions_stay(tmp_path, path):
    path.write_text(f"{HEADER}\n")
    path.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    journal.append(link, [row()])
    assert link.is_symlink()
    assert len(decisions.read(path)) == 1
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"decisions\.csv: cannot be written: File exists; nothing was saved"):
        journal.append(tmp_path / "file/decisions.csv", [row()])


def test_undo_takes_that_very_line_out(path):
    [first] = journal.append(path, [row()]).lines
    journal.append(path, [row("bb")])
    journal.append(path, [row()])
    journal.withdraw(path, first)
    assert [decision.id for decision in decisions.read(path)] == ["aa", "bb"]
    journal.withdraw(path, first)
    assert [decision.id for decision in decisions.read(path)] == ["bb"]
    with pytest.raises(journal.TooLate, match="not there any more"):
        journal.withdraw(path, first)


def test_undo_finds_its_line_after_git_changed_the_line_ends(path):
    [line] = journal.append(path, [row()]).lines
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    journal.withdraw(path, line)
    assert decisions.read(path) == []


def test_what_is_committed_is_not_undone(path):
    git(path.parent, "init", "-q")
    [first] = journal.append(path, [row()]).lines
    git(path.parent, "add", "-A")
    journal.withdraw(path, first)  # staged, but not committed
    [first] = journal.append(path, [row()]).lines
    git(path.parent, "add", "-A")
    git(path.parent, "commit", "-qm", "decisions")
    [second] = journal.append(path, [row("bb")]).lines
    with pytest.raises(journal.TooLate, match="is committed; decide again: a reviewer"):
        journal.withdraw(path, first)
    journal.withdraw(path, second)
    assert [decision.id for decision in decisions.read(path)] == ["aa"]


def test_two_processes_and_their_threads_lose_nothing(path):
    script = textwrap.dedent("""
        import sys
        from concurrent.futures import ThreadPoolExecutor
        from pathlib import Path
        from winnow.review import journal

        def write(number):
            written = journal.append(Path(sys.argv[1]), [{"id": f"{sys.argv[2]}-{number}", "verdict": "keep"}])
            if number % 5 == 0:
                journal.withdraw(Path(sys.argv[1]), written.lines[0])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(60)))
    """)
    command = [sys.executable, "-c", script, str(path)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: subprocess.run([*command, name], cwd=ROOT, check=True), ["one", "two"]))
    expected = {f"{name}-{number}" for name in ("one", "two") for number in range(60) if number % 5}
    assert sorted(decision.id for decision in decisions.read(path)) == sorted(expected)
    assert list(path.parent.iterdir()) == [path]


def test_a_writer_killed_at_any_time_leaves_the_file_whole(path):
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from winnow.review import journal

        for number in range(100_000):
            journal.append(Path(sys.argv[1]), [{"id": f"{sys.argv[2]}-{number}-" + "x" * 5000, "verdict": "keep"}])
            print(number, flush=True)
    """)
    for name in "abcde":
        command = [sys.executable, "-c", script, str(path), name]
        writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        before = len(decisions.read(path)) if path.exists() else 0
        for _ in range(20):
            writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged = 20 + len(writer.communicate()[0].splitlines())
        found = decisions.read(path)[before:]
        assert acknowledged <= len(found) <= acknowledged + 1
        assert all(decision.id.endswith("-" + "x" * 5000) for decision in found)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"seconds": "-5.0"}, "seconds '-5.0' is not a number of seconds"),
        ({"seconds": "nan"}, "seconds 'nan' is not a number of seconds"),
        ({"seconds": "1000000000.0"}, "seconds '1000000000.0' is not a number of seconds"),
        ({"drawn_for": "v\n1"}, "it is not one line of CSV"),
        ({"given_label": "A\r"}, "it is not one line of CSV"),
        ({"id": "<<<<<<< HEAD"}, "it is not one line of CSV"),
        ({"drawn_for": " v1"}, "drawn_for ' v1' would be read as 'v1'"),
        ({"new_label": "B\u3000"}, "new_label 'B\u3000' would be read as 'B'"),
        ({"note": "\ud800"}, "half a surrogate pair"),
        ({"verdict": "", "reviewer": "", "decided_on": ""}, "it says nothing"),
    ],
)
def test_what_the_file_would_not_give_back_is_not_written(path, cells, message):
    journal.append(path, [row()])
    before = path.read_bytes()
    with pytest.raises(UserError, match=re.escape(message)):
        journal.append(path, [row("bb"), row("cc") | cells])
    assert path.read_bytes() == before


CELL = st.text(st.sampled_from("a'\"=+-@0e,;< \n\r\t\0\ud800\u2028\ufeff"), max_size=6)


@settings(max_examples=150)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(decisions.COLUMNS, CELL) | {"drawn_for": CELL}), max_size=2))
def test_whatever_is_to_be_written_is_read_back_or_refused(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("cells") / "decisions.csv"
    try:
        journal.append(path, rows)
    except UserError:
        assert not path.exists()
        return
    wanted = [tuple(cells[name] for name in decisions.COLUMNS) + (cells["drawn_for"],) for cells in rows]
    found = [(*(getattr(one, name) for name in decisions.COLUMNS), one.drawn_for) for one in decisions.read(path)]
    assert found == list(dict.fromkeys(wanted))
