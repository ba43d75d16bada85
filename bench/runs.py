"""One training of an arm with so many labels, kept so that no bench repeats it.

An arm is an approach and the encoder that it starts from, as in the pipeline: `transfer`, `dapt` (transfer from the
adapted encoder), `few_shot`, `multitask`; or `tfidf`, what the stage `baseline` does. Each is trained by its own recipe
of params.yaml. A seed draws the training rows (by hash: a larger budget holds the smaller; `all` are the same rows for
every seed), makes the head and orders the batches, so that every arm has the rows and the seed of the others.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench import approaches as arms
from bench.cache import remembered
from stages.auxiliary import __main__ as auxiliary
from stages.baseline import __main__ as baseline
from winnow.base import files, params
from winnow.encoder import models
from winnow.kinds.classification.labels import Task
from winnow.kinds.classification.predictions import chances
from winnow.rows import predictions, tables

REFERENCE, ADAPTED, WORDS = "transfer", "dapt", "tfidf"
APPROACH = {ADAPTED: REFERENCE}  # of an arm, where it is not the arm's name


@dataclass(frozen=True)
class Data:
    """What all runs share.

    Attributes:
        rows: the labelled table.
        held_out: the rows of it that are predicted.
        further: rows of further tasks.
        base, adapted: folders of the encoders.
        files: hashes of the tables.
    """

    task: Task
    rows: pa.Table
    held_out: pa.Table
    further: pa.Table
    base: Path
    adapted: Path
    files: list[str]

    @classmethod
    def read(cls, paths: argparse.Namespace, sections: dict, split: str | None = None) -> "Data":
        """Return the data of a bench that takes `--rows`, `--deduplicated`, `--split`, `--base` and maybe `--adapted`.

        Args:
            split: whose rows are predicted; None: of dev and test.
        """
        rows = tables.read(paths.rows)
        held_out = predictions.evaluated(rows)
        return cls(
            task=params.parse(sections["task"], Task, "task"),
            rows=rows,
            held_out=held_out if split is None else held_out.filter(pc.equal(held_out["split"], split)),
            further=auxiliary.choose(tables.read(paths.deduplicated), tables.read(paths.split, ["id", "split"])),
            base=paths.base,
            adapted=getattr(paths, "adapted", paths.base),
            files=[files.sha256(path) for path in (paths.rows, paths.deduplicated, paths.split)],
        )

    def encoder(self, arm: str) -> Path:
        """Return the folder of the encoder that an arm starts from."""
        return self.adapted if arm == ADAPTED else self.base

    def of(self, split: str) -> np.ndarray:
        """Return which held-out rows are of a split, (rows,) bool."""
        return np.array(self.held_out["split"].to_pylist()) == split


@dataclass(frozen=True)
class Wanted:
    """A run to do.

    Attributes:
        budget: number of labels, "16 a class", or "all".
        sections: of params.yaml.
    """

    arm: str
    budget: str
    seed: int
    sections: dict


@dataclass(frozen=True)
class Run:
    """A run that is done.

    Attributes:
        labels: rows that it learnt from.
        seconds: of training and prediction.
        chances: (held-out rows, classes) float, the probabilities.
    """

    wanted: Wanted
    labels: int
    seconds: float
    chances: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """Return the likeliest classes, (held-out rows,) int."""
        return self.chances.argmax(axis=1)


def run(wanted: Wanted, data: Data, cache: Path) -> Run:
    """Return a run from the cache, or do it and keep it there.

    Its name is made of all that it depends on but the code: empty the folder when the code has changed.
    """
    arm, sections, seed = wanted.arm, wanted.sections, wanted.seed
    training = arms.draw(data.rows, wanted.budget, seed, sections)
    approach = APPROACH.get(arm, arm)
    depends_on = [arm, wanted.budget, seed, *data.files, data.held_out.num_rows]
    if arm == WORDS:
        depends_on += [sections[name] for name in ("task", "balance", "baseline")]
    else:
        depends_on += [sections[name] for name in ("task", "balance", "encoder", "finetune", "compute")]
        depends_on += [sections["approaches"][approach], files.sha256(data.encoder(arm) / models.WEIGHTS[1])]

    def learn() -> dict:
        print(f"{wanted.budget} labels, {arm}, seed {seed}", file=sys.stderr, flush=True)
        started = time.perf_counter()
        if arm == WORDS:
            settings = params.parse(sections["baseline"], baseline.Params, "baseline")
            table, _ = baseline.baseline(training, data.rows, data.task, settings)
            inside = np.isin(table["id"].to_pylist(), data.held_out["id"].to_pylist())
            predicted = chances(data.task, table)[inside]
        else:
            rows = arms.Rows(training, data.held_out, data.further)
            predicted = arms.probabilities(approach, rows, data.encoder(arm), seed, sections)
        return {"seconds": time.perf_counter() - started, "chances": predicted.tolist()}

    found = remembered(cache, depends_on, learn)
    return Run(wanted, training.num_rows, found["seconds"], np.array(found["chances"]))
