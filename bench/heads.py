"""Which head a classifier should have: the mean of the tokens' logits, or one that the family's own class loads.

python -m bench.heads --rows data/labelled.parquet --deduplicated data/deduplicated.parquet
    --split data/split.parquet --base models/base --adapted models/adapted --cache .dvc/tmp/bench/recipes
    --out bench/results/heads.json

`mean` is Winnow's head. `first token` is `AutoModelForSequenceClassification`, which `pipeline("text-classification")`
loads by itself: of BERT a linear layer on tanh(W h + b), h the last state of the first token; it begins with W = 1 and
b = 0. Both encoders, 300 labels, the recipe of params.yaml, each seed with the same rows for both heads; the cache is
that of bench.recipes. `macro_f1` and `log_loss` are means over seeds on dev; `difference` and `log_loss_difference` are
the means of the differences from `mean`, each with half of its 95 % interval (Student's t). Test rows are not read.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np

from bench import approaches as arms
from bench import intervals, peers
from bench.recipes import PACKAGES, scores
from bench.runs import Data, Wanted, run
from winnow.base import files, params
from winnow.encoder import models
from winnow.kinds.classification import head

MEAN, FIRST = "mean", "first token"
ARMS, SEEDS, BUDGET = ("transfer", "dapt"), (1, 2, 3, 4, 5), "300"
COMMAND = "make bench-heads"


@contextmanager
def first_token() -> Iterator[None]:
    """Let classifiers be of the family's own class until the block ends."""
    import torch
    from transformers import AutoModelForSequenceClassification

    def build(folder: Path, labels: list[str]):
        model = models.load_model(AutoModelForSequenceClassification, folder, num_labels=len(labels))
        dense = model.base_model.pooler.dense
        with torch.no_grad():
            dense.weight.copy_(torch.eye(dense.in_features))
            dense.bias.zero_()
        return model

    def logits(model, ids, mask, own=None):
        return model(input_ids=ids, attention_mask=mask).logits

    with patch.object(head, "build", build), patch.object(head, "logits", logits):
        yield


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "deduplicated", "split", "base", "adapted", "cache", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--budget", default=BUDGET, help="labels in all")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="parameters to change")
    args = parser.parse_args(argv)
    sections = arms.changed(params.read(), args.set)
    data = Data.read(args, sections, "dev")
    usual = {"budget": BUDGET, "seeds": SEEDS, "set": []}
    common = {"device": peers.device(), "command": peers.command(COMMAND, args, usual)}
    common |= {"versions": peers.versions(PACKAGES), "budget": args.budget}
    found: dict[tuple[str, str], dict[int, tuple[float, float]]] = {}
    for seed in args.seeds:
        for arm in ARMS:
            for name in (MEAN, FIRST):
                with nullcontext() if name == MEAN else first_token():
                    cache = args.cache if name == MEAN else args.cache / "first_token"
                    done = run(Wanted(arm, args.budget, seed, sections), data, cache)
                found.setdefault((arm, name), {})[seed] = scores(done, data)
                print(f"{arm}, {name}, seed {seed}: {found[arm, name][seed]}", flush=True)
    files.write_json(args.out, [entry | common for entry in entries(found)])


def entries(found: dict[tuple[str, str], dict[int, tuple[float, float]]]) -> list[dict]:
    """Return what stands in the results file, from (macro-F1, log loss) by arm and head, and by seed."""
    made = []
    for (arm, name), by_seed in found.items():
        macro_f1, log_loss = np.mean(list(by_seed.values()), axis=0).tolist()
        facts = {"arm": arm, "head": name, "seeds": len(by_seed), "macro_f1": macro_f1, "log_loss": log_loss}
        pairs = [np.subtract(score, found[arm, MEAN][seed]).tolist() for seed, score in by_seed.items()]
        for place, what in enumerate(("difference", "log_loss_difference")):
            facts[what] = None if name == MEAN else intervals.mean([pair[place] for pair in pairs])
        facts["higher_log_loss"] = sum(pair[1] > 0 for pair in pairs)
        made.append(facts)
    return made


if __name__ == "__main__":
    main()
