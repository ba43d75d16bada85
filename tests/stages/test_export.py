"""export: the graph answers as torch does, of any length and number of texts, and predict asks it."""

import csv
import io
import json
import re
from contextlib import redirect_stdout

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.stages.finetune.test_finetune import train
from winnow import kinds
from winnow.base.errors import UserError
from winnow.commands import cli, graphs, trained

MODEL = "classifier/transfer-base-1"

pytest.importorskip("onnxruntime")


@pytest.fixture
def model(encoder_params, encoder_folder, labelled):
    folder = encoder_params()
    train(folder, encoder_folder, labelled, "transfer-base-1")
    return folder


def run(*arguments: str) -> None:
    parsed = cli.parser().parse_args([*arguments])
    parsed.execute(parsed)


def test_a_graph_answers_as_its_model(model, labelled, capsys):
    import torch

    (model / MODEL / "hf_token.txt").write_text("s3cret")
    run("export", "graph", "--model", MODEL)
    assert not (model / "graph/hf_token.txt").exists()
    assert "differ from torch's by" in capsys.readouterr().out
    assert {path.name for path in (model / "graph").iterdir()} >= {
        "model.onnx", "tokenizer.json", "task.json", "cleaning.json", "reader.json",
    }  # fmt: skip
    assert not list((model / "graph").glob("*.safetensors"))

    task = kinds.read_task()
    graph = kinds.load(task, "graph").module(task, model / MODEL)
    asked = graphs.opened(model / "graph/model.onnx", threads=1)
    rng = np.random.default_rng(0)
    for rows in (1, 2, 5, 33):
        for tokens in (1, 2, 3, 16, 100):
            ids = rng.integers(0, 20, (rows, tokens))
            mask = (np.arange(tokens) < rng.integers(1, tokens + 1, (rows, 1))).astype(np.int64)
            with torch.inference_mode():
                told = graph(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
            assert np.abs(told - asked(ids, mask)).max() < 1e-4

    texts = labelled["text"].to_pylist()
    with (model / "new.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    found = []
    for folder in (MODEL, "graph"):
        run("predict", "new.csv", "out.csv", "--model", folder)
        with (model / "out.csv").open(encoding="utf-8", newline="") as file:
            found.append(list(csv.DictReader(file)))
    assert [row["predicted"] for row in found[0]] == [row["predicted"] for row in found[1]]
    for first, second in zip(*found, strict=True):
        assert float(first["probability"]) == pytest.approx(float(second["probability"]), abs=1e-4)
    # What the manual tells other programs to do.
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs/use-the-result.md").read_text(encoding="utf-8"), re.DOTALL)[
        1
    ]
    spoken = io.StringIO()
    with redirect_stdout(spoken):
        exec(code.replace('["We enrolled 40 patients.", "Mortality fell."]', repr(texts[:9])), {})
    assert spoken.getvalue().strip() == str([row["predicted"] for row in found[0][:9]])
    with pytest.raises(UserError, match="graph: is there already"):
        run("export", "graph", "--model", MODEL)


def test_what_cannot_be_a_graph_is_named(model, monkeypatch):
    with pytest.raises(UserError, match="one model makes a graph, these are 2"):
        run("export", "graph", "--model", MODEL, "--model", MODEL)
    monkeypatch.setattr(graphs, "TOLERANCE", 0.0)
    with pytest.raises(UserError, match="as ONNX its logits differ"):
        run("export", "graph", "--model", MODEL)
    assert not (model / "graph").exists()
    (model / MODEL / "examples.json").write_text("{}")
    with pytest.raises(UserError, match="reads labelled examples beside the text"):
        run("export", "graph", "--model", MODEL)
    (model / "broken").mkdir()
    (model / "broken/model.onnx").write_bytes(b"no graph")
    for name in ("task.json", "cleaning.json", "reader.json"):
        (model / "broken" / name).write_bytes((model / MODEL / name).read_bytes())
    with pytest.raises(UserError, match=r"model\.onnx: no graph that onnxruntime can run"):
        trained.load([model / "broken"])


def test_without_the_extra_it_says_what_to_install(model, monkeypatch):
    import sys

    for name in ("onnxruntime", "onnxscript"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=r"pip install '\.\[onnx\]'"):
        run("export", "graph", "--model", MODEL)
    with pytest.raises(UserError, match=r"pip install '\.\[onnx\]'"):
        graphs.opened(model / "graph/model.onnx", threads=1)
    assert json.loads((model / MODEL / "task.json").read_text())["kind"] == "classification"
