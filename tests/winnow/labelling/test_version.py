"""The version of the rules changes with all that makes their votes, and with nothing else."""

import shutil

import pytest

from winnow.base import params
from winnow.labelling.settings import Params
from winnow.labelling.version import version

REGEX = {"name": "heading", "kind": "regex", "field": "text", "labels": {"FRUIT": "sweet"}}
PYTHON = {"name": "mine", "kind": "python", "function": "mine.py:label"}
PACKAGE = {"name": "package", "kind": "python", "function": "textwrap:dedent"}
MODEL = {"name": "teacher", "kind": "model", "folder": "teacher", "min_confidence": 0.9, "max_length": 16}
LLM = {"name": "llm", "kind": "llm", "base_url": "http://localhost/v1", "model": "m-1", "api_key_env": None}
LLM |= {"prompt": "What is {text}?"}
RULES = [REGEX, PYTHON, PACKAGE, MODEL, LLM]


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "rules"
    (folder / "teacher").mkdir(parents=True)
    (folder / "teacher/config.json").write_text("{}")
    (folder / "mine.py").write_text("def label(row): return None")
    (folder / "words.txt").write_text("sweet")
    (folder / "caught.jsonl").write_text('{"id": "i"}\n')
    (folder / "llm.jsonl").write_text('{"key": "k", "id": "i", "answer": "FRUIT"}\n')
    return folder


def of(files, rules=RULES, **changes) -> str:
    settings = {"rules": rules, "combine": "majority", "min_confidence": 0.8, "min_rows": 20, "audit_rows": 40}
    return version(params.parse(settings | changes, Params, "params.yaml: annotate"), files)


def with_rule(number: int, **changes) -> list[dict]:
    return [*RULES[:number], RULES[number] | changes, *RULES[number + 1 :]]


@pytest.mark.parametrize(
    "changes",
    [
        {"combine": "label_model"},
        {"min_confidence": 0.7},
        {"min_rows": 10},
        {"rules": RULES[1:]},
        {"rules": with_rule(0, labels={"FRUIT": "sweet|red"})},
        {"rules": with_rule(0, kind="heading")},
        {"rules": with_rule(1, function="mine.py:other")},
        {"rules": with_rule(3, min_confidence=0.8)},
        {"rules": with_rule(3, label_map={"a": None})},
        {"rules": with_rule(4, prompt="What then is {text}?")},
        {"rules": with_rule(4, model="m-2")},
        {"rules": with_rule(4, options={"temperature": 1})},
    ],
)
def test_what_makes_votes_makes_another_version(files, changes):
    assert of(files, **changes) != of(files)


@pytest.mark.parametrize(
    "changes",
    [
        {"audit_rows": 60},
        {"rules": RULES[::-1]},
        {"rules": with_rule(0, name="other")},
        {"rules": with_rule(3, batch_tokens=64)},
        {"rules": with_rule(4, base_url="http://elsewhere/v1", concurrency=2, timeout=5, retries=1, measure_rows=9)},
    ],
)
def test_what_makes_no_vote_does_not(files, changes):
    assert of(files, **changes) == of(files)


def test_files_of_rules_make_another_version_and_answers_do_not(files):
    before = of(files)
    for name in ("mine.py", "words.txt", "caught.jsonl", "teacher/config.json"):
        path = files / name
        text = path.read_text()
        path.write_text(f"{text} ")
        assert of(files) != before, name
        path.write_text(text)
    (files / "llm.jsonl").write_text("")
    (files / "README.md").write_text("What stands here.")
    (files / "teacher.dvc").write_text("outs: []")
    (files / "__pycache__").mkdir()
    (files / "__pycache__/mine.cpython-311.pyc").write_bytes(b"\0")
    assert of(files) == before
    shutil.move(files / "words.txt", files / "phrases.txt")
    assert of(files) != before
