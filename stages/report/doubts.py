"""What is in doubt: what stages doubted by their gates, and what the measures themselves cannot tell."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from stages.report import rounds
from stages.report.inputs import Inputs
from stages.report.words import capital, percent

FEW_ROWS = 5  # of dev, by which no class's F1 can be judged
SURE = 0.01  # of a test of the rows' order


@dataclass(frozen=True)
class Doubt:
    """A doubt.

    Attributes:
        told: a sentence.
        part: the id of the part of the page that tells more.
        mend: how to mend or to accept it, or empty.
        examples: rows that show it.
    """

    told: str
    part: str
    mend: str = ""
    examples: tuple[str, ...] = ()


PARTS = {  # of the page, on what a stage measured
    "apply_decisions": "reviewers",
    "balance": "classes",
    "check_tables": "validation",
    "collect": "sources",
    "removals": "removals",
    "represent": "sources",
    "score": "issues",
    "split": "overlap",
    "validate": "validation",
}


def doubts(inputs: Inputs) -> list[Doubt]:
    """Return the doubts, the stages' own first."""
    return [*of_gates(inputs), *of_data(inputs), *of_labels(inputs), *of_comparison(inputs)]


def of_gates(inputs: Inputs) -> Iterator[Doubt]:
    """Yield what stages doubted: figures beyond their gates."""
    for stage, metrics in inputs.metrics.items():
        for doubt in metrics.get("doubts", []):
            mends = [doubt["mend"], f"accept it with params.yaml: {doubt['accept']}"]
            examples = tuple(_example(row) for row in doubt["examples"])
            yield Doubt(
                capital(f"{doubt['what']}."), PARTS.get(stage, "validation"), "; ".join(filter(None, mends)), examples
            )


def _example(row: dict) -> str:
    like = f", like {row['other_id']}: {row['other_text']}" if row["other_id"] else ""
    return f"{row['id']}: {row['text']}{like}"


def of_data(inputs: Inputs) -> Iterator[Doubt]:
    """Yield what the checks of the tables found."""
    metrics, drift = inputs.metrics, inputs.metrics["drift"]
    if failures := metrics["validate"].get("failures"):
        yield Doubt(f"{failures:,} checks of the tables failed.", "validation")
    if leaks := metrics["split"]["leaks"]:
        yield Doubt(f"{leaks:,} groups or clusters stand in more than one split.", "validation")
    drifted = sorted(
        {
            name
            for name, by_part in drift.get("measures", {}).items()
            for part in by_part.values()
            if part["status"] not in ("ok", "off")
        }
    )
    if drifted:
        since = drift.get("reference", "the last release")
        yield Doubt(f"Since {since} these drifted: {', '.join(drifted)}.", "validation")
    if across := metrics["semantic_duplicates"].get("pairs_across_splits"):
        yield Doubt(f"{across:,} pairs of rows say the same in other words and stand in two splits.", "duplicates")
    dataset = metrics["find_issues"]["dataset"]
    imbalance, group, order = (
        dataset.get(name) or {} for name in ("class_imbalance", "underperforming_group", "non_iid")
    )
    if imbalance.get("issue"):
        rarest, share = imbalance["rarest"], percent(imbalance["share"])
        yield Doubt(f"A class is rare: {rarest} has {share} of the labels.", "classes")
    if group.get("issue"):
        yield Doubt(f"On a cluster of {group['rows']:,} rows the models do poorly.", "issues")
    if order and order["p_value"] < SURE:
        yield Doubt("The order of the rows matters: neighbours are more alike than chance has it.", "issues")


def of_labels(inputs: Inputs) -> Iterator[Doubt]:
    """Yield what is not known of the labels."""
    decided, agreed = inputs.metrics["apply_decisions"], inputs.metrics["agreement"]
    wrong = rounds.headline(inputs)["wrong"]
    if not wrong:
        yield Doubt("How many labels are wrong is not known: people have not judged a random sample.", "rounds")
    elif "test" in wrong:
        yield Doubt(f"Of the test labels {wrong['test']} are wrong, which blurs every comparison by them.", "rounds")
    if conflicts := decided["conflicts"]:
        rows = "1 row" if conflicts == 1 else f"{conflicts:,} rows"
        yield Doubt(f"Reviewers disagree on {rows}.", "reviewers")
    if decided["decisions"] and agreed and agreed.get("alpha") is None:
        yield Doubt(f"How far reviewers agree is not known: {agreed['reason']}.", "reviewers")
    proposed = inputs.metrics["annotate"]["labelled"]
    if proposed and "audit" not in decided:
        yield Doubt(f"Nobody has checked the sample of {proposed:,} automatic labels: none is used.", "automatic")


def of_comparison(inputs: Inputs) -> Iterator[Doubt]:
    """Yield what the comparison of approaches cannot tell."""
    looks = len(inputs.test.looks)
    if not inputs.test.results:
        yield Doubt(
            "Test was not asked about these models: on dev the best of several looks better than it is.", "test"
        )
    if looks > 1:
        yield Doubt(f"Test was looked at {looks} times: each look makes it less of a test.", "test")
    best, dev = inputs.metrics["compare"]["best"], inputs.plots["evaluate/confusion"]
    rows = Counter(row["actual"] for row in dev if row["approach"] == best)
    few = [name for name in inputs.classes if rows[name] < FEW_ROWS] if rows else []
    if few:
        count = "1 class has" if len(few) == 1 else f"{len(few):,} classes have"
        yield Doubt(f"{count} fewer than {FEW_ROWS} rows in dev: F1 of these is chance.", "classes")
