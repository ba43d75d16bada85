"""adapt: domain-adaptive pre-training of the base encoder (Gururangan et al. 2020), by one objective or several.

python -m stages.adapt --rows data/edited.parquet --split data/split.parquet --base models/base
    --out models/adapted --curve reports/plots/adapt.csv --metrics reports/metrics/adapt.json
    --checkpoints .dvc/tmp/checkpoints

Reads unlabelled and training text only (`transductive` lets dev and test text in), never a label. What is learnt of it,
masked words, the places of passages in documents and others, is in stages.adapt.objectives; docs/dapt.md tells which to
choose, docs/notebook/adaptation.md what each was worth. A base without a masked-LM head gets one: decoder tied to the
embeddings, transform at the identity, warmed up while the encoder stands still. The result may be a mean of base and
adapted weights. Out: a folder that `AutoModel` loads.
`--checkpoints` is scratch: a run that was killed goes on from there (winnow.training.checkpoints).
Memory: four bytes a token of what is read, and some tens of bytes a document or passage.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from stages.adapt.corpus import Corpus
from stages.adapt.objectives import Objective
from stages.adapt.objectives.contrast import Contrast
from stages.adapt.objectives.order import Order
from stages.adapt.objectives.position import Position
from stages.adapt.objectives.spans import Documents
from winnow.base import hashing, params
from winnow.base.errors import UserError
from winnow.base.files import write_csv, write_json
from winnow.base.machine import this_machine
from winnow.base.stage import arguments, run
from winnow.encoder import batching, masked_lm, models
from winnow.encoder.compute import Compute, environment, start
from winnow.rows import tables
from winnow.training import checkpoints, distributed, loop
from winnow.training.masked import MaskedLM

if TYPE_CHECKING:
    from accelerate import Accelerator
    from transformers import PreTrainedModel

    from stages.adapt.objectives.learner import Learner

HELD_OUT = 0.02  # share of documents kept from training, to measure what was learnt
HELD_OUT_ROWS = 128  # of each objective


class Params(params.Section):
    """Section `adapt` of params.yaml; docs/dapt.md tells which recipe to choose."""

    objectives: dict[Literal["masked_lm", "position", "order", "denoise", "contrast"], Annotated[float, Field(ge=0)]]
    """What is learnt, by its share of the tokens. `masked_lm`: words that were hidden; `position`: where in its
    document a passage stands, for tasks about what a passage is for; `order`: which of two neighbouring passages comes
    first; `denoise`: a passage from a vector of the words that were not deleted (TSDAE); `contrast`: each passage apart
    from all others (SimCSE)."""

    tokens: int = Field(gt=0)
    """Word pieces that are read, all epochs together, those of `warmup_tokens` not counted. Quality follows it, and so
    does the time."""

    max_length: int = Field(ge=8, le=8192)
    """Tokens of a passage; longer documents are cut into passages. Raise it where meaning wants a wider view."""

    batch_tokens: int = Field(1024, gt=0)
    """Tokens of a step. Raise it on a GPU, the learning rate with it."""

    learning_rate: float = Field(gt=0)
    """Learning rate of the encoder. Lower it if fine-tuning from the adapted encoder gets worse."""

    head_learning_rate: float = Field(1e-3, gt=0)
    """Learning rate of the objectives' fresh heads, which must move farther."""

    warmup_tokens: int = Field(0, ge=0)
    """Tokens in which the fresh heads alone are trained, the encoder frozen: they are read before `tokens`, on top of
    them, and may not be more. 30000 for `masked_lm` where the base carries no such head."""

    weight_decay: float = Field(0.01, ge=0)
    """Weight decay of AdamW."""

    dropout: float = Field(0.0, ge=0, lt=1)
    """0.1 for `contrast`, or where the text is read many times; its random numbers take time."""

    mask_share: float = Field(0.2, gt=0, lt=1)
    """Of `masked_lm`: the share of the words that are hidden."""

    interpolation: float = Field(1.0, ge=0, le=1)
    """Share of the adapted weights, the rest is the base's (Wortsman et al. 2022). 0.5 for `masked_lm` alone."""

    freeze_embeddings: bool
    """Leave the word table as it is. `false` with a large budget of tokens."""

    frozen_layers: int = Field(0, ge=0)
    """The lowest layers that stay as they are. More are faster and learn less."""

    spans: Literal["text", "all"] = "text"
    """Rows that all objectives but `masked_lm` draw from: `text`, those of sources of text, if they are whole
    documents; or `all`."""

    sources: list[str] | None = Field(None, min_length=1)
    """Names of the sources whose text is learnt from. Null: all. The task's alone: task-adaptive pre-training."""

    transductive: bool = False
    """`true` lets the text of dev and test rows in. Metrics then tell of these texts, not of new ones."""

    seed: int = Field(1, ge=0)
    """Seed of the order of passages, masks and dropout."""

    @property
    def shares(self) -> dict[str, float]:
        """The objectives that have a share, and the shares, summing to one."""
        whole = sum(self.objectives.values()) or 1
        return {name: share / whole for name, share in sorted(self.objectives.items()) if share}

    @model_validator(mode="after")
    def _has_an_objective(self) -> "Params":
        if not self.shares:
            raise ValueError("objectives: give one of them a share")
        if "contrast" in self.shares and not self.dropout:
            raise ValueError("objectives.contrast tells a passage from others by dropout; set dropout to 0.1")
        if self.shares.keys() == {"contrast"} and self.warmup_tokens:
            raise ValueError("objectives.contrast has no head to warm up; set warmup_tokens to 0")
        if self.warmup_tokens > self.tokens:
            raise ValueError(
                f"warmup_tokens ({self.warmup_tokens}) are read on top of tokens ({self.tokens}), and are more; lower "
                f"warmup_tokens, to a third of tokens for example"
            )
        return self


