"""diff: what a change is worth: metrics, rows, data, decisions and code of two revisions, as a report to review by.

winnow diff                          the workspace against where it left the default branch
winnow diff main HEAD                two revisions of Git; the workspace has no part in it
winnow diff HEAD rare-owl            an experiment of DVC's, by its name
winnow diff --format html --out diff.html
winnow diff --fail-on leak,significant-loss   exit status 1 where there is one; else it reports only

Reads Git and DVC's cache; what the cache lacks comes from the remote. Predictions are compared on dev. With --test they
are compared on test, and the look is logged in data/test/looks.csv, as `winnow test` logs it: commit that file.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from winnow.base import files
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.diff import html, layout, markdown, report, revision, verdict
from winnow.commands.diff.revision import WORKSPACE, Revision
from winnow.validation import looks

NAME = "diff"
FORMATS = ("markdown", "json", "html")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("base", nargs="?", metavar="BASE", help="default: where HEAD left the default branch")
    parser.add_argument("head", nargs="?", metavar="HEAD", help="default: the workspace, as dvc.lock has it")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="default: markdown")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: print it")
    parser.add_argument("--test", action="store_true", help="compare on test, and log the look")
    parser.add_argument("--by", metavar="NAME", help="of --test: who looks; default: git config user.name")
    what = ", ".join(verdict.FAILURES)
    parser.add_argument("--fail-on", type=_failures, default=(), metavar="WHAT", help=f"one or more of {what}")


def _failures(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, (name.strip() for name in text.split(","))))
    for name in names:
        if name not in verdict.FAILURES:
            raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(verdict.FAILURES)}")
    return names


def execute(arguments: argparse.Namespace) -> None:
    """Write the report.

    Raises:
        UserError: a revision or an object of it is missing, or what `--fail-on` names was found.
    """
    pipeline.check_here()
    with tempfile.TemporaryDirectory(prefix="winnow-diff-") as folder:
        found = _found(arguments, Path(folder))
        text = _written(found, arguments.format, Path(folder))
    if arguments.out:
        files.write_text(arguments.out, text)
    else:
        sys.stdout.write(text)
    failed = [name for name in found["verdict"]["failures"] if name in arguments.fail_on]
    if failed:
        raise UserError(f"--fail-on {','.join(failed)}: {found['verdict']['word']}. {found['verdict']['sentence']}")


def _found(arguments: argparse.Namespace, folder: Path) -> dict:
    head = revision.commit(arguments.head) if arguments.head else ""
    base = revision.commit(arguments.base) if arguments.base else revision.merge_base(head or "HEAD")
    sides = (
        revision.read(arguments.base or base[: revision.SHORT], base, folder / "base"),
        revision.read(arguments.head or WORKSPACE, head, folder / "head"),
    )
    with revision.opened_store() as store:
        report.bring(store, *sides)
    if arguments.test:
        for side in sides:
            _log(side, arguments)
    return report.made(*sides, looks.SPLIT if arguments.test else "dev")


def _log(side: Revision, arguments: argparse.Namespace) -> None:
    """Log that a revision's predictions of test are looked at, before a figure is shown."""
    labelled, predicted = side.find("evaluate", "rows"), side.find("evaluate", "out")
    if labelled is None or predicted is None:
        return
    fingerprints = looks.fingerprint(labelled), looks.fingerprint_of_files(predicted)
    look = looks.today(arguments.by, *fingerprints, f"winnow diff --test: {side.name} {side.commit[: revision.SHORT]}")
    looks.record(pipeline.path("report", "test"), look)


def _written(found: dict, format_: str, folder: Path) -> str:
    if format_ == "json":
        files.write_json(folder / "diff.json", found)
        return files.read_text(folder / "diff.json")
    blocks = layout.blocks(found)
    return markdown.written(blocks) if format_ == "markdown" else html.written(found, blocks)
