"""Conversations of every shape and kind of file: one row a turn that is learnt from, and nothing lost in silence."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stages.collect.test_collect import run  # noqa: F401
from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.readers import chat, json_array
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

TASK = {"kind": "generation"}
OPENAI = [
    {"role": "system", "content": "You are a librarian."},
    {"role": "user", "content": "Which owls?"},
    {"role": "assistant", "content": "Tawny owls."},
    {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "mice?"}]},
    {"role": "assistant", "content": "Wood mice."},
]
ROLES = {"system": "system", "user": "human", "assistant": "gpt"}
SHAREGPT = [{"from": ROLES[turn["role"]], "value": turn["content"]} for turn in OPENAI]
SHAREGPT[3]["value"] = "And\nmice?"
CHATML = "\n".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>" for turn in OPENAI)
CHATML = CHATML.replace(str(OPENAI[3]["content"]), "And\nmice?")
FIRST = "<|system|>\nYou are a librarian.\n<|user|>\nWhich owls?"
LAST = f"{FIRST}\n<|assistant|>\nTawny owls.\n<|user|>\nAnd\nmice?"


def lines(*rows: dict) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def source(**changed) -> dict:
    usual = {
        "name": "chats",
        "kind": "file",
        "path": "chats.jsonl",
        "format": "chat",
        "licence": "x",
        "purpose": "task",
    }
    return usual | changed


def pairs(table: pa.Table) -> list[tuple[str, str]]:
    return [(row["text"], row["label"]) for row in table.sort_by("text").to_pylist()]


@pytest.fixture
def collected(run):  # noqa: F811
    """Return a function that reads one file of chats: its rows and the ledger's reasons."""

    def collected(data: bytes, targets: str = "last", **changed) -> tuple[pa.Table, list[str]]:
        rows, ledger, *_ = run({"chats.jsonl": data}, source(**changed), share=1.0, task=TASK | {"targets": targets})
        return rows["chats"], [entry["reason"] for entry in ledger]

    return collected


@pytest.mark.parametrize(
    ("row", "chat_"),
    [
        ({"messages": OPENAI}, {}),
        ({"messages": json.dumps(OPENAI)}, {}),
        ({"talk": OPENAI}, {"shape": "messages", "columns": {"turns": "talk"}}),
        ({"conversations": SHAREGPT}, {}),
        ({"conversations": SHAREGPT[1:], "system": SHAREGPT[0]["value"]}, {}),
        ({"text": CHATML}, {"shape": "chatml"}),
        (
            {
                "instruction": "And",
                "input": "",
                "output": "Wood mice.",
                "system": "You are a librarian.",
                "history": [["Which owls?", "Tawny owls."]],
            },
            None,
        ),
        ({"prompt": OPENAI[:4], "completion": OPENAI[4:]}, {}),
        ({"prompt": OPENAI[:4], "completion": "Wood mice."}, {}),
    ],
)
def test_every_shape_gives_the_same_pair(collected, row, chat_):
    table, reasons = collected(lines(row), **({} if chat_ is None else {"chat": chat_}))
    assert pairs(table) == [(LAST if chat_ is not None else LAST.removesuffix("\nmice?"), "Wood mice.")]
    assert not reasons
    assert table["label_origin"].to_pylist() == ["given"]


