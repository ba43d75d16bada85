"""audit: the rows with an automatic label that people check, drawn at random and never judged before the rules stood.

python -m stages.audit --rows data/deduplicated.parquet --split data/split.parquet
    --annotations data/annotations.parquet --votes data/votes.parquet --decisions data/decisions.csv
    --out data/audit_queue.parquet --queue-csv reports/review/audit.csv --metrics reports/metrics/audit.json

Whoever mends a rule has seen what people said of its labels, so these rows cannot show that it is right now. The draw
depends on the version of the rules (`winnow.labelling.version`): of each origin and class it takes the rows that come
first by a hash of version and id. A row that people judged under another version, or in another queue, before they
judged it in this draw is used up. Another row moves few others in or out.

Out: the sample as a queue (`winnow.people.queue`), judged rows included; how many rows of each origin and class it
holds, and how many are used up.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stages.audit.draw import Draw, used_up
from winnow import kinds
from winnow.base import params
from winnow.base.files import write_json
from winnow.base.stage import arguments, run
from winnow.labelling.rules import AnyRule
from winnow.labelling.settings import Params
from winnow.people import decisions, queue
from winnow.rows import tables
from winnow.rows.votes import ByRow


def entries(draw: Draw, rows: Mapping[str, dict], votes: pa.Table, rules: Sequence[AnyRule]) -> pa.Table:
    """Return the sample as a queue (`winnow.people.queue.ENTRY`).

    Args:
        rows: split, text, meta, label, rule and version of the sample's rows, by id.
        votes: id, rule and label of every vote on them.
    """
    rule_of = {rule.name: rule for rule in rules}
    said = ByRow(votes)
    return queue.table(
        {
            "id": id,
            "split": rows[id]["split"],
            "given_label": rows[id]["label"],
            "reasons": [rule_of[rows[id]["rule"]].reason(rows[id]), *draw.told(id)],
            "votes": said[id],
            "text": rows[id]["text"],
            "drawn_for": rows[id]["version"],
        }
        for id in draw.ids
    )


def read_rows(path: Path, split: pa.Table, annotations: pa.Table, ids: Collection[str]) -> dict[str, dict]:
    """Return split, text, meta and what annotations say of a few rows, by id."""
    wanted = pa.array(sorted(ids), pa.string())
    annotated = {row["id"]: row for row in annotations.filter(pc.is_in(annotations["id"], wanted)).to_pylist()}
    split = split.filter(pc.is_in(split["id"], wanted))
    of_split = dict(zip(split["id"].to_pylist(), split["split"].to_pylist(), strict=True))
    found = {}
    for batch in tables.batches(path, ["id", "text", "meta"]):
        for row in batch.filter(pc.is_in(batch["id"], wanted)).to_pylist():
            own = {"meta": dict(row["meta"]), "split": of_split.get(row["id"])}
            found[row["id"]] = row | own | annotated[row["id"]]
    return found


def main(argv: Sequence[str] | None = None) -> None:
    paths = "rows", "split", "annotations", "votes", "decisions", "out", "queue_csv", "metrics"
    args = arguments(__doc__, argv, *paths)
    settings, task = params.load("annotate", Params), kinds.read_task()
    annotations, votes = tables.read(args.annotations), tables.read(args.votes)
    labelled = annotations.select(["id", "label", "label_origin", "version"]).to_pylist()
    versions = {row["id"]: row["version"] for row in labelled}
    draw = Draw.of(labelled, used_up(decisions.read(args.decisions), versions), settings.audit_rows, task)
    rows = read_rows(args.rows, tables.read(args.split, ["id", "split"]), annotations, draw.ids)
    votes = votes.filter(pc.is_in(votes["id"], pa.array(sorted(draw.ids), pa.string())))
    queue.write(entries(draw, rows, votes, settings.rules), args.out, args.queue_csv, task)
    write_json(args.metrics, {"rows": len(draw.ids), "samples": draw.counts()})


if __name__ == "__main__":
    run(main)
