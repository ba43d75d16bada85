"""Training and embedding: Winnow against the stock recipes of transformers and sentence-transformers.

python -m bench.train --rows data/labelled.parquet --text data/deduplicated.parquet --base models/base
    --out bench/results/train.json

Tokens a second, padding left out, on one thread, or on a GPU if there is one. Each side runs in a process of its own,
taking turns, `--rounds` times; the best round counts. All start from the same weights (the base with one masked-LM
head, written once) and read the same texts as often; Winnow with params.yaml's settings. The works:

- MLM: one epoch of `--documents` texts. Peers: run_mlm's recipe with the script's settings (blocks of 512 tokens joined
  from all texts, 8 at once, fp32), tuned (blocks of 128, 32 at once, bf16, our learning rate and share of masks), and
  so compiled by torch, which wants a C++ compiler; its time to compile is not counted.
- fine-tuning: two epochs of `--labelled` rows. Peer: run_classification's recipe (padded to the maximum, 8 at once,
  fp32). Winnow's recipe freezes the word table and three layers.
- fine-tuning, steps of 512: tokens, twice the default's, at twice its learning rates.
- fine-tuning, time: the seconds of these two epochs of the peer, and of one of Winnow, if its loss is then the lower.
- fine-tuning, compiled: our layers by torch.compile, which no stage does; `compile_seconds` is not in the figure.
- K-fold scores: as many rows, a model for each of five folds, and the fold's probabilities.
- embedding: `--embedded` texts, tokenizing included. Peers: sentence-transformers' `encode`, and in bf16.

`loss` holds both sides' loss on texts that neither has read, equal code for both: cross-entropy of masked tokens, or of
classes. Where ours is not the lower, speed was bought with quality. `utilization` is ours: floating-point operations of
the matrix products for a token, forward and backward as they ran (torch.utils.flop_counter), times tokens a second,
over what one large product of matrices reaches here in that precision. `profile` names the operators that take our
time, `padding` is its share of our batches.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from bench import peers
from bench.peers import Contender
from winnow.base import params
from winnow.base.files import write_json
from winnow.encoder import masked_lm, models
from winnow.rows import tables

OURS = "Winnow"
PACKAGES = ("torch", "transformers", "accelerate")
FOLDS, EPOCHS, MAX_LENGTH = 5, 2, 128
HELD_OUT = 200  # texts
COMMAND = "make bench-train"
RATE, TIME = "tokens/s", "s"
# By work: our function, the unit, then by peer its function, what it is called with first, and the goals on a CPU and
# on a GPU.
WORKS = {
    "MLM": (
        "winnow_mlm",
        RATE,
        {
            "run_mlm recipe, stock": ("trainer_mlm", ("stock",), (5, 10)),
            "run_mlm recipe, tuned": ("trainer_mlm", ("tuned",), (2, 2.5)),
            "run_mlm recipe, tuned, compiled": ("trainer_mlm", ("compiled",), (2, 2.5)),
        },
    ),
    "fine-tuning": ("winnow_classify", RATE, {"run_classification recipe, stock": ("trainer_classify", (), (5, 6))}),
    "fine-tuning, steps of 512": (
        "winnow_classify_512",
        RATE,
        {"run_classification recipe, stock": ("trainer_classify", (), (5, 6))},
    ),
    "fine-tuning, time": (
        "winnow_classify_once",
        TIME,
        {"run_classification recipe, stock, two epochs": ("trainer_classify", (), (None, None))},
    ),
    "fine-tuning, compiled": (
        "winnow_classify_compiled",
        RATE,
        {"run_classification recipe, stock": ("trainer_classify", (), (None, None))},
    ),
    "K-fold scores": ("winnow_folds", RATE, {"five Trainer runs": ("trainer_folds", (), (5, 6))}),
    "embedding": (
        "winnow_embed",
        RATE,
        {
            "sentence-transformers encode": ("sentence_transformers", ("fp32",), (2, 2)),
            "sentence-transformers encode, bf16": ("sentence_transformers", ("bf16",), (None, None)),
        },
    ),
}


def compared(work: str, file: Path, base: Path, rounds: int, on_gpu: bool) -> list[dict]:
    """Return the entries of one work, one a peer."""
    function, unit, others = WORKS[work]
    embeds = work == "embedding"

    def vectors(name: str) -> Path:
        return file.parent / f"{name}.npy"

    def figure(of: dict) -> float:
        return of["seconds"] if unit == TIME else of["tokens"] / of["seconds"]

    def arguments(name: str) -> tuple[str, ...]:
        return (str(file), str(base), *([str(vectors(name))] if embeds else []))

    contenders = [Contender(OURS, f"train:{function}", arguments(OURS), False, PACKAGES, "neural")]
    for name, (theirs, first, _) in others.items():
        packages = (*PACKAGES, "sentence-transformers") if embeds else PACKAGES
        contenders.append(Contender(name, f"train:{theirs}", (*first, *arguments(name)), True, packages, "neural"))
    best = peers.fastest(contenders, rounds)
    ours = best.pop(OURS)
    entries = []
    for name, theirs in best.items():
        failed = "error" in theirs
        more: dict = {"reason": theirs["error"]} if failed else {}
        if embeds and not failed:
            more["mean_cosine"] = cosine(np.load(vectors(OURS)), np.load(vectors(name)))
        elif not failed:
            more["loss"] = [ours["loss"], theirs["loss"]]
        more |= {"precision": ours["precision"]} | ours["inside"]
        what = f"{work}, {ours['precision']}: {ours['tokens']} tokens"
        their_figure = None if failed else figure(theirs)
        more |= {"goal": others[name][2][on_gpu], "versions": ours["versions"] | theirs.get("versions", {})}
        entries.append(peers.entry(what, name, figure(ours), their_figure, unit, **more))
    return entries


def cosine(one: np.ndarray, two: np.ndarray) -> float:
    """Return the mean cosine of corresponding rows of two arrays, (rows, dimensions)."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
    return float(((one * two).sum(axis=1) / lengths).mean())


