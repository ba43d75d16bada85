"""agreement: how far reviewers agree, and what they say together of the rows that several judged.

python -m stages.agreement --rows data/deduplicated.parquet --scores data/scores.parquet
    --decisions data/decisions.csv --out data/consensus.parquet --metrics reports/metrics/agreement.json

Runs after `apply_decisions`, which refuses bad decisions. The stage compares outcomes: the label that a reviewer kept
or gave a row, `ambiguous` or `out_of_scope`. `winnow.people.settling` says which decisions count.

Out: one line for each row with two reviewers or more: who said what (`reviewers`, `outcomes`), `conflict`, the
consensus by majority (null at a tie), Dawid-Skene and CROWDLAB, each with a confidence in 0..1; `suggested_label` and
`reason`, with which a conflict returns to the queue. For the first two methods, `ambiguous` and `out_of_scope` are
outcomes like any other. CROWDLAB asks the model, which knows no such outcomes, so it weighs only the votes for a label.
Dawid-Skene tells whether a row has a label at all (if not, none is suggested), and CROWDLAB which.

Where a label says something of each part of a row (`winnow.kinds`, `parts`), as spans do of words, agreement is on the
parts, Dawid-Skene tells what each part is, and reviewers are also judged by each other's labels with the headline.
Where people write labels (`Task.graded`), agreement is on what they do with the given one (keep it, write another, or a
verdict), and the headline tells how alike their labels are; where they edit texts too (`Task.edits_text`), of these as
well, over the rows whose text one of two reviewers edited.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.agreement import coefficients, consensus
from stages.agreement.coefficients import Bootstrap, Estimate
from stages.agreement.edits import Edits
from stages.agreement.judged import Judged, Said
from stages.agreement.parts import Parts
from stages.agreement.votes import Votes, collect
from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.stage import arguments, run
from winnow.kinds.evidence import Evidence
from winnow.kinds.task import Task
from winnow.people import decisions
from winnow.review import assign
from winnow.rows import tables

CONSENSUS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("reviewers", pa.list_(pa.string()), nullable=False),
        pa.field("outcomes", pa.list_(pa.string()), nullable=False),  # in the order of `reviewers`
        pa.field("conflict", pa.bool_(), nullable=False),
        pa.field("majority", pa.string()),
        pa.field("majority_confidence", pa.float64(), nullable=False),  # share of the votes
        pa.field("dawid_skene", pa.string(), nullable=False),
        pa.field("dawid_skene_confidence", pa.float64(), nullable=False),
        pa.field("crowdlab", pa.string()),
        pa.field("crowdlab_confidence", pa.float64()),
        pa.field("suggested_label", pa.string()),
        pa.field("reason", pa.string(), nullable=False),  # in words
    ]
)
UNKNOWN = Estimate(None, None, None)


class Params(params.Section):
    """Section `agreement` of params.yaml."""

    min_rows: int = Field(20, ge=2)
    """Fewer rows that several people judged measure no agreement."""

    resamples: int = Field(2000, ge=100)
    """Resamples of the bootstrap."""

    confidence: float = Field(gt=0.5, lt=1)
    """Confidence level of the intervals."""

    seed: int = Field(1, ge=0)
    """Seed of the bootstrap."""

    @property
    def bootstrap(self) -> Bootstrap:
        """How intervals are made."""
        return Bootstrap(self.resamples, self.confidence, self.seed)


@dataclass(frozen=True)
class Together:
    """What reviewers say together of each row; `crowdlab` is None where it cannot be asked."""

    majority: np.ndarray  # (rows,) int, -1 at a tie
    share: np.ndarray  # (rows,) float, of the votes
    dawid_skene: list[Said]  # (rows,)
    accuracy: np.ndarray  # (reviewers,) float, by Dawid and Skene
    crowdlab: consensus.Crowdlab | None


def numbered_groups(ids: list[str], rows: pa.Table, where: Path) -> np.ndarray:
    """Return the number of each row's group, (rows,) int.

    Raises:
        UserError: a row is not in the table.
    """
    group_of = dict(zip(rows["id"].to_pylist(), rows["group"].to_pylist(), strict=True))
    for id in ids:
        if id not in group_of:
            raise UserError(f"{where}: decided row {id} is not in it; run `dvc repro apply_decisions`")
    return np.unique([group_of[id] for id in ids], return_inverse=True)[1]


def chances(votes: Votes, scores: Path, task: Task) -> np.ndarray | None:
    """Return the models' out-of-fold probabilities of the labels that votes are for, (rows, labels) float.

    A row is 0 where no vote is for a label. None where this kind of task has no probabilities.

    Raises:
        UserError: a row with a vote for a label has no score.
    """
    scored = tables.read(scores)
    place = {id: row for row, id in enumerate(scored["id"].to_pylist())}
    asked = np.flatnonzero((votes.for_labels() >= 0).any(axis=1))
    ids = [votes.ids[row] for row in asked]
    for id in ids:
        if id not in place:
            raise UserError(f"{scores}: row {id} has no score; run `dvc repro score`")
    evidence: Evidence = kinds.load(task, "scores").read(task, scored, scores)
    told = evidence.take(np.array([place[id] for id in ids], dtype=int)).chances(votes.labels)
    if told is None:
        return None
    probabilities = np.zeros((len(votes.ids), len(votes.labels)))
    probabilities[asked] = told
    return probabilities


def read_texts(path: Path, ids: Sequence[str]) -> list[str]:
    """Return the texts of a few rows, in the order of `ids`."""
    wanted, found = pa.array(ids, pa.string()), {}
    for batch in tables.batches(path, ["id", "text"]):
        few = batch.filter(pc.is_in(batch["id"], wanted))
        found |= dict(zip(few["id"].to_pylist(), few["text"].to_pylist(), strict=True))
    return [found[id] for id in ids]


def agree(votes: Votes, probabilities: np.ndarray | None) -> Together:
    """Return the consensus of rows that several judged, by each method.

    Args:
        probabilities: (rows, labels) float, from `chances`; None: CROWDLAB has no model to ask.
    """
    found = consensus.dawid_skene(consensus.one_hot(votes.values, len(votes.names)))
    likeliest, sure = found.probabilities.argmax(axis=1), found.probabilities.max(axis=1).tolist()
    return Together(
        *consensus.majority(votes.values, len(votes.names)),
        [Said(votes.names[at], chance, at < len(votes.labels)) for at, chance in zip(likeliest, sure, strict=True)],
        found.accuracy(),
        None if probabilities is None else consensus.crowdlab(votes.for_labels(), probabilities),
    )


def agree_in_part(parts: Judged) -> Together:
    """Return what `agree` does, by what reviewers said of the parts of rows or did with labels; no model is asked."""
    said, accuracy = parts.together()
    return Together(*consensus.majority(parts.whole.values, len(parts.whole.names)), said, accuracy, None)


def suggestions(votes: Votes, together: Together) -> list[Said]:
    """Return each row's consensus and how sure it is: by CROWDLAB, or by Dawid-Skene where it is no label."""
    found = list(together.dawid_skene)
    if (weighed := together.crowdlab) is not None:
        labels, chances = weighed.label.tolist(), weighed.confidence.tolist()
        for row, said in enumerate(found):
            if said.is_label and labels[row] >= 0:
                found[row] = Said(votes.names[labels[row]], chances[row], True)
    return found


