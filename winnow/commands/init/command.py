"""init: look at your files, and write params.yaml for them in place of the example's.

winnow init messages.csv                      one file, or several; a folder of texts or e-mails; an archive
winnow init mail/ --licence internal --yes    asks nothing: each question has an option, --yes takes what is proposed
winnow init messages.csv --look               shows what is there and writes nothing
winnow init --example intents                 one of examples/ in place of your own files

Shows what it finds and asks what it cannot see. Then copies the files into data/sources, unless they stand there, pins
them, sets labels, cleaning, lengths and budgets to the data and this machine, and removes the example's decisions,
rounds, frozen groups, looks, rules and results. What is not of the example it refuses to remove without --force.
"""

import argparse
import csv
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from ruamel.yaml import YAML

from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.init import budget, clear, journal, labels, recipe, show, source, write
from winnow.commands.init.ask import Answers
from winnow.commands.init.budget import Data
from winnow.commands.init.example import FOLDER, Example
from winnow.commands.init.kind import GENERATION, KINDS, ONE, SEVERAL, SPANS
from winnow.commands.init.labels import Labels
from winnow.commands.init.source import Source
from winnow.commands.sheets.options import SIGNS
from winnow.commands.terminal import printable

NAME = "init"
LARGE = 10 * 2**20  # bytes from which on DVC keeps a file rather than Git
ONCE = {  # options that name one column each
    "label": "the label; of several labels a row, a column of each may be named: A,B,…",
    "group": "what rows share that must not be split apart: an author, a thread",
    "date": "the date",
    "key": "what names a row for ever",
}
NO_DELIMITERS = "\"'\\\r\n"  # what quotes fields, or ends them
MOST_REFUSED = 0.05  # share of rows, where params.yaml says nothing


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("files", nargs="*", type=Path, metavar="FILE", help="a file, a folder or a zip archive; each is a source")
    add("--task", metavar="KIND", help=f"the kind of task: {', '.join(KINDS)}; default: what the labels look like")
    add("--text", action="append", metavar="COLUMN", help="the text; given twice, columns are joined")
    for option, what in ONCE.items():
        add(f"--{option}", action="append", metavar="COLUMN", help=f"{what}; `none`: there is no such column")
    add("--without", action="append", default=[], metavar="COLUMN", help="leave a column out; may be given again")
    add("--date-format", metavar="FORM", help="how dates are written, such as %%d.%%m.%%Y, or unix")
    add("--labels", metavar="A,B,…", help='the labels to learn, in order; one that holds a comma in quotes: A,"B, C"')
    add("--encoding", metavar="NAME", help="of the text, such as cp1252")
    add("--delimiter", metavar="SIGN", help="between the fields of a table; default: what is seen; \\\\t: a tab")
    add("--header", metavar="A,B,…", help="names of the columns, where the first line does not have them")
    add("--name", metavar="NAME", help="of the source, and of the dataset in reports")
    add("--licence", metavar="WORDS", help="under which the rows may be used")
    add("--minutes", type=float, default=10, metavar="N", help="that fine-tuning may take; default: 10")
    add("--example", metavar="NAME", help="take examples/NAME/params.yaml, not files of your own")
    add("--strict", action="store_true", help="let doubts stop the run (gates.on_doubt)")
    add("--look", action="store_true", help="show what is there, write nothing")
    add("--yes", action="store_true", help="take what is proposed, ask nothing")
    add("--force", action="store_true", help="remove decisions, rounds and the like that are not of the example, too")


