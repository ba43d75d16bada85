"""Automatic labels: majority and label model on weak rules, and how often the alternative annotator test passes.

python -m bench.automatic_labels --rows data/deduplicated.parquet --split data/split.parquet
    --out bench/results/automatic_labels.json

Seven weak rules, `RULES`, read the text alone, as people would write them without a look at the headings. Both ways to
combine their votes are measured as the stage `annotate` measures its own: by cross-fitting, on the rows of the training
split with a given label.

The test is run on simulated samples of `ITEMS` rows, four labels and three reviewers who are right in `REVIEWERS` of
the rows; whoever errs says any other label.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from bench import peers
from stages.annotate import __main__ as annotate
from stages.annotate.measured import COMBINERS, Measured
from stages.apply_decisions import alt_test
from winnow import kinds
from winnow.base import files, params
from winnow.kinds.task import Task
from winnow.labelling.settings import Params
from winnow.labelling.votes import collect
from winnow.rows import tables
from winnow.statistics.intervals import wilson

KEYWORDS = {
    "OBJECTIVE": ["to investigate", "to determine", "we aimed", "the aim"],
    "BACKGROUND": ["little is known", "has been", "is a common"],
    "METHODS": ["were recruited", "we conducted", "was performed"],
    "RESULTS": ["respectively", "95% ci", "p < 0.05"],
    "CONCLUSIONS": ["further studies", "these findings", "suggest"],
}
PATTERNS = {
    "start": {"OBJECTIVE": "(THIS STUDY AIM|TO )[^$]*", "METHODS": "(PATIENTS|DATA) [^$]*"},
    "digits": {"RESULTS": r"[^$]*(\d+\D+){12}[^$]*"},
}
RULES = [
    {"name": label.lower(), "kind": "keyword", "field": "text", "match": "any", "labels": {label: words}}
    for label, words in KEYWORDS.items()
] + [{"name": name, "kind": "regex", "field": "text", "labels": labels} for name, labels in PATTERNS.items()]
CONFIDENCES = (0.8, 0.5)  # annotate.min_confidence
REVIEWERS, PEOPLE, LABELS, ITEMS, RUNS = 0.85, 3, 4, 100, 1000
WINNING_RATE, MIN_ITEMS = 0.5, 30  # params.yaml: apply_decisions.acceptance has the same
SIMULATED = ((0.95, 0.15), (0.85, 0.15), (0.75, 0.15), (0.6, 0.15), (0.85, 0.0))  # right in so many rows; epsilon
PACKAGES = ("numpy", "scipy")


def combined(rows: Path, split: Path, task: Task) -> list[dict]:
    """Return the entries of both ways to combine the rules' votes."""
    settings = params.parse({"rules": RULES}, Params, "annotate")
    voters = [rule.voter(Path("rules"), task) for rule in settings.rules]
    votes = collect(annotate.batches(rows, annotate.READ), voters, task)
    table = tables.read(rows, ["id", "purpose", "group", "label_origin"])
    splits = tables.read(split, ["id", "split"])
    train = splits["id"].filter(pc.equal(splits["split"], "train")).combine_chunks()
    measured = Measured.of(votes, table.filter(pc.equal(table["purpose"], "task")), train)
    made = []
    for confidence in CONFIDENCES:
        settings = settings.model_copy(update={"min_confidence": confidence})
        by = {name: measured.cross_fitted(name, settings) for name in COMBINERS}
        for name, found in by.items():
            work = f"weak rules, min_confidence {confidence}: {name}"
            entry = peers.entry(work, "majority", found["accuracy"], by["majority"]["accuracy"], "share", **found)
            made.append(entry | {"rules": len(RULES), "rows": len(measured.known.truth)})
    return made


def simulated(right: float, epsilon: float) -> dict:
    """Return the entry of an annotator that is right in a share of the rows."""
    random = np.random.default_rng(1)
    passed = 0
    for _ in range(RUNS):
        truth = random.integers(LABELS, size=ITEMS)
        people = {f"reviewer {number}": answers(truth, REVIEWERS, random) for number in range(PEOPLE)}
        test = alt_test.run(answers(truth, right, random), people, epsilon, MIN_ITEMS)
        passed += test.winning_rate >= WINNING_RATE
    low, high = wilson(passed, RUNS, 0.95)
    work = f"alternative annotator test, right in {right:.0%}, epsilon {epsilon}"
    facts = {"right": right, "epsilon": epsilon, "runs": RUNS, "accepted": [passed / RUNS, low, high]}
    return peers.entry(work, None, passed / RUNS, None, "share", **facts)


def answers(truth: np.ndarray, right: float, random: np.random.Generator) -> dict[int, int]:
    """Return what somebody says who is right in a share of the rows."""
    wrong = (truth + random.integers(1, LABELS, size=len(truth))) % LABELS
    return dict(enumerate(np.where(random.random(len(truth)) < right, truth, wrong).tolist()))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rows", "split", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    common = {"device": peers.device(), "command": "make bench-automatic-labels", "versions": peers.versions(PACKAGES)}
    made = combined(args.rows, args.split, kinds.read_task()) + [simulated(*each) for each in SIMULATED]
    files.write_json(args.out, [entry | common | {"goal": None} for entry in made])


if __name__ == "__main__":
    main()
