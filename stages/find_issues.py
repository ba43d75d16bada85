"""find_issues: suspected label errors (cleanlab), ranked, and the review queue as a table, a CSV file and a page.

python -m stages.find_issues --rows data/labelled.parquet --scores data/scores.parquet
    --duplicates data/conflicts.parquet --out data/issues.parquet --queue-csv reports/review/queue.csv
    --queue-html reports/review/queue.html --metrics reports/metrics/find_issues.json

Out: every row with a label that people have not settled, every row on which reviewers disagree, and every row whose
duplicates (`--duplicates`) had other labels; these two kinds are all in the queue. Columns: id, split, given_label,
suggested_label, score, is_issue, reasons. `score` is cleanlab's label quality in 0..1, low where another class is much
likelier; null where the row has no label.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import Field

from winnow import decisions, hashing, params, tables
from winnow.errors import UserError
from winnow.files import write_json, write_text
from winnow.stage import arguments, run
from winnow.tasks import scores
from winnow.tasks.labels import Task

ISSUE = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("given_label", pa.string()),
        pa.field("suggested_label", pa.string(), nullable=False),
        pa.field("score", pa.float64()),
        pa.field("is_issue", pa.bool_(), nullable=False),
        pa.field("reasons", pa.string(), nullable=False),
    ]
)


class Params(params.Section):
    filter_by: scores.Filter
    queue_rows: int = Field(gt=0)  # as many as people can read in one round; conflicts of labels go beyond it


def find(
    rows: pa.Table, probabilities: np.ndarray, task: Task, settings: Params, copies: Mapping[str, str]
) -> tuple[list[dict], int | None]:
    """Return the unsettled rows, most suspicious first, and the estimated number of wrong labels among them.

    Each row's dict has the columns of `ISSUE`, its text, `conflict`, `copies` and `probabilities` (label -> float).

    Args:
        rows: (rows,) labelled table.
        probabilities: (rows, labels) float, out of fold, in the order of `rows`.
        copies: for the ids of rows whose duplicates had other labels, these in words.
    """
    columns = ["id", "split", "text", "label", "label_origin", "given_label", "verdict", "conflict"]
    candidates = [
        row | {"probabilities": dict(zip(task.labels, chances, strict=True)), "copies": copies.get(row["id"])}
        for row, chances in zip(rows.select(columns).to_pylist(), probabilities.tolist(), strict=True)
        if row["verdict"] is None and (row["label"] is not None or row["conflict"] or row["id"] in copies)
    ]
    labelled = [row for row in candidates if row["label"] is not None]
    truth = np.array([task.labels.index(row["label"]) for row in labelled], dtype=int)
    chances = np.array([list(row["probabilities"].values()) for row in labelled]).reshape(-1, len(task.labels))
    found = scores.suspects(truth, chances, settings.filter_by)

    for row in candidates:
        row |= {"score": None, "is_issue": False}
        row["suggested_label"] = max(task.labels, key=row["probabilities"].get)
        row["reasons"] = reasons(row)
    for row, quality, is_issue in zip(labelled, found.quality.tolist(), found.is_issue.tolist(), strict=True):
        row |= {"score": quality, "is_issue": is_issue}
    return sorted(candidates, key=_rank), found.noise


def reasons(row: dict) -> str:
    """Return why a curator should look at a row, in words."""
    label, suggested = row["label"], row["suggested_label"]
    says = [f"{name} {percent(row['probabilities'][name])}" for name in (label, suggested) if name]
    parts = ["reviewers disagree"] if row["conflict"] else []
    parts += [row["copies"]] if row["copies"] else []
    parts.append(f"the model agrees: {says[0]}" if label == suggested else f"the model gives {' and '.join(says)}")
    parts += ["the label was set by a rule"] if row["label_origin"] == "rule" else []
    return "; ".join(parts)


def copies_in_words(conflicts: pa.Table) -> dict[str, str]:
    """Return what to say of each kept row whose duplicates had other labels, by its id."""
    said = {}
    for row in conflicts.to_pylist():
        if row["kept"]:
            others = [
                f"{other['id']} {other['label']}{'' if other['kept'] else ' (dropped)'}" for other in row["others"]
            ]
            more = row["others_total"] - len(others)
            said[row["id"]] = f"duplicates have other labels: {', '.join(others)}{f' and {more} more' if more else ''}"
    return said


def percent(share: float) -> str:
    """Return a share for people to read, without calling anything certain."""
    if share < 0.005:
        return "under 1 %"
    return "over 99 %" if share > 0.995 else f"{100 * share:.0f} %"


def measure(issues: list[dict], noise: int | None, queue: list[dict], task: Task) -> dict:
    """Return the stage's metrics: suspects in all and per class, size of the queue, estimated noise."""
    suspected = sum(row["is_issue"] for row in issues)
    labelled = sum(row["label"] is not None for row in issues)
    result = {
        "rows": labelled,
        "suspected": suspected,
        "suspected_share": suspected / labelled if labelled else 0.0,
        "conflicts": sum(row["conflict"] for row in issues),
        "duplicates_with_other_labels": sum(row["copies"] is not None for row in issues),
        "queue_rows": len(queue),
        "per_class": {
            label: {
                "rows": sum(row["label"] == label for row in issues),
                "suspected": sum(row["label"] == label and row["is_issue"] for row in issues),
                "queue_rows": sum(row["label"] == label for row in queue),
            }
            for label in task.labels
        },
    }
    if noise is not None:
        result |= {"estimated_errors": noise, "estimated_noise": noise / labelled}
    return result


