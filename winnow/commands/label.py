"""label: ask the language model of a labelling rule; `annotate` reads its answers from rules/<rule>.jsonl.

winnow label                 every rule of kind llm in params.yaml: annotate.rules
winnow label NAME            one of them
winnow label --dry-run       how many texts would be sent, where to, and the first prompt; sends nothing
winnow label --limit 100     at most so many texts now

Asks about rows without a label, and about some with a given label (measure_rows), which show how often it is right.
What is recorded is not asked again; a run that stops goes on where it was. Then commit the file, and `dvc repro`.
"""

import argparse
import heapq
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow.compute as pc

from winnow import kinds
from winnow.base import hashing, params, progress
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.kinds.task import Task
from winnow.labelling import llm
from winnow.labelling.endpoint import Endpoint, Question, Tally, ask_all
from winnow.labelling.llm import Llm
from winnow.labelling.settings import Params
from winnow.labelling.version import version
from winnow.labelling.votes import check_fields
from winnow.people import decisions
from winnow.rows import tables

NAME = "label"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("rule", nargs="?", help="the rule's name; all of kind llm if left out")
    parser.add_argument("--limit", type=int, metavar="N", help="send at most N texts for each rule")
    parser.add_argument("--dry-run", action="store_true", help="send nothing, tell what would be sent")


def execute(arguments: argparse.Namespace) -> None:
    """Ask each rule's model.

    Raises:
        UserError: there is no such rule, the pipeline's tables are not made, or the endpoint takes no requests.
    """
    if arguments.limit is not None and arguments.limit < 1:
        raise UserError(f"--limit is {arguments.limit}, must be 1 or more")
    task, rules = kinds.read_task(), chosen(arguments.rule)
    if used := judged_before(params.load("annotate", Params)):
        print(f"{used} rows were judged in audits of other versions of the rules; they cannot audit this one")
    for rule in rules:
        path = rule.file(pipeline.path("annotate", "rules"))
        known = llm.recorded(path) if path.exists() else {}
        check_fields(tables.batches(pipeline.path("annotate", "rows"), ["meta"]), [rule])
        measured = by_which_measured(rule.measure_rows)
        every = list({question.key: question for question in questions(rule, task, measured)}.values())
        new = [question for question in every if question.key not in known]
        new.sort(key=lambda question: question.id not in measured)
        sent = list(islice(new, arguments.limit))
        answered = f"{len(every)} texts, {len(every) - len(new)} of them answered"
        print(f"{rule.name}: {answered}; {len(sent)} go to {rule.base_url}", flush=True)
        if arguments.dry_run:
            print("".join(printable(question.prompt) for question in sent[:1]))
        elif sent:
            tally = ask_all(Endpoint(rule), progress.over(sent, f"asking {rule.model}"), path)
            print(told(rule, tally, path))


def chosen(name: str | None) -> list[Llm]:
    """Return the rules of kind llm, or the one of this name."""
    rules = [rule for rule in params.load("annotate", Params).rules if isinstance(rule, Llm)]
    found = [rule for rule in rules if name in (None, rule.name)]
    if not found:
        names = ", ".join(rule.name for rule in rules) or "none"
        which = f"'{name}' is no rule of kind llm" if name else "no rule is of kind llm"
        raise UserError(f"params.yaml: annotate.rules: {which} (there is {names}); docs/automatic-labels.md shows one")
    return found


def judged_before(settings: Params) -> int:
    """Return how many rows people judged in audits of other rules than today's: these are used up."""
    file = pipeline.path("audit", "decisions")
    drawn_for = {made.id: made.drawn_for for made in (decisions.read(file) if file.exists() else ()) if made.drawn_for}
    if not drawn_for:
        return 0
    today = version(settings, pipeline.path("annotate", "rules"))
    return sum(own != today for own in drawn_for.values())


def questions(rule: Llm, task: Task, measured: set[str]) -> Iterator[Question]:
    """Yield what is asked: of rows without a label, and of those by which the rule is measured."""
    for batch in tables.batches(pipeline.path("annotate", "rows"), ["id", "purpose", "text", "label", "meta"]):
        for row in batch.to_pylist():
            if row["purpose"] == "task" and (row["label"] is None or row["id"] in measured):
                prompt = rule.question(row | {"meta": dict(row["meta"])}, task)
                yield Question(rule.key(prompt), row["id"], prompt)


def by_which_measured(rows: int) -> set[str]:
    """Return the ids of so many training rows with a given label, those of lowest hash; they are asked first.

    No row of dev or test with a label is sent: a rule is not chosen by them.
    """
    table = tables.read(pipeline.path("annotate", "rows"), ["id", "purpose", "label_origin"])
    given = pc.and_(pc.equal(table["purpose"], "task"), pc.equal(table["label_origin"], "given"))
    split = tables.read(pipeline.path("annotate", "split"), ["id", "split"])
    train = split["id"].filter(pc.equal(split["split"], "train")).combine_chunks()
    ids = table["id"].filter(pc.and_(pc.fill_null(given, False), pc.is_in(table["id"], train)))
    return set(heapq.nsmallest(rows, ids.to_pylist(), key=lambda id: hashing.digest("measure", id)))


def printable(text: str) -> str:
    """Return a text without a terminal's control sequences, indented."""
    lines = ("".join(c if c.isprintable() else "\ufffd" for c in line) for line in text.splitlines())
    return "\n".join(f"  {line}" for line in lines)


def told(rule: Llm, tally: Tally, path: Path) -> str:
    """Return what to say when all is asked."""
    answers = llm.recorded(path)
    said = f"{path}: {tally.answered} new answers, {len(answers)} in all; commit it, then `dvc repro`"
    if tally.refused:
        said += f"\n{rule.name}: {len(tally.refused)} texts were refused and have no answer: {tally.refused[0]}"
    return said
