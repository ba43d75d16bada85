"""Spans read piece by piece or word by word: what it costs that the pieces of one word may disagree.

python -m bench.pieces --corpus FOLDER --base models/base --out bench/results/pieces.json

FOLDER holds files of words and tags (`bench.spans.read`): models are judged on the first, and learn from the others. A
tokenizer makes several pieces of a rare word, and each has a tag of its own. Entity F1 of one model's probabilities, by

- the strategies of transformers' pipeline, by any of which `evaluate` can count: `simple`, each piece by itself; and a
  word has the tag of its first piece (`first`), of its pieces' mean (`average`) or of its surest piece (`max`),
- `words`: a word's type by its pieces' mean, and whether it begins a span by its first (`decoding.of_words`),
- `by_dev`: the strategy of the pipeline that is best on other sentences of the first file.

`disagree` is the share of words of several pieces whose pieces have not all the same type. A way to learn is a loss:

- `pieces`: that of the stage finetune, the mean cross-entropy over pieces,
- `agree`: to that of `pieces` comes the Jensen-Shannon divergence of the types that a word's pieces have.

`seconds` are those that a processor computed while the model learnt. What is done stands in `--out`, also where the
bench was stopped, and `--go-on` takes it from there.
"""

import argparse
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from bench import peers, spans
from winnow.base import files
from winnow.encoder.compute import Compute, quiet, start
from winnow.encoder.reader import Reader
from winnow.kinds.token_classification import decoding, labels, metrics, model
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.kinds.token_classification.layout import Layout
from winnow.kinds.token_classification.windows import Windows
from winnow.training import finetuning
from winnow.training.finetuning import Recipe

if TYPE_CHECKING:
    import torch

    from winnow.training import loop

SIZES, SEEDS, HELD_OUT = (200, 1000, 3000), (1, 2, 3), 1000
WAYS = ("pieces", "agree")
READINGS = (*labels.STRATEGIES, "words")
MEASURED = (*READINGS, "by_dev", "disagree", "seconds")
MAX_LENGTH, PREDICTED_TOKENS = 128, 4096
FEW = 500  # sentences; below, steps are small
COMPARED = 1000  # sentences up to which other ways to learn are tried
AGREEMENT = 8.0  # what the divergence weighs beside the cross-entropy
COMMAND = "make bench-pieces CORPUS=FOLDER"
PACKAGES = ("torch", "transformers")


def recipe(size: int) -> Recipe:
    """Return a recipe for so many sentences, near the default's."""
    return Recipe(epochs=2, reads=1600, batch_tokens=256 if size < FEW else 512)


@dataclass(frozen=True)
class Read:
    """Sentences as a model reads them.

    Attributes:
        word: (tokens,) int64, the word of each piece; -1 of special tokens, and of pieces that stand in no word.
    """

    texts: list[str]
    labels: list[str]
    windows: Windows
    layout: Layout
    word: np.ndarray

    @classmethod
    def of(cls, corpus: spans.Corpus, reader: Reader) -> "Read":
        """Read a corpus."""
        windows = model.windows.cut(corpus.texts, [str(row) for row in range(len(corpus.texts))], reader)
        layout = Layout.of(corpus.texts)
        token, word = layout.pieces(windows)
        own = np.full(len(windows.is_piece), -1, dtype=np.int64)
        own[token[::-1]] = word[::-1]  # of a piece in several words, the first
        return cls(corpus.texts, corpus.labels.tolist(), windows, layout, own)


