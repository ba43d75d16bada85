"""calibrate: planted label errors and the signals that they give, from which find_issues learns what a signal means.

python -m stages.calibrate --rows data/labelled.parquet --scores data/scores.parquet --embeddings data/embeddings
    --out data/calibration.parquet --metrics reports/metrics/calibrate.json

Wrong labels are planted among those that people gave: any other label, one that the models confuse with it, or the one
that a model takes the row for. Then the signals of all these labels are measured (`winnow.kinds.evidence`). What rules
say is left out: they may read what the label was made from, so planted errors cannot teach what they are worth.
Out: planting, id, label (as planted), is_error, weight (how many rows it stands for) and a column for each signal, for
every planted error and as many other rows as `max_rows` leaves room for. The metrics tell how well single detectors
find the planted errors; the rows without one hold real errors too, false alarms there for every detector alike.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from stages.calibrate import planting
from stages.calibrate.planting import Labels
from winnow import kinds
from winnow.base import params, progress
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.stage import arguments, run
from winnow.detect import inputs
from winnow.encoder import embeddings
from winnow.kinds.evidence import Noise, Signals
from winnow.rows import origins, tables

TOP = 100


class Params(params.Section):
    """Section `calibrate` of params.yaml: the errors planted among the labels, from which find_issues learns."""

    noise: dict[Noise, float]
    """Share of the labels that become errors, by kind: `uniform`; `class`, as classes are confused; `instance`, as the
    models err, like people."""

    plantings: int = Field(1, ge=1)
    """Each with other draws. More make the probabilities of a small dataset steadier."""

    max_rows: int = Field(5000, ge=100)
    """Rows of a planting that are kept; all planted errors are."""

    seed: int = Field(1, ge=0)
    """Seed of the draws."""

    @field_validator("noise")
    @classmethod
    def _some(cls, noise: dict[Noise, float]) -> dict[Noise, float]:
        if not all(share >= 0 for share in noise.values()) or not 0 < sum(noise.values()) <= 0.5:
            raise ValueError("shares must not be negative, and be above 0 and at most 0.5 together")
        return noise


def examples(ids: pa.ChunkedArray, noisy: np.ndarray, found: Signals, labels: Labels, most: int) -> pa.Table:
    """Return every row with a planted error and, of the other known ones, those of lowest hash: ids are hashes.

    Args:
        ids: (rows,).
        noisy: (rows,) labels as planted.
        found: the signals of these labels.
        labels: what they were before.
        most: how many rows; of planted errors there may be more.
    """
    wrong = noisy != labels.given
    right = np.flatnonzero(labels.known & ~wrong)
    kept = right[: max(most - int(wrong.sum()), 1)]
    chosen = np.sort(np.concatenate([np.flatnonzero(wrong), kept]))
    weights = np.where(wrong, 1.0, len(right) / max(len(kept), 1))
    columns = {
        "id": ids.take(pa.array(chosen)),
        "label": pa.array(noisy[chosen], pa.string()),
        "is_error": pa.array(wrong[chosen]),
        "weight": pa.array(weights[chosen]),
    }
    return pa.table(columns | {name: pa.array(found.values[chosen, at]) for at, name in enumerate(found.names)})


def precisions(rankings: dict[str, np.ndarray], wrong: np.ndarray) -> dict[str, dict[str, float]]:
    """Return each detector's average precision on planted errors, and its precision at the first hundred.

    Args:
        rankings: (rows,) float, by name, higher is more suspicious.
        wrong: (rows,) bool, where an error was planted.
    """
    from sklearn.metrics import average_precision_score

    return {
        name: {
            "average_precision": float(average_precision_score(wrong, ranking)),
            f"precision_at_{TOP}": float(wrong[np.argsort(-ranking, kind="stable")[:TOP]].mean()),
        }
        for name, ranking in rankings.items()
    }


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "scores", "embeddings", "out", "metrics")
    settings, task = params.load("calibrate", Params), kinds.read_task()
    rows = tables.read(args.rows, inputs.COLUMNS)
    ids = rows["id"].to_pylist()
    evidence, folds = inputs.evidence_of_all(args.scores, ids, task)
    labels = Labels(inputs.labels(rows["label"]), origins.trusted(rows).to_numpy(), folds)
    silent = np.full(len(ids), None, dtype=object)
    around = inputs.surroundings(rows, folds, silent, embeddings.of(ids, args.embeddings))
    before = evidence.signals(labels.given, labels.known, around, labels.given)

    parts, measured = [], []
    for number in progress.over(range(settings.plantings), "plantings"):
        noisy = planting.plant(labels, before.evidence, settings.noise, settings.seed + number, task)
        wrong = noisy != labels.given
        if not wrong.any():
            raise UserError(f"params.yaml: calibrate.noise plants no error in {labels.known.sum()} labels; raise it")
        found = evidence.signals(noisy, labels.known, around, noisy)
        table = examples(rows["id"], noisy, found, labels, settings.max_rows)
        parts.append(table.add_column(0, "planting", pa.array(np.full(len(table), number))))
        rankings = found.evidence.rankings(noisy, around.near)
        known = {name: ranking[labels.known] for name, ranking in rankings.items()}
        measured.append({"planted": int(wrong.sum()), "detectors": precisions(known, wrong[labels.known])})
    tables.write_sorted(pa.concat_tables(parts), args.out)
    write_json(args.metrics, {"rows": int(labels.known.sum()), "plantings": measured})


if __name__ == "__main__":
    run(main)
