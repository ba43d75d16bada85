"""score: what an ensemble of models says of every row out of fold, for finding label errors.

python -m stages.score --rows data/labelled.parquet --embeddings data/embeddings --encoder models/adapted
    --out data/scores.parquet --metrics reports/metrics/score.json

Method `probe`: two logistic regressions, `probe` on the embedding and `words` on TF-IDF. A frozen sentence encoder
knows the topic better than the class, words the other way about, and their mean beats either. Method `finetune`: the
encoder fine-tuned anew for each fold and seed. `both`: all three. They learn from labels that people gave, in rows of
every split: these scores find label errors, they choose no model.
Out: one row for each row in: id, fold, and what the models say, in columns of the kind of task. Of classes:
p_<label> (the members' mean) and <member>_p_<label>, float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.score.components import Components
from winnow import kinds
from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.stage import arguments, run
from winnow.encoder import embeddings
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader, Reading
from winnow.kinds.members import Recipe
from winnow.rows import origins, tables
from winnow.text import tfidf


class Params(params.Section):
    """Section `score` of params.yaml."""

    method: Literal["probe", "finetune", "both"]
    """`probe`: embeddings and words, seconds; `finetune`: the adapted encoder, trained once a fold and seed, minutes;
    `both`."""

    folds: int = Field(5, ge=2)
    """By hash of the group. More folds leave more rows to learn from, and take time."""

    regularization: tfidf.Regularization = tfidf.Regularization(probe=0.03, tfidf=10)
    """Of method `probe`. A weaker penalty overfits the embeddings (chosen on dev)."""

    finetune: Recipe = Recipe()
    """Of methods `finetune` and `both`: what the recipe changes of its defaults. Without class weights: label errors
    need the classes' own shares."""


@dataclass(frozen=True)
class Texts:
    """Rows that are scored, (rows,) each; `ids` name them in errors."""

    ids: list[str]
    texts: list[str]


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


def members(kind: ModuleType, texts: Texts, settings: Params, embedded: Path, encoder: Path) -> dict[str, Any]:
    """Return the models that the method asks for, by name; only what they need is read.

    Args:
        kind: the concern `members` of the kind of task.
        embedded: the folder of the rows' embeddings.
        encoder: the folder of the model to fine-tune.

    Raises:
        UserError: the kind of task has no such model.
    """
    chosen: dict[str, Any] = {}
    if settings.method != "finetune":
        features = embeddings.of(texts.ids, embedded)
        chosen["probe"] = kind.Probe(features, settings.regularization.probe)
        chosen["words"] = kind.Words(texts.texts, settings.regularization.tfidf)
    if settings.method != "probe":
        if not hasattr(kind, "FineTuned"):
            raise UserError("params.yaml: score.method: this kind of task has no model to fine-tune here; use probe")
        recipe, reading = settings.finetune, params.load("encoder", Reading)
        accelerator = start(params.load("compute", Compute), recipe.seeds[0])
        reader = Reader.of(encoder, reading.max_length, recipe.batch_tokens, accelerator)
        chosen["finetune"] = kind.FineTuned(reader, texts.texts, recipe, texts.ids)
    return chosen


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "embeddings", "encoder", "out", "metrics")
    settings, task = params.load("score", Params), kinds.read_task()
    rows = tables.read(args.rows, ["id", "group", "cluster", "text", "label", "label_origin"])
    folds = assign_folds(rows["group"].to_pylist(), rows["cluster"].to_pylist(), settings.folds)
    labels = np.array(pc.if_else(origins.trusted(rows), rows["label"], None).to_pylist(), dtype=object)
    texts, kind = Texts(rows["id"].to_pylist(), rows["text"].to_pylist()), kinds.load(task, "members")
    ensemble = members(kind, texts, settings, args.embeddings, args.encoder)
    found = kind.score(task, ensemble, labels, folds)
    tables.write(pa.table({"id": rows["id"], "fold": pa.array(folds)} | found.columns()), args.out)
    write_json(args.metrics, found.measure())


if __name__ == "__main__":
    run(main)
