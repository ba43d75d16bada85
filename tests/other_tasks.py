"""Kinds of task that Winnow does not have, for tests of what asks a task about labels and knows no kind."""

from winnow.base.errors import UserError
from winnow.kinds import task


class Numbers(task.Task):
    """A label is a number as text; it counts for a class by its sign. The set is open."""

    def check(self, label: str, where: str) -> str:
        """Return the number without needless digits."""
        try:
            return f"{float(label):g}"
        except ValueError:
            raise UserError(f"{where}: label '{label}' is no number") from None

    def names(self, label: str) -> list[str]:
        """Return its sign."""
        return ["negative" if label.startswith("-") else "positive"]


class Words(task.Task):
    """A label is some words of the text, with spaces between; it counts for each of them."""

    def check(self, label: str, where: str) -> str:
        """Return the words in order, each once."""
        return " ".join(sorted(set(label.split())))

    def names(self, label: str) -> list[str]:
        """Return the words."""
        return label.split()

    def carry(self, label: str, change: task.Change) -> task.Carried:
        """Return the words that the text still has."""
        lost = [word for word in label.split() if word not in change.after]
        return task.Carried(" ".join(word for word in label.split() if word in change.after) or None, lost)


NUMBERS, WORDS = Numbers(kind="numbers"), Words(kind="words")
