import hashlib

import pytest

from stages.collect.sources.store import stored
from winnow.base.errors import UserError

DATA = b"owls"
SHA = hashlib.sha256(DATA).hexdigest()


def fetcher(*contents: bytes):
    """A fetch that goes on with what is there, as one over HTTP does."""
    left = list(contents)

    def fetch(path):
        path.write_bytes((path.read_bytes() if path.exists() else b"") + left.pop(0))

    return fetch


def test_a_stored_file_is_fetched_once_and_again_if_it_changed(tmp_path):
    path = tmp_path / SHA / "w"
    assert stored(path, SHA, fetcher(DATA), "w").read_bytes() == DATA
    assert stored(path, SHA, fetcher(), "w") == path
    path.write_bytes(b"mice")
    assert stored(path, SHA, fetcher(DATA), "w").read_bytes() == DATA
    assert [path.name for path in path.parent.iterdir()] == ["w"]


def test_a_wrong_hash_leaves_nothing(tmp_path):
    got = hashlib.sha256(b"mice").hexdigest()
    with pytest.raises(UserError, match=f"^w: wrong sha256: expected {SHA}, got {got}; if the pin is right"):
        stored(tmp_path / "a" / "w", SHA, fetcher(b"mice"), "w")
    assert list((tmp_path / "a").iterdir()) == []


def test_a_part_of_an_earlier_run_is_gone_on_with_and_dropped_if_it_was_of_another_file(tmp_path):
    (tmp_path / "w.part").write_bytes(DATA[:2])
    assert stored(tmp_path / "w", SHA, fetcher(DATA[2:]), "w").read_bytes() == DATA
    (tmp_path / "v.part").write_bytes(b"xx")
    assert stored(tmp_path / "v", SHA, fetcher(DATA[2:], DATA), "v").read_bytes() == DATA


def test_without_a_hash_what_came_is_taken(tmp_path):
    assert stored(tmp_path / "a" / "w", None, fetcher(b"any"), "w").read_bytes() == b"any"
