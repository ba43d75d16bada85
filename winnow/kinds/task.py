"""What every kind of task says of its labels. A label is one opaque, canonical string; only its kind reads it."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Literal, NamedTuple

from winnow.base.errors import UserError
from winnow.base.params import Section

AROUND = " \t\r\n\"'`*“”‘’.:"  # what may stand around a label in an answer that is nothing but a label

UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")  # Unicode categories of which people see nothing, or space
SELECTORS = range(0xFE00, 0xFE10)  # how the character before is drawn


def bare(label: str) -> str:
    """Return what of a label is left without case, width, Unicode form, outer space and characters that nobody sees."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
    seen = "".join(sign for sign in text if unicodedata.category(sign) != "Cf" and ord(sign) not in SELECTORS)
    # Turkish has a case of its own: dotted and dotless.
    return " ".join(seen.replace("i\u0307", "i").replace("\u0131", "i").split())


def spelled(label: str) -> str:
    """Return a label in quotes, as YAML reads it, so that what nobody sees in it is told."""
    is_composed = unicodedata.is_normalized("NFC", label)

    def is_seen(sign: str) -> bool:
        if sign == " ":
            return True
        if unicodedata.category(sign) in UNSEEN or ord(sign) in SELECTORS:
            return False
        return is_composed or not unicodedata.combining(sign)

    signs = (
        sign if is_seen(sign) else f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
        for sign in label.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{"".join(signs)}"'


class Change(NamedTuple):
    """What cleaning made of a row's text in one step."""

    before: str
    after: str
    rule: (
        Callable[[str], str] | None
    )  # a pure function, by which `after` came of `before`; None: another text took its place


class Carried(NamedTuple):
    """A row's label after its text changed."""

    label: str | None  # None: nothing is known of the text as it is now
    lost: Sequence[str] = ()  # parts of the label that the change took away, each as people are told of it


class Task(Section):
    """Section `task` of params.yaml: the kind of task, and what its labels may be.

    Each kind has its own, `winnow.kinds.<kind>.labels.Task`.
    """

    kind: str

    marks_text: ClassVar[bool] = False
    """Whether labels mark places of their text."""

    graded: ClassVar[bool] = False
    """Whether labels are written, so that two that differ may be nearly the same, as the headline tells."""

    edits_text: ClassVar[bool] = False
    """Whether people who decide on a row may also give it another text."""

    learns_classes: ClassVar[bool] = True
    """Whether models learn the classes of `names`, so that none of them can tell one that has no row elsewhere."""

    classes_are: ClassVar[str] = "classes"
    """What the classes of `names` are called, where people read how many rows each has."""

    @property
    def is_closed(self) -> bool:
        """Return whether params.yaml names every label that a row may have."""
        return bool(self.vocabulary(()))

    def told(self) -> str:
        """Return what a model of the task is, in words."""
        return f"a model of kind {self.kind}"

    def targets_of_chats(self) -> Literal["last", "all"]:
        """Return which turns of the assistant are rows, where a source holds conversations."""
        return "last"

    def canonical_text(self, text: str) -> str:
        """Return the text of a source's row in the form in which the kind reads it."""
        return text

    def check(self, label: str, where: str) -> str:
        """Return the label in its canonical form, or raise a `UserError` that begins with `where` if it is none."""
        raise NotImplementedError

    def is_label(self, label: str) -> bool:
        """Return whether this is a label in its canonical form."""
        try:
            return self.check(label, "") == label
        except UserError:
            return False

    def parse(self, answer: str) -> str | None:
        """Return the label that a language model's answer is, without what stands around it; None if it is none."""
        try:
            return self.check(answer.strip(AROUND), "")
        except UserError:
            return None

    def names(self, label: str) -> list[str]:
        """Return the classes that a label counts for where rows are counted by class, each once."""
        raise NotImplementedError

    def classes(self, labels: Iterable[str]) -> list[str]:
        """Return the classes of some labels in the order in which reports tell them: all, where the set is closed."""
        return sorted({name for label in labels for name in self.names(label)})

    def vocabulary(self, labels: Iterable[str]) -> list[str]:
        """Return the labels that votes may choose among, in order: all, where the set is closed; else these."""
        return sorted(set(labels))

    def carry(self, label: str, change: Change) -> Carried:
        """Return what a change of its text left of a row's label."""
        return Carried(label)

    def changed(self, before: str, after: str) -> str | None:
        """Return what leads from a label to another, in a line; None: people read both as `shown` tells them."""
        return None

    def told_given(self, label: str) -> str:
        """Return how column `given_label` of decisions.csv tells a label, in one line; no two are told alike."""
        return label

    def told_new(self, label: str) -> str:
        """Return how column `new_label` of decisions.csv tells a label, in one line; `meant` reads it."""
        return label

    def meant(self, cell: str, given: str = "") -> str | None:
        """Return the label that a cell of decisions.csv tells; the label need not be one of the task's.

        Args:
            given: the label before decisions of the row that the decision is on.

        Returns:
            None where the cell tells that a person saw a label which is not `given`, and does not say which.
        """
        return cell

    def check_text(self, text: str, where: str) -> str:
        """Return a text that a person gives a row in the form in which tables hold it; of kinds with `edits_text`.

        Raises:
            UserError: it is no text of the task's; begins with `where`.
        """
        return text

    def text_form(self, text: str) -> str:
        """Return what is equal of texts that say the same; of kinds with `edits_text`."""
        return text

    def told_text(self, text: str) -> str:
        """Return how column `new_text` of decisions.csv tells a text, in one line; `meant_text` reads it."""
        return text

    def meant_text(self, cell: str) -> str:
        """Return the text that a cell of column `new_text` tells; it need not be one of the task's."""
        return cell

    def beside(self, text: str, label: str) -> str:
        """Return what people read of a row in a queue's file, where `given_label` may be told in a short form."""
        return text

    def shown(self, label: str, text: str) -> str:
        """Return a label, in canonical form, as people read it; `text` is what it is a label of."""
        return label

    def brief(self, label: str, text: str) -> str:
        """Return a label, in canonical form, in a few words, for lines that tell of several labels."""
        return self.shown(label, text)

    def fits(self, label: str, text: str, where: str) -> None:
        """Raise a `UserError` that begins with `where` if a label, in canonical form, cannot be one of this text."""

    def agree(self, label: str, text: str, other: str, other_text: str) -> bool:
        """Return whether two labels, in canonical form, say the same of what their texts share.

        The texts are duplicates or near-duplicates. What stands in one of them alone is no disagreement.
        """
        return label == other

    def judged(self, label: str, truth: str | None, name: str) -> tuple[int, int]:
        """Return how much of a label is right for one of its classes, `names`, and how much there is, or should be.

        Args:
            truth: the right label; None: the row has none.
        """
        return int(label == truth), 1

    def check_name(self, name: str, where: str) -> str | None:
        """Return what a name that is not the task's own stands for, such as a model's output: here, a label.

        None where it stands for nothing.

        Raises:
            UserError: nothing; begins with `where`.
        """
        return self.check(name, where)

    def marked(self, spans: Iterable[tuple[int, int, str]], where: str) -> str:
        """Return the label that spans of a text are, (start, end, type) in its characters, none of which overlap.

        Raises:
            UserError: the labels of this kind are no spans; begins with `where`.
        """
        raise UserError(f"{where}: marks spans of texts, and task.kind {self.kind} has none; use another kind of rule")

    def rare(self, counts: Counter, at_least: int) -> dict[str, int]:
        """Return the classes with fewer than `at_least` rows, of a closed set also those with none, and their rows."""
        classes = self.classes(()) or sorted(counts)
        return {name: counts[name] for name in classes if counts[name] < at_least}

    def check_counts(self, labels: Iterable[str], where: str) -> Counter:
        """Return how many rows count for each class.

        Raises:
            UserError: there is no label, or only such of one class where a model needs two.
        """
        labels = list(labels)
        if not labels:
            raise UserError(f"{where}: no row has a label; map a label column in params.yaml: collect.sources")
        return Counter(name for label in labels for name in self.names(label))
