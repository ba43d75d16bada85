"""finetune: one classifier from one encoder with one seed.

python -m stages.finetune --approach transfer --seed 1 --encoder models/base --training data/training.parquet
    --out models/classifier/transfer-1 --curve reports/plots/training/transfer-1.csv

Approaches that differ by their encoder alone (`transfer`: the base; `dapt`: the adapted one) share this loop; one that
trains in another way gets an entry in `APPROACHES`. Out: a folder that `AutoModelForTokenClassification` loads
(winnow.tasks.head says why).
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from pydantic import Field

from winnow import batching, encoder, params, tables, training
from winnow.compute import Compute, start
from winnow.errors import UserError
from winnow.files import write_csv
from winnow.stage import arguments, run
from winnow.tasks import head
from winnow.tasks.labels import Task


class Params(params.Section):
    epochs: int = Field(gt=0)
    max_length: int = Field(ge=4, le=8192)  # tokens of a text that are read
    batch_tokens: int = Field(gt=0)  # padded tokens a step; rows of like length stand together
    learning_rate: float = Field(gt=0)  # of the encoder; lower when there are many labels
    head_learning_rate: float = Field(gt=0)  # of the fresh head, which must move farther
    warmup_share: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    label_smoothing: float = Field(ge=0, lt=1)  # raise when labels are noisy
    dropout: float = Field(ge=0, lt=1)
    freeze_embeddings: bool  # false when there are many labels and a GPU
    frozen_layers: int = Field(ge=0)  # lowest layers, frozen with the embeddings; 0 when there are many labels


def classify(rows: pa.Table, folder, task: Task, settings: Params, seed: int, accelerator) -> tuple:
    """Return the fine-tuned model and its training curve, one dict a step."""
    import torch

    tokenizer = encoder.load_tokenizer(folder)
    tokens = encoder.tokenize(tokenizer, rows["text"].to_pylist(), settings.max_length)
    truth = torch.tensor([task.labels.index(label) for label in rows["label"].to_pylist()])
    weights = torch.tensor(rows["weight"].to_pylist(), dtype=torch.float32)
    model = head.build(folder, task.labels)
    encoder.set_dropout(model, settings.dropout)
    if settings.freeze_embeddings:
        encoder.freeze(model, settings.frozen_layers)

    lengths = encoder.lengths(tokens)
    epochs = [batching.shuffled(lengths, settings.batch_tokens, seed, e) for e in range(settings.epochs)]
    batches = [batch for epoch in epochs for batch in epoch]

    def loss_of(model, batch: np.ndarray) -> torch.Tensor:
        ids, mask = encoder.pad([tokens[row] for row in batch], tokenizer.pad_token_id, accelerator.device)
        device = accelerator.device
        logits = head.logits(model, ids, mask)
        return head.loss(logits, truth[batch].to(device), weights[batch].to(device), settings.label_smoothing)

    groups = training.parameter_groups(
        model.base_model, model, settings.learning_rate, settings.head_learning_rate, settings.weight_decay
    )
    warmup = int(settings.warmup_share * len(batches))
    curve = training.fit(accelerator, model, groups, batches, loss_of, warmup)
    for step, (point, epoch) in enumerate(zip(curve, [e for e, b in enumerate(epochs) for _ in b], strict=True), 1):
        point |= {"step": step, "epoch": epoch + 1}
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
