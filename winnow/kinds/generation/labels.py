"""Generation: a label is the response to a prompt, as text.

The text of a row is its prompt, all turns before the response (`winnow.text.dialogue`). The classes that a response
counts for, where rows are counted by class, are bands of its length in words.
"""

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, Literal

import regex

from winnow.base.errors import UserError
from winnow.kinds import task
from winnow.kinds.generation import changes, forms, telling
from winnow.text import dialogue, words
from winnow.text.dialogue import Dialogue, Message

# The last word count of each band, as reports name it.
BANDS = {"up to 10 words": 10, "11 to 50 words": 50, "51 to 200 words": 200, "201 to 1000 words": 1000}
LONGEST = "more than 1000 words"
SEEN = regex.compile(r"[^\s\p{C}]")  # a sign that people see
LONGEST_SHOWN = 200  # characters of a response where people are told of it in a line
LONGEST_BRIEF = 60  # of one of several in a line


class Task(task.Task):
    """Section `task` of params.yaml."""

    kind: Literal["generation"]
    """Each row is a prompt, an instruction or a dialogue, and the response to it."""

    targets: Literal["last", "all"] = "last"
    """Which turns of the assistant are learnt from: the last of each dialogue, or every one, each a row of its own with
    the turns before it as its prompt. Of readers of chats (`format: chat`)."""

    learns_classes: ClassVar[bool] = False
    classes_are: ClassVar[str] = "lengths of responses"
    graded: ClassVar[bool] = True
    edits_text: ClassVar[bool] = True

    def told(self) -> str:
        """Return what a model of the task is, in words."""
        return "a language model that answers prompts"

    def targets_of_chats(self) -> Literal["last", "all"]:
        """Return `targets`."""
        return self.targets

    def canonical_text(self, text: str) -> str:
        """Return a prompt that reads back: one with headers that make no dialogue is a user's words."""
        try:
            dialogue.read(text)
        except UserError:
            return dialogue.written(Dialogue([Message("user", text)]))
        return text

    def check(self, label: str, where: str) -> str:
        """Return a response; what surrounds it is a part of it.

        Raises:
            UserError: nothing is in it but white space; begins with `where`.
        """
        if not any(part.strip() for part in dialogue.answered(label)):
            raise UserError(f"{where}: the response is empty; leave the row without one, or take it out")
        return label

    def parse(self, answer: str) -> str | None:
        """Return a language model's answer as a response, None if nothing is in it."""
        return dialogue.response(answer.strip()) if answer.strip() else None

    def shown(self, label: str, text: str) -> str:
        """Return the response in one line, short."""
        return telling.short(label, LONGEST_SHOWN)

    def brief(self, label: str, text: str) -> str:
        """Return the response's first words, in quotes."""
        return f"“{telling.short(label, LONGEST_BRIEF)}”"

    def changed(self, before: str, after: str) -> str:
        """Return the words that went and came."""
        return changes.told(before, after)

    def told_given(self, label: str) -> str:
        """Return the response's hash; see `winnow.kinds.generation.telling`."""
        return telling.fingerprint(label) if label else ""

    def told_new(self, label: str) -> str:
        """Return the response as a line of text."""
        return telling.told(label)

    def meant(self, cell: str, given: str = "") -> str | None:
        """Return the response that a cell tells, by its hash if that is the hash of `given`."""
        if telling.is_fingerprint(cell):
            return given if cell == self.told_given(given) else None
        return telling.read(cell)

    def check_text(self, text: str, where: str) -> str:
        """Return a prompt as `dialogue.written` writes it.

        Raises:
            UserError: nothing is in it, no turn is a user's, a header stands where none may, or one stands in a text
                that begins with none, or its tools are no JSON list; begins with `where`.
        """
        try:
            found = dialogue.read(text)
        except UserError as error:
            raise UserError(f"{where}: the prompt is no dialogue: {error}") from None
        if not any(SEEN.search(turn.content) or turn.calls.strip() for turn in found.messages):
            raise UserError(f"{where}: the prompt is empty; say out of scope where there is none")
        if not any(turn.role == "user" for turn in found.messages):
            raise UserError(f"{where}: the prompt has no turn of the user, a line <|user|> and what is asked below it")
        if found.tools and not dialogue.is_tools(found.tools):
            raise UserError(f"{where}: what stands below the prompt's line <|tools|> is no JSON list of objects")
        if header := dialogue.lost_header(text):
            raise UserError(
                f"{where}: the prompt has the line {header} and begins with none such; begin it with <|user|>, and "
                f"where the line is no header, put a backslash before it"
            )
        return dialogue.written(found)

    def text_form(self, text: str) -> str:
        """Return the words of a prompt's turns, without case, spaces and punctuation."""
        return forms.of(text)

    def told_text(self, text: str) -> str:
        """Return the prompt as a line of text, as a response is told."""
        return telling.told(text)

    def meant_text(self, cell: str) -> str:
        """Return the prompt that a cell tells."""
        return telling.read(cell)

    def beside(self, text: str, label: str) -> str:
        """Return the whole dialogue, with the response as its last turn."""
        if not label:
            return text
        content, calls = dialogue.answered(label)
        before = dialogue.read(text)
        turns = [*before.messages, dialogue.Message("assistant", content, calls)]
        return dialogue.written(dialogue.Dialogue(turns, before.tools))

    def names(self, label: str) -> list[str]:
        """Return the band of the response's length."""
        count = len(words.words(dialogue.answered(label)[0]))
        return [next((name for name, last in BANDS.items() if count <= last), LONGEST)]

    def agree(self, label: str, text: str, other: str, other_text: str) -> bool:
        """Return whether two responses are the same word by word, or answer different prompts."""
        return forms.of_response(label) == forms.of_response(other) or forms.of(text) != forms.of(other_text)

    def classes(self, labels: Iterable[str]) -> list[str]:
        """Return the bands that occur, from short to long."""
        found = {name for label in labels for name in self.names(label)}
        return [name for name in (*BANDS, LONGEST) if name in found]

    def rare(self, counts: Counter, at_least: int) -> dict[str, int]:
        """Return nothing: a band of length that hardly occurs is no fault of the data."""
        return {}
