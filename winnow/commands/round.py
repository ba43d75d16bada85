"""round: begin a round of review, or tell what the last one did and whether to go on.

winnow round           after `dvc repro`: what people decided, how many labels are wrong, what edits are worth
winnow round --start   draws the round's random sample into data/rounds/<number>.csv; commit it, then `dvc repro`

docs/rounds.md tells how to read the figures.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator

from winnow import kinds
from winnow.base import files, hashing, params
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.kinds.task import Task
from winnow.people import decisions
from winnow.people.rounds import sample
from winnow.people.rounds.settings import Params
from winnow.people.rounds.words import EDITS, period
from winnow.rows import tables
from winnow.rows.origins import trusted
from winnow.rows.splits import SPLITS

NAME = "round"
SHOWN_CHANGES = 8
WIDTH = 30  # of the first column
FEW = 10  # rows; a share of fewer is told as a count alone


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--start", action="store_true", help="begin a round: draw its random sample")


def execute(arguments: argparse.Namespace) -> None:
    """Begin a round, or print the figures of the rounds so far.

    Raises:
        UserError: a table is missing or older than decisions.csv, the round before has no decision yet, or the clock
            is behind.
    """
    if arguments.start:
        for line in start():
            print(line)
        return
    figures, made, rounds = (pipeline.path("rounds", option) for option in ("metrics", "decisions", "rounds"))
    if not figures.exists():
        raise UserError(f"{figures}: not found; `dvc repro rounds` makes it")
    metrics = json.loads(files.read_text(figures))
    count = len(decisions.read(made))
    if (metrics["rounds"], metrics["decisions"]) != (len(sample.read_all(rounds)), count):
        print(f"{figures} is older than {made} or {rounds}: `dvc repro rounds` for today's figures\n")
    print("\n".join(told(metrics, kinds.read_task())))


def start() -> Iterator[str]:
    """Draw the next round's sample; yield what to tell people."""
    settings, folder = params.load("rounds", Params), pipeline.path("rounds", "rounds")
    made = decisions.read(pipeline.path("rounds", "decisions"))
    rounds = sample.read_all(folder)
    if rounds and not any(rounds[-1].has_begun(decision.decided_on) for decision in made):
        path = sample.path_of(folder, len(rounds))
        raise UserError(f"{path}: this round has no decision yet; take the file out to draw another sample")
    now = decisions.now()
    if rounds and now < rounds[-1].began:
        path = sample.path_of(folder, len(rounds))
        raise UserError(f"{path}: the round began at {rounds[-1].began}, the clock says {now}; set the clock")
    round_ = sample.draw(len(rounds) + 1, candidates(made, settings, kinds.read_task()), settings.sample, now)
    path = sample.path_of(folder, round_.number)
    sample.write(path, round_)
    drawn = Counter((row.stratum, row.split) for row in round_.rows)
    yield f"{path}: {len(round_.rows)} rows drawn"
    for (stratum, split), population in sorted(round_.cells.items()):
        yield f"  {split:<6} {stratum:<10} {drawn[stratum, split]:>4} of {population}"
    yield f"Commit {path}, run `dvc repro rounds`, then `winnow review --queue round` and `winnow review`."


def candidates(made: list[decisions.Decision], settings: Params, task: Task) -> Iterator[sample.Candidate]:
    """Yield the rows with a label that models train on or are measured by, and that nobody has settled.

    Raises:
        UserError: the labelled table is older than the decisions.
    """
    columns = ["id", "text", "split", "label", "label_origin", "verdict", "conflict"]
    labelled, issues_ = pipeline.path("rounds", "labelled"), pipeline.path("find_issues", "out")
    rows = tables.read(labelled, columns)
    issues = {row["id"]: row for row in tables.read(issues_, ["id", "is_issue", "p_error"]).to_pylist()}
    decided = {decision.id for decision in made}
    for row, known in zip(rows.to_pylist(), trusted(rows).to_pylist(), strict=True):
        if row["id"] in decided and row["verdict"] is None and not row["conflict"]:
            raise UserError(f"{labelled}: older than the decisions: row {row['id']} is decided; run `dvc repro` first")
        if not known or row["verdict"] is not None:
            continue
        issue = issues.get(row["id"], {"is_issue": False, "p_error": None})
        flagged = issue["is_issue"] or (issue["p_error"] or 0.0) >= settings.flagged_from
        yield sample.Candidate(
            id=row["id"],
            stratum="flagged" if flagged else "unflagged",
            split=row["split"],
            text_sha=hashing.text_sha(row["text"]),
            given_label=task.told_given(row["label"]),
            p_error=issue["p_error"],
        )


def told(metrics: dict, task: Task) -> Iterator[str]:
    """Yield the figures as lines for people."""
    if not metrics["rounds"]:
        yield "No round has begun: `winnow round --start` draws the random sample that tells how many labels are wrong."
    if not metrics["decisions"]:
        yield "Nobody has decided anything yet: `winnow review`."
    for tell, figures in ((_done, metrics["done"]), (_noise, metrics["noise"])):
        if figures:
            yield from tell(max(figures), figures[max(figures)])
    if metrics["decisions"]:
        yield from _change(metrics["models"], task)
    yield from _edits(metrics["edits"], task)
    advice = metrics["stopping"]
    if "new_labels_points" in advice:
        gain = _points(advice["new_labels_points"] / 100)
        yield _row("  labels on new rows", [f"{gain} by {advice['next_decisions']} more, by the learning curve"])
    yield ""
    yield advice["says"]


