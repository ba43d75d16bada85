"""What changed by DVC, and by one reading of the parameters for all stages: the same answer."""

from collections import Counter
from pathlib import Path

import pytest
from dvc.dependency import param
from dvc.repo import Repo

from winnow.base.errors import UserError
from winnow.commands.status import reruns

STAGES = """
stages:
  first: {cmd: echo 1 > first.txt, params: [a, b.deep], outs: [first.txt]}
  second: {cmd: echo 2 > second.txt, params: [a, list], deps: [first.txt], outs: [second.txt]}
  third: {cmd: echo 3 > third.txt, params: [other.yaml: [a]], outs: [third.txt]}
  whole: {cmd: echo 4 > whole.txt, params: [other.yaml: null], outs: [whole.txt]}
"""
PARAMETERS = "a: 5e-5\nb: {deep: {x: [1, é]}, y: 2}\nlist: [1, 2]\nunread: 1\n"
CHANGES = {
    "nothing": PARAMETERS,
    "a key that nobody reads": PARAMETERS.replace("unread: 1", "unread: 2"),
    "a value of two stages": PARAMETERS.replace("5e-5", "6e-5"),
    "a value deep in one": PARAMETERS.replace("é", "è"),
    "a key that is gone": PARAMETERS.replace("list: [1, 2]\n", ""),
    "a null": PARAMETERS.replace("[1, 2]", ""),
    "all keys are gone": "{}",
}


@pytest.fixture
def repo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text(STAGES, encoding="utf-8")
    Path("params.yaml").write_text(PARAMETERS, encoding="utf-8")
    Path("other.yaml").write_text("a: 1\nb: 2\n", encoding="utf-8")
    with Repo.init(no_scm=True) as made:
        made.reproduce()
        yield made


@pytest.mark.parametrize("change", CHANGES)
def test_one_reading_says_what_dvc_says(repo, change):
    Path("params.yaml").write_text(CHANGES[change], encoding="utf-8")
    assert reruns.ask(repo).changed == repo.status()


def test_a_stage_that_was_never_run_and_another_file(repo):
    Path("dvc.yaml").write_text(STAGES + "  new: {cmd: 'true', params: [a], outs: [new.txt]}\n", encoding="utf-8")
    Path("other.yaml").write_text("a: 2\nc: 2\n", encoding="utf-8")
    told = reruns.ask(repo).changed
    assert told == repo.status()
    assert {"new", "third", "whole"} == set(told)


@pytest.mark.parametrize("text", ["a: [", None])
def test_a_broken_or_missing_file_is_told_as_dvc_tells_it(repo, text):
    if text is None:
        Path("params.yaml").unlink()
        assert reruns.ask(repo).changed == repo.status()
        return
    Path("params.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"params\.yaml"):
        reruns.ask(repo)


def test_the_file_is_parsed_once_for_all_stages(repo, monkeypatch):
    parsed = Counter()
    read = param.load_path

    def counting(path, *arguments, **settings):
        parsed[Path(path).name] += 1
        return read(path, *arguments, **settings)

    monkeypatch.setattr(param, "load_path", counting)
    reruns.ask(repo)
    assert parsed["params.yaml"] == 1
    repo.status()
    assert parsed["params.yaml"] > 2  # what DVC does alone: if it reads once itself one day, this module can go


def test_a_second_question_reads_what_the_file_holds_then(repo):
    assert reruns.ask(repo).changed == {}
    Path("params.yaml").write_text(CHANGES["a value of two stages"], encoding="utf-8")
    assert set(reruns.ask(repo).changed) == {"first", "second"}