def test_every_turn_of_the_assistant(collected):
    data = lines({"id": 7, "messages": OPENAI, "topic": "woods"})
    table, _ = collected(data, "all", chat={"key": "id"}, columns={"meta": ["topic"]})
    assert sorted(pairs(table)) == sorted([(FIRST, "Tawny owls."), (LAST, "Wood mice.")])
    assert sorted(table["source_key"].to_pylist()) == ["7#3", "7#5"]
    assert set(table["group"].to_pylist()) == {"7"}
    assert table["meta"].to_pylist() == [[("topic", "woods")]] * 2
    table, _ = collected(data, "all", chat={"targets": "last", "key": "id"})
    assert table["source_key"].to_pylist() == ["7"]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_end_alike_whatever_wrote_them(collected, end):
    turns = [
        {"role": "user", "content": f"One{end}<|assistant|>{end}two"},
        {"role": "assistant", "content": f"a{end}b"},
    ]
    ((prompt, response),) = pairs(collected(lines({"messages": turns}))[0])
    assert dialogue.read(prompt).messages == [Message("user", "One\n<|assistant|>\ntwo")]
    assert response == "a\nb"
    rows = [{"instruction": f"Say{end}it", "input": f"x{end}y", "output": f"a{end}b"}]
    assert pairs(collected(lines(*rows))[0]) == [("Say\nit\n\nx\ny", "a\nb")]
    chatml = f"<|im_start|>user{end}Say{end}it<|im_end|>{end}<|im_start|>assistant{end}a{end}b<|im_end|>"
    table = collected(lines({"text": chatml}), chat={"shape": "chatml"})[0]
    assert pairs(table) == [("Say\nit", "a\nb")]


def test_instructions_and_their_input(collected):
    rows = [
        {"instruction": "Add.", "input": "1 and 2", "output": "3"},
        {"instruction": "Greet.", "input": None, "output": ""},
    ]
    table, reasons = collected(lines(*rows))
    assert pairs(table) == [("Add.\n\n1 and 2", "3"), ("Greet.", None)]
    assert not reasons


def test_tool_calls_in_one_form(collected):
    call = {"id": "c1", "type": "function", "function": {"name": "due", "arguments": '{"member": 7}'}}
    tools = [{"type": "function", "function": {"name": "due"}}]
    openai = [
        {"role": "user", "content": "What is due?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "name": "due", "content": "Emma"},
        {"role": "assistant", "content": "Emma is."},
    ]
    sharegpt = [
        {"from": "human", "value": "What is due?"},
        {"from": "function_call", "value": '{"name": "due", "arguments": {"member": 7}}'},
        {"from": "observation", "value": "Emma"},
        {"from": "gpt", "value": "Emma is."},
    ]
    table, _ = collected(lines({"messages": openai, "tools": tools}), "all")
    (first, called), (second, answer) = pairs(table)
    assert first == f"<|tools|>\n{dialogue.compact(tools)}\n<|user|>\nWhat is due?"
    assert dialogue.answered(called) == ("", '[{"name":"due","arguments":{"member":7},"id":"c1"}]')
    assert answer == "Emma is."
    assert dialogue.read(second).messages[-1] == Message("tool", "Emma", "", {"name": "due", "id": "c1"})
    table, _ = collected(lines({"conversations": sharegpt, "tools": json.dumps(tools)}), "all")
    (first_again, called), (again, answer) = pairs(table)
    assert (first_again, answer) == (first, "Emma is.")
    assert dialogue.answered(called) == ("", '[{"name":"due","arguments":{"member":7}}]')
    assert again.endswith("<|tool|>\nEmma")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": []}, "the turns are empty"),
        ({"messages": None}, "the turns are empty"),
        ({"messages": "{"}, "the turns are not valid JSON"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "turn 1: 'wizard' is no role; if it means one, add it to"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "no turn of a user is in the conversation"),
        ({"messages": [{"role": "assistant", "content": "x"}, {"role": "user", "content": "x"}]}, "turn 1: the assis"),
        ({"messages": [{"role": "tool", "content": "x"}, *OPENAI]}, "turn 1: a tool's, and no user's stands before it"),
        ({"messages": [{"from": "human", "value": "x"}]}, "turn 1: it has no 'role'; if turns are written otherwise"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "turn 1: a part of type 'image_url'"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "turn 1: half a surrogate pair"),
        ({"messages": OPENAI, "tools": "{,"}, "the tools are not valid JSON"),
        ({"messages": OPENAI, "tools": [{"name": "\ud800"}]}, "the tools: half a surrogate pair"),
    ],
)
def test_what_cannot_be_read_stands_in_the_ledger(collected, row, reason):
    table, reasons = collected(lines({"messages": OPENAI}, row))
    assert pairs(table) == [(LAST, "Wood mice.")]
    (told,) = reasons
    assert told.startswith(f"chats.jsonl, line 2: {reason}")