def _done(name: str, done: dict) -> Iterator[str]:
    yield f"{period(name)}: {done['decisions']} decisions on {done['rows']} rows"
    columns = [*(done["by_split"][split] for split in SPLITS), done["verdicts"]]
    yield _row("", [*SPLITS, "all"])
    for verdict in decisions.VERDICTS:
        yield _row(f"  {verdict}", [counts[verdict] for counts in columns])
    yield _row("  all", [sum(counts.values()) for counts in columns])
    if done["open"]:
        yield f"  reviewers disagree on {done['open']} more"
    if edited := done.get("edited_texts"):
        yield f"  of {edited} rows people edited the text"
    if queue := done["queue"]["rows"]:
        changed = done["queue"]["changed"]
        share = f" ({_percent(changed / queue)})" if queue >= FEW else ""
        yield f"  of {queue} rows outside the random sample people changed {changed}{share}"
    if time := done.get("seconds"):
        yield f"  {time['total'] / 60:.0f} minutes, {time['median']:.0f} s a decision (median of {time['timed']})"
    for change in done["changes"][:SHOWN_CHANGES]:
        yield f"  {change['rows']:>4} x {change['given']} -> {change['new']}"
    if (hidden := len(done["changes"]) - SHOWN_CHANGES) > 0:
        yield f"  and {hidden} other kinds of change"


def _noise(name: str, noise: dict) -> Iterator[str]:
    yield ""
    judged = f"{noise['judged']} of {noise['drawn']} rows judged"
    yield f"Wrong labels, by the random sample of {period(name).lower()} ({judged})"
    if noise["open"]:
        later = f"; {noise['passed_over']} judged out of turn do not count yet" if noise["passed_over"] else ""
        yield f"  {noise['open']} rows of the sample are open: `winnow review --queue round`{later}"
    for what in ("vanished", "changed"):
        if count := noise[what]["rows"]:
            yield f"  {count} rows of the sample {what} since it was drawn: {', '.join(noise[what]['ids'])}"
    for when in ("before", "after"):
        for split in ("all", *SPLITS):
            if estimate := noise.get(when, {}).get(split):
                yield _row(f"  {when}, {split}", [_interval(estimate, "share", _percent)])
    for what, means in (("precision", "of the flagged rows are"), ("recall", "of the wrong labels are flagged")):
        if what in noise:
            yield _row(f"  {what}", [_interval(noise, what, _percent), f"({means}{' wrong' * (what == 'precision')})"])
    if "observed_to_expected" in noise:
        yield _row(
            "  observed to expected", [f"{noise['observed_to_expected']:.2f}", "(errors for each one predicted)"]
        )


def _headline(task: Task) -> tuple[str, str]:
    """Return the name of the kind's headline, and what people are told of it."""
    metrics = kinds.load(task, "metrics")
    return metrics.HEADLINE.name, metrics.WORDS[metrics.HEADLINE.name]


def _change(models: dict, task: Task) -> Iterator[str]:
    headline, words = _headline(task)
    names = ["before", *sorted(models[headline].keys() - {"before"})]
    yield ""
    yield f"Fast models trained on all labels: {words}, in points; the gain has a paired interval"
    for what, before in (("all", names[0]), ("last_round", names[-2])):
        if what == "last_round" and before == names[0]:
            continue
        yield f"  by {'all decisions' if what == 'all' else 'the last round'}"
        for split, by_labels in models["change"][what].items():
            for labels, gain in by_labels.items():
                ends = [models[headline][name][split][labels][headline] for name in (before, names[-1])]
                values = " -> ".join(f"{100 * value:.1f}" for value in ends)
                yield _row(f"    {split}, {labels} labels", [values, _interval(gain, "gain", _points)])


def _edits(edits: dict, task: Task) -> Iterator[str]:
    _, words = _headline(task)
    yield ""
    yield f"What each kind of edit gains in {words} on corrected labels, in points (compared with models without it)"
    for kind, heading in EDITS.items():
        if kind not in edits:  # of kinds whose texts nobody edits
            continue
        edit = edits[kind]
        parts = [f"{split} {_interval(edit[split]['corrected'], 'gain', _points)}" for split in edit if split != "rows"]
        yield _row(f"  {heading}", [f"{edit['rows']} rows", *parts])


def _row(heading: str, cells: list) -> str:
    return f"{heading:<{WIDTH}}" + "  ".join(f"{cell:>6}" for cell in cells)


def _interval(estimate: dict, name: str, shown: Callable[[float], str]) -> str:
    value, low, high = (shown(estimate[key]) for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value} ({low} to {high})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(change: float) -> str:
    return f"{100 * change:+.2f}"
