"""The bench of pieces that disagree: what each strategy makes of a word, what each loss counts, all from end to end."""

import json

import numpy as np
import pytest
import torch

from bench import pieces as bench
from bench import spans
from tests import tiny_encoder
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.training.finetuning import Recipe

PARTS = ("al", "##zol", "be", "##zol", "the", "patient", "took", "bad", "flu", "##s")
SENTENCES = (
    "the\tO\nalzol\tB-drug\nbad\tB-ill\nflus\tI-ill\n",
    "patient\tO\ntook\tO\nbezol\tB-drug\n",
    "alzol\tB-drug\nbezol\tB-drug\nthe\tO\n",
)
TASK = Task(kind="token_classification", labels=["drug", "ill"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "iob").mkdir()
    for name, times in (("a.tsv", 2), ("b.tsv", 4)):
        (folder / "iob" / name).write_text("\n".join(SENTENCES * times), encoding="utf-8")
    tiny_encoder.write(folder / "base", list(PARTS))
    return folder


@pytest.fixture(scope="module")
def reader(folder):
    accelerator = start(Compute(threads=1, device="cpu", precision="fp32"), 1)
    return Reader.of(folder / "base", 64, 1000, accelerator)


@pytest.fixture(scope="module")
def read(folder, reader):
    return bench.Read.of(spans.read(folder / "iob", True, 1), reader)  # the al ##zol bad flu ##s


def sure(tags: list[int]) -> np.ndarray:
    """Probabilities of pieces between two special tokens."""
    found = np.full((len(tags) + 2, 5), 0.05, np.float32)
    found[np.arange(len(tags)) + 1, tags] = 0.8
    return found


def test_pieces_that_agree_mean_one_thing(read):
    said = bench.decoded(TASK, read, sure([0, 1, 2, 3, 4, 4]))
    assert list(said) == list(bench.READINGS)
    assert set(map(tuple, said.values())) == {(read.labels[0],)}
    assert bench.disagreement(read, sure([0, 1, 2, 3, 4, 4])) == 0


def test_pieces_that_disagree_are_read_by_each_strategy_as_it_is(read):
    chances = sure([0, 1, 0, 3, 4, 4])
    chances[3] = [0.5, 0.0, 0.4, 0.1, 0.0]  # of ##zol: outside is likeliest by itself, a drug with its word
    said = {name: label for name, [label] in bench.decoded(TASK, read, chances).items()}
    assert said["simple"] == canonical([(4, 6, "drug"), (10, 18, "ill")])
    assert said["first"] == said["words"] == read.labels[0]
    assert said["average"] == said["max"] == read.labels[0]
    assert bench.disagreement(read, chances) == 0.5  # of alzol and flus


@pytest.mark.parametrize("way", bench.WAYS)
def test_each_loss_counts_what_it_says(read, reader, way):
    logits = torch.randn(1, 8, 5, generator=torch.Generator().manual_seed(1))

    def model(**inputs):
        return type("Told", (), {"logits": logits})

    truth = torch.tensor([0, 1, 2, 3, 4, 4])
    each = torch.nn.functional.cross_entropy(logits[0, 1:7], truth, reduction="none").tolist()
    chances = torch.softmax(logits[0, 1:7], dim=1)
    types = torch.stack([chances[:, 0], chances[:, 1:3].sum(1), chances[:, 3:].sum(1)], dim=1)
    apart = 0.0
    for first in (1, 4):
        mean = types[first : first + 2].mean(0)
        apart += float((types[first : first + 2] * (types[first : first + 2] / mean).log()).sum())
    wanted = {
        "pieces": np.mean(each),
        "agree": np.mean(each) + bench.AGREEMENT * apart / 6,
    }
    loss, _ = bench.losses(way, TASK, read, Recipe(), reader)(model, type("Batch", (), {"rows": np.array([0])}))
    assert float(loss) == pytest.approx(wanted[way], rel=1e-5)


def test_from_end_to_end(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "recipe", lambda size: Recipe(frozen_layers=0))  # the tiny encoder has two
    out = tmp_path / "pieces.json"
    told = ["--corpus", folder / "iob", "--base", folder / "base", "--out", out, "--sizes", 6, "--seeds", 1, 2]
    bench.main([*map(str, told)])
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [(entry["way"], entry["sentences"], entry["judged"], entry["seeds"]) for entry in found] == [
        ("pieces", 6, 3, 2),
        ("agree", 6, 3, 2),
    ]
    of, other = found
    gains = [run["simple"] - own["simple"] for run, own in zip(other["runs"], of["runs"], strict=True)]
    assert other["gain_simple"] == pytest.approx(gains, abs=1e-5)
    assert of["won"] == pytest.approx([run["average"] - run["simple"] for run in of["runs"]], abs=1e-5)
    assert all(run["by_dev"] == run[run["chosen"]] for run in of["runs"])
    assert all(0 <= entry[name] <= 1 for entry in found for name in bench.READINGS)
    monkeypatch.setattr(bench, "measure", None)
    bench.main([*map(str, told), "--go-on"])
    assert [entry["simple"] for entry in json.loads(out.read_text(encoding="utf-8"))] == [
        entry["simple"] for entry in found
    ]
