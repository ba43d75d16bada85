import pytest

from tests.stages.collect.sources.conftest import JSONL, ROWS
from winnow.base.errors import UserError


def test_members_of_a_wheel_and_a_wheel_that_is_there_is_not_fetched_again(read, make_wheel, monkeypatch):
    first, rest = JSONL.split(b"\n", 1)
    sha = make_wheel("walk-data", "1.0", {"walk_data/1.jsonl": first, "walk_data/2.jsonl": rest})
    source = {"kind": "pypi", "package": "walk-data", "version": "1.0", "sha256": sha, "format": "jsonl"}
    rows, _, pin = read(**source, member="walk_data/*.jsonl")
    assert rows == ROWS
    named = {name: source[name] for name in ("kind", "package", "version", "sha256")}
    assert pin == named | {"member": "walk_data/*.jsonl", "bytes": len(JSONL) - 1}
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert read(**source, member="walk_data/1.jsonl")[0] == ROWS[:1]
    with pytest.raises(UserError, match=r"walk-data-1\.0\.whl: absent: not in the archive"):
        read(**source, member="absent")
