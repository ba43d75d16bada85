"""evaluate: what every classifier predicts for the dev and test rows, kept per example, and how good it is on dev.

python -m stages.evaluate --rows data/evaluated.parquet --classifiers models/classifier --baseline data/baseline
    --out data/predictions --metrics reports/metrics/evaluate.json --plots reports/plots/evaluate

Measured on given and human labels only: an automatic label proves nothing. Out: `<arm>-<seed>.parquet` for each run
of params.yaml: arms, for each ensemble and for the baseline; metrics and the tables of the plots that the kind of task
has, of dev alone: `winnow test` measures test, on request.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from winnow import kinds
from winnow.base import params, progress
from winnow.base.errors import UserError
from winnow.base.files import replacing, write_csv, write_json
from winnow.base.stage import arguments, run
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.task import Task
from winnow.rows import predictions, tables
from winnow.training.arms import Arms
from winnow.training.layer_cache import Common, fingerprints
from winnow.validation.measuring import Params, measure

if TYPE_CHECKING:
    from accelerate import Accelerator


SPLIT = "dev"  # what is measured here selects, so it does not see test


class Classifiers:
    """Trained models; what their lowest layers have in common is computed once for all, on a CPU, where it pays."""

    def __init__(self, folders: Sequence[Path], task: Task, batch_tokens: int, accelerator: "Accelerator"):
        """Compare the models, one after the other in memory.

        Raises:
            UserError: a folder holds no model of the task.
        """
        self._task, self._batch_tokens, self._accelerator = task, batch_tokens, accelerator
        self._kind = kinds.load(task, "model")
        shares = accelerator.device.type == "cpu" and getattr(self._kind, "SHARES_LAYERS", True)
        prints = {str(folder): fingerprints(self._kind.load(task, folder)) for folder in folders} if shares else {}
        self._common = Common(prints)

    def predict(self, rows: pa.Table, folder: Path) -> pa.Table:
        """Return a model's predictions for `rows` (id, group, split, text, label)."""
        model = self._kind.load(self._task, folder).to(self._accelerator.device)
        predict = self._kind.predictor(self._task, rows, Reader.load(folder, self._batch_tokens, self._accelerator))
        with self._common.attached(str(folder), model):
            return predict(self._accelerator.prepare(model).eval())


def check_ensemble(name: str, members: Sequence[str], runs: Mapping[str, list[str]]) -> None:
    """Check what an ensemble averages.

    Args:
        runs: the names of each arm's runs.

    Raises:
        UserError: there is no such arm, one is named twice, or the ensemble's name is that of an arm, or could be.
    """
    where = f"params.yaml: arms.ensembles.{name}"
    if name in runs:
        raise UserError(f"{where}: an arm has this name; give the ensemble another")
    if predictions.is_control(name):
        raise UserError(f"{where}: an arm of unrepaired rows ends like this; give the ensemble another name")
    for member in members:
        if member not in runs:
            raise UserError(f"{where}: there is no arm '{member}'; there are {', '.join(runs)}")
    if len(set(members)) < len(members):
        raise UserError(f"{where}: an arm is named twice: {', '.join(members)}; each counts once")


def ensemble(name: str, members: Sequence[str], arms: dict[str, pa.Table], task: Task) -> pa.Table:
    """Return what the runs of some arms predict together.

    Raises:
        UserError: as `check_ensemble`, or the kind of task cannot average predictions.
    """
    runs = predictions.by_approach(arms)
    check_ensemble(name, members, runs)
    return kinds.load(task, "ensemble").mean(task, [arms[run] for member in members for run in runs[member]])


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "classifiers", "baseline", "out", "metrics", "plots")
    settings, task = params.load("evaluate", Params), kinds.read_task()
    arms = params.load("arms", Arms)
    accelerator = start(params.load("compute", Compute), seed=0)
    rows = predictions.read_evaluated(args.rows)
    for split in predictions.SPLITS:
        if split not in rows["split"].to_pylist():
            raise UserError(f"{args.rows}: no {split} row has a given or human label; raise split.{split} or add rows")
    extra = {folder.name for folder in args.classifiers.glob("[!.]*") if folder.is_dir()} - arms.runs().keys()
    for name in sorted(extra):
        says = "is no run of params.yaml: arms; left out (`dvc checkout` takes it away, or delete it)"
        print(f"evaluate: {args.classifiers / name} {says}", file=sys.stderr)

    folders = [args.classifiers / name for name in arms.runs()]
    classifiers = Classifiers(folders, task, settings.batch_tokens, accelerator)
    with replacing(args.out) as new:
        new.mkdir()
        for file in args.baseline.glob("*.parquet"):
            shutil.copyfile(file, new / file.name)
        for run_name, arm in progress.over(arms.runs().items(), "classifiers"):
            tables.write(classifiers.predict(rows, args.classifiers / run_name), new / f"{arm}.parquet")
        single = predictions.read_all(new)
        for name, members in arms.members().items():
            tables.write(ensemble(name, members, single, task), new / f"{name}-1.parquet")
        made = predictions.read_all(new)
        measured = measure(made, SPLIT, task, settings.calibration_bins)
    write_json(args.metrics, {SPLIT: measured})
    with replacing(args.plots) as new:
        new.mkdir()
        dev = {name: predictions.of_split(arm, SPLIT) for name, arm in made.items()}
        plots = kinds.load(task, "metrics").plots(task, dev, measured, settings.calibration_bins)
        for name, (header, *lines) in plots.items():
            write_csv(new / f"{name}.csv", header, lines)


if __name__ == "__main__":
    run(main)
