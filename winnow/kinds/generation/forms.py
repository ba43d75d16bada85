"""What is equal of prompts, and of responses, that differ in case, spaces and punctuation alone.

And what is compared of responses that call tools, whose calls may be written in more than one order.
"""

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


def compared(label: str) -> str:
    """Return a response as it is compared with another: its calls without their ids, their arguments by name.

    An id is a random text, which no model can know, and of a call's arguments the order says nothing.
    """
    content, calls = dialogue.answered(label)
    try:
        found = dialogue.parsed(calls) if calls else None
    except ValueError:
        return label
    if not isinstance(found, list) or not all(isinstance(call, dict) and "name" in call for call in found):
        return label
    own = [{"name": call["name"]} | _sorted({key: call[key] for key in call if key != "id"}) for call in found]
    return dialogue.response(content, dialogue.compact(own))


def _sorted(value: object) -> object:
    """Return data whose objects have their keys in order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def _plain(text: str) -> str:
    # A text of signs alone has no word.
    return " ".join(words.words(text)) or text
