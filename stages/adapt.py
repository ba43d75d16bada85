"""adapt: domain-adaptive pre-training of the base encoder as a masked language model (Gururangan et al. 2020).

python -m stages.adapt --rows data/deduplicated.parquet --split data/split.parquet --base models/base
    --out models/adapted --curve reports/plots/adapt.csv --metrics reports/metrics/adapt.json
    --checkpoints .dvc/tmp/checkpoints

Reads unlabelled and training text only (`transductive` lets dev and test text in), never a label. A base without a
masked-LM head gets one: decoder tied to the embeddings, transform at the identity, warmed up while the encoder stands
still. The result is a mean of base and adapted weights. Out: a folder that `AutoModel` loads. `--checkpoints` is
scratch: a run that was killed goes on from there (winnow.checkpoints).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from winnow import batching, checkpoints, encoder, hashing, masked_lm, params, tables, training
from winnow.compute import Compute, environment, start
from winnow.errors import UserError
from winnow.files import write_csv, write_json
from winnow.stage import arguments, run

HELD_OUT = 0.02  # share of documents kept from training, to measure what was learnt
HELD_OUT_PASSAGES = 128


class Params(params.Section):
    tokens: int = Field(gt=0)  # the budget; quality follows it, time too
    max_length: int = Field(ge=8, le=8192)  # longer documents are cut into passages of this many tokens
    batch_tokens: int = Field(gt=0)
    mask_share: float = Field(gt=0, lt=1)
    warmup_tokens: int = Field(ge=0)  # 0 when the base carries its masked-LM head
    head_learning_rate: float = Field(gt=0)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    interpolation: float = Field(ge=0, le=1)
    dropout: float = Field(ge=0, lt=1)
    freeze_embeddings: bool
    transductive: bool
    seed: int = Field(ge=0)


def batch_budget(data: masked_lm.Passages, tokens: int, settings: Params, first_epoch: int) -> list[training.Batch]:
    """Return as many batches as hold `tokens` tokens."""
    lengths, out, seen, epoch = encoder.lengths(data.tokens), [], 0, first_epoch
    while seen < tokens:
        for batch in batching.shuffled(lengths, settings.batch_tokens, settings.seed, epoch):
            if seen >= tokens:
                break
            out.append(training.Batch(batch, epoch))
            seen += int(lengths[batch].sum())
        epoch += 1
    return out


def adapt(
    model,
    train: masked_lm.Passages,
    held_out: masked_lm.Passages,
    tokenizer,
    settings: Params,
    accelerator,
    saved: checkpoints.Store,
) -> tuple:
    """Warm the head up, then train all of the model; return it, the curve (one dict a step) and the metrics."""
    import torch

    def tensors(data: masked_lm.Passages, batch: np.ndarray, epoch: int) -> tuple:
        how = (epoch, tokenizer, settings.mask_share, settings.seed)
        pairs = [masked_lm.mask(data.tokens[row], data.keys[row], *how) for row in batch]
        ids, attention = encoder.pad([ids for ids, _ in pairs], tokenizer.pad_token_id, accelerator.device)
        targets, _ = encoder.pad([targets for _, targets in pairs], -100, accelerator.device)
        return ids, attention, targets

    def held_out_loss() -> float:
        model.eval()
        with torch.inference_mode(), accelerator.autocast():
            batches = batching.by_length(encoder.lengths(held_out.tokens), settings.batch_tokens)
            losses = [(masked_lm.loss(model, *tensors(held_out, batch, 0)).item(), len(batch)) for batch in batches]
        return sum(loss * rows for loss, rows in losses) / sum(rows for _, rows in losses)

    def loss_of(model, batch: training.Batch) -> tuple:
        ids, attention, targets = tensors(train, batch.rows, batch.epoch)
        return masked_lm.loss(model, ids, attention, targets), (targets != -100).sum()

    def phase(name: str, tokens: int, first_epoch: int, seen: int) -> list[dict]:
        batches = batch_budget(train, tokens, settings, first_epoch)
        groups = training.parameter_groups(
            model.base_model, model, settings.learning_rate, settings.head_learning_rate, settings.weight_decay
        )
        steps = training.fit(
            accelerator, model, groups, batches, loss_of, warmup_steps=len(batches) // 10,
            seed=f"{settings.seed} {name}", ids=train.keys, saved=saved.series(name),
        )  # fmt: skip
        for point, batch in zip(steps, batches, strict=True):
            seen += sum(len(train.tokens[row]) for row in batch.rows)
            point |= {"phase": name, "tokens": seen}
        return steps

    model.to(accelerator.device)
    encoder.set_dropout(model, settings.dropout)
    curve = []
    if settings.warmup_tokens:
        model.base_model.requires_grad_(False)
        curve += phase("head", settings.warmup_tokens, 0, 0)
        model.base_model.requires_grad_(True)
    if settings.freeze_embeddings:
        encoder.freeze(model, layers=0)
    before = held_out_loss()
    # Epochs of the two phases have numbers of their own, so that no passage meets the same masks twice.
    curve += phase("all", settings.tokens, 1000, curve[-1]["tokens"] if curve else 0)
    return model, curve, {"held_out_loss_before": before, "held_out_loss_after": held_out_loss()}


def interpolate(base, adapted, share: float) -> None:
    """Set `base`'s weights to the mean of both, `share` of it the adapted (Wortsman et al. 2022, WiSE-FT)."""
    import torch

    new = adapted.state_dict()
    with torch.no_grad():
        for name, weight in base.state_dict().items():
            if name in new and weight.is_floating_point():
                weight.lerp_(new[name].to(weight), share)


