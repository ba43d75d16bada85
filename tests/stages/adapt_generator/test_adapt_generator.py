"""adapt_generator: the language model learns the domain's words, remembers what is replayed, and repeats its bytes."""

import json

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import load_file

from stages.adapt_generator import __main__ as adapt_generator
from stages.adapt_generator.passages import Passages
from tests import chat_templates, tiny_generator
from tests.conftest import make_rows
from tests.killing import content
from tests.stages.test_distributed import together
from winnow.base.errors import UserError
from winnow.generator.template import NONE, Template
from winnow.rows import tables

SMALL = {"tokens": 20_000, "max_length": 64, "batch_tokens": 512, "learning_rate": 0.01}


@pytest.fixture
def run(workspace, monkeypatch):
    """Return a function that runs the stage on 40 documents of two sources, and returns the folder."""
    monkeypatch.setenv("WINNOW_CHECKPOINT_SECONDS", "none")

    def run(name: str = "out", **changes: object):
        compute = {"threads": 1, "device": "cpu", "precision": "fp32"}
        folder = workspace(compute=compute, adapt_generator=SMALL | changes)
        if not (folder / "base").exists():
            tiny_generator.write(folder / "base")
        texts = [("club", f"The kettle of number {n} is copper, the lantern amber.") for n in range(20)]
        texts += [("web", f"Emma and Persuasion are due on day {n}, none is late.") for n in range(20)]
        rows = [{"source": source, "text": text, "purpose": "text"} for source, text in texts]
        rows.append({"source": "task", "text": "A prompt that is not read.", "label": "x", "purpose": "task"})
        table = make_rows(rows)
        tables.write(table, folder / "rows.parquet")
        split = pa.table(
            {"id": table["id"], "group": table["group"], "split": ["train"] * 38 + ["test"] * 2 + ["train"]}
        )
        tables.write(split, folder / "split.parquet")
        adapt_generator.main(arguments(name))
        return folder

    return run


def arguments(name: str) -> list[str]:
    paths = f"--rows rows.parquet --split split.parquet --base base --out {name} --checkpoints checkpoints"
    return [*paths.split(), "--curve", f"{name}.csv", "--metrics", f"{name}.json"]


def test_the_loss_on_held_out_text_falls_and_a_second_run_gives_the_same_bytes(run):
    folder = run()
    metrics = json.loads((folder / "out.json").read_text("utf-8"))
    loss = metrics["held_out_loss"]["domain"]
    assert loss["after"] < loss["before"] - 1
    assert metrics["documents"] == 38
    assert metrics["tokens"] >= 20_000
    run("again")
    assert content(folder / "again") == {
        path.replace("out", "again"): data for path, data in content(folder / "out").items()
    }
    assert Template.of(folder / "out").prompt("Which?")


def test_replayed_text_is_read_by_its_share(run):
    folder = run(replay=["web"], replay_share=0.25)
    metrics = json.loads((folder / "out.json").read_text("utf-8"))
    assert (metrics["documents"], metrics["replayed_documents"]) == (20, 18)
    without = run("without", sources=["club"], replay=[])
    alone = json.loads((without / "without.json").read_text("utf-8"))
    assert set(alone["held_out_loss"]) == {"domain"}
    assert metrics["held_out_loss"]["replay"]["after"] < metrics["held_out_loss"]["replay"]["before"] - 1


def test_no_tokens_leave_a_folder_that_says_so(run):
    folder = run(tokens=0)
    assert [path.name for path in (folder / "out").iterdir()] == [NONE]
    assert (folder / "out.csv").read_text("utf-8") == "tokens,loss,learning_rate\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": ["clubs"]}, r"adapt_generator\.sources: no row is of 'clubs'; sources: club, task, web"),
        ({"sources": ["task"]}, "adapt_generator: no document to read"),
        ({"max_length": 4096}, r"adapt_generator\.max_length: 4096 tokens"),
        ({"frozen_layers": 2}, r"adapt_generator\.frozen_layers: 2, but the encoder in base has 2 layers"),
    ],
)
def test_mistakes_are_told(run, changes, message):
    with pytest.raises(UserError, match=message):
        run(**changes)


def test_passages_hold_every_token_of_a_document_and_its_end():
    tokenizer = chat_templates.tokenizer(None)
    text = "Which books are due today? </s> none"
    passages = Passages.of([("a", text), ("b", "")], tokenizer, 8)
    assert max(len(row.ids) for row in passages.rows) == 8
    ids = [*passages.rows[0].ids[:1], *(token for row in passages.rows for token in row.response)]
    assert ids == [*tokenizer.encode(text, split_special_tokens=True), tokenizer.eos_token_id]
    assert passages.names[:2] == ["a:0", "a:1"]
    assert all(row.start == 1 for row in passages.rows)


@pytest.mark.parametrize("frozen_layers", [0, 1])
def test_two_processes_learn_what_one_does_also_with_weights_in_pieces(run, frozen_layers):
    folder = run("one", tokens=4000, learning_rate=0.003, frozen_layers=frozen_layers)
    expected = load_file(folder / "one/model.safetensors")
    for name, fsdp in (("two", False), ("pieces", True)):
        assert together(adapt_generator.main, arguments(name), fsdp=fsdp) == [0, 0]
        for key, weight in load_file(folder / name / "model.safetensors").items():
            np.testing.assert_allclose(weight, expected[key], atol=2e-3, err_msg=key)
        told, wanted = (json.loads((folder / f"{each}.json").read_text("utf-8")) for each in (name, "one"))
        assert told["held_out_loss"]["domain"]["after"] == pytest.approx(
            wanted["held_out_loss"]["domain"]["after"], rel=1e-3
        )
        assert told["computed_on"]["processes"] == "2"
