"""adapt_generator: the language model reads raw text of the domain before it learns responses.

python -m stages.adapt_generator --rows data/deduplicated.parquet --split data/split.parquet --base models/generator
    --out models/adapted_generator --curve reports/plots/adapt_generator.csv
    --metrics reports/metrics/adapt_generator.json --checkpoints .dvc/tmp/checkpoints

Continued pre-training on rows of purpose text of the train split, each token from those before it. A share of the
tokens comes from sources of other text, so that less is forgotten (replay). Out: a folder as that of fetch_generator;
with `adapt_generator.tokens: 0` nothing but a file that says so. The loss on documents that it did not learn from is
told before and after, of the domain and of the replayed sources.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
from pydantic import Field

from stages.adapt_generator.passages import Passages, held_out
from winnow.base import files, params
from winnow.base.errors import UserError
from winnow.base.files import write_csv, write_json
from winnow.base.machine import this_machine
from winnow.base.stage import arguments, run
from winnow.encoder import models
from winnow.encoder.compute import Compute, environment, start
from winnow.generator.losses import Passes, response_losses, token_losses
from winnow.generator.template import NONE, Template
from winnow.rows import tables
from winnow.training import checkpoints, distributed, loop

if TYPE_CHECKING:
    from accelerate import Accelerator
    from transformers import PreTrainedModel

HEADER = ("tokens", "loss", "learning_rate")


class Params(params.Section):
    """Section `adapt_generator` of params.yaml: what the language model reads of the domain before it learns."""

    tokens: int = Field(0, ge=0)
    """Tokens seen, all epochs together. 0: none, and there is no adapted language model. A small model forgets little
    and learns much from millions."""

    max_length: int = Field(512, ge=2)
    """Tokens of a passage. Longer documents are read in several."""

    batch_tokens: int = Field(2048, gt=0)
    """Padded tokens of a step. Raise it on a GPU."""

    learning_rate: float = Field(1e-4, gt=0)
    """Lower it where the loss on replayed text rises."""

    weight_decay: float = Field(0.01, ge=0)
    """Weight decay of AdamW."""

    frozen_layers: int = Field(0, ge=0)
    """The lowest layers, which stay as they are with the table of tokens; 0: all of the model learns."""

    sources: list[str] | None = None
    """Names of the sources of purpose text that are the domain. Null: all that are not replayed."""

    replay: list[str] = Field(default_factory=list)
    """Names of the sources of purpose text that are like what the model has read before."""

    replay_share: float = Field(0.1, ge=0, lt=1)
    """Share of the tokens that come from them, if there are any."""

    seed: int = Field(1, ge=0)
    """Seed of the order, and of which documents are held out."""


def documents(rows: Path, split: Path, settings: Params) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return documents of the train split, (id, text) each, of the domain and of the replayed sources.

    Raises:
        UserError: a source has no row.
    """
    table, splits = tables.read(rows, ["id", "source", "purpose", "text"]), tables.read(split, ["id", "split"])
    train = splits["id"].filter(pc.equal(splits["split"], "train")).combine_chunks()
    known = set(pc.unique(table["source"]).to_pylist())
    for key, names in (("sources", settings.sources or []), ("replay", settings.replay)):
        for name in names:
            if name not in known:
                raise UserError(
                    f"params.yaml: adapt_generator.{key}: no row is of '{name}'; sources: {', '.join(sorted(known))}"
                )
    table = table.filter(pc.and_(pc.equal(table["purpose"], "text"), pc.is_in(table["id"], train))).sort_by("id")
    found: tuple[list, list] = ([], [])
    for name, source, text in zip(*(table[column].to_pylist() for column in ("id", "source", "text")), strict=True):
        if source in settings.replay:
            found[1].append((name, text))
        elif settings.sources is None or source in settings.sources:
            found[0].append((name, text))
    return found


