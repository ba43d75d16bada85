"""Pins of local files; where they may lie is tested with the stage."""

import hashlib
import subprocess

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
