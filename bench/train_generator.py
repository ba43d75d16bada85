"""Language models: learning responses and scoring them, by Winnow, by TRL, by lm-eval and by a plain loop of PyTorch.

python -m bench.train_generator --generator models/generator --out bench/results/train_generator.json

Pairs of bench/pairs.py (the first words of an abstract, its title) as token ids of the model's own chat template, the
same for every side; the loss is the mean over the responses' tokens. An adapter of rank 8 in all linear layers learns
with AdamW; batches have about as many tokens. The works:

- LoRA, all layers: one epoch. Peers: TRL's SFTTrainer in its stock recipe (8 rows in random order, checkpoints of
  activations) and tuned to a CPU (no checkpoints, rows of like length together), so with attention by separate
  products, and with the rows of a batch in one sequence (padding-free) in the place of like lengths; a plain loop; ours
  with the rows of a batch in one sequence (packed).
- LoRA, upper layers: two epochs of an adapter above `--frozen` layers, which for TRL is `layers_to_transform`. Beside
  it, ours without the memory of what the frozen layers make.
- scoring: what each token of the responses costs, forward passes alone. Peer: lm-eval's HFLM, rows one by one and 16 at
  once. (Its automatic batching first reads 64 rows as long as the longest, five times.)

All in fp32, or in bf16 by autocast where the processor has it natively. Each side runs in a process of its own on one
thread, the sides take turns in `--rounds` rounds. Figures are tokens a processor second, padding left out, medians over
rounds; `ratio` is the median of the rounds' ratios, `rounds` has them all, `wall` those of seconds by the clock. Other
programs on the machine slow what runs at the same time, and so all sides of a round about alike.

`start_loss` is each side's own loss of the rows before it learns; the bench stops if a peer's differs from ours by more
than 2 %. `loss` is that of responses which nobody has read, afterwards, by equal code.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import pairs, peers
from bench.headings import DOWNLOADS
from bench.peers import Contender
from winnow.base.files import write_json
from winnow.encoder import batching
from winnow.generator.template import Template

OURS = "Winnow"
COMMAND = "make bench-train-generator"
PACKAGES = ("torch", "transformers", "peft")
UNIT = "tokens/processor s"
MAX_LENGTH, BATCH_TOKENS, BATCH_ROWS = 512, 1024, 8
TOLERANCE = 0.02  # of losses in bf16, which is rounded to a 256th
ALL, UPPER, SCORING = "LoRA, all layers", "LoRA, upper layers, two epochs", "scoring"
STOCK, TUNED = "TRL SFTTrainer, stock", "TRL SFTTrainer, tuned"
# By work: our function with what it is called with first; by peer the same, whether it is another tool, and the goal.
WORKS: dict[str, tuple] = {
    ALL: (
        ("winnow", ("stage",)),
        {
            STOCK: ("trl", ("stock",), True, 3),
            TUNED: ("trl", ("tuned",), True, 1.5),
            f"{TUNED}, eager attention": ("trl", ("eager",), True, 1.5),
            f"{TUNED}, padding-free": ("trl", ("padding_free",), True, 1.5),
            "plain loop": ("plain", (), True, None),
            "Winnow, packed": ("winnow", ("packed",), False, None),
        },
    ),
    UPPER: (
        ("winnow", ("stage",)),
        {
            STOCK: ("trl", ("stock",), True, 3),
            TUNED: ("trl", ("tuned",), True, 1.5),
            "Winnow, nothing remembered": ("winnow", ("uncached",), False, None),
        },
    ),
    SCORING: (
        ("winnow_score", ()),
        {
            "lm-eval HFLM, one by one": ("lm_eval", (1,), True, 2),
            "lm-eval HFLM, 16 at once": ("lm_eval", (16,), True, 2),
        },
    ),
}


def compared(work: str, file: Path, generator: Path, rounds: int) -> list[dict]:
    """Return the entries of one work, one a peer.

    Raises:
        SystemExit: a peer's loss is another than ours.
    """
    (function, first), others = WORKS[work]
    paths = (str(file), str(generator))
    contenders = [Contender(OURS, f"train_generator:{function}", (*first, *paths), False, PACKAGES)]
    for name, (theirs, given, is_peer, _) in others.items():
        packages = (*PACKAGES, *(["trl"] if theirs == "trl" else ["lm_eval"] if theirs == "lm_eval" else []))
        where = f"train_generator:{theirs}"
        contenders.append(Contender(name, where, (*given, *paths), is_peer, packages, "generator"))
    found: dict[str, list[dict]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            if not any("error" in each for each in found[contender.name]):
                found[contender.name].append(peers.run(contender))
    return [entry(work, name, found[OURS], found[name], others[name][3]) for name in others]


def entry(work: str, name: str, ours: list[dict], theirs: list[dict], goal: float | None) -> dict:
    """Return the entry of a peer from what each round measured of both sides.

    Raises:
        SystemExit: its loss is another than ours.
    """

    def rates(of: list[dict], clock: str = "processor") -> list[float]:
        return [each["tokens"] / each[clock] for each in of]

    what = f"{work}, {ours[0]['precision']}"
    own = statistics.median(rates(ours))
    failed = next((each["error"] for each in theirs if "error" in each), None)
    if failed:
        return peers.entry(what, name, own, None, UNIT, goal=goal, reason=failed, versions=ours[0]["versions"])
    before = [ours[0]["start_loss"], theirs[0]["start_loss"]]
    if abs(before[0] - before[1]) > TOLERANCE * before[0]:
        raise SystemExit(f"{what}: {name} has a loss of {before[1]:.4f} before it learns, {OURS} of {before[0]:.4f}")
    by_round = [a / b for a, b in zip(rates(ours), rates(theirs), strict=True)]
    by_clock = [a / b for a, b in zip(rates(ours, "seconds"), rates(theirs, "seconds"), strict=True)]
    more: dict = {"ratio": statistics.median(by_round), "rounds": by_round, "wall": by_clock, "start_loss": before}
    more |= {"loss": [ours[0]["loss"], theirs[0]["loss"]]} if "loss" in ours[0] else {}
    more |= {"memory": [max(each["largest"] for each in side) for side in (ours, theirs)]}
    more |= {"tokens": [ours[0]["tokens"], theirs[0]["tokens"]], "goal": goal}
    versions = ours[0]["versions"] | theirs[0]["versions"]
    return peers.entry(what, name, own, statistics.median(rates(theirs)), UNIT, versions=versions, **more)


def prepare(args: argparse.Namespace, folder: Path) -> tuple[dict[str, Path], dict]:
    """Write the rows of each work to `folder`; return the files by work, and what the rows are like."""
    template = Template.of(args.generator)
    count = max(args.rows + args.unread, args.scored)
    _, prompts, titles = pairs.read(args.downloads, count, 0)
    encoded = [template.encode(*pair, MAX_LENGTH) for pair in zip(prompts, titles, strict=True)]
    rows = [[each.ids, each.start] for each in encoded]
    learnt, lengths = rows[: args.rows], np.array([len(ids) for ids, _ in rows[: args.rows]])
    batches = batching.shuffled(lengths, BATCH_TOKENS, 1, 0)
    padded = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    common = {
        "train": learnt, "held_out": rows[args.rows : args.rows + args.unread], "learning_rate": 5e-4,
        "rank": 8, "alpha": 16, "max_length": MAX_LENGTH, "batch_tokens": BATCH_TOKENS, "batch_rows": BATCH_ROWS,
    }  # fmt: skip
    data = {
        ALL: common | {"epochs": 1, "frozen_layers": 0},
        UPPER: common | {"epochs": 2, "frozen_layers": args.frozen},
        SCORING: {"train": rows[: args.scored], "batch_tokens": BATCH_TOKENS},
    }
    for number, content in enumerate(data.values()):
        (folder / f"{number}.json").write_text(json.dumps(content), encoding="utf-8")
    told = {"padding": 1 - int(lengths.sum()) / padded, "mean_length": float(lengths.mean()), "rows": args.rows}
    return {work: folder / f"{number}.json" for number, work in enumerate(data)}, told


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", type=Path, required=True, help="folder of the language model")
    parser.add_argument("--downloads", type=Path, default=DOWNLOADS, help="where the papers are kept")
    parser.add_argument("--out", type=Path, required=True)
    usual = {"works": list(WORKS), "rows": 40, "unread": 8, "scored": 80, "frozen": 20, "rounds": 3, "note": ""}
    parser.add_argument("--works", nargs="+", choices=WORKS, default=usual["works"])
    for name in ("rows", "unread", "scored", "frozen", "rounds"):
        parser.add_argument(f"--{name}", type=int, default=usual[name])
    parser.add_argument("--note", default="", help="what the reader must know of this measurement")
    args = parser.parse_args(argv)
    common = {"device": f"{peers.device()}, one of them used", "command": peers.command(COMMAND, args, usual)}
    common |= {"note": args.note} if args.note else {}
    entries = []
    with tempfile.TemporaryDirectory() as scratch:
        files, told = prepare(args, Path(scratch))
        for work in args.works:
            entries += compared(work, files[work], args.generator.resolve(), args.rounds)
    write_json(args.out, [entry | told | common for entry in entries])
    for made in entries:
        print(f"{made['work']}: {made['ratio'] or 0:.2f} times {made['peer']}")


if __name__ == "__main__":
    main()