def build(corpus: Corpus, tokenizer, settings: Params, config, device) -> dict[str, Objective]:
    """Return the objectives that `settings` give a share of the tokens, by name; `config` is the encoder's."""
    made: dict[str, Objective] = {}
    if "masked_lm" in settings.shares:
        passages = masked_lm.passages(corpus.ids, corpus.texts, tokenizer, settings.max_length)
        masking = masked_lm.Masking(tokenizer, settings.mask_share, settings.seed)
        made["masked_lm"] = MaskedLM(passages, masking, device)
    if settings.shares.keys() - {"masked_lm"}:
        whole = corpus
        if settings.spans == "text":
            whole = corpus.where(pc.equal(corpus.rows["purpose"], "text").to_numpy())
        documents = Documents(whole.ids, whole.texts, tokenizer, settings.max_length)
        if "position" in settings.shares:
            made["position"] = Position(documents, tokenizer, settings.seed, config.hidden_size, device)
        if "order" in settings.shares:
            made["order"] = Order(documents, tokenizer, settings.seed, config.hidden_size, device)
        if "denoise" in settings.shares:
            from stages.adapt.objectives.denoise import Denoise

            made["denoise"] = Denoise(documents, tokenizer, settings.seed, config, device)
        if "contrast" in settings.shares:
            made["contrast"] = Contrast(documents, tokenizer, settings.seed, device)
    return made


class Plan:
    """The objectives' rows under one numbering, and batches of them."""

    def __init__(self, objectives: dict[str, Objective], settings: Params):
        """Number the rows of `objectives` one after the other."""
        self.objectives, self._settings = objectives, settings
        self._names = list(objectives)
        self._starts = np.cumsum([0, *(len(objective.keys) for objective in objectives.values())])
        self.keys = [key for objective in objectives.values() for key in objective.keys]

    def locate(self, rows: np.ndarray) -> tuple[str, np.ndarray]:
        """Return a batch's objective and its own numbers of the rows."""
        place = int(np.searchsorted(self._starts, rows[0], side="right")) - 1
        return self._names[place], rows - self._starts[place]

    def of(self, batch: loop.Batch) -> Objective:
        """Return a batch's objective."""
        return self.objectives[self.locate(batch.rows)[0]]

    def batches(self, tokens: int, first_epoch: int) -> list[loop.Batch]:
        """Return batches of about `tokens` tokens, each of one objective; objectives alternate by their shares."""
        placed, settings = [], self._settings
        for first, (name, objective) in zip(self._starts[:-1], self.objectives.items(), strict=True):
            own, seen, epoch = [], 0, first_epoch
            while seen < tokens * settings.shares[name]:
                lengths = models.lengths(objective.read(epoch))
                for batch in batching.shuffled(lengths, settings.batch_tokens, settings.seed, epoch):
                    if seen >= tokens * settings.shares[name]:
                        break
                    own.append(loop.Batch(first + batch, epoch))
                    seen += int(lengths[batch].sum())
                epoch += 1
            placed += [((place + 0.5) / len(own), name, batch) for place, batch in enumerate(own)]
        return [batch for _, _, batch in sorted(placed, key=lambda each: each[:2])]

    def tokens(self, batch: loop.Batch) -> int:
        """Return how many tokens a batch reads."""
        name, rows = self.locate(batch.rows)
        read = self.objectives[name].read(batch.epoch)
        return sum(len(read[row]) for row in rows)