def losses(way: str, task: Task, read: Read, of: Recipe, reader: Reader) -> "loop.LossOf":
    """Return the loss of a way to learn."""
    truth, weights = model.targets(task, read.labels, read.windows), np.ones(len(read.texts))
    if way == "pieces":
        return model.tag_losses(read.windows, truth, weights, of, reader)
    import torch

    def loss_of(trained: torch.nn.Module, batch: "loop.Batch") -> "tuple[torch.Tensor, torch.Tensor]":
        texts = read.windows
        ids, mask = reader.pad([texts.tokens[window] for window in batch.rows])
        target, word = np.full(ids.shape, model.IGNORED), np.full(ids.shape, -1)
        for place, window in enumerate(batch.rows):
            own = slice(texts.bounds[window], texts.bounds[window + 1])
            target[place, : own.stop - own.start] = truth[own]
            word[place, : own.stop - own.start] = read.word[own]
        counts = (target.ravel() != model.IGNORED) & (word.ravel() >= 0)
        _, number, pieces = np.unique(word.ravel()[counts], return_inverse=True, return_counts=True)
        logits = trained(input_ids=ids, attention_mask=mask).logits.float().flatten(0, 1)[torch.from_numpy(counts)]
        wanted, number = torch.from_numpy(target.ravel()[counts]), torch.from_numpy(number)
        each = torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
        apart = divergence(torch.softmax(logits, dim=-1), number, torch.from_numpy(pieces))
        return each.mean() + AGREEMENT * apart / len(each), torch.tensor(float(len(each)))

    return loss_of


def divergence(chances: "torch.Tensor", number: "torch.Tensor", pieces: "torch.Tensor") -> "torch.Tensor":
    """Return the Jensen-Shannon divergence of the types of a word's pieces, times these, summed over words, a scalar.

    Args:
        chances: (pieces, tags) float.
        number: (pieces,) int, each piece's word.
        pieces: (words,) int, how many each word has.
    """
    import torch

    types = torch.cat([chances[:, :1], chances[:, 1::2] + chances[:, 2::2]], dim=1).clamp_min(1e-9)
    mean = torch.zeros(len(pieces), types.shape[1]).index_add(0, number, types) / pieces[:, None]
    return (types * (types.log() - mean.log()[number])).sum()


def decoded(task: Task, read: Read, chances: np.ndarray) -> dict[str, list[str]]:
    """Return the labels of the texts by each of `READINGS`."""
    found = {}
    for name in labels.STRATEGIES:
        told = decoding.spans(task, read.windows, chances, read.texts, name)
        found[name] = [canonical(span for span, _ in own) for own in told]
    by_words = decoding.of_words(read.windows, chances, read.layout).argmax(axis=1)
    return found | {"words": read.layout.labels(task, by_words).tolist()}


def disagreement(read: Read, chances: np.ndarray) -> float:
    """Return the share of words of several pieces whose pieces have not all the same type."""
    inside = read.word >= 0
    kinds, number = (chances[inside].argmax(axis=1) + 1) // 2, read.word[inside]
    several = np.bincount(number, minlength=len(read.layout.offsets)) > 1
    highest, lowest = np.zeros(len(several), int), np.full(len(several), chances.shape[1])
    np.maximum.at(highest, number, kinds)
    np.minimum.at(lowest, number, kinds)
    return float((highest != lowest)[several].mean())


def measure(way: str, seed: int, learnt: spans.Corpus, held_out: Sequence[spans.Corpus], base: Path) -> dict:
    """Return the entity F1 of each reading, of a model that learns by a way and a seed.

    Args:
        held_out: sentences of dev, and those to judge by.
    """
    task = Task(kind="token_classification", labels=names(learnt))
    of, accelerator = recipe(len(learnt.texts)), start(Compute(threads=1, device="cpu", precision="fp32"), seed)
    reader = Reader.of(base, MAX_LENGTH, of.batch_tokens, accelerator)
    began = time.process_time()
    read = Read.of(learnt, reader)
    trained = finetuning.prepare(model.build(task, base), of)
    run = finetuning.Run(of, reader, seed)
    curve = finetuning.train(trained, read.windows, losses(way, task, read, of, reader), run)
    seconds = time.process_time() - began
    asked = Reader.of(base, MAX_LENGTH, PREDICTED_TOKENS, accelerator)
    dev, judged = (Read.of(corpus, asked) for corpus in held_out)
    of_dev, chances = (model.probabilities(trained.eval(), own.windows, asked) for own in (dev, judged))
    on_dev, found = scores(task, dev, of_dev), scores(task, judged, chances)
    chosen = max(labels.STRATEGIES, key=on_dev.__getitem__)
    found |= {"by_dev": found[chosen], "chosen": chosen}
    return found | {"seconds": seconds, "steps": len(curve), "disagree": disagreement(judged, chances)}


