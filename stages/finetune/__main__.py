"""finetune: one classifier from one encoder with one seed.

python -m stages.finetune --approach transfer --seed 1 --encoder models/base --training data/training.parquet
    --dev data/dev.parquet --auxiliary data/auxiliary.parquet --cleaning data/cleaning.json
    --out models/classifier/transfer-base-1
    --curve reports/plots/training/transfer-base-1.csv --metrics reports/metrics/finetune/transfer-base-1.json
    --checkpoints .dvc/tmp/checkpoints

`transfer` serves every kind of task; other approaches are a kind's own. Dev rows are read by early stop only,
auxiliary rows (train split, labels of further tasks) by `multitask` only. Out: a folder that transformers loads, with
`reader.json` that says how its model reads texts, `cleaning.json` how they were cleaned, `task.json` what it says of
them; and what it was computed on.
`--checkpoints` is scratch: a run that was killed goes on from there (winnow.training.checkpoints).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from pydantic import Field

from stages.finetune import transfer
from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import write_csv, write_json
from winnow.base.machine import this_machine
from winnow.base.stage import arguments, run
from winnow.encoder import models
from winnow.encoder.compute import Compute, environment, start
from winnow.encoder.reader import Reading
from winnow.kinds.job import Job
from winnow.kinds.task import Task
from winnow.rows import predictions, tables, training_table
from winnow.text.cleaning import saved as saved_cleaning
from winnow.training import checkpoints, distributed, finetuning, loop


class Params(finetuning.Recipe):
    """Section `finetune` of params.yaml."""

    patience: int | None = Field(None, gt=0)
    """Epochs without a better headline on dev after which a run ends, with its best weights. Needs `balance.dev_rows`.
    Null: a run goes to its end."""


class Approaches(params.Section):
    """Section `approaches` of params.yaml: what each asks beyond the recipe; the module that trains by it reads it."""

    transfer: dict = Field(default_factory=dict)
    multitask: dict = Field(default_factory=dict)
    few_shot: dict = Field(default_factory=dict)
    few_shot_examples: dict = Field(default_factory=dict)
    prompted: dict = Field(default_factory=dict)


# What trains by an approach: a module with `Settings` and `train(job, settings)`.
APPROACHES: dict[str, Callable[[Task], ModuleType]] = {
    "transfer": lambda task: kinds.load(task, "transfer") if kinds.has(task, "transfer") else transfer,
    "multitask": lambda task: kinds.load(task, "multitask"),
    "few_shot": lambda task: kinds.load(task, "few_shot"),
    "few_shot_examples": lambda task: kinds.load(task, "few_shot"),
    "prompted": lambda task: kinds.load(task, "prompted"),
}


def approach(name: str, task: Task) -> ModuleType:
    """Return what trains by an approach.

    Raises:
        UserError: there is none of the name, or the kind of task lacks it.
    """
    if name not in APPROACHES:
        raise UserError(f"params.yaml: arms: unknown approach '{name}'; known: {', '.join(APPROACHES)}")
    return APPROACHES[name](task)


def settings_of(name: str, sections: Approaches, task: Task) -> params.Section:
    """Return what an approach asks beyond the recipe.

    Raises:
        UserError: a value is wrong.
    """
    return params.parse(getattr(sections, name), approach(name, task).Settings, f"{params.FILE}: approaches.{name}")


@distributed.launchable
def main(argv: Sequence[str] | None = None) -> None:
    paths = ("encoder", "training", "dev", "auxiliary", "cleaning", "out", "curve", "metrics")
    args = arguments(__doc__, argv, *paths, checkpoints=Path, approach=str, seed=int)
    if args.seed == predictions.NO_SEED:
        raise UserError("params.yaml: arms.seeds: a seed is 1 or more; 0 is of an arm that draws no random number")
    recipe, task, machine = params.load("finetune", Params), kinds.read_task(), this_machine()
    module = approach(args.approach, task)
    kind = kinds.load(task, "model")
    recipe.check_loss(kind.LOSS, task.kind)
    if distributed.launch("stages.finetune.__main__", machine.launcher, argv):
        return
    settings = settings_of(args.approach, params.load("approaches", Approaches), task)
    rows = training_table.read(args.training, ["id", "group", "text", "label", "weight"])
    dev, auxiliary = tables.read(args.dev, ["id", "group", "text", "label"]), tables.read(args.auxiliary)
    cleaning = saved_cleaning.read(args.cleaning)
    compute, reading = params.load("compute", Compute), params.load("encoder", Reading)
    accelerator = start(compute, args.seed)
    computed_on, inputs = environment(accelerator), (args.encoder, args.training, args.dev, args.auxiliary)
    values = {"task": task, "encoder": reading, "finetune": recipe, "compute": compute}
    values |= {"computed_on": computed_on, "approach": args.approach, "settings": settings, "seed": args.seed}
    with checkpoints.kept(args.checkpoints, "finetune", inputs, values, machine.checkpoint_seconds) as saved:
        job = Job(
            task=task,
            rows=rows,
            dev=dev,
            auxiliary=auxiliary,
            folder=args.encoder,
            max_length=reading.max_length,
            recipe=recipe,
            patience=recipe.patience,
            seed=args.seed,
            accelerator=accelerator,
            saved=saved,
        )
        if hasattr(kind, "settled"):
            job = replace(job, task=kind.settled(task, rows, job.reader))
        trained = module.train(job, settings)
        if not accelerator.is_main_process:
            return

        def add(folder: Path) -> None:
            job.reader.save(folder)
            saved_cleaning.write(cleaning, folder / saved_cleaning.FILE)
            kinds.save_task(job.task, folder)
            if trained.add:
                trained.add(folder)
            if kinds.has(task, "served"):
                kinds.load(task, "served").accompany(folder, reading.max_length)

        models.save(accelerator.unwrap_model(trained.model), args.encoder, args.out, add)
        header = ("step", "epoch", "loss", "learning_rate")
        write_csv(args.curve, header, [[point[name] for name in header] for point in trained.curve])
        computed_on |= {"processes": loop.processes(trained.curve)}
        write_json(args.metrics, {"steps": len(trained.curve), "computed_on": computed_on})


if __name__ == "__main__":
    run(main)
