"""evaluate: what every classifier predicts for the dev and test rows, kept per example, and how good it is.

python -m stages.evaluate --rows data/labelled.parquet --classifiers models/classifier --baseline data/baseline
    --out data/predictions --metrics reports/metrics/evaluate.json --plots reports/plots/evaluate

Measured on given and human labels only: an automatic label proves nothing. Out: `<arm>-<seed>.parquet` for each run
of params.yaml: arms and for the baseline; the tables of the plots that the kind of task has.
"""

import shutil
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pydantic import Field

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import replacing, write_csv, write_json
from winnow.base.stage import arguments, run
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.task import Task
from winnow.rows import predictions, tables

if TYPE_CHECKING:
    from accelerate import Accelerator


class Params(params.Section):
    """Section `evaluate` of params.yaml."""

    batch_tokens: int = Field(2048, gt=0)
    """Padded tokens in one forward pass. Raise it on a GPU."""

    calibration_bins: int = Field(10, gt=1)
    """Of the figure that compares probabilities with how often they are right."""


class Arms(params.Section):
    """Section `arms` of params.yaml: the matrix of fine-tuning runs. A new entry runs only what is new."""

    approaches: list[str]
    """Names of section `approaches`."""

    encoders: list[Literal["base", "adapted"]]
    """What each approach starts from. `transfer` from the adapted encoder is the arm `dapt`."""

    seeds: list[int]
    """Of the order of the rows, the head and dropout."""

    def runs(self) -> dict[str, str]:
        """Return, by the folder of each run's model, its arm and seed."""
        axes = self.approaches, self.encoders, map(str, self.seeds)
        folders = ["-".join(run) for run in product(*axes)]
        return {folder: str(predictions.of_run(folder)) for folder in folders}


def predict(rows: pa.Table, folder: Path, task: Task, batch_tokens: int, accelerator: "Accelerator") -> pa.Table:
    """Return one trained model's predictions for `rows` (id, group, split, text, label)."""
    kind = kinds.load(task, "model")
    model = accelerator.prepare(kind.load(task, folder)).eval()
    return kind.predictor(task, rows, Reader.load(folder, batch_tokens, accelerator))(model)


def measure(arms: dict[str, pa.Table], task: Task, bins: int) -> dict:
    """Return the metrics of each arm on dev and on test."""
    metrics = kinds.load(task, "metrics")
    return {
        name: {split: metrics.measure(task, predictions.of_split(arm, split), bins) for split in predictions.SPLITS}
        for name, arm in arms.items()
    }


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "classifiers", "baseline", "out", "metrics", "plots")
    settings, task = params.load("evaluate", Params), kinds.read_task()
    arms = params.load("arms", Arms)
    accelerator = start(params.load("compute", Compute), seed=0)
    rows = predictions.evaluated(tables.read(args.rows)).sort_by("id")
    for split in predictions.SPLITS:
        if split not in rows["split"].to_pylist():
            raise UserError(f"{args.rows}: no {split} row has a given or human label; raise split.{split} or add rows")
    extra = {folder.name for folder in args.classifiers.iterdir() if folder.is_dir()} - arms.runs().keys()
    for name in sorted(extra):
        print(
            f"evaluate: {args.classifiers / name} is no run of params.yaml: arms; left out (delete it)", file=sys.stderr
        )

    with replacing(args.out) as new:
        new.mkdir()
        for file in args.baseline.glob("*.parquet"):
            shutil.copyfile(file, new / file.name)
        for run_name, arm in arms.runs().items():
            predicted = predict(rows, args.classifiers / run_name, task, settings.batch_tokens, accelerator)
            tables.write(predicted, new / f"{arm}.parquet")
        every_arm = predictions.read_all(new)
        measured = measure(every_arm, task, settings.calibration_bins)
    write_json(args.metrics, measured)
    with replacing(args.plots) as new:
        new.mkdir()
        plots = kinds.load(task, "metrics").plots(task, every_arm, measured, settings.calibration_bins)
        for name, (header, *lines) in plots.items():
            write_csv(new / f"{name}.csv", header, lines)


if __name__ == "__main__":
    run(main)