def scores(task: Task, read: Read, chances: np.ndarray) -> dict[str, float]:
    """Return the entity F1 of each of `READINGS`."""
    found = {}
    for name, said in decoded(task, read, chances).items():
        table = pa.table({"label": read.labels, "predicted": said})
        counts = metrics.counts(task, table, np.zeros(len(said), int), 1)
        found[name] = float(metrics.values(counts)["entity_f1"][0])
    return found


def names(corpus: spans.Corpus) -> list[str]:
    """Return the types of a corpus."""
    return sorted({name for label in corpus.labels for _, _, name in labels.spans(label)})


def entries(runs: dict[tuple[str, int], dict[int, dict]], held_out: int, common: dict) -> list[dict]:
    """Return the entries of the results, one a way and a number of sentences, from what was measured by seed.

    `won` is what `average` adds to `simple`; `gain_…` is what a way adds by each of them to the first way, and `time`
    how many times as long it learns.
    """
    made = []
    for (way, size), found in runs.items():
        facts = {"way": way, "sentences": size, "judged": held_out, "seeds": len(found)}
        facts |= {name: float(np.mean([run[name] for run in found.values()])) for name in MEASURED}
        facts["won"] = [run["average"] - run["simple"] for run in found.values()]
        usual = runs.get((WAYS[0], size), {})
        if way != WAYS[0] and found.keys() <= usual.keys():
            for name in ("simple", "average"):
                facts[f"gain_{name}"] = [run[name] - usual[seed][name] for seed, run in found.items()]
            facts["time"] = facts["seconds"] / float(np.mean([usual[seed]["seconds"] for seed in found]))
        made.append(facts | {"runs": [{"seed": seed} | run for seed, run in found.items()]} | common)
    return made


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("corpus", "base", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="sentences to learn from")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--compared", type=int, default=COMPARED, help="sentences up to which all ways are tried")
    parser.add_argument("--held-out", type=int, default=HELD_OUT, help="sentences to judge by")
    parser.add_argument("--go-on", action="store_true", help="do not measure again what stands in --out")
    args = parser.parse_args(argv)
    quiet()
    usual = {"out": "bench/results/pieces.json", "sizes": SIZES, "seeds": SEEDS, "ways": WAYS, "held_out": HELD_OUT}
    usual |= {"compared": COMPARED}
    common = {"command": peers.command(COMMAND, args, usual)}
    common |= {"device": peers.device(), "versions": peers.versions(PACKAGES)}
    both = spans.read(args.corpus, True, 2 * args.held_out)
    half = len(both.texts) // 2
    judged, dev = (
        spans.Corpus(both.texts[own], both.labels[own], both.groups[own]) for own in (slice(half), slice(half, None))
    )
    runs: dict[tuple[str, int], dict[int, dict]] = {}
    if args.go_on:
        for entry in json.loads(files.read_text(args.out)):
            kept = {run.pop("seed"): run for run in entry["runs"]}
            runs[entry["way"], entry["sentences"]] = {seed: run for seed, run in kept.items() if seed in args.seeds}
    plan = [
        (seed, size, way)
        for way, size, seed in itertools.product(args.ways, args.sizes, args.seeds)
        if (way == WAYS[0] or size <= args.compared) and seed not in runs.get((way, size), {})
    ]
    for seed, size, way in plan:
        found = measure(way, seed, spans.read(args.corpus, False, size), (dev, judged), args.base)
        runs.setdefault((way, size), {})[seed] = found
        told = ", ".join(f"{name} {found[name]:.4f}" for name in (*READINGS, "disagree"))
        told += f", {found['chosen']} on dev, {found['seconds']:.0f} s"
        print(f"{way}, {size} sentences, seed {seed}: {told}", flush=True)
        files.write_json(args.out, entries(runs, len(judged.texts), common))  # what is done is kept


if __name__ == "__main__":
    main()
