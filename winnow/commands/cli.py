"""The `winnow` command. Each command is a module of winnow/commands; its docstring is its help."""

import argparse
import sys
from collections.abc import Sequence

from winnow.base import progress
from winnow.base.errors import UserError
from winnow.base.stage import run
from winnow.commands import (
    accept,
    base_model,
    doctor,
    drift,
    export,
    freeze,
    gc,
    label,
    lint,
    overlay,
    parameters,
    predict,
    publish,
    release,
    review,
    stages,
    status,
    test,
    why,
)
from winnow.commands import round as round_
from winnow.commands.best import command as best
from winnow.commands.diff import command as diff
from winnow.commands.experiments import command as experiments
from winnow.commands.init import command as init
from winnow.commands.merge import command as merge
from winnow.commands.terminal import printable

COMMANDS = (
    init,
    status,
    doctor,
    base_model,
    review,
    round_,
    label,
    why,
    diff,
    merge,
    experiments,
    best,
    predict,
    drift,
    export,
    publish,
    release,
    test,
    freeze,
    gc,
    lint,
    accept,
    stages,
    parameters,
    overlay,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; a `UserError` becomes one line on stderr and exit status 1."""
    arguments = parser().parse_args(argv)
    with progress.speaking_as(f"winnow {arguments.command}"):
        run(lambda: _execute(arguments), arguments.asks_hub)


def _execute(arguments: argparse.Namespace) -> None:
    """Run a command; what its error names, a terminal shows and does not obey; a file's error is one line, too."""
    try:
        arguments.execute(arguments)
    except UserError as error:
        raise UserError(printable(" ".join(str(error).split()))) from None
    except UnicodeEncodeError as error:
        if not any("\udc80" <= character <= "\udcff" for character in error.object):  # what stands for a byte of a name
            raise
        raise UserError(
            f"a file's name is not in the encoding of this terminal's locale ({sys.getfilesystemencoding()}): run with "
            f"LC_ALL=C.UTF-8, or rename it"
        ) from None
    except OSError as error:
        if error.errno is None or not isinstance(error.filename, str):  # of a library, not of a file
            raise
        raise UserError(printable(f"{error.filename}: {error.strerror}")) from None


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line: each command with its arguments, name, `execute`, whether it asks a hub."""
    parser = argparse.ArgumentParser(
        prog="winnow", description="Work with a Winnow project; run from the repository's root."
    )
    subparsers = parser.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        subparser = subparsers.add_parser(
            command.NAME,
            help=command.__doc__.splitlines()[0].partition(": ")[2],
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.configure(subparser)
        asks_hub = getattr(command, "ASKS_HUB", False)
        subparser.set_defaults(command=command.NAME, execute=command.execute, asks_hub=asks_hub)
    return parser