def lines(votes: Votes, together: Together, parts: Judged | None = None) -> list[dict]:
    """Return the rows of `CONSENSUS`; with `parts`, labels stand in the reasons as people read them."""
    out = []
    conflicts, suggested = votes.conflicts(), suggestions(votes, together)
    for row, id in enumerate(votes.ids):
        who = np.flatnonzero(votes.values[row] >= 0)
        reviewers = [votes.reviewers[number] for number in who]
        outcomes = [votes.names[votes.values[row, number]] for number in who]
        label, sure, is_label = suggested[row]
        told = zip(outcomes, who.tolist(), strict=True)
        read = [parts.shown(row, outcome, number) for outcome, number in told] if parts else outcomes
        said = ", ".join(f"{reviewer} {outcome}" for reviewer, outcome in zip(reviewers, read, strict=True))
        together_ = parts.shown(row, label) if parts else label
        reason = f"reviewers disagree: {said}; the consensus is {together_} ({min(99, 100 * sure):.0f} %)"
        out.append(
            {
                "id": id,
                "reviewers": reviewers,
                "outcomes": outcomes,
                "conflict": conflicts[row],
                "suggested_label": label if is_label else None,
                "reason": reason if conflicts[row] else f"reviewers agree: {said}",
            }
            | _methods(votes.names, together, row)
        )
    return out