def prepare(args: argparse.Namespace, folder: Path) -> dict[str, Path]:
    """Write the texts of each work, and the base with a masked-LM head to `folder`/base; return the files by work."""
    texts = tables.read(args.text, ["id", "text"]).sort_by("id")["text"].to_pylist()
    rows = tables.read(args.rows, ["id", "text", "label"]).sort_by("id")
    rows = rows.filter(pc.is_valid(rows["label"])).slice(0, args.labelled + HELD_OUT)
    labels = sorted(rows["label"].unique().to_pylist())
    truth = [labels.index(label) for label in rows["label"].to_pylist()]
    labelled, cut = rows["text"].to_pylist(), args.labelled
    defaults = params.read(peers.ROOT / "params.yaml")
    classes = {
        "train": labelled[:cut], "truth": truth[:cut], "held_out": labelled[cut:], "held_out_truth": truth[cut:],
        "labels": labels, "max_length": MAX_LENGTH, "epochs": EPOCHS,
        "folds": [number % FOLDS for number in range(cut)],
    }  # fmt: skip
    data = {
        "MLM": {
            "train": texts[HELD_OUT : HELD_OUT + args.documents],
            "held_out": texts[:HELD_OUT],
            "learning_rate": defaults["adapt"]["learning_rate"],
        },
        "fine-tuning": classes,
        "fine-tuning, steps of 512": classes,
        "fine-tuning, time": classes,
        "fine-tuning, compiled": classes,
        "K-fold scores": classes,
        "embedding": {"train": texts[: args.embedded], "max_length": defaults["encoder"]["max_length"]},
    }
    for number, content in enumerate(data.values()):
        (folder / f"{number}.json").write_text(json.dumps(content), encoding="utf-8")
    models.save(masked_lm.load(args.base), args.base, folder / "base")
    return {work: folder / f"{number}.json" for number, work in enumerate(data)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    usual = {"works": list(WORKS), "documents": 300, "labelled": 150, "embedded": 1500, "rounds": 2}
    for name in list(usual)[1:]:
        parser.add_argument(f"--{name}", type=int, default=usual[name])
    args = parser.parse_args()
    peak = Contender(OURS, "train:peak", (), False, ("torch",))
    peaks, entries = [peers.run(peak)], []
    gpu = peaks[0]["gpu"]
    common = {"device": gpu or f"{peers.device()}, one of them used", "command": peers.command(COMMAND, args, usual)}
    with tempfile.TemporaryDirectory() as scratch:
        files = prepare(args, Path(scratch))
        for work in args.works:
            entries += compared(work, files[work], Path(scratch) / "base", args.rounds, bool(gpu))
            peaks.append(peers.run(peak))  # anew, as what else the machine does changes
    best = {kind: max(peak[kind] for peak in peaks) for kind in ("fp32", "bf16")}
    for entry in entries:
        if "flops_per_token" in entry and entry["unit"] == RATE:
            entry["utilization"] = entry["flops_per_token"] * entry["ours"] / best[entry["precision"]] / 1e9
    versions = peaks[0]["versions"]
    entries = [
        peers.entry(f"matrix product, {kind}", None, speed, None, "GFLOP/s", goal=None, versions=versions)
        for kind, speed in best.items()
    ] + entries
    write_json(args.out, [{**entry, **common} for entry in entries])


if __name__ == "__main__":
    main()
