"""finetune: one classifier from one encoder with one seed.

python -m stages.finetune --approach transfer --seed 1 --encoder models/base --training data/training.parquet
    --out models/classifier/transfer-1 --curve reports/plots/training/transfer-1.csv

Approaches that differ by their encoder alone (`transfer`: the base; `dapt`: the adapted one) share this loop; one that
trains in another way gets an entry in `APPROACHES`. Out: a folder that `AutoModelForTokenClassification` loads
(winnow.tasks.head says why).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow import encoder, params, tables
from winnow.compute import Compute, start
from winnow.errors import UserError
from winnow.files import write_csv
from winnow.stage import arguments, run
from winnow.tasks import finetuning
from winnow.tasks.labels import Task

if TYPE_CHECKING:
    from accelerate import Accelerator
    from transformers import PreTrainedModel


class Params(finetuning.Recipe):
    """Section `finetune` of params.yaml."""


def classify(
    rows: pa.Table, folder: Path, task: Task, settings: Params, seed: int, accelerator: "Accelerator"
) -> tuple["PreTrainedModel", list[dict]]:
    """Return the fine-tuned model and its training curve, one dict a step."""
    tokenizer = encoder.load_tokenizer(folder)
    tokens = encoder.tokenize(tokenizer, rows["text"].to_pylist(), settings.max_length)
    truth = np.array([task.labels.index(label) for label in rows["label"].to_pylist()])
    model = finetuning.build(folder, task.labels, settings)
    weights = rows["weight"].to_numpy()
    curve = finetuning.train(model, tokens, tokenizer.pad_token_id, truth, weights, settings, seed, accelerator)
    return model, curve


APPROACHES: dict[str, Callable] = {"transfer": classify, "dapt": classify}


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "encoder", "training", "out", "curve", approach=str, seed=int)
    if args.approach not in APPROACHES:
        raise UserError(f"params.yaml: arms: unknown approach '{args.approach}'; known: {', '.join(APPROACHES)}")
    settings, task = params.load("finetune", Params), params.load("task", Task)
    rows = tables.read(args.training, ["id", "text", "label", "weight"])
    accelerator = start(params.load("compute", Compute), args.seed)
    model, curve = APPROACHES[args.approach](rows, args.encoder, task, settings, args.seed, accelerator)
    encoder.save(accelerator.unwrap_model(model), args.encoder, args.out)
    header = ("step", "epoch", "loss", "learning_rate")
    write_csv(args.curve, header, [[point[name] for name in header] for point in curve])


if __name__ == "__main__":
    run(main)
