"""Prompts and responses as the chats that others train on: messages as OpenAI has them."""

import json

from winnow.kinds.generation.labels import Task
from winnow.text import dialogue
from winnow.text.dialogue import Message


def row(task: Task, text: str, label: str) -> dict:
    """Return a conversation that ends in the response: `messages`, and `tools` where it has some.

    What is said of calls and tools and is no JSON stands as text.
    """
    before = dialogue.read(text)
    content, calls = dialogue.answered(label)
    messages = [*before.messages, Message("assistant", content, calls)]
    found: dict = {"messages": [_message(message) for message in messages]}
    return found | {"tools": _json(before.tools)} if before.tools else found


def _message(message: Message) -> dict:
    told: dict = {"role": message.role, "content": message.content}
    if message.calls:
        told["tool_calls"] = _calls(message.calls)
    names = {"name": "name", "id": "tool_call_id"}
    return told | {names.get(name, name): value for name, value in message.attributes.items()}


def _calls(text: str) -> object:
    calls = _json(text)
    return list(map(_call, calls)) if isinstance(calls, list) else calls


def _call(call: object) -> object:
    if not isinstance(call, dict) or "name" not in call:
        return call
    arguments = call.get("arguments", {})
    written = arguments if isinstance(arguments, str) else dialogue.compact(arguments)
    own = {"id": call["id"]} if "id" in call else {}
    return own | {"type": "function", "function": {"name": call["name"], "arguments": written}}


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