class Plans(NamedTuple):
    """What is learnt from, and what is held out to measure what was learnt."""

    train: Plan
    held_out: Plan


def adapt(
    learner: "Learner", plans: Plans, settings: Params, accelerator: "Accelerator", saved: checkpoints.Store
) -> tuple[list[dict], dict]:
    """Warm the heads up, then train all of the model; return the curve (one dict a step) and the metrics."""
    import torch

    train, held_out = plans

    def loss_of(model, batch: loop.Batch) -> tuple:
        name, rows = train.locate(batch.rows)
        return train.objectives[name].loss(model, rows, batch.epoch)

    def held_out_losses() -> dict[str, float]:
        means = {}
        for name, objective in held_out.objectives.items():
            lengths = models.lengths(objective.read(0)[:HELD_OUT_ROWS])
            batches = batching.by_length(lengths, settings.batch_tokens)
            if objective.contrasts:
                batches = [batch for batch in batches if len(batch) > 1]
            if not batches:  # what is held out may be a single sentence
                continue
            learner.train(objective.contrasts)
            with torch.inference_mode(), accelerator.autocast(), torch.random.fork_rng():
                torch.manual_seed(settings.seed)  # of dropout: before and after, the same
                losses = [(objective.loss(learner, batch, 0)[0].item(), len(batch)) for batch in batches]
            means[name] = sum(loss * rows for loss, rows in losses) / sum(rows for _, rows in losses)
        return means

    def phase(name: str, batches: list[loop.Batch], seen: int) -> list[dict]:
        training = loop.Training(
            batches=batches,
            loss_of=loss_of,
            warmup_steps=len(batches) // 10,
            seed=f"{settings.seed} {name}",
            ids=train.keys,
            longest=settings.max_length,
            saved=saved.series(name),
        )
        rates = loop.Rates(settings.learning_rate, settings.head_learning_rate, settings.weight_decay)
        steps = loop.fit(learner, loop.parameter_groups(learner.encoder, learner, rates), training, accelerator)
        for point, batch in zip(steps, batches, strict=True):
            seen += train.tokens(batch)
            point |= {"phase": name, "objective": train.locate(batch.rows)[0], "tokens": seen}
        return steps

    learner.to(accelerator.device)
    models.set_dropout(learner, settings.dropout)
    curve = []
    if settings.warmup_tokens:
        learner.encoder.requires_grad_(False)
        batches = train.batches(settings.warmup_tokens, 0)
        # What contrasts has no head: with the encoder frozen it learns nothing.
        curve += phase("head", [batch for batch in batches if not train.of(batch).contrasts], 0)
        learner.encoder.requires_grad_(True)
    if settings.freeze_embeddings:
        models.freeze(learner.encoder, settings.frozen_layers)
    before = held_out_losses()
    # Epochs of the two phases have numbers of their own, so that no passage meets the same masks twice.
    curve += phase("all", train.batches(settings.tokens, 1000), curve[-1]["tokens"] if curve else 0)
    after = held_out_losses()
    return curve, {"held_out_loss": {name: {"before": before[name], "after": after[name]} for name in before}}


def interpolate(base, adapted, share: float) -> None:
    """Set `base`'s weights to the mean of both, `share` of it the adapted (Wortsman et al. 2022, WiSE-FT)."""
    import torch

    new = adapted.state_dict()
    with torch.no_grad():
        for name, weight in base.state_dict().items():
            if name in new and weight.is_floating_point():
                weight.lerp_(new[name].to(weight), share)