def adapt(
    domain: list, replayed: list, base: Path, settings: Params, machine: "tuple[Accelerator, checkpoints.Store]"
) -> "tuple[PreTrainedModel, list[dict], dict]":
    """Return the language model of `base` after it read documents, the curve and the metrics.

    Args:
        machine: what computes, and where checkpoints go.
    """
    from transformers import AutoModelForCausalLM

    accelerator, saved = machine
    models.check_length(base, settings.max_length, "adapt_generator.max_length")
    models.check_frozen(base, settings.frozen_layers, "adapt_generator.frozen_layers")
    template, model = Template.of(base), models.load_model(AutoModelForCausalLM, base)
    if template.tokenizer.eos_token_id is None:
        raise UserError(f"{base}: the tokenizer has no token that ends a text, which adapt_generator needs")
    taught, measured = {}, {}
    for name, chosen in (("domain", domain), ("replay", replayed)):
        parts = held_out(chosen, settings.seed)
        taught[name], measured[name] = (Passages.of(part, template.tokenizer, settings.max_length) for part in parts)
    share = settings.replay_share if replayed else 0.0
    rows, names = [*taught["domain"].rows, *taught["replay"].rows], [*taught["domain"].names, *taught["replay"].names]
    plans = [
        taught[name].batches(round(settings.tokens * part), settings.batch_tokens, settings.seed + number)
        for number, (name, part) in enumerate((("domain", 1 - share), ("replay", share)))
    ]
    batches = [*plans[0], *(batch + len(taught["domain"].rows) for batch in plans[1])]
    order = np.random.Generator(np.random.Philox(key=[settings.seed, 1])).permutation(len(batches))
    batches = [loop.Batch(batches[place]) for place in order]
    passes = Passes(template.padding, settings.batch_tokens, accelerator)

    def losses() -> dict[str, float]:
        found = {name: token_losses(model, each.rows, passes, "held-out text") for name, each in measured.items()}
        return {name: float(np.concatenate(each).mean()) for name, each in found.items() if each}

    def loss_of(model, batch):
        found = response_losses(model, [rows[row] for row in batch.rows], template.padding, accelerator.device)
        return found.mean(), found.new_tensor(float(len(found)))

    before = losses()
    if settings.frozen_layers:
        models.freeze(model, settings.frozen_layers)
    training = loop.Training(
        batches=batches,
        loss_of=loss_of,
        warmup_steps=len(batches) // 10,
        seed=f"{settings.seed} adapt_generator",
        ids=names,
        longest=settings.max_length,
        saved=saved.series("train"),
    )
    rates = loop.Rates(settings.learning_rate, settings.learning_rate, settings.weight_decay)
    curve = loop.fit(model, loop.parameter_groups(model.base_model, model, rates), training, accelerator)
    seen = np.cumsum([sum(len(rows[row].ids) for row in batch.rows) for batch in batches]).tolist()
    after = losses()
    told = {name: {"before": before[name], "after": after[name]} for name in before}
    counts = {"documents": len(domain), "replayed_documents": len(replayed), "tokens": seen[-1]}
    return (
        model,
        [{"tokens": each} | point for each, point in zip(seen, curve, strict=True)],
        {"held_out_loss": told} | counts,
    )


@distributed.launchable
def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "split", "base", "out", "curve", "metrics", checkpoints=Path)
    settings, machine = params.load("adapt_generator", Params), this_machine()
    if not settings.tokens:
        with files.replacing(args.out) as new:
            new.mkdir()
            files.write_text(new / NONE, "params.yaml: adapt_generator.tokens is 0.\n")
        write_csv(args.curve, HEADER, [])
        write_json(args.metrics, {"tokens": 0})
        return
    if distributed.launch("stages.adapt_generator.__main__", machine.launcher, argv):
        return
    domain, replayed = documents(args.rows, args.split, settings)
    compute = params.load("compute", Compute)
    accelerator = start(compute, settings.seed)
    computed_on, inputs = environment(accelerator), (args.rows, args.split, args.base)
    values = {"adapt_generator": settings, "compute": compute, "computed_on": computed_on}
    with checkpoints.kept(args.checkpoints, "adapt_generator", inputs, values, machine.checkpoint_seconds) as saved:
        model, curve, metrics = adapt(domain, replayed, args.base, settings, (accelerator, saved))
        if not accelerator.is_main_process:
            return
        models.save(model, args.base, args.out)
        write_csv(args.curve, HEADER, [[point[name] for name in HEADER] for point in curve])
        write_json(args.metrics, metrics | {"computed_on": computed_on | {"processes": loop.processes(curve)}})


if __name__ == "__main__":
    run(main)
