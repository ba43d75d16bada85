"""What is equal of prompts, and of responses, that differ in case, spaces and punctuation alone."""

from winnow.base.errors import UserError
from winnow.text import dialogue, words


def of(text: str) -> str:
    """Return the form of a prompt: its turns with their roles, as words."""
    try:
        turns = dialogue.read(text)
    except UserError:  # a text from elsewhere
        return _plain(text)
    parts = [f"{turn.role} {_plain(turn.content)} {turn.calls}" for turn in turns.messages]
    return "\n".join([turns.tools, *parts])


def of_response(label: str) -> str:
    """Return the form of a response: its words and what it calls."""
    content, calls = dialogue.answered(label)
    return f"{_plain(content)} {calls}"


def _plain(text: str) -> str:
    # A text of signs alone has no word.
    return " ".join(words.words(text)) or text
