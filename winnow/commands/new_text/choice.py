"""Which new rows people should label: by the strategy of the stage choose_rows, among them and what has a label."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.commands.trained import Model
from winnow.detect import active
from winnow.encoder import embeddings, pooling
from winnow.encoder.reader import Reader, Reading

SECTION = "choose_rows"
WHY = {
    "random": "drawn at random",
    "entropy": "the model is less sure of it than of most new rows",
    "margin": "the model wavers between two labels more than in most new rows",
    "k_center": "of the rows left, the farthest from all that have a label or stand before it",
    "typical": "among the most typical of the new rows like it",
    "mixed": "of the rows left, the least like those before it",
}
LEAST_DOUBT = "no row left is in more doubt"  # of a row whose turn comes although the model is sure


def rows_wanted() -> int:
    """Return how many rows the stage chooses."""
    return int(params.read()[SECTION]["rows"])


def choose(
    texts: Sequence[str], labelled: Sequence[str], predicted: pa.Table, model: Model, count: int
) -> tuple[np.ndarray, list[str]]:
    """Return the places of the texts to label, the first to be labelled first, (at most count,) int; and why each.

    Args:
        labelled: ids of the training rows that have a label; they have embeddings.
        predicted: what the model says of the texts.

    Raises:
        UserError: the encoder or the embeddings are not made.
    """
    settings = params.read()[SECTION]
    vectors = active.unit_length(embedded(texts, model))
    known = embeddings.of(labelled[: settings.get("max_rows", 50_000)], pipeline.path(SECTION, "embeddings"))
    strategy, doubt = settings["strategy"], None
    if by := active.DOUBT.get(strategy):
        try:
            where = model.folders[0]
            doubt = kinds.load(model.task, "scores").read(model.task, predicted, where).doubt(by)
        except UserError:  # the kind of task tells no doubt
            strategy = settings.get("cold_start", "typical")
    pool = active.Pool(vectors, active.unit_length(known, out=known), doubt)
    chosen = active.choose(strategy, count, pool, settings.get("seed", 1))
    return chosen, reasons(strategy, chosen, pool.doubt)


def reasons(strategy: active.Strategy, chosen: np.ndarray, doubt: np.ndarray | None) -> list[str]:
    """Return why each of the chosen rows was, in words that hold for it: where few rows are left, sure ones come too.

    Args:
        doubt: (candidates,) float, as in `active.Pool`.
    """
    if strategy not in active.DOUBT:
        return [WHY[strategy]] * len(chosen)
    doubtful = (doubt > np.median(doubt))[chosen]
    if strategy != "mixed":
        return [WHY[strategy] if is_doubtful else LEAST_DOUBT for is_doubtful in doubtful]
    first = [LEAST_DOUBT] * min(len(chosen), 1)  # before it stands no row
    apart = [WHY[strategy]] * (len(chosen) - 1)
    others = zip(doubtful[1:], apart, strict=True)
    return first + [f"{WHY['entropy']}; {why}" if is_doubtful else why for is_doubtful, why in others]


def embedded(texts: Sequence[str], model: Model) -> np.ndarray:
    """Return the embeddings of texts by the encoder of the stage embed, (texts, dimensions) float32."""
    accelerator = model.parts[0][1].accelerator
    folder, length = pipeline.path("embed", "encoder"), params.load("encoder", Reading).max_length
    if not folder.is_dir():
        raise UserError(f"{folder}: no encoder is there; `dvc pull` or `dvc repro embed` makes it")
    reader = Reader.of(folder, length, model.parts[0][1].batch_tokens, accelerator)
    return pooling.embed(pooling.load(folder, accelerator), reader.tokenize(list(texts)), reader)
