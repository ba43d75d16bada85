"""learning_curve: macro-F1 on dev against the number of labels, for a probe on the embeddings and for TF-IDF.

python -m stages.learning_curve --rows data/labelled.parquet --embeddings data/embeddings
    --out reports/plots/learning_curve.csv

In: the labelled rows and their embeddings. Out: a CSV file with columns arm, labels, seed, macro_f1. Each seed draws
its training rows by hash, so that a seed's larger draw holds its smaller ones and new rows disturb little.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow import kinds
from winnow.base import files, hashing, params
from winnow.base.errors import UserError
from winnow.base.stage import arguments, progress, run
from winnow.encoder import embeddings
from winnow.kinds.classification.metrics import f1_per_label
from winnow.rows import tables
from winnow.rows.origins import TRUSTED
from winnow.text import tfidf

NGRAMS = 2
MAX_FEATURES = 10_000  # with up to 1,600 labels as good as 50,000, in a third of the time


class Params(params.Section):
    """Section `learning_curve` of params.yaml."""

    budgets: list[Annotated[int, Field(ge=2)]] = Field(min_length=1)  # numbers above the rows at hand are left out
    seeds: list[int] = Field(min_length=1)  # draws a budget; more tell the spread better and cost time
    regularization: tfidf.Regularization


def learning_curve(
    rows: pa.Table, vectors: dict[str, np.ndarray], labels: list[str], settings: Params
) -> list[tuple[str, int, int, float]]:
    """Return (arm, labels, seed, macro-F1 on dev), sorted.

    Args:
        rows: labelled rows with id, split, text, label, label_origin; rows without a given or human label are unused.
        vectors: embedding of each row, by id, (width,) float32.

    Raises:
        UserError: there is no dev row, no budget fits the training rows, or a row has no embedding.
    """
    usable = [
        row
        for row in rows.to_pylist()
        if row["label"] is not None and row["label_origin"] in TRUSTED and row["split"] in ("train", "dev")
    ]
    train = [row for row in usable if row["split"] == "train"]
    dev = [row for row in usable if row["split"] == "dev"]
    if not dev:
        raise UserError("learning_curve: no dev row has a given or human label; raise split.dev or add rows")
    if min(settings.budgets) > len(train):
        raise UserError(
            f"params.yaml: learning_curve.budgets: the least is {min(settings.budgets)}, but there are {len(train)} "
            f"labelled training rows"
        )
    for row in usable:
        if row["id"] not in vectors:
            raise UserError(f"learning_curve: row {row['id']} has no embedding; `dvc repro embed`")
    place = {label: index for index, label in enumerate(labels)}
    truth = np.array([place[row["label"]] for row in dev])

    points = []
    for seed in progress(settings.seeds, "learning curve"):
        order = sorted(train, key=lambda row: hashing.digest(seed, row["id"]))
        for budget in (budget for budget in settings.budgets if budget <= len(train)):
            drawn = order[:budget]
            target = np.array([place[row["label"]] for row in drawn])
            for arm, predict in (("probe", _probe), ("tfidf", _tfidf)):
                predicted = predict(drawn, target, dev, vectors, getattr(settings.regularization, arm))
                points.append((arm, budget, seed, float(f1_per_label(truth, predicted, len(labels)).mean())))
    return sorted(points)


def _probe(drawn: list[dict], target: np.ndarray, dev: list[dict], vectors: dict, c: float) -> np.ndarray:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    matrix = scaler.fit_transform(np.stack([vectors[row["id"]] for row in drawn]).astype(float))
    return _fit_predict(matrix, target, scaler.transform(np.stack([vectors[row["id"]] for row in dev])), c)


def _tfidf(drawn: list[dict], target: np.ndarray, dev: list[dict], vectors: dict, c: float) -> np.ndarray:
    vectorizer, matrix = tfidf.features([row["text"] for row in drawn], NGRAMS, MAX_FEATURES)
    return _fit_predict(matrix, target, vectorizer.transform([row["text"] for row in dev]), c)


def _fit_predict(matrix, target: np.ndarray, held_out, c: float) -> np.ndarray:
    if len(np.unique(target)) == 1:  # a small draw of a rare label's set; there is nothing to fit
        return np.full(held_out.shape[0], target[0])
    return tfidf.fit(matrix, target, c).predict(held_out)


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "embeddings", "out")
    settings = params.load("learning_curve", Params)
    labels = kinds.read_task().labels
    rows = tables.read(args.rows, ["id", "split", "text", "label", "label_origin"])
    ids, matrix = embeddings.read(args.embeddings)
    points = learning_curve(rows, dict(zip(ids, matrix, strict=True)), labels, settings)
    lines = (f"{arm},{labels},{seed},{score:.6f}\n" for arm, labels, seed, score in points)
    files.write_text(args.out, "arm,labels,seed,macro_f1\n" + "".join(lines))


if __name__ == "__main__":
    run(main)
