"""A folder or file is replaced such that whoever looks, and whoever comes after a kill, finds the old or the new."""

import errno
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.killing import environment
from winnow.base import exchange, files

# Writes one version after another; each file of a version holds its number. "slow" as on a disk that cannot exchange.
WRITE = """
import errno, itertools, sys, time
from pathlib import Path
from winnow.base import exchange, files

path, kind, count, slow = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4] == "slow"
if slow:
    def refuse(one, other):
        raise OSError(errno.EINVAL, "the file system cannot exchange")
    exchange._swap = refuse
for number in range(count) if count else itertools.count():
    with files.replacing(path) as new:
        text = f"{number:09}" * 1000
        if kind == "folder":
            new.mkdir()
            (new / "sub").mkdir()
            for name in ("one", "two", "sub/three"):
                (new / name).write_text(text)
        else:
            new.write_text(text)
"""


def start(path: Path, kind: str, count: int = 0, speed: str = "fast") -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", WRITE, str(path), kind, str(count), speed], env=environment())


def check(path: Path, kind: str) -> None:
    """One version stands there, whole."""
    names = ("one", "two", "sub/three") if kind == "folder" else ("",)
    texts = {(path / name).read_text() for name in names}
    assert len(texts) == 1
    assert len(text := texts.pop()) == 9000
    assert text == text[:9] * 1000
    if kind == "folder":
        assert sorted(child.name for child in path.rglob("*")) == ["one", "sub", "three", "two"]


@pytest.mark.parametrize(("kind", "speed"), [("file", "fast"), ("folder", "fast"), ("folder", "slow")])
def test_a_kill_at_any_moment_leaves_the_old_or_the_new(tmp_path, kind, speed):
    path, seed = tmp_path / "out", random.randrange(10**6)
    draw = random.Random(seed)
    with files.replacing(path) as new:
        if kind == "folder":
            (new / "sub").mkdir(parents=True)
        for name in ("one", "two", "sub/three") if kind == "folder" else ("",):
            (new / name).write_text("-" * 9000)
    for _ in range(15):
        process, before = start(path, kind, speed=speed), path.stat().st_ino
        while path.exists() and path.stat().st_ino == before and process.poll() is None:
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.05))
        process.kill()
        process.wait()
        if speed == "fast":
            check(path, kind), f"seed {seed}"
        files.write_text(tmp_path / "next", "the next to write sweeps, and puts back what was between two renames")
        check(path, kind), f"seed {seed}"
        assert sorted(child.name for child in tmp_path.iterdir()) == ["next", "out"], f"seed {seed}"


@pytest.mark.parametrize("speed", ["fast", "slow"])
def test_two_write_the_same_folder_at_once(tmp_path, speed):
    path = tmp_path / "out"
    running = [start(path, "folder", 150, speed) for _ in range(2)]
    seen = False
    while any(process.poll() is None for process in running):
        there = path.exists()
        assert there or not seen or speed == "slow", "a moment without any"
        seen |= there
    assert [process.returncode for process in running] == [0, 0]
    check(path, "folder")
    assert [child.name for child in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("old", ["file", "folder", "link", "nothing"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_anything_replaces_anything(tmp_path, old, kind):
    path, away = tmp_path / "out", tmp_path / "away"
    away.mkdir()
    (away / "kept").write_text("kept")
    if old == "file":
        path.write_text("old")
    elif old == "folder":
        path.mkdir()
        (path / "old").write_text("old")
    elif old == "link":
        path.symlink_to(away)
    with files.replacing(path) as new:
        if kind == "folder":
            new.mkdir()
        (new / "new" if kind == "folder" else new).write_text("new")
    assert not path.is_symlink()
    assert ([child.name for child in path.iterdir()] if kind == "folder" else path.read_text()) in (["new"], "new")
    assert (away / "kept").read_text() == "kept"
    assert sorted(child.name for child in tmp_path.iterdir()) == ["away", "out"]


def test_an_error_between_two_renames_puts_the_old_one_back(tmp_path, monkeypatch):
    path, rename = tmp_path / "out", os.rename
    path.mkdir()
    (path / "old").write_text("old")

    def refuse(one, other):
        raise OSError(errno.EINVAL, "the file system cannot exchange")

    def fail(one, other):
        if other == path and Path(one).name == "out":
            raise OSError(errno.EIO, "the disk fails")
        rename(one, other)

    monkeypatch.setattr(exchange, "_swap", refuse)
    monkeypatch.setattr(os, "rename", fail)

    def write():
        with files.replacing(path) as new:
            new.mkdir()

    with pytest.raises(OSError, match="the disk fails"):
        write()
    assert (path / "old").read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["out"]


def test_what_a_killed_process_took_away_comes_back_whatever_its_name(tmp_path, monkeypatch):
    path, renames = tmp_path / os.fsdecode("données ".encode() + b"caf\xe9"), []
    path.mkdir()
    (path / "old").write_text("old")
    rename = os.rename

    def once(one, other):
        if renames:
            raise SystemExit
        renames.append((one, other))
        rename(one, other)

    def refuse(one, other):
        raise OSError(errno.EINVAL, "the file system cannot exchange")

    def write():
        with files.replacing(path) as new:
            new.mkdir()
            monkeypatch.setattr(exchange, "_swap", refuse)
            monkeypatch.setattr(exchange.os, "rename", once)
            with pytest.raises(SystemExit):
                exchange.put(new, path)
            monkeypatch.setattr(exchange.os, "rename", rename)
            assert not path.exists(), "between the two renames"
            raise SystemExit

    with pytest.raises(SystemExit):
        write()
    assert (path / "old").read_text() == "old"


def test_what_was_not_made_replaces_nothing(tmp_path):
    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), files.replacing(path):
        pass
    assert path.read_text() == "old"