def execute(arguments: argparse.Namespace) -> None:
    """Look, ask, show, write.

    Raises:
        UserError: a file cannot be read or is of another kind of task, a question stays open, or somebody's own work
            would be lost.
    """
    if arguments.task not in (None, *KINDS):
        raise UserError(f"--task {arguments.task}: this kind is not there yet; there are {', '.join(KINDS)}")
    if bool(arguments.files) == bool(arguments.example):
        raise UserError("name the files to learn from, or --example NAME; one of the two")
    for option in ONCE:
        setattr(arguments, option, _sole(option, getattr(arguments, option)))
    arguments.delimiter = SIGNS.get(arguments.delimiter, arguments.delimiter)
    if arguments.delimiter is not None and (len(arguments.delimiter) != 1 or arguments.delimiter in NO_DELIMITERS):
        raise UserError(f"--delimiter {arguments.delimiter}: must be one sign, which is no quote")
    for option in ("labels", "header"):
        given = getattr(arguments, option)
        setattr(arguments, option, given and _names(given))
    try:
        "".encode(arguments.encoding or "utf-8")
    except LookupError:
        raise UserError(f"--encoding {arguments.encoding}: no text encoding that Python knows; cp1252 is one") from None
    if not arguments.minutes > 0:
        raise UserError(f"--minutes {arguments.minutes:g}: must be above 0")
    pipeline.stages()  # that there is a project
    with nullcontext() if arguments.look else journal.alone():
        if not arguments.look:
            journal.finish()
        text, answers = files.read_text(params.FILE), Answers(arguments)
        if arguments.example:
            _take_example(arguments.example, text, answers)
        else:
            _take_files(text, answers)


def _sole(option: str, given: list[str] | None) -> str | None:
    """Return the one column that an option names.

    Raises:
        UserError: it was given twice.
    """
    if given is None or len(given) == 1:
        return given and given[0]
    further = ""
    if option == "label":
        further = (
            f"; a further label is columns.aux of the source in params.yaml, and --label {','.join(given)} --task "
            f"{SEVERAL} is for columns of yes and no"
        )
    raise UserError(f"--{option} {f' --{option} '.join(given)}: only one column is the {option}{further}")


def _take_files(text: str, answers: Answers) -> None:
    options, folder = answers.options, pipeline.path("collect", "files")
    if options.licence is not None and not options.look:  # nothing else may be open: now, not after a long look
        answers.refuse_alone(f"{params.FILE} would be written anew; --look shows how, and writes nothing.")
    sources = [source.understand(path, answers, folder) for path in options.files]
    if twice := [name for name, count in Counter(each.name for each in sources).items() if count > 1]:
        raise UserError(f"two of the files would be the source '{twice[0]}'; rename one")
    learnt = labels.of(sources, options.labels, options.task)
    if options.task not in (None, learnt.kind):
        raise UserError(f"--task {options.task}: the labels are of kind {learnt.kind}; name another column by --label")
    data, machine = _data(sources, learnt), budget.this_machine()
    planned = budget.plan(data, params.read()["adapt"]["tokens"], machine, options.minutes)
    print(show.table(sources, learnt), show.plan(planned, data.labelled, learnt.kind), sep="\n\n")
    _refuse_broken(sources)
    _tell_of_languages(sources)
    _tell_of_joined_labels(sources)
    if options.look:
        return
    licence = answers.ask("licence", "Under what licence may the rows be used", "internal")
    # Where no source has a label, all of them want one.
    purposes = {each.name: "task" if each.roles.of_labels() or not learnt.rows else "text" for each in sources}
    entries = [each.entry(licence, purposes[each.name], learnt.becomes) for each in sources]
    changes = recipe.changes(sources, learnt, planned, machine) | {"collect": {"sources": entries}}
    for each in sources:
        source.refuse_other(each, folder)

    def bring() -> None:
        for each in sources:
            _keep(each, folder)

    if _replace(text, changes, answers, bring):
        print(f"Next: `make repro`, about {show.minutes(planned.minutes)}, then open reports/report.html")


def _data(sources: Sequence[Source], learnt: Labels) -> Data:
    tokens = sum(int(each.survey.tokens.sum()) for each in sources)
    length = max(each.survey.tokens_at(0.95) for each in sources)
    rows = sum(each.survey.rows for each in sources)
    labelled = sum(learnt.rows[name] for name in learnt.names)
    if learnt.kind != ONE:
        labelled = sum(each.survey.labelled for each in sources)
    return Data(rows, labelled, len(learnt.names), tokens, length, learnt.kind != SPANS, learnt.kind == GENERATION)


