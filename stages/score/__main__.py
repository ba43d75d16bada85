"""score: what an ensemble of models says of every row out of fold, for finding label errors.

python -m stages.score --rows data/labelled.parquet --embeddings data/embeddings --encoder models/adapted
    --generator models/generator --out data/scores.parquet --unlabelled data/unlabelled_scores.parquet
    --metrics reports/metrics/score.json

Method `probe`: two logistic regressions, `probe` on what the frozen encoder says of a text and `words` on its words, as
the kind of task has them. A frozen sentence encoder knows the topic better than the class, words the other way about,
and their mean beats either. Method `finetune`: the encoder fine-tuned anew for each fold and seed. `both`: all three.
They learn from labels that people gave. Some kinds of task also ask the language model in `--generator`, if one is
there, and plant wrong labels beforehand, of which they say the same as of the right ones.

Out: one row for each row in: id, fold, and what the models say, in columns of the kind of task. Of classes:
p_<label> (the members' mean) and <member>_p_<label>, float32. The models saw labels of all splits: these scores find
label errors for people to decide on, they choose no model and no row to train on.
`--unlabelled`: the same, without fold, for each row that has no label, by models that saw labels of the training split
alone: they choose the rows to label next. It has no row while a class has no label there.
Memory: the embeddings and some hundreds of bytes a row; texts are read a row group at a time.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.score.components import Components
from winnow import kinds
from winnow.base import gates, hashing, params
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.base.gates import Doubt
from winnow.base.stage import arguments, run
from winnow.encoder import embeddings
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader, Reading
from winnow.generator import template
from winnow.kinds.members import Inputs, Passes, Recipe
from winnow.kinds.task import Task
from winnow.rows import origins, tables
from winnow.rows.text_column import TextColumn
from winnow.text import tfidf

RARE = 100  # rows of a class from which models learn, if there are so many


class Params(params.Section):
    """Section `score` of params.yaml."""

    method: Literal["probe", "finetune", "both"]
    """`probe`: embeddings and words, seconds; `finetune`: the adapted encoder, trained once a fold and seed, minutes;
    `both`."""

    folds: int = Field(5, ge=2)
    """By hash of the group. More folds leave more rows to learn from, and take time."""

    max_rows: int = Field(50_000, ge=100)
    """Rows with a label from which the models learn: of more, those of lowest id, which is a hash, and a hundred of
    each class that has fewer among them. All rows are scored. More take memory and time."""

    max_unseen_classes: int = Field(0, ge=0)
    """Classes that may have all their rows in one fold; more are in doubt."""

    regularization: tfidf.Regularization = tfidf.Regularization(probe=0.03, tfidf=10)
    """Of method `probe`. A weaker penalty overfits the embeddings (chosen on dev)."""

    batch_tokens: int = Field(2048, gt=0)
    """Padded tokens in one forward pass of a frozen encoder, where the kind of task asks for more than embeddings.
    Raise it on a GPU."""

    planted_rows: int = Field(500, ge=10)
    """Rows with a label in each of which an error is planted beforehand, by kinds of task whose models must be asked
    about it; calibrate takes its errors from these. Each costs as much as a row."""

    generator: Passes = Passes()
    finetune: Recipe = Recipe()
    """Of methods `finetune` and `both`: what the recipe changes of its defaults. Without class weights: label errors
    need the classes' own shares."""


@dataclass(frozen=True)
class Texts:
    """Rows that are scored, (rows,) each; `ids` name them in errors, `judged` returns the labels that each may have."""

    ids: list[str]
    texts: Sequence[str]
    judged: Callable[[], Sequence[Sequence[str]]]


@dataclass(frozen=True)
class Folders:
    """Where models and what they made stand; `generator` may be left out, or hold no model."""

    embedded: Path
    encoder: Path
    generator: Path | None


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


def bounded(labels: np.ndarray, most: int, task: Task) -> np.ndarray:
    """Return the labels that models learn from, (rows,) object: the first `most`, and `RARE` of each class."""
    known = np.flatnonzero([label is not None for label in labels])
    if len(known) <= most:
        return labels
    chosen = np.full(len(labels), None, dtype=object)
    counts: Counter = Counter()
    for number, row in enumerate(known.tolist()):
        names = task.names(labels[row])
        if number < most or any(counts[name] < RARE for name in names):
            counts.update(names)
            chosen[row] = labels[row]
    return chosen