def _methods(names: list[str], together: Together, row: int) -> dict:
    majority, (outcome, sure, _) = together.majority[row], together.dawid_skene[row]
    columns = {
        "majority": names[majority] if majority >= 0 else None,
        "majority_confidence": together.share[row],
        "dawid_skene": outcome,
        "dawid_skene_confidence": sure,
    }
    if together.crowdlab is not None and together.crowdlab.label[row] >= 0:
        columns["crowdlab"] = names[together.crowdlab.label[row]]
        columns["crowdlab_confidence"] = together.crowdlab.confidence[row]
    return columns


def measure(votes: Votes, several: Votes, groups: np.ndarray, settings: Params, parts: Judged | None = None) -> dict:
    """Return how far reviewers agree: all together, each pair, and which outcomes they take for one another.

    Args:
        votes: of all rows.
        several: of the rows that several judged.
        groups: (rows,) int, of `several`.
        parts: of these rows, where people may agree on labels in part; agreement is then on its votes.
    """
    result: dict = {
        "rows": len(votes.ids),
        "rows_of_several": len(several.ids),
        "conflicts": int(several.conflicts().sum()),
        "min_rows": settings.min_rows,
    }
    alpha = observed = UNKNOWN
    judged = several if parts is None else parts.votes
    group_of = groups if parts is None else groups[parts.row]
    if len(several.ids) >= settings.min_rows:
        alpha, observed = coefficients.alpha(judged.values, len(judged.names), group_of, settings.bootstrap)
    result |= _estimate("alpha", alpha) | _estimate("observed_agreement", observed)
    if parts is not None:
        result |= parts.counted | _scores(parts, groups, settings)
    if reason := _why_null(votes, several, alpha, settings):
        result["reason"] = reason
    of_pairs = pairs(several, groups, settings, parts)
    return result | {"pairs": of_pairs, "confused": confused(judged)}


def _scores(parts: Judged, groups: np.ndarray, settings: Params, pair: tuple[int, int] | None = None) -> dict:
    """Return how good one reviewer's labels are by another's, of two reviewers or of all pairs together."""

    def estimate(name: str, rows: np.ndarray, score: Callable[..., Estimate]) -> dict[str, float | None]:
        enough = len(np.unique(rows)) >= settings.min_rows
        return _estimate(name, score(groups, settings.bootstrap, pair) if enough else UNKNOWN)

    found = estimate(parts.headline, parts.of_pair(pair)[0], parts.score)
    if isinstance(parts, Edits) and parts.task.edits_text:
        rows = parts.of_texts(pair)[0]
        found["edited_texts"] = len(np.unique(rows))
        found |= estimate(f"text_{parts.headline}", rows, parts.score_of_texts)
    return found


