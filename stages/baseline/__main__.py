"""baseline: TF-IDF and a linear model on the training table; what a transformer must beat.

python -m stages.baseline --training data/training.parquet --rows data/evaluated.parquet
    --out data/baseline/tfidf-0.parquet --metrics reports/metrics/baseline.json

In: the training table (text, label, weight) and the labelled rows. Out: predictions for the dev and test rows that
have a given or human label (winnow.rows.predictions), and the regularization that was chosen on dev. No model is kept:
it trains in seconds, and a pickle is not safe to load.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow import kinds
from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.base.stage import arguments, run
from winnow.kinds.task import Task
from winnow.rows import predictions, tables, training_table
from winnow.rows.text_column import strings
from winnow.text import tfidf

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_WEIGHTS = 2**24  # n-grams times classes: of many classes rare n-grams, which occur in one text, are left out
PATIENCE = 2  # values of C that are worse than the best before them, after which no higher one is tried


class Params(params.Section):
    """Section `baseline` of params.yaml."""

    ngrams: int = Field(2, ge=1, le=5)
    """The longest n-gram, in words."""

    max_features: int = Field(50_000, gt=0)
    """The most frequent n-grams. More cost memory and change little; of several hundred classes, fewer are taken."""

    max_rows: int = Field(100_000, gt=0)
    """Rows of the training table that are learnt from: of more, those of lowest id, which is a hash. More cost memory
    and time."""

    regularization: list[Annotated[float, Field(gt=0)]] = Field(
        [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000], min_length=1
    )
    """Values of C to choose from on dev, by log loss, from the lowest on; none above two in a row that were worse."""


def baseline(training: pa.Table, rows: pa.Table, task: Task, settings: Params) -> tuple[pa.Table, dict]:
    """Return predictions for the dev and test rows, and metrics: C, headline and loss on dev, number of features.

    C is that of the lowest loss on dev: the headline of a few hundred rows hardly tells one from another. The loss has
    one valley over C, and the highest cost most.

    Raises:
        UserError: there is no dev row, the training texts hold no words, or the kind of task cannot learn from the
            training table.
    """
    kind, metrics = kinds.load(task, "baseline"), kinds.load(task, "metrics")
    held_out = predictions.evaluated(rows)
    if "dev" not in held_out["split"].to_pylist():
        raise UserError("baseline: no dev row has a given or human label; raise split.dev or add rows")
    features = (
        kind.features(training, held_out) if hasattr(kind, "features") else ngrams(training, held_out, task, settings)
    )

    predict = kind.predictor(task, training, held_out, features)
    lowest, best_c, best, worse = np.inf, 0.0, held_out.slice(0, 0), 0
    for c in sorted(settings.regularization):
        predicted = predict(c)
        loss = kind.loss(task, predictions.of_split(predicted, "dev"))
        if loss < lowest:  # a tie goes to the stronger penalty
            lowest, best_c, best, worse = loss, float(c), predicted, 0
        elif (worse := worse + 1) == PATIENCE:
            break

    headline = metrics.HEADLINE.name

    def score(predicted: pa.Table) -> float:
        dev = predictions.of_split(predicted, "dev")
        return float(metrics.values(metrics.counts(task, dev, np.zeros(dev.num_rows, dtype=int), 1))[headline][0])

    measured = {"regularization": best_c, f"dev_{headline}": score(best), f"dev_{kind.LOSS}": lowest}
    if hasattr(kind, "plain"):
        plain = kind.plain(task, training, held_out)
        measured |= {f"dev_{headline}_of_{name}": score(predicted) for name, predicted in plain.items()}
    return best, measured | {"features": features[0].shape[1]}


def ngrams(training: pa.Table, rows: pa.Table, task: Task, settings: Params) -> "tuple[csr_matrix, csr_matrix]":
    """Return TF-IDF of words of the training table and of other rows, (rows, n-grams) float each.

    Raises:
        UserError: the training texts hold no words.
    """
    most = min(settings.max_features, max(MOST_WEIGHTS // max(len(task.vocabulary(())), 1), 1))
    try:
        vectorizer, matrix = tfidf.features(strings(training["text"]), settings.ngrams, most)
    except ValueError as error:
        raise UserError(f"baseline: the training texts hold no words ({error})") from None
    return matrix, vectorizer.transform(strings(rows["text"]))


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "training", "rows", "out", "metrics")
    settings = params.load("baseline", Params)
    task = kinds.read_task()
    training = training_table.read(args.training, ["text", "label", "weight"])
    training = training.slice(0, settings.max_rows)
    predicted, measured = baseline(training, predictions.read_evaluated(args.rows), task, settings)
    tables.write(predicted, args.out)
    files.write_json(args.metrics, measured)


if __name__ == "__main__":
    run(main)
