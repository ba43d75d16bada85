"""finetune: one classifier from one encoder with one seed.

python -m stages.finetune --approach transfer --seed 1 --encoder models/base --training data/training.parquet
    --out models/classifier/transfer-1 --curve reports/plots/training/transfer-1.csv
    --metrics reports/metrics/finetune/transfer-1.json --checkpoints .dvc/tmp/checkpoints

Approaches that differ by their encoder alone (`transfer`: the base; `dapt`: the adapted one) share this loop; one that
trains in another way gets an entry in `APPROACHES`. Out: a folder that `AutoModelForTokenClassification` loads
(winnow.tasks.head says why), and what it was computed on. `--checkpoints` is scratch: a run that was killed goes on
from there (winnow.checkpoints).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow import checkpoints, encoder, params, tables
from winnow.compute import Compute, environment, start
from winnow.errors import UserError
from winnow.files import write_csv, write_json
from winnow.stage import arguments, run
from winnow.tasks import finetuning
from winnow.tasks.labels import Task

if TYPE_CHECKING:
    from accelerate import Accelerator
    from transformers import PreTrainedModel


class Params(finetuning.Recipe):
    """Section `finetune` of params.yaml."""


def classify(
    rows: pa.Table,
    folder: Path,
    task: Task,
    settings: Params,
    seed: int,
    accelerator: "Accelerator",
    saved: checkpoints.Store,
) -> tuple["PreTrainedModel", list[dict]]:
    """Return the fine-tuned model and its training curve, one dict a step."""
    tokenizer = encoder.load_tokenizer(folder)
    tokens = encoder.tokenize(tokenizer, rows["text"].to_pylist(), settings.max_length)
    truth = np.array([task.labels.index(label) for label in rows["label"].to_pylist()])
    model = finetuning.build(folder, task.labels, settings)
    learnt = (tokens, tokenizer.pad_token_id, truth, rows["weight"].to_numpy())
    ids, series = rows["id"].to_pylist(), saved.series("train")
    return model, finetuning.train(model, *learnt, settings, seed, accelerator, ids, series)


APPROACHES: dict[str, Callable] = {"transfer": classify, "dapt": classify}


def main(argv: Sequence[str] | None = None) -> None:
    paths = ("encoder", "training", "out", "curve", "metrics")
    args = arguments(__doc__, argv, *paths, checkpoints=Path, approach=str, seed=int)
    if args.approach not in APPROACHES:
        raise UserError(f"params.yaml: arms: unknown approach '{args.approach}'; known: {', '.join(APPROACHES)}")
    settings, task = params.load("finetune", Params), params.load("task", Task)
    rows = tables.read(args.training, ["id", "text", "label", "weight"])
    compute, keep = params.load("compute", Compute), params.load("checkpoints", checkpoints.Settings)
    accelerator = start(compute, args.seed)
    computed_on, inputs = environment(accelerator), (args.encoder, args.training)
    values = {"task": task, "finetune": settings, "compute": compute, "computed_on": computed_on}
    values |= {"approach": args.approach, "seed": args.seed}
    with checkpoints.kept(args.checkpoints, "finetune", inputs, values, keep.seconds) as saved:
        model, curve = APPROACHES[args.approach](rows, args.encoder, task, settings, args.seed, accelerator, saved)
        encoder.save(accelerator.unwrap_model(model), args.encoder, args.out)
        header = ("step", "epoch", "loss", "learning_rate")
        write_csv(args.curve, header, [[point[name] for name in header] for point in curve])
        write_json(args.metrics, {"steps": len(curve), "computed_on": computed_on})


if __name__ == "__main__":
    run(main)
