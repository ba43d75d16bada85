"""Files appear whole or not at all; equal values are equal bytes."""

import hashlib
import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.base import files
from winnow.base.errors import UserError


def test_a_file_replaces_the_old_one(tmp_path):
    path = tmp_path / "deep" / "file"
    for text in ("old", "new"):
        files.write_text(path, text)
        assert path.read_text() == text
    assert [child.name for child in path.parent.iterdir()] == ["file"]


def fail_inside(path, make):
    with files.replacing(path) as new:
        make(new)
        raise RuntimeError("stopped")


def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="stopped"):
        fail_inside(path, lambda new: new.write_text("half"))
    assert path.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["file"]


def test_an_exception_before_the_first_version_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="stopped"):
        fail_inside(tmp_path / "file", lambda new: new.write_text("half"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_whole(tmp_path):
    path = tmp_path / "folder"
    for name in ("old", "new"):
        with files.replacing(path) as new:
            new.mkdir()
            (new / name).write_text(name)
    assert [child.name for child in path.iterdir()] == ["new"]

    def half(new):
        new.mkdir()
        (new / "half").write_text("half")

    with pytest.raises(RuntimeError, match="stopped"):
        fail_inside(path, half)
    assert [child.name for child in path.iterdir()] == ["new"]
    assert [child.name for child in tmp_path.iterdir()] == ["folder"]


TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e6, 1e6) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, JSON, max_size=5), st.randoms(use_true_random=False))
def test_json_does_not_depend_on_the_order_of_keys(tmp_path_factory, value, chooser):
    folder = tmp_path_factory.mktemp("json")
    items = list(value.items())
    chooser.shuffle(items)
    files.write_json(folder / "one", value)
    files.write_json(folder / "two", dict(items))
    assert (folder / "one").read_bytes() == (folder / "two").read_bytes()
    assert json.loads((folder / "one").read_text(encoding="utf-8")).keys() == value.keys()


def test_json_rounds_floats_at_any_depth(tmp_path):
    files.write_json(tmp_path / "file", {"b": [0.1 + 0.2, {"c": (1 / 3,)}], "a": True})
    assert json.loads((tmp_path / "file").read_text()) == {"a": True, "b": [0.3, {"c": [0.333333]}]}


def test_line_ends_are_the_same_everywhere(tmp_path):
    files.write_text(tmp_path / "file", "one\ntwo\n")
    assert (tmp_path / "file").read_bytes() == b"one\ntwo\n"


def test_a_missing_file_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="nowhere: not found"):
        files.read_text(tmp_path / "nowhere")


def test_bytes_that_are_not_utf8_name_the_place(tmp_path):
    (tmp_path / "latin").write_bytes("naïve".encode("latin-1"))
    with pytest.raises(UserError, match="latin: byte 2 is not UTF-8; convert the file to UTF-8"):
        files.read_text(tmp_path / "latin")


def test_sha256_is_that_of_the_bytes(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert files.sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_what_was_removed_while_it_was_made_replaces_nothing(tmp_path):
    path = tmp_path / "folder"
    files.write_text(path / "old", "old")

    def lose_a_part() -> None:
        with files.replacing(path) as new:
            files.write_text(new / "first", "")
            shutil.rmtree(new.parent)
            files.write_text(new / "second", "")

    with pytest.raises(UserError, match="another program removed what was not finished yet; run again"):
        lose_a_part()
    assert [child.name for child in path.iterdir()] == ["old"]