def _refuse_broken(sources: Sequence[Source]) -> None:
    """Raise `UserError` if more rows of a source cannot be read than a sound file has."""
    most = params.read()["collect"].get("max_refused_share", MOST_REFUSED)
    for each in sources:
        if each.survey.refused > most * each.survey.rows:
            raise UserError(
                f"{each.found.path}: {each.survey.refused:,} of {each.survey.rows:,} rows cannot be read, the first: "
                f"{source.mended(each.survey.problem)}"
            )


def _tell_of_languages(sources: Sequence[Source]) -> None:
    """Say so where the base encoder does not read what the texts are written in."""
    told = dict.fromkeys(code for each in sources for code, share in each.survey.languages if share > 0.2)
    if foreign := [code for code in told if code != "en"]:
        print(
            f"The default base encoder reads English, the texts are in {', '.join(foreign)}: `winnow base` takes a "
            f"multilingual one (docs/base-models.md)"
        )


def _names(given: str) -> list[str]:
    """Return names between commas; one that holds a comma stands in quotes, as in CSV."""
    return [name.strip() for name in next(csv.reader([" ".join(given.splitlines())], skipinitialspace=True))]


def _tell_of_joined_labels(sources: Sequence[Source]) -> None:
    """Say so where a label that somebody named looks like several, and is read as one."""
    for told in filter(None, (each.roles.joined for each in sources)):
        print(
            printable(
                f"CAREFUL: {told}. Each cell is read as one label: --task {SEVERAL} reads the names in it, "
                f"--task {ONE} says that it is meant so"
            )
        )


def _keep(each: Source, folder: Path) -> None:
    """Bring a source to where `collect` reads it, and say who keeps it."""
    copy = source.bring(each, folder)
    place = folder / each.place
    if copy is not None:
        print(printable(f"{each.found.path}: copied to {copy}"))
    name = shlex.quote(str(place))
    if sum(file.bytes for file in each.found.files) > LARGE:
        print(printable(f"Version it: `dvc add {name}`"))
    else:  # what Git has once, its history keeps
        print(printable(f"Version it: `git add {name}`, or `dvc add {name}` for texts that must not enter Git"))


def _take_example(name: str, text: str, answers: Answers) -> None:
    folder = FOLDER / name
    there = sorted(path.parent.name for path in FOLDER.glob(f"*/{params.FILE}"))
    if name not in there:
        raise UserError(f"--example {name}: not in {FOLDER}; there are {', '.join(there) or 'none'}")
    changes, example = params.read(folder / params.FILE), Example.of(folder)
    if not answers.options.look and _replace(text, changes, answers, example.bring_data):
        example.bring_people()
        missing = [] if example.data else [entry["path"] for entry in changes["collect"]["sources"] if "path" in entry]
        print(
            f"Next: put your files where {', '.join(missing)} finds them in {pipeline.path('collect', 'files')}"
            if missing
            else "Next: `make repro`"
        )


def _replace(text: str, changes: Mapping[str, Mapping], answers: Answers, bring: Callable[[], object]) -> bool:
    """Write params.yaml and remove what the example left, if the person agrees; return whether they do.

    Args:
        bring: puts the data in its place, before anything is removed.

    Raises:
        UserError: the stages would refuse it, or somebody's own work would be lost.
    """
    options, root = answers.options, Path()
    made = write.changed(text, recipe.of_kind(changes, params.read()) | recipe.gates(options.strict))
    write.check(made, root, str(params.FILE))
    left = clear.leftovers(YAML(typ="safe").load(made), root)
    clear.refuse_own(left, options.force)
    removed = [str(path) for path in (*left.example, *left.own, *left.results)]
    what = f", and {len(removed)} files and folders of what was before go ({_some(removed)})" if removed else ""
    if not answers.agree(f"{params.FILE} is written anew{what}."):
        print("Nothing was written.")
        return False
    bring()
    journal.carry_out(made, left)
    print(f"{params.FILE} is written; `git diff` shows what changed")
    return True


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
