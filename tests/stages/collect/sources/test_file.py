"""Pins of local files; where they may lie is tested with the stage."""

import hashlib
import subprocess
import unicodedata

import pytest

from winnow.base.errors import UserError


def texts(folder, count: int) -> None:
    for number in range(count):
        (folder / f"{number:02d}.txt").write_text(f"text {number}")


def test_few_files_are_pinned_one_by_one_and_many_by_their_list(read, tmp_path):
    source = {"kind": "file", "format": "text", "path": "*.txt", "columns": {"text": "body"}}
    texts(tmp_path / "files", 3)
    pin = read(**source)[2]
    assert pin["sha256"]["01.txt"] == hashlib.sha256(b"text 1").hexdigest()
    texts(tmp_path / "files", 40)
    rows, _, pin = read(**source)
    assert len(rows) == pin["files"] == 40
    listed = subprocess.run("sha256sum *.txt | sha256sum", shell=True, cwd=tmp_path / "files", capture_output=True)
    assert listed.stdout.decode().split()[0] == pin["sha256_of_list"]
    assert "sha256" not in pin


def test_a_path_to_nothing(read):
    with pytest.raises(UserError, match=r"source 'walks': path 'none/\*\.txt': no such file in "):
        read(kind="file", format="text", path="none/*.txt", columns={"text": "body"})


BODIES = {"kind": "file", "format": "text", "columns": {"text": "body", "key": "file"}}


@pytest.mark.parametrize(
    "name",
    [
        "a[1].txt",
        "what*.txt",
        "why?.txt",
        "a b  c.txt",
        "😀.txt",
        "-x.txt",
        "--help",
        "[!a]/[b].txt",
        "a'\"$(x).txt",
        "ü.txt",
    ],
)
def test_a_path_is_the_file_that_bears_it(read, tmp_path, name):
    path = tmp_path / "files" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("this")
    (tmp_path / "files/a1.txt").write_text("other")
    (tmp_path / "files/whats.txt").write_text("other")
    for form in ("NFC", "NFD"):
        rows, _, pin = read(**BODIES, path=unicodedata.normalize(form, name))
        assert rows == [{"body": "this", "file": unicodedata.normalize("NFC", name)}]
        assert list(pin["sha256"]) == [name]


@pytest.mark.parametrize(
    ("there", "pattern"),
    [("mail[1]/a.txt", "mail[1]/*.txt"), ("x/[a] b/c/a.txt", "x/[a] b/**/*.txt"), ("mail1/a.txt", "mail[0-9]/*.txt")],
)
def test_a_folder_in_a_glob_is_the_one_that_bears_the_name(read, tmp_path, there, pattern):
    path = tmp_path / "files" / there
    path.parent.mkdir(parents=True)
    path.write_text("this")
    assert read(**BODIES, path=pattern)[0] == [{"body": "this", "file": there}]


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("pattern", ["bücher/*.txt", "**/naïve*"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_with_marks_are_the_same_in_one_part_and_in_two(read, tmp_path, stored, pattern, form):
    path = tmp_path / "files" / unicodedata.normalize(stored, "bücher/naïve.txt")
    path.parent.mkdir()
    path.write_text("this")
    rows, *_ = read(**BODIES, path=unicodedata.normalize(form, pattern))
    assert rows == [{"body": "this", "file": "bücher/naïve.txt"}]


def test_what_systems_and_editors_leave_is_counted_and_not_read(read, tmp_path):
    folder = tmp_path / "files/box"
    for name in ("1.txt", ".DS_Store", "Thumbs.db", "~$1.txt", "1.txt~", ".gitkeep", "in/desktop.ini", ".old/2.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")
    rows, *_ = read(**BODIES, path="box/**/*")
    assert [row["file"] for row in rows] == ["box/1.txt"]
    assert (read.files.read, read.files.left_out) == (1, 7)
    assert [row["file"] for row in read(**BODIES, path="box/.old/*")[0]] == ["box/.old/2.txt"]
    assert [row["file"] for row in read(**BODIES, path="box/1.txt~")[0]] == ["box/1.txt~"]


def test_a_path_to_a_folder_says_what_would_read_it(read, tmp_path):
    (tmp_path / "files/box").mkdir()
    with pytest.raises(UserError, match=r"path 'box': no such file in .*; it is a folder: give box/\*\*/\*"):
        read(**BODIES, path="box")