def test_broken_lines_and_turns_behind_the_last(collected):
    table, reasons = collected(lines({"messages": [*OPENAI, OPENAI[1]]}) + b'{"messages": \n')
    assert pairs(table) == [(LAST, "Wood mice.")]
    assert any(reason.startswith("chats.jsonl, line 2: not valid JSON") for reason in reasons)
    assert any("1 turn behind the assistant's last, which no row holds" in reason for reason in reasons)


def test_without_an_answer_a_prompt_has_no_label(collected):
    table, _ = collected(lines({"messages": OPENAI[:2]}, {"messages": [*OPENAI[:2], {"role": "assistant"}]}))
    assert [label for _, label in pairs(table)] == [None, None]


def test_further_names_of_roles(collected):
    turns = [{"role": "customer", "content": "Hi"}, {"role": "bot", "content": "Hello"}]
    table, _ = collected(lines({"messages": turns}), chat={"roles": {"customer": "user", "bot": "assistant"}})
    assert pairs(table) == [("Hi", "Hello")]


@pytest.mark.parametrize("pack", ["array", "pretty", "parquet", "gzip"])
def test_kinds_of_files(collected, pack):
    rows = [{"prompt": f"Count {n}", "completion": f"{n}"} for n in range(3)]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    data = {
        "array": json.dumps(rows).encode(),
        "pretty": b"\xef\xbb\xbf" + json.dumps(rows, indent=2).encode() + b"\n",
        "parquet": buffer.getvalue(),
        "gzip": gzip.compress(json.dumps(rows).encode()),
    }[pack]
    table, reasons = collected(data)
    assert pairs(table) == [(f"Count {n}", str(n)) for n in range(3)]
    assert not reasons


def test_turns_of_parquet_have_every_key(collected):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"messages": [[*OPENAI[:3]]], "id": [4]}), buffer)
    table, _ = collected(buffer.getvalue(), chat={"key": "id"})
    assert pairs(table) == [(FIRST, "Tawny owls.")]
    assert table["id"].to_pylist() == hashing.row_ids("chats", ["4"])


@pytest.mark.parametrize(
    ("data", "changed", "message"),
    [
        (lines({"a": 1}), {}, r"chats\.jsonl: no conversation is seen in the columns a; say in its entry"),
        (
            lines({"text": "x"}),
            {"chat": {"shape": "messages"}},
            r"shape messages has its turns in column 'messages'",
        ),
        (lines({"messages": OPENAI}), {"chat": {"columns": {"input": "messages"}}}, "shape messages has no such part"),
        (lines({"messages": OPENAI}), {"columns": {"meta": ["topic"]}}, "column 'topic' is missing"),
        (lines({"messages": OPENAI}), {"columns": {"key": "id"}}, r"of chats the key .* chat: \{key: id\}"),
        (b'[{"messages": 1}', {}, "item 1: a comma or the array's end is missing behind it"),
        (b'[{"messages": }]', {}, "item 1: not valid JSON"),
        (b'[{"messages": []}] {}', {}, "more stands behind the JSON array"),
    ],
)
def test_files_that_are_none(collected, data, changed, message):
    with pytest.raises(UserError, match=message):
        collected(data, **changed)


def test_other_formats_with_a_column_each(run):  # noqa: F811
    table = b"ask,say,who\nWhich owls?,Tawny,a\n<|calls|>,x,b\n"
    entry = source(format="csv", path="p.csv", columns={"text": "ask", "label": "say", "group": "who"})
    rows, *_ = run({"p.csv": table}, entry, task=TASK)
    assert pairs(rows["chats"]) == [("<|user|>\n\\<|calls|>", "x"), ("Which owls?", "Tawny")]


