"""best: which of the present commit's experiments to take, by the headline on dev, and whether its lead is chance.

winnow best                    the experiments of HEAD, HEAD's own result, and the workspace's if it is another
winnow best --baseline main    the experiments of another commit
winnow best --among 'g-50-*'   the experiments of these names alone, without HEAD's own result
winnow best --json             the same as JSON

Reads Git and DVC's cache; what the cache lacks comes from the remote. No figure and no row of test is read, and no file
of the workspace changes. Ends with the commands that take the choice over.
"""

import argparse
import json
import tempfile
from pathlib import Path

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.best import candidates, choice, words
from winnow.commands.diff import revision
from winnow.commands.diff.scores import Judge
from winnow.commands.terminal import printable
from winnow.validation import comparison

NAME = "best"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--baseline", default="HEAD", metavar="REV", help="whose experiments; default: HEAD")
    parser.add_argument("--among", metavar="PATTERN", help="names of experiments to choose from, without HEAD's result")
    parser.add_argument("--json", action="store_true", help="print JSON")


def execute(arguments: argparse.Namespace) -> None:
    """Print the choice.

    Raises:
        UserError: there is no such revision, nothing to choose from, or an object of a result is missing.
    """
    pipeline.check_here()
    commit = revision.commit(arguments.baseline)
    with tempfile.TemporaryDirectory(prefix="winnow-best-") as folder, revision.opened_store() as store:
        base = revision.read(arguments.baseline, commit, Path(folder) / "base")
        file = base.file(params.FILE.as_posix())
        if file is None:
            raise UserError(f"{base.name}: has no {params.FILE}; `winnow best` compares results of a Winnow project")
        judge = Judge(kinds.read_task(file), params.load("compare", comparison.Params, file), {})
        headline = judge.metrics.HEADLINE
        metric = words.Metric(headline, judge.metrics.WORDS.get(headline.name, headline.name))
        found = candidates.found(base, headline.name, store, Path(folder), arguments.among)
        if not found.candidates:
            raise UserError(_nothing(found))
        for each in found.candidates:
            store.bring(each.revision, [each.revision.named("evaluate", "out")])
        made = choice.made(found.candidates, judge, base.name)
    if arguments.json:
        print(json.dumps(words.plain(found, made, metric), indent=2, sort_keys=True, default=str))
    else:
        print("\n".join(printable(line) for line in words.lines(found, made, metric)))


def _nothing(found: candidates.Found) -> str:
    told = "; ".join(f"{name}: {why}" for name, why in found.left_out.items())
    return f"{found.base.name}: no result to choose from: {told or 'no experiment has such a name'}"