def queue_row(row: dict) -> dict[str, str]:
    """Return a row of queue.csv (`decisions.QUEUE_COLUMNS`)."""
    return {
        "id": row["id"],
        "text_sha": hashing.text_sha(row["text"]),
        "given_label": row["given_label"] or "",
        "suggested_label": row["suggested_label"],
        "score": "" if row["score"] is None else f"{row['score']:.4f}",
        "reasons": row["reasons"],
        "text": row["text"],
    }


def page(queue: list[dict], summary: dict) -> str:
    """Return the queue as one self-contained HTML page; every value is escaped."""
    environment = Environment(
        loader=PackageLoader("winnow"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"percent": percent, "shorten": decisions.shorten}
    return environment.get_template("queue.html").render(queue=queue, summary=summary, verdicts=decisions.VERDICTS)


def align(rows: pa.Table, scored: pa.Table, task: Task, where: str) -> np.ndarray:
    """Return the probabilities in the order of `rows`, (rows, labels) float64.

    Raises:
        UserError: rows and scores are not of the same ids.
    """
    if sorted(rows["id"].to_pylist()) != sorted(scored["id"].to_pylist()):
        raise UserError(f"{where}: its rows are not those of the labelled table; run `dvc repro score`")
    order = pc.index_in(rows["id"], scored["id"].combine_chunks())
    return np.stack([scored[f"p_{label}"].take(order).to_numpy() for label in task.labels], axis=1).astype(float)


def _rank(row: dict) -> tuple:
    return (
        not row["conflict"],
        not row["copies"],
        not row["is_issue"],
        -1.0 if row["score"] is None else row["score"],
        row["id"],
    )


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "scores", "duplicates", "out", "queue_csv", "queue_html", "metrics")
    settings, task = params.load("find_issues", Params), params.load("task", Task)
    rows = tables.read(args.rows)
    scored = tables.read(args.scores, ["id", *(f"p_{label}" for label in task.labels)])
    copies = copies_in_words(tables.read(args.duplicates, ["id", "kept", "others", "others_total"]))

    issues, noise = find(rows, align(rows, scored, task, str(args.scores)), task, settings, copies)
    open_questions = sum(row["conflict"] or row["copies"] is not None for row in issues)
    queue = issues[: max(settings.queue_rows, open_questions)]
    summary = measure(issues, noise, queue, task)
    columns = [{name: row[name] for name in ISSUE.names} for row in issues]
    tables.write(pa.Table.from_pylist(columns, schema=ISSUE), args.out)
    decisions.write_queue(args.queue_csv, map(queue_row, queue))
    write_text(args.queue_html, page(queue, summary))
    write_json(args.metrics, summary)


if __name__ == "__main__":
    run(main)