def members(kind: ModuleType, texts: Texts, settings: Params, folders: Folders) -> dict[str, Any]:
    """Return the models that the method asks for, by name; only what they need is read.

    Args:
        kind: the concern `members` of the kind of task.

    Raises:
        UserError: the kind of task has no such model.
    """

    def reader(batch_tokens: int) -> Reader:
        reading, compute = params.load("encoder", Reading), params.load("compute", Compute)
        accelerator = start(compute, settings.finetune.seeds[0])
        return Reader.of(folders.encoder, reading.max_length, batch_tokens, accelerator)

    chosen: dict[str, Any] = {}
    if settings.method != "finetune":
        inputs = Inputs(
            ids=texts.ids,
            texts=texts.texts,
            vectors=lambda: embeddings.of(texts.ids, folders.embedded),
            reader=lambda: reader(settings.batch_tokens),
            judged=texts.judged,
            planted_rows=settings.planted_rows,
        )
        chosen["probe"] = kind.Probe.of(inputs, settings.regularization.probe)
        chosen["words"] = kind.Words(texts.texts, settings.regularization.tfidf)
        if hasattr(kind, "Generator") and folders.generator and not (folders.generator / template.NONE).exists():
            chosen["generator"] = kind.Generator.of(folders.generator, inputs, settings.generator)
    if settings.method != "probe":
        if not hasattr(kind, "FineTuned"):
            raise UserError("params.yaml: score.method: this kind of task has no model to fine-tune here; use probe")
        recipe = settings.finetune
        chosen["finetune"] = kind.FineTuned(reader(recipe.batch_tokens), texts.texts, recipe, texts.ids)
    return chosen


def labels_to_judge(rows: Path) -> list[list[str]]:
    """Return the labels that each row of the labelled table has, and had before people decided, (rows,), each once."""
    table = tables.read(rows, ["label", "given_label"])
    pairs = zip(table["label"].to_pylist(), table["given_label"].to_pylist(), strict=True)
    return [list(dict.fromkeys(label for label in own if label is not None)) for own in pairs]


def unseen(labels: np.ndarray, folds: np.ndarray, task: Task) -> dict[str, int]:
    """Return the classes whose rows all lie in one fold, where no model learns them, and how many rows they have."""
    if not task.learns_classes:
        return {}
    counts: Counter = Counter()
    first: dict[str, int] = {}
    several = set()
    for label, fold in zip(labels.tolist(), folds.tolist(), strict=True):
        for name in task.names(label) if label is not None else ():
            counts[name] += 1
            if first.setdefault(name, fold) != fold:
                several.add(name)
    return {name: counts[name] for name in sorted(counts) if name not in several}


def doubts(alone: Mapping[str, int], most: int) -> list[Doubt]:
    """Return the doubt in scores of classes that lie in one fold, if they are more than `most`."""
    if len(alone) <= most:
        return []
    return [
        Doubt(
            "score.max_unseen_classes",
            f"all rows of {len(alone)} class(es) lie in one fold, where no model learnt them, so that each of their "
            f"labels looks wrong: {gates.listed(alone)}",
            f"score.max_unseen_classes: {len(alone)}",
            "add rows of other groups, or map the labels to others (label_map of the source)",
        )
    ]


def unlabelled(rows: pa.Table, learnt: np.ndarray, kind: ModuleType, task: Task, ensemble: dict[str, Any]) -> pa.Table:
    """Return what the models say of the rows without a label; no row where a class has no label to learn from.

    Args:
        rows: id, label.
        learnt: (rows,) the labels that they learn from; None where a row has none.
    """
    known = [label for label in learnt if label is not None]
    lacking = set(task.classes(known)) - {name for label in known for name in task.names(label)}
    if lacking or not known:
        return rows.select(["id"]).slice(0, 0)
    wanted = pc.is_null(rows["label"])
    found = kind.predict(task, ensemble, learnt, wanted.to_numpy())
    return pa.table({"id": rows["id"].filter(wanted)} | found.columns())


def main(argv: Sequence[str] | None = None) -> None:
    paths = ("rows", "embeddings", "encoder", "out", "unlabelled", "metrics")
    args = arguments(__doc__, argv, *paths, optional="generator")
    settings, task = params.load("score", Params), kinds.read_task()
    rows = tables.read(args.rows, ["id", "group", "cluster", "label", "label_origin", "split"])
    folds = assign_folds(rows["group"].to_pylist(), rows["cluster"].to_pylist(), settings.folds)
    labels = np.array(pc.if_else(origins.trusted(rows), rows["label"], None).to_pylist(), dtype=object)
    labels = bounded(labels, settings.max_rows, task)
    texts = Texts(rows["id"].to_pylist(), TextColumn(args.rows), partial(labels_to_judge, args.rows))
    kind = kinds.load(task, "members")
    ensemble = members(kind, texts, settings, Folders(args.embeddings, args.encoder, args.generator))
    found = kind.score(task, ensemble, labels, folds)
    tables.write(pa.table({"id": rows["id"], "fold": pa.array(folds)} | found.columns()), args.out)
    learnt = np.where(pc.equal(rows["split"], "train").to_numpy(), labels, None)
    tables.write(unlabelled(rows, learnt, kind, task, ensemble), args.unlabelled)
    judged = pc.not_equal(rows["split"], "test").to_numpy()  # no score of a model on test stands in a file
    in_doubt = doubts(unseen(labels, folds, task), settings.max_unseen_classes)
    write_json(args.metrics, found.measure(judged) | {gates.KEY: gates.told(in_doubt)})
    gates.settle("score", in_doubt, args.metrics)


if __name__ == "__main__":
    run(main)
