"""finetune: one classifier from one encoder with one seed.

python -m stages.finetune --approach transfer --seed 1 --encoder models/base --training data/training.parquet
    --dev data/dev.parquet --auxiliary data/auxiliary.parquet --out models/classifier/transfer-1
    --curve reports/plots/training/transfer-1.csv --metrics reports/metrics/finetune/transfer-1.json
    --checkpoints .dvc/tmp/checkpoints

An approach is a function of `stages.finetune.approaches`, found by its name; `transfer` and `dapt` differ by their
encoder alone. Dev rows are read by early stop only, auxiliary rows (train split, labels of further tasks) by
`multitask` only. Out: a folder that `AutoModelForTokenClassification` loads (winnow.kinds.classification.head says
why), and what it was computed on.
`--checkpoints` is scratch: a run that was killed goes on from there (winnow.training.checkpoints).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import Field

from stages.finetune.approaches import few_shot, multitask, transfer
from stages.finetune.approaches.job import Job
from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import write_csv, write_json
from winnow.base.machine import this_machine
from winnow.base.stage import arguments, run
from winnow.encoder import models
from winnow.encoder.compute import Compute, environment, start
from winnow.kinds.classification import finetuning
from winnow.rows import tables, training_table
from winnow.training import checkpoints, distributed, loop


class Params(finetuning.Recipe):
    """Section `finetune` of params.yaml."""

    patience: int | None = Field(None, gt=0)  # epochs


class Approaches(params.Section):
    """Section `approaches` of params.yaml: what each approach asks beyond the recipe."""

    transfer: transfer.Settings
    dapt: transfer.Settings
    multitask: multitask.Settings
    few_shot: few_shot.Settings
    few_shot_examples: few_shot.Settings


APPROACHES: dict[str, Callable] = {
    "transfer": transfer.train,
    "dapt": transfer.train,
    "multitask": multitask.train,
    "few_shot": few_shot.train,
    "few_shot_examples": few_shot.train,
}


@distributed.launchable
def main(argv: Sequence[str] | None = None) -> None:
    paths = ("encoder", "training", "dev", "auxiliary", "out", "curve", "metrics")
    args = arguments(__doc__, argv, *paths, checkpoints=Path, approach=str, seed=int)
    if args.approach not in APPROACHES:
        raise UserError(f"params.yaml: arms: unknown approach '{args.approach}'; known: {', '.join(APPROACHES)}")
    recipe, task, machine = params.load("finetune", Params), kinds.read_task(), this_machine()
    if distributed.launch("stages.finetune.__main__", machine.launcher, argv):
        return
    settings = getattr(params.load("approaches", Approaches), args.approach)
    rows = training_table.read(args.training, ["id", "group", "text", "label", "weight"])
    dev, auxiliary = tables.read(args.dev, ["id", "group", "text", "label"]), tables.read(args.auxiliary)
    compute = params.load("compute", Compute)
    accelerator = start(compute, args.seed)
    computed_on, inputs = environment(accelerator), (args.encoder, args.training, args.dev, args.auxiliary)
    values = {"task": task, "finetune": recipe, "compute": compute}
    values |= {"computed_on": computed_on, "approach": args.approach, "settings": settings, "seed": args.seed}
    with checkpoints.kept(args.checkpoints, "finetune", inputs, values, machine.checkpoint_seconds) as saved:
        job = Job(
            rows=rows,
            dev=dev,
            auxiliary=auxiliary,
            folder=args.encoder,
            labels=task.labels,
            recipe=recipe,
            patience=recipe.patience,
            seed=args.seed,
            accelerator=accelerator,
            saved=saved,
        )
        trained = APPROACHES[args.approach](job, settings)
        if not accelerator.is_main_process:
            return
        model, store = accelerator.unwrap_model(trained.model), trained.store
        models.save(model, args.encoder, args.out, store.save if store else None)
        header = ("step", "epoch", "loss", "learning_rate")
        write_csv(args.curve, header, [[point[name] for name in header] for point in trained.curve])
        computed_on |= {"processes": loop.processes(trained.curve)}
        write_json(args.metrics, {"steps": len(trained.curve), "computed_on": computed_on})


if __name__ == "__main__":
    run(main)