def choose(rows: pa.Table, split: pa.Table, transductive: bool) -> pa.Table:
    """Return (id, text) of the rows that may adapt the encoder: all of train and, if transductive, of dev and test."""
    joined = rows.select(["id", "text"]).join(split.select(["id", "split"]), "id").sort_by("id")
    kept = joined if transductive else joined.filter(pc.equal(joined["split"], "train"))
    if not kept.num_rows:
        raise UserError("adapt: no text to adapt to: no row is in the train split")
    return kept.select(["id", "text"])


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "split", "base", "out", "curve", "metrics", checkpoints=Path)
    settings = params.load("adapt", Params)
    rows = choose(
        tables.read(args.rows, ["id", "text"]), tables.read(args.split, ["id", "split"]), settings.transductive
    )
    compute, keep = params.load("compute", Compute), params.load("checkpoints", checkpoints.Settings)
    accelerator = start(compute, settings.seed)
    computed_on = environment(accelerator)
    from transformers import AutoModel

    tokenizer = encoder.load_tokenizer(args.base)
    if rows.num_rows == 1:
        raise UserError("adapt: one document alone cannot be both learnt and held out; add text")
    draw = np.array([hashing.unit("held out", settings.seed, id) for id in rows["id"].to_pylist()])
    # At least one document is held out, however small the corpus.
    apart = draw <= max(HELD_OUT, draw.min())
    held_out = masked_lm.passages(rows.filter(pa.array(apart)), tokenizer, settings.max_length)
    held_out = masked_lm.Passages(held_out.tokens[:HELD_OUT_PASSAGES], held_out.keys[:HELD_OUT_PASSAGES])
    train = masked_lm.passages(rows.filter(pa.array(~apart)), tokenizer, settings.max_length)

    base, inputs = masked_lm.load(args.base), (args.rows, args.split, args.base)
    values = {"adapt": settings, "compute": compute, "computed_on": computed_on}
    with checkpoints.kept(args.checkpoints, "adapt", inputs, values, keep.seconds) as saved:
        model, curve, metrics = adapt(base, train, held_out, tokenizer, settings, accelerator, saved)
        result = encoder.load_model(AutoModel, args.base)
        interpolate(result, accelerator.unwrap_model(model).base_model.to("cpu"), settings.interpolation)
        encoder.save(result, args.base, args.out)
        header = ("tokens", "phase", "loss", "learning_rate")
        write_csv(args.curve, header, [[point[name] for name in header] for point in curve])
        metrics |= {"documents": rows.num_rows, "tokens": curve[-1]["tokens"], "computed_on": computed_on}
        write_json(args.metrics, metrics)


if __name__ == "__main__":
    run(main)
