"""Sources of conversations: the columns that they map where nothing else is said, and which turns are rows."""

from typing import TypeVar

from stages.collect.sources import Source
from winnow.readers.chat import Targets

COLUMNS = {"text": "prompt", "label": "response", "group": "conversation"}
S = TypeVar("S", bound=Source)


def with_columns(values: dict) -> dict:
    """Return an entry of params.yaml with the usual columns of conversations where it names no others.

    Raises:
        ValueError: a column of the file is the key of rows, of which one conversation may give several.
    """
    given, chat = values.get("columns") or {}, values.get("chat") or {}
    if not isinstance(given, dict) or not isinstance(chat, dict):
        return values
    if given.get("key") not in (None, "key"):
        raise ValueError(
            f"columns.key: of chats the key of a conversation is named by chat: {{key: {given['key']}}}, so that each "
            f"turn that is a row has a key of its own"
        )
    usual = COLUMNS | ({"key": "key"} if chat.get("key") else {})
    return values | {"columns": usual | given}


def of_turns(source: S, targets: Targets) -> S:
    """Return a source of conversations, of whose assistant's turns the last or all are rows."""
    if source.chat.targets is not None:
        return source
    return source.model_copy(update={"chat": source.chat.model_copy(update={"targets": targets})})
