"""What each approach reaches with how many labels in a project of any kind of task, by the project's own pipeline.

python -m bench.budgets --example mesh --folder /var/tmp --out bench/results/budgets_mesh.json

Takes the clone that bench.examples makes of an example (or `--project`, a folder in which `winnow init` was run), sets
`balance.max_labels` for each budget, both encoders and the seeds, and runs `dvc repro`: what does not depend on the
budget runs once. `tfidf` is the kind's baseline, `transfer` starts from the base encoder, `dapt` from the one that was
adapted, on at least `TOKENS` tokens; each by the recipe of the project's params.yaml, which reads a least number of
texts whatever their number.

Told are all differences on dev and on test (`winnow test`, which logs the look in the clone), with the intervals of
reports/metrics/compare.json: of groups and of seeds. The rows of a budget are one draw, by hash, and a larger budget
holds the smaller: no interval holds the draw of rows. The file grows with each budget.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ruamel.yaml import YAML

from bench import examples, peers
from winnow.base import files, params

# Of the adaptation, as the default has them: an example reads fewer, to be quick, and its dapt would be undertrained.
TOKENS, WARMUP_TOKENS = 300_000, 30_000
BUDGETS, SEEDS = ("50", "200", "1000", "all"), (1, 2, 3, 4, 5)
PAIRS = [["transfer", "tfidf"], ["dapt", "tfidf"], ["dapt", "transfer"]]
LOOK = (*examples.WINNOW, "test", "--by", "bench", "--why", "bench")


def budgeted(settings: dict, budget: str, seeds: Sequence[int]) -> dict:
    """Return params.yaml with a number of labels, and the arms that are compared."""
    labels = None if budget == "all" else int(budget)
    adapt = settings["adapt"]
    if adapt["tokens"] < TOKENS:
        adapt = adapt | {"tokens": TOKENS, "warmup_tokens": max(WARMUP_TOKENS, adapt.get("warmup_tokens", 0))}
    return settings | {
        "adapt": adapt,
        "balance": settings["balance"] | {"max_labels": labels},
        "arms": settings["arms"] | {"encoders": ["base", "adapted"], "seeds": list(seeds), "ensembles": {}},
        "compare": settings["compare"] | {"pairs": PAIRS},
    }


def run(project: Path, budget: str, seeds: Sequence[int]) -> None:
    """Run a project's pipeline with a budget, and look at its test rows."""
    path = project / params.FILE
    settings = budgeted(params.read(path), budget, seeds)
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(settings, file)
    for command in ([sys.executable, "-m", "dvc", "repro", "--quiet", "compare"], LOOK):
        examples.call(project, *command)


def measured(project: Path, budget: str) -> Iterator[dict]:
    """Yield the entries of a budget that has run: of dev, then of test."""
    metrics = project / "reports/metrics"
    rows = json.loads(files.read_text(metrics / "balance.json"))["rows"]
    for path, split in ((metrics / "compare.json", "dev"), (project / "data/test/results.json", "test")):
        compared = json.loads(files.read_text(path))[split]
        for entry in examples.differences(compared, f"{project.name}, {budget} labels", split):
            yield entry | {"split": split, "budget": budget, "rows": rows}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for the example's clone: a few GB")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--example", choices=examples.EXAMPLES)
    where.add_argument("--project", type=Path, help="a folder in which `winnow init` was run, in place of an example")
    parser.add_argument("--budgets", nargs="+", default=BUDGETS, help="labels in all, or 'all'")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    args = parser.parse_args(argv)
    project = args.project or examples.made(args.example, args.folder)
    usual = {"example": None, "project": None, "budgets": BUDGETS, "seeds": SEEDS}
    common = {"device": peers.device(), "command": peers.command("make bench-budgets", args, usual)}
    found: list[dict] = []
    for budget in args.budgets:
        run(project, budget, args.seeds)
        found += [entry | common | {"of": args.example or project.name} for entry in measured(project, budget)]
        files.write_json(args.out, found)
        for entry in found:
            if entry["budget"] == budget:
                print(f"{entry['work']}: {entry['ours']:.4f}, {entry['peer']} {entry['theirs']:.4f}", flush=True)


if __name__ == "__main__":
    main()
