"""score: out-of-fold class probabilities of every row, the mean of what its embedding and what its words say.

python -m stages.score --rows data/labelled.parquet --embeddings data/embeddings --out data/scores.parquet
    --metrics reports/metrics/score.json

Two logistic regressions, on the embedding and on TF-IDF: a frozen sentence encoder knows the topic better than the
class, words the other way about, and their mean beats either. Trained on labels that people gave, for rows of every
split: these scores find label errors, they choose no model.
Out: id, fold and p_<label> (float32), one row for each row in.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow import embeddings, hashing, params, tables, tfidf
from winnow.components import Components
from winnow.errors import UserError
from winnow.files import write_json
from winnow.stage import arguments, run
from winnow.tasks import metrics, scores
from winnow.tasks.labels import TRUSTED, Task

CALIBRATION_BINS = 10  # coarse enough for a few hundred rows


class Params(params.Section):
    folds: int = Field(ge=2)
    regularization: tfidf.Regularization


def assign_folds(groups: list[str], clusters: list[str], folds: int) -> np.ndarray:
    """Return each row's fold, (rows,) int, such that no group and no cluster of near-duplicates crosses folds.

    Rows tied by either, directly or by a chain, share the fold that their first group's name hashes to, so that rows
    in new groups move no old row unless they tie groups together.
    """
    components = Components(len(groups))
    components.join_equal(groups)
    components.join_equal(clusters)
    roots = components.roots()
    first: dict[int, str] = {}
    for root, group in zip(roots, groups, strict=True):
        first[root] = min(group, first.get(root, group))
    return np.array([int(hashing.unit("fold", first[root]) * folds) for root in roots], dtype=np.int64)


def match(ids: list[str], embedded: list[str], array: np.ndarray, folder: Path) -> np.ndarray:
    """Return the embeddings of `ids` in their order, (rows, dimensions) float32.

    Raises:
        UserError: a row has no embedding.
    """
    place = {id: index for index, id in enumerate(embedded)}
    missing = [id for id in ids if id not in place]
    if missing:
        raise UserError(f"{folder}: {len(missing)} row(s) have no embedding, first {missing[0]}; run `dvc repro embed`")
    return array[[place[id] for id in ids]]


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "embeddings", "out", "metrics")
    settings, task = params.load("score", Params), params.load("task", Task)
    rows = tables.read(args.rows, ["id", "group", "cluster", "text", "label", "label_origin"])
    ids = rows["id"].to_pylist()
    features = match(ids, *embeddings.read(args.embeddings), args.embeddings)
    folds = assign_folds(rows["group"].to_pylist(), rows["cluster"].to_pylist(), settings.folds)
    truth = np.array(
        [
            task.labels.index(label) if origin in TRUSTED else -1
            for label, origin in zip(rows["label"].to_pylist(), rows["label_origin"].to_pylist(), strict=True)
        ]
    )
    texts = rows["text"].to_pylist()
    probabilities = (
        scores.out_of_fold(scores.Probe(features, settings.regularization.probe), truth, folds, task.labels)
        + scores.out_of_fold(scores.Words(texts, settings.regularization.tfidf), truth, folds, task.labels)
    ) / 2

    known = truth >= 0
    measured = metrics.measure(truth[known], probabilities[known], task.labels, CALIBRATION_BINS)
    columns = {f"p_{label}": pa.array(probabilities[:, i]) for i, label in enumerate(task.labels)}
    tables.write(pa.table({"id": rows["id"], "fold": pa.array(folds)} | columns), args.out)
    write_json(args.metrics, {name: measured[name] for name in ("rows", "accuracy", "macro_f1", "log_loss", "f1")})


if __name__ == "__main__":
    run(main)
