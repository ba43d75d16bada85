"""What nobody can see in a file is asked: by an option, on a terminal, or not at all."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from winnow.base.errors import UserError
from winnow.commands.terminal import printable

NONE = "none"  # the word by which an option says that there is no such column


@dataclass(frozen=True)
class Answers:
    """What the person says.

    Attributes:
        options: of the command line.
    """

    options: argparse.Namespace

    @property
    def accept(self) -> bool:
        """Whether to take what is proposed without asking (`--yes`)."""
        return self.options.yes

    def ask(self, option: str, question: str, proposal: str | None, among: Sequence[str] = ()) -> str:
        """Return the answer to a question that an option answers too.

        Args:
            proposal: what an empty answer means, and `--yes`; None: there is none.
            among: the answers that there are; none: any.

        Raises:
            UserError: there is no terminal to ask on, or nobody answers.
        """
        given = getattr(self.options, option.replace("-", "_"))
        if given is not None:
            return given
        if self.accept and proposal is not None:
            return proposal
        words = f" ({', '.join(among)})" if among else ""
        if not sys.stdin.isatty():
            # Nobody agrees to what is written either: both are told, not one after the other.
            both = "" if self.options.look else " and --yes, which agrees to the rest"
            alone = "" if self.options.look else " alone"
            yes = f"; or --yes{alone} for '{proposal}'" if proposal is not None else ""
            raise UserError(f"{question}{words}? Give --{option}{both}{yes}")
        while True:
            answer = _line(f"{question}{words}{f' [{proposal}]' if proposal is not None else ''}: ", option) or proposal
            if answer and (not among or answer in among):
                return answer

    def agree(self, question: str) -> bool:
        """Return whether the person agrees.

        Raises:
            UserError: there is no terminal to ask on.
        """
        if self.accept:
            return True
        self.refuse_alone(question)
        return _line(f"{question} [Y/n] ", "yes").lower() in ("", "y", "yes")

    def refuse_alone(self, question: str) -> None:
        """Raise `UserError` if nobody can agree: neither by `--yes` nor on a terminal."""
        if not (self.accept or sys.stdin.isatty()):
            raise UserError(f"{question} Give --yes to agree")


def _line(prompt: str, option: str) -> str:
    try:
        return input(printable(prompt)).strip()
    except (EOFError, KeyboardInterrupt):
        print()
        raise UserError(f"no answer; nothing was written. --{option} answers it too") from None