def pairs(votes: Votes, groups: np.ndarray, settings: Params, parts: Judged | None) -> dict[str, dict]:
    """Return how far each two reviewers with common rows agree; no kappa where these are fewer than `min_rows`."""
    result = {}
    judged, group_of = (votes, groups) if parts is None else (parts.votes, groups[parts.row])
    for one, other in combinations(range(len(votes.reviewers)), 2):
        first, second = votes.values[:, one], votes.values[:, other]
        both = (first >= 0) & (second >= 0)
        if both.any():
            kappa = UNKNOWN
            if both.sum() >= settings.min_rows:
                of_two = judged.values[:, one], judged.values[:, other]
                kappa = coefficients.kappa(*of_two, len(judged.names), group_of, settings.bootstrap)
            same = int(votes.same(one, other)[both].sum())
            measured = {"rows": int(both.sum()), "same": same} | _estimate("kappa", kappa)
            if parts is not None:
                measured |= _scores(parts, groups, settings, (one, other))
            result[f"{votes.reviewers[one]} / {votes.reviewers[other]}"] = measured
    return result


def confused(votes: Votes) -> dict[str, int]:
    """Return on how many rows one reviewer said one thing and another the other, by the two outcomes' names."""
    counts: Counter = Counter()
    for row in votes.values[votes.conflicts()]:
        counts.update(combinations(np.unique(row[row >= 0]).tolist(), 2))
    return {f"{votes.names[one]} / {votes.names[other]}": count for (one, other), count in sorted(counts.items())}


def qualities(votes: Votes, several: Votes, together: Together | None) -> dict[str, dict]:
    """Return of each reviewer how many rows they judged, and how good their votes are by the consensus."""
    result = {}
    for number, name in enumerate(votes.reviewers):
        shared = int((several.values[:, number] >= 0).sum())
        result[name] = {"rows": int((votes.values[:, number] >= 0).sum()), "rows_with_others": shared}
        if together is not None and shared:
            result[name]["accuracy_dawid_skene"] = float(together.accuracy[number])
        if together is not None and together.crowdlab is not None and not np.isnan(together.crowdlab.quality[number]):
            result[name]["quality_crowdlab"] = float(together.crowdlab.quality[number])
    return result


def _why_null(votes: Votes, several: Votes, alpha: Estimate, settings: Params) -> str | None:
    if not votes.ids:
        return "no decision yet"
    if len(votes.reviewers) == 1:
        return "one reviewer only: nobody to agree with"
    if len(several.ids) < settings.min_rows:
        return f"{len(several.ids)} rows with two reviewers or more, fewer than {settings.min_rows}"
    if alpha.value is None:
        return "all said the same of every row: agreement beyond chance is not defined"
    return "nobody disagreed: resamples are all alike, and show no interval" if alpha.low is None else None


def _estimate(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "scores", "decisions", "out", "metrics")
    settings, task = params.load("agreement", Params), kinds.read_task()
    overlap = params.load("review", assign.Params).overlap
    rows_ = tables.read(args.rows, ["id", "group", "label"])
    given = dict(zip(rows_["id"].to_pylist(), rows_["label"].to_pylist(), strict=True))
    votes = collect(decisions.read(args.decisions), given, task, args.decisions)
    several = votes.several()
    groups = numbered_groups(several.ids, rows_, args.rows)

    parts = together = None
    if kinds.has(task, "parts"):
        parts = Parts.of(several, read_texts(args.rows, several.ids), task)
    elif task.graded:
        parts = Edits.of(several, read_texts(args.rows, several.ids), [given.get(id) for id in several.ids], task)
    if several.ids:
        together = agree_in_part(parts) if parts else agree(several, chances(several, args.scores, task))
    rows = lines(several, together, parts) if together else []
    result = measure(votes, several, groups, settings, parts) | {"reviewers": qualities(votes, several, together)}
    result["overlap"] = {"wanted": overlap, "reached": len(several.ids) / len(votes.ids) if votes.ids else None}
    tables.write(pa.Table.from_pylist(rows, schema=CONSENSUS), args.out)
    write_json(args.metrics, result)


if __name__ == "__main__":
    run(main)
