"""score: out-of-fold class probabilities of every row, by an ensemble of models, for finding label errors.

python -m stages.score --rows data/labelled.parquet --embeddings data/embeddings --encoder models/adapted
    --out data/scores.parquet --metrics reports/metrics/score.json

Method `probe`: two logistic regressions, `probe` on the embedding and `words` on TF-IDF. A frozen sentence encoder
knows the topic better than the class, words the other way about, and their mean beats either. Method `finetune`: the
encoder fine-tuned anew for each fold and seed. `both`: all three. Trained on labels that people gave, for rows of
every split: these scores find label errors, they choose no model.
Out: id, fold, p_<label> (the members' mean) and <member>_p_<label>, float32, one row for each row in.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.score.components import Components
from winnow import kinds
from winnow.base import hashing, params
from winnow.base.files import write_json
from winnow.base.stage import arguments, run
from winnow.encoder import embeddings
from winnow.encoder.compute import Compute, start
from winnow.kinds.classification import finetuned, metrics, scores
from winnow.rows import tables
from winnow.rows.origins import TRUSTED
from winnow.text import tfidf

CALIBRATION_BINS = 10  # coarse enough for a few hundred rows


class Params(params.Section):
    method: Literal["probe", "finetune", "both"]
    folds: int = Field(ge=2)
    regularization: tfidf.Regularization  # of method probe
    finetune: finetuned.Recipe


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


def members(
    ids: list[str], texts: list[str], embedded: Path, encoder: Path, settings: Params, compute: Compute
) -> dict[str, scores.Member]:
    """Return the models that the method asks for, by name; only what they need is read.

    Args:
        embedded: the folder of the rows' embeddings.
        encoder: the folder of the model to fine-tune.
    """
    chosen: dict[str, scores.Member] = {}
    if settings.method != "finetune":
        features = embeddings.of(ids, embedded)
        chosen["probe"] = scores.Probe(features, settings.regularization.probe)
        chosen["words"] = scores.Words(texts, settings.regularization.tfidf)
    if settings.method != "probe":
        accelerator = start(compute, settings.finetune.seeds[0])
        chosen["finetune"] = finetuned.FineTuned(encoder, texts, settings.finetune, accelerator, ids)
    return chosen


def measure(truth: np.ndarray, found: dict[str, np.ndarray], mean: np.ndarray, labels: list[str]) -> dict:
    """Return the metrics of the ensemble, and of each member, on the rows whose class is known.

    Args:
        truth: (rows,) int, -1 where it is not known.
        found: (rows, labels) float probabilities of each member.
        mean: the same of the ensemble.
    """
    known = truth >= 0
    ensemble = metrics.of_chances(truth[known], mean[known], labels, CALIBRATION_BINS)
    shown = ("accuracy", "macro_f1", "log_loss")
    each = {}
    for name, chances in found.items():
        measured = metrics.of_chances(truth[known], chances[known], labels, CALIBRATION_BINS)
        each[name] = {metric: measured[metric] for metric in shown}
    return {metric: ensemble[metric] for metric in ("rows", *shown, "f1")} | {"members": each}


def columns(prefix: str, probabilities: np.ndarray, labels: list[str]) -> dict[str, pa.Array]:
    """Return a column for each label, named by prefix and label."""
    return {f"{prefix}_{label}": pa.array(probabilities[:, place]) for place, label in enumerate(labels)}


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "embeddings", "encoder", "out", "metrics")
    settings, task = params.load("score", Params), kinds.read_task()
    compute = params.load("compute", Compute)
    rows = tables.read(args.rows, ["id", "group", "cluster", "text", "label", "label_origin"])
    folds = assign_folds(rows["group"].to_pylist(), rows["cluster"].to_pylist(), settings.folds)
    truth = np.array(
        [
            task.labels.index(label) if origin in TRUSTED else -1
            for label, origin in zip(rows["label"].to_pylist(), rows["label_origin"].to_pylist(), strict=True)
        ]
    )
    ids, texts = rows["id"].to_pylist(), rows["text"].to_pylist()
    ensemble = members(ids, texts, args.embeddings, args.encoder, settings, compute)
    found = {name: scores.out_of_fold(member, truth, folds, task.labels) for name, member in ensemble.items()}
    mean = np.mean(list(found.values()), axis=0)

    table = {"id": rows["id"], "fold": pa.array(folds)} | columns("p", mean, task.labels)
    for name, chances in found.items():
        table |= columns(f"{name}_p", chances, task.labels)
    tables.write(pa.table(table), args.out)
    write_json(args.metrics, measure(truth, found, mean, task.labels))


if __name__ == "__main__":
    run(main)
