"""Prompts and responses as the chats that others train on: messages as OpenAI has them."""

from collections.abc import Sequence

import pyarrow as pa

from winnow.kinds.generation.labels import Task
from winnow.text import dialogue
from winnow.text.dialogue import Message

CALL = pa.struct(
    {"id": pa.string(), "type": pa.string(), "function": pa.struct({"name": pa.string(), "arguments": pa.string()})}
)
MESSAGE = pa.struct(
    {
        "role": pa.string(),
        "content": pa.string(),
        "tool_calls": pa.list_(CALL),
        "name": pa.string(),
        "tool_call_id": pa.string(),
    }
)
# Columns of a table of rows, and what they are.
COLUMNS = {
    "messages": (pa.list_(MESSAGE), "the conversation, prompt and response, as OpenAI and trl have it"),
    "tools": (pa.string(), "the tools that it may call, JSON"),
}


def columns(task: Task, texts: Sequence[str], labels: Sequence[str]) -> dict[str, pa.Array]:
    """Return `COLUMNS` of rows: what `row` says of each, in one type for all.

    Calls that are no JSON stand behind the message's words.
    """
    found = [row(task, text, label) for text, label in zip(texts, labels, strict=True)]
    messages = [[_typed(message) for message in each["messages"]] for each in found]
    tools = [dialogue.compact(each["tools"]) if "tools" in each else None for each in found]
    return {"messages": pa.array(messages, COLUMNS["messages"][0]), "tools": pa.array(tools, pa.string())}


def _typed(message: dict) -> dict:
    calls = message.get("tool_calls")
    if calls is None or (isinstance(calls, list) and all(_is_call(call) for call in calls)):
        return message
    told = calls if isinstance(calls, str) else dialogue.compact(calls)
    rest = {name: value for name, value in message.items() if name != "tool_calls"}
    return rest | {"content": "\n".join(filter(None, (message["content"], told)))}


def _is_call(call: object) -> bool:
    if not isinstance(call, dict) or not isinstance(own := call.get("function"), dict):
        return False
    told = (call.get("id", ""), call.get("type", ""), own.get("name", ""), own.get("arguments", ""))
    return all(isinstance(each, str) for each in told)


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
    names = {"name": "name", "id": "tool_call_id"}  # a header of a source's own may say more: another role
    return told | {names[name]: value for name, value in message.attributes.items() if name in names}


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
        return dialogue.parsed(text)
    except ValueError:
        return text
