"""calibrate: planted label errors and the signals that they give, from which find_issues learns what a signal means.

python -m stages.calibrate --rows data/labelled.parquet --scores data/scores.parquet --embeddings data/embeddings
    --out data/calibration.parquet --metrics reports/metrics/calibrate.json

Wrong labels are planted among those that people gave: any other label, one that the models confuse with it, or the one
that a model takes the row for. Then the signals of all these labels are measured (`winnow.detect.signals`).
Out: planting, id, label (as planted), is_error, weight (how many rows it stands for) and a column for each signal, for
every planted error and as many other rows as `max_rows` leaves room for. The metrics tell how well single detectors
find the planted errors; the rows without one hold real errors too, false alarms there for every detector alike.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.stage import arguments, run
from winnow.detect import detectors, inputs, signals, tiered
from winnow.detect.neighbours import Neighbours
from winnow.detect.noise import Kind
from winnow.detect.signals import Signals
from winnow.encoder import embeddings
from winnow.rows import tables

TOP = 100


class Params(params.Section):
    noise: dict[Kind, float]
    plantings: int = Field(ge=1)
    max_rows: int = Field(ge=100)  # of each planting
    seed: int = Field(ge=0)

    @field_validator("noise")
    @classmethod
    def _some(cls, noise: dict[Kind, float]) -> dict[Kind, float]:
        if not all(share >= 0 for share in noise.values()) or not 0 < sum(noise.values()) <= 0.5:
            raise ValueError("shares must not be negative, and be above 0 and at most 0.5 together")
        return noise


def examples(
    ids: pa.ChunkedArray, label: Sequence[str | None], wrong: np.ndarray, found: Signals, known: np.ndarray, most: int
) -> pa.Table:
    """Return every row with a planted error and, of the other known ones, those of lowest hash: ids are hashes.

    Args:
        ids, label: (rows,), labels as planted.
        wrong, known: (rows,) bool.
        found: the signals of these labels.
        most: how many rows; of planted errors there may be more.
    """
    right = np.flatnonzero(known & ~wrong)
    kept = right[: max(most - int(wrong.sum()), 1)]
    chosen = np.sort(np.concatenate([np.flatnonzero(wrong), kept]))
    weights = np.where(wrong, 1.0, len(right) / max(len(kept), 1))
    columns = {
        "id": ids.take(pa.array(chosen)),
        "label": pa.array([label[row] for row in chosen], pa.string()),
        "is_error": pa.array(wrong[chosen]),
        "weight": pa.array(weights[chosen]),
    }
    return pa.table(columns | {name: pa.array(found.values[chosen, at]) for at, name in enumerate(found.names)})


def found_by(
    noisy: np.ndarray,
    wrong: np.ndarray,
    known: np.ndarray,
    members: Mapping[str, np.ndarray],
    near: Neighbours,
    found: Signals,
) -> dict[str, dict[str, float]]:
    """Return each detector's average precision on planted errors, and its precision at the first hundred.

    Args:
        noisy: (rows,) int labels, those `wrong` planted; the `known` count.
    """
    from sklearn.metrics import average_precision_score

    names = [*detectors.NAMES, *(f"loss_{name}" for name in members)]
    rankings = {name: detectors.rank_by(name, noisy, members, near) for name in names}
    rankings["stack"] = found.values[:, found.names.index(signals.STACK)]
    result = {}
    for name, ranking in rankings.items():
        score, error = ranking[known], wrong[known]
        result[name] = {
            "average_precision": float(average_precision_score(error, score)),
            f"precision_at_{TOP}": float(error[np.argsort(-score, kind="stable")[:TOP]].mean()),
        }
    return result


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "scores", "embeddings", "out", "metrics")
    settings, task = params.load("calibrate", Params), kinds.read_task()
    rows = tables.read(args.rows, inputs.COLUMNS)
    known = inputs.known_labels(rows)
    members, folds = inputs.members(rows, tables.read(args.scores), task, args.scores)
    labels = inputs.label_index(rows["label"].to_pylist(), task)
    array = embeddings.of(rows["id"].to_pylist(), args.embeddings)
    silent = np.full(len(labels), signals.NONE)
    described = inputs.describe(rows, folds, array, silent, known, signals.NEAREST)

    before = signals.signals(labels, known, members, described, labels)

    parts, measured = [], []
    for planting in range(settings.plantings):
        noisy = tiered.plant(labels, known, before.members, folds, settings.noise, settings.seed + planting)
        wrong = noisy != labels
        if not wrong.any():
            raise UserError(f"params.yaml: calibrate.noise plants no error in {known.sum()} labels; raise it")
        found = tiered.planted(noisy, known, members, described)
        names = [None if label == signals.NONE else task.labels[label] for label in noisy]
        table = examples(rows["id"], names, wrong, found, known, settings.max_rows)
        parts.append(table.add_column(0, "planting", pa.array(np.full(len(table), planting))))
        measured.append(
            {"planted": int(wrong.sum()), "detectors": found_by(noisy, wrong, known, members, described.near, found)}
        )
    tables.write_sorted(pa.concat_tables(parts), args.out)
    write_json(args.metrics, {"rows": int(known.sum()), "plantings": measured})


if __name__ == "__main__":
    run(main)