def choose(corpus: Corpus, split: pa.Table, settings: Params) -> Corpus:
    """Return the documents that may adapt the encoder: train's and, if transductive, dev's and test's.

    Raises:
        UserError: a source is unknown, or no row is left.
    """
    rows, chosen = corpus.rows, np.ones(corpus.rows.num_rows, dtype=bool)
    if settings.sources is not None:
        known = pc.unique(rows["source"]).to_pylist()
        for name in settings.sources:
            if name not in known:
                raise UserError(
                    f"params.yaml: adapt.sources: no row is of '{name}'; sources: {', '.join(sorted(known))}"
                )
        chosen &= pc.is_in(rows["source"], pa.array(settings.sources)).to_numpy()
    if not settings.transductive:
        train = split["id"].filter(pc.equal(split["split"], "train")).combine_chunks()
        chosen &= pc.is_in(rows["id"], train).to_numpy()
    if chosen.sum() < 2:
        raise UserError("adapt: too little text: it takes two documents of the train split, one to learn, one held out")
    return corpus.where(chosen)


def hold_out(rows: pa.Table, seed: int) -> np.ndarray:
    """Return which documents (id, purpose) are kept from training, (rows,) bool: 2 % of each purpose, at least one."""
    draw = np.array([hashing.unit("held out", seed, id) for id in rows["id"].to_pylist()])
    purposes, held_out = np.array(rows["purpose"].to_pylist()), np.zeros(len(draw), dtype=bool)
    for purpose in np.unique(purposes):
        own = purposes == purpose
        if own.sum() > 1:
            held_out |= own & (draw <= max(HELD_OUT, draw[own].min()))
    if not held_out.any():  # no purpose has two documents
        held_out[draw.argmin()] = True
    return held_out


def train(
    corpus: Corpus, base: Path, settings: Params, accelerator: "Accelerator", saved: checkpoints.Store
) -> "tuple[PreTrainedModel, list[dict], dict]":
    """Return the encoder of `base` adapted to documents, the curve and the metrics."""
    from transformers import AutoModel

    from stages.adapt.objectives.learner import Learner

    models.check_length(base, settings.max_length, "adapt.max_length")
    tokenizer = models.load_tokenizer(base)
    held_out = hold_out(corpus.rows, settings.seed)
    body = masked_lm.load(base) if "masked_lm" in settings.shares else models.load_model(AutoModel, base)
    plans = Plans(
        *(
            Plan(build(corpus.where(chosen), tokenizer, settings, body.config, accelerator.device), settings)
            for chosen in (~held_out, held_out)
        )
    )
    for name, objective in plans.train.objectives.items():
        if not objective.keys:
            raise UserError(
                f"params.yaml: adapt.objectives.{name}: no document of text has two sentences, so there is nothing to "
                f"read; give it no share, add a source of purpose text, or set adapt.spans to all"
            )
    heads = {name: objective.head for name, objective in plans.train.objectives.items() if objective.head}
    learner = Learner(body, heads)
    documents = len({key.partition(":")[0] for key in plans.train.keys})
    curve, metrics = adapt(learner, plans, settings, accelerator, saved)
    result = models.load_model(AutoModel, base)
    interpolate(result, learner.encoder.to("cpu"), settings.interpolation)
    return result, curve, metrics | {"documents": documents, "tokens": curve[-1]["tokens"]}


@distributed.launchable
def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "rows", "split", "base", "out", "curve", "metrics", checkpoints=Path)
    settings, machine = params.load("adapt", Params), this_machine()
    if distributed.launch("stages.adapt.__main__", machine.launcher, argv):
        return
    corpus = choose(Corpus.read(args.rows), tables.read(args.split, ["id", "split"]), settings)
    compute = params.load("compute", Compute)
    accelerator = start(compute, settings.seed)
    if accelerator.num_processes > 1 and "contrast" in settings.shares:
        raise UserError(
            "params.yaml: adapt.objectives.contrast compares all rows of a batch, which one process must hold; "
            "train in one, without WINNOW_LAUNCHER"
        )
    computed_on, inputs = environment(accelerator), (args.rows, args.split, args.base)
    values = {"adapt": settings, "compute": compute, "computed_on": computed_on}
    with checkpoints.kept(args.checkpoints, "adapt", inputs, values, machine.checkpoint_seconds) as saved:
        model, curve, metrics = train(corpus, args.base, settings, accelerator, saved)
        if not accelerator.is_main_process:
            return
        models.save(model, args.base, args.out)
        header = ("tokens", "phase", "objective", "loss", "learning_rate")
        write_csv(args.curve, header, [[point[name] for name in header] for point in curve])
        computed_on |= {"processes": loop.processes(curve)}
        done = {"objectives": settings.shares} | settings.model_dump(include={"interpolation", "transductive"})
        write_json(args.metrics, metrics | done | {"computed_on": computed_on})


if __name__ == "__main__":
    run(main)
