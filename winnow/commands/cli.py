"""The `winnow` command. Each command is a module of winnow/commands; its docstring is its help."""

import argparse
from collections.abc import Sequence

from winnow.base.stage import run
from winnow.commands import freeze, label, lint, overlay, parameters, review, stages, why
from winnow.commands import round as round_

COMMANDS = (review, round_, label, why, freeze, lint, stages, parameters, overlay)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; a `UserError` becomes one line on stderr and exit status 1."""
    parser = argparse.ArgumentParser(
        prog="winnow", description="Work with a Winnow project; run from the repository's root, after `dvc repro`."
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
        subparser.set_defaults(execute=command.execute)
    arguments = parser.parse_args(argv)
    run(lambda: arguments.execute(arguments))
