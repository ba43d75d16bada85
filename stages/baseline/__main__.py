"""baseline: TF-IDF and logistic regression on the training table; what a transformer must beat.

python -m stages.baseline --training data/training.parquet --rows data/labelled.parquet
    --out data/baseline/tfidf-0.parquet --metrics reports/metrics/baseline.json

In: the training table (text, label, weight) and the labelled rows. Out: predictions for the dev and test rows that
have a given or human label (winnow.rows.predictions), and the regularization that was chosen on dev. No model is kept:
it trains in seconds, and a pickle is not safe to load.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow import kinds
from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.base.stage import arguments, run
from winnow.kinds.classification.metrics import f1_per_label
from winnow.kinds.classification.predictions import table
from winnow.kinds.task import Task
from winnow.rows import predictions, tables, training_table
from winnow.text import tfidf


class Params(params.Section):
    """Section `baseline` of params.yaml."""

    ngrams: int = Field(2, ge=1, le=5)
    """The longest n-gram, in words."""

    max_features: int = Field(50_000, gt=0)
    """The most frequent n-grams. More cost memory and change little."""

    regularization: list[Annotated[float, Field(gt=0)]] = Field([1, 3, 10, 30, 100, 300], min_length=1)
    """Values of C to choose from on dev, by log loss."""


def baseline(training: pa.Table, rows: pa.Table, task: Task, settings: Params) -> tuple[pa.Table, dict]:
    """Return predictions for the dev and test rows, and metrics: C, dev macro-F1 and log loss, number of features.

    C is that of the lowest log loss on dev: macro-F1 of a few hundred rows hardly tells one from another.

    Raises:
        UserError: the training table has fewer than two labels, or there is no dev row.
    """
    labels = task.labels
    truth = task.indices(training["label"].to_pylist())
    if len(np.unique(truth)) < 2:
        raise UserError("baseline: the training table has fewer than two labels; raise balance.max_labels or add rows")
    held_out = predictions.evaluated(rows)
    actual = task.indices(held_out["label"].to_pylist())
    on_dev = np.array(held_out["split"].to_pylist()) == "dev"
    if not on_dev.any():
        raise UserError("baseline: no dev row has a given or human label; raise split.dev or add rows")

    try:
        vectorizer, matrix = tfidf.features(training["text"].to_pylist(), settings.ngrams, settings.max_features)
    except ValueError as error:
        raise UserError(f"baseline: the training texts hold no words ({error})") from None
    held_out_matrix = vectorizer.transform(held_out["text"].to_pylist())
    weights = training["weight"].to_numpy()

    lowest, best_c, best = np.inf, 0.0, np.empty(0)
    for c in sorted(settings.regularization):
        fitted = tfidf.fit(matrix, truth, c, weights)
        probabilities = tfidf.probabilities(fitted, held_out_matrix, len(labels))
        of_truth = probabilities[on_dev, actual[on_dev]].clip(min=1e-9)  # of a class without training rows, it is 0
        loss = float(-np.log(of_truth).mean())
        if loss < lowest:  # a tie goes to the stronger penalty
            lowest, best_c, best = loss, float(c), probabilities

    score = float(f1_per_label(actual[on_dev], best[on_dev].argmax(axis=1), len(labels)).mean())
    metrics = {"regularization": best_c, "dev_macro_f1": score, "dev_log_loss": lowest, "features": matrix.shape[1]}
    return table(task, held_out, best), metrics


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "training", "rows", "out", "metrics")
    settings = params.load("baseline", Params)
    task = kinds.read_task()
    training = training_table.read(args.training, ["text", "label", "weight"])
    rows = tables.read(args.rows, ["id", "group", "split", "text", "label", "label_origin"])
    predicted, metrics = baseline(training, rows, task, settings)
    tables.write(predicted, args.out)
    files.write_json(args.metrics, metrics)


if __name__ == "__main__":
    run(main)
