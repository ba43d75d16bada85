"""What tests of labelling rules share: a task, rows as rules see them, and a rule from its parameters."""

from winnow.base import params
from winnow.kinds.classification.labels import Task
from winnow.labelling.rule import Rule
from winnow.labelling.rules import AnyRule

TASK = Task(kind="classification", labels=["FRUIT", "STONE"])


class Rules(params.Section):
    rules: list[AnyRule]


def make_rule(**values) -> Rule:
    return params.parse({"rules": [{"name": "mine"} | values]}, Rules, "params.yaml: annotate").rules[0]


def row(text: str = "", number: int = 0, **meta: str) -> dict:
    return {"id": f"{number:016x}", "text": text, "meta": meta}


def vote(rule: Rule, *rows: dict, files=None) -> list[str | None]:
    return rule.voter(files, TASK).vote(list(rows))
