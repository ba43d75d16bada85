"""publish of prompts and responses: rows as chats of one type, and an adapter as a model that stands alone."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests import tiny_generator
from tests.conftest import make_rows
from winnow.commands import cli
from winnow.generator import adapters
from winnow.kinds import save_task
from winnow.kinds.generation import model as kind
from winnow.kinds.generation.labels import Task
from winnow.rows import tables
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

TASK = Task(kind="generation")
RUN = "models/classifier/transfer-generator-1"
CALL = {"name": "due", "arguments": {"member": 7}, "id": "c1"}
TOOLS = dialogue.compact([{"type": "function", "function": {"name": "due", "parameters": {}}}])
PROMPTS = [
    Dialogue([Message("system", "Be brief."), Message("user", "Qué día 🐈?")]),
    Dialogue([Message("user", "When is it due?")], TOOLS),
    Dialogue([Message("user", "a"), Message("assistant", "b"), Message("user", "c")]),
    Dialogue([Message("user", "When?")]),
]
RESPONSES = [
    dialogue.response("Lunes."),
    dialogue.response("Let me see.", dialogue.compact([CALL])),
    dialogue.response("d\ne"),
    "Soon.\n<|calls|>\n[{",  # no JSON
]


@pytest.fixture
def project(workspace, default_params):
    report = default_params["report"] | {"title": "Chats", "description": "Of all sorts."}
    models = {"fetch_model": {"kind": "hub", "id": "owner/encoder", "licence": "MIT"}}
    models["generator"] = {"kind": "hub", "id": "owner/speaker", "licence": "Apache-2.0"}
    folder = workspace(task=TASK.model_dump(), report=report, **models)
    rows = [
        {"text": dialogue.written(prompt), "label": label, "split": split, "licence": "CC-BY-4.0"}
        for prompt, label, split in zip(PROMPTS, RESPONSES, ("train", "train", "dev", "test"), strict=True)
    ]
    tables.write(make_rows(rows), folder / "data/labelled.parquet")
    base, run = folder / "models/generator", folder / RUN
    tiny_generator.write(base)
    tiny_generator.write(run)
    (run / "model.safetensors").unlink()
    torch.manual_seed(1)
    model = adapters.attached(AutoModelForCausalLM.from_pretrained(base), adapters.LoRA(rank=2, alpha=4), 1, 0.0)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                weights.normal_()
    model.save_pretrained(run)
    adapters.settle(run, base)
    kind.Reading(64, 8).save(run, base)
    save_task(TASK, run)
    for name in ("DATASHEET", "MODEL_CARD"):
        page = folder / "reports" / f"{name}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(f"# {name}\n\nintro\n\n## Uses\n\nx\n")
    (folder / "reports/metrics").mkdir()
    (folder / "reports/metrics/represent.json").write_text("{}")
    parsed = cli.parser().parse_args(["publish", "out", "--model", RUN])
    parsed.execute(parsed)
    return folder


def test_load_dataset_reads_the_conversations(project, tmp_path_factory, monkeypatch):
    import datasets

    datasets.disable_progress_bars()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = datasets.load_dataset(str(project / "out/dataset"), cache_dir=str(tmp_path_factory.mktemp("cache")))
    by_text = {row["text"]: row for rows in found.values() for row in rows}
    first, second, third, broken = (by_text[dialogue.written(prompt)] for prompt in PROMPTS)
    assert [(turn["role"], turn["content"]) for turn in first["messages"]] == [
        ("system", "Be brief."),
        ("user", "Qué día 🐈?"),
        ("assistant", "Lunes."),
    ]
    assert [turn["role"] for turn in third["messages"]] == ["user", "assistant", "user", "assistant"]
    [call] = second["messages"][-1]["tool_calls"]
    assert (call["id"], call["type"], call["function"]["name"]) == ("c1", "function", "due")
    assert json.loads(call["function"]["arguments"]) == {"member": 7}
    assert json.loads(second["tools"]) == json.loads(TOOLS)
    assert first["tools"] is None
    assert broken["messages"][-1]["content"] == "Soon.\n[{"
    card = (project / "out/dataset/README.md").read_text(encoding="utf-8")
    assert "| messages | the conversation, prompt and response, as OpenAI and trl have it |" in card
    assert "text-generation" in card
    assert "label_names" not in card  # bands of length are no labels


def test_an_adapter_goes_out_as_a_model_that_stands_alone(project):
    made, ids = project / "out/model", torch.arange(5, 15)[None]
    wanted = kind.load(TASK, project / RUN).eval()(ids).logits
    (project / "models/generator").rename(project / "gone")
    got = AutoModelForCausalLM.from_pretrained(made).eval()(ids).logits
    torch.testing.assert_close(got, wanted)
    assert not {"adapter_config.json", "adapter_model.safetensors"} & {path.name for path in made.iterdir()}
    assert kind.load(TASK, made) is not None
    assert kind.reading_of(made) == (kind.Reading(64, 8), None)
    messages = [{"role": "user", "content": "a"}]
    asked = [
        AutoTokenizer.from_pretrained(each).apply_chat_template(messages, tokenize=False) for each in (made, "gone")
    ]
    assert asked[0] == asked[1]
    card = (made / "README.md").read_text(encoding="utf-8")
    assert "license: apache-2.0" in card
    assert "base_model: owner/speaker" in card
    assert 'pipeline("text-generation"' in card