def test_of_the_hub(run, tmp_path, monkeypatch):  # noqa: F811
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    entry = source(kind="hf", dataset="./talks", split="train", chat={"key": "id"}, columns={"meta": ["topic"]})
    del entry["path"], entry["format"]
    data = lines({"id": 1, "messages": OPENAI[:3], "topic": "woods"}, {"id": 2, "messages": [], "topic": "x"})
    rows, ledger, manifest, _ = run({"talks/train.jsonl": data}, entry, task=TASK | {"targets": "all"})
    assert pairs(rows["chats"]) == [(FIRST, "Tawny owls.")]
    assert rows["chats"]["source_key"].to_pylist() == ["1#3"]
    assert [entry["reason"] for entry in ledger] == ["./talks, row 2: the turns are empty"]
    assert len(manifest["chats"]["pin"]["sha256"]) == 64


TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
TURNS = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), TEXT), min_size=1, max_size=6)


@given(TURNS, TEXT)
def test_a_row_gives_its_turns_back(turns, system):
    written = [("system", system), *turns]
    as_unix = [(role, text.replace("\r\n", "\n").replace("\r", "\n")) for role, text in written]
    given, messages = ([{"role": role, "content": text} for role, text in of] for of in (written, as_unix))
    kept = chat.Chat(targets="all")
    found = chat.Chats.of(kept, ["messages"], "f", ["prompt", "response"])
    records = list(found.records("f", {"messages": given}))
    asked = next((place for place, turn in enumerate(messages) if turn["role"] == "user"), None)
    answers = [n for n, turn in enumerate(messages) if turn["role"] == "assistant"]
    if asked is None or (answers and answers[-1] < asked):
        assert [record.problem is not None for record in records] == [True]
        return
    expected = [n for n in answers if n > asked]
    assert len(records) == max(len(expected), 1)
    for record, place in zip(records, expected, strict=False):
        prompt, response = record.values
        before = [Message(turn["role"], turn["content"]) for turn in messages[:place]]
        assert dialogue.read(prompt) == Dialogue(before)
        said = messages[place]["content"]
        assert response == (dialogue.response(said) if said.strip() else None)


@given(st.lists(st.dictionaries(TEXT, TEXT, max_size=3), max_size=4), st.sampled_from([None, 1]), st.integers(1, 9))
def test_an_array_in_pieces(rows, indent, chunk):
    data = json.dumps(rows, indent=indent, ensure_ascii=False).encode()
    assert json_array.begins(data, "utf-8")
    before, json_array.CHUNK = json_array.CHUNK, chunk
    try:
        found = [line.values for line in json_array.objects(io.BufferedReader(io.BytesIO(data)), "f", "utf-8")]
    finally:
        json_array.CHUNK = before
    assert found == rows


def test_a_key_that_stands_twice_in_an_item():
    stream = io.BufferedReader(io.BytesIO(b'[{"a": 1, "a": 2}, {"a": 3}, 4]'))
    found = list(json_array.objects(stream, "f", "utf-8"))
    assert [line.values for line in found] == [None, {"a": 3}, None]
    assert found[0].problem == 'not valid JSON: key "a" stands twice in an object'


def test_the_prompt_of_a_conversation_is_what_stands_before_its_last_answer():
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    asked = chat.prompt({"messages": turns}, "x")
    assert asked == chat.prompt({"messages": [*turns, {"role": "assistant", "content": "d"}], "id": 3}, "x")
    assert chat.prompt({"instruction": "a", "input": "", "output": "b"}, "x") == "a"
    assert [chat.is_chat(names) for names in (["messages"], ["instruction", "output"], ["text"], ["id", "body"])] == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(UserError, match="x: the turns are empty"):
        chat.prompt({"messages": []}, "x")
