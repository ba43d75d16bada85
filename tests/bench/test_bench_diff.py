"""The bench of `winnow diff`: its two revisions differ as it says, and the command tells so."""

import json

from bench import diff
from winnow.commands import cli


def test_what_differs_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(diff, "BLOCK", 700)  # several blocks
    monkeypatch.setattr(diff, "CHANGED", 0.2)
    repository, scratch = diff.Repository(tmp_path / "repository"), tmp_path / "scratch"
    scratch.mkdir()
    for is_head in (False, True):
        diff.make(repository, scratch, 2000, 60, is_head)
    monkeypatch.chdir(tmp_path / "repository")
    cli.main(["diff", "base", "head", "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    told = found["data"]
    ways = [way for block in diff.rows(2000, 60, False) for way in block["way"].to_pylist()]
    both = [ways.count(diff.WAYS.index(way)) for way in ("removed", "text", "label")]
    assert [told[name]["rows"] for name in ("removed", "changed", "relabelled")] == both
    assert told["rows"][1] - told["rows"][0] == told["added"]["rows"] - told["removed"]["rows"]
    assert min(*both, told["added"]["rows"]) > 50
    assert told["changed"]["by_rule"]["clean: strip_markup"] > 50
    assert all(example["text_after"] == f"{example['text']} more" for example in told["changed"]["examples"])
    assert found["leaks"] == []
    assert found["metrics"]["judged"] == "dapt"
