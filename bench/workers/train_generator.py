"""The same rows learnt and scored by Winnow, by TRL, by lm-eval and by a plain loop, from a JSON file of token ids.

Functions that train return `seconds` and `processor` seconds of the training alone, `tokens` that were read in it,
padding left out, `start_loss`, what a token of the responses costs by the function's own code before it learns, and
`loss`, what one of responses that nobody has read costs afterwards, by code that all share. Those that score return the
seconds, the tokens and `start_loss`.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

IGNORED = -100
BATCH = 16  # rows at once of lm-eval where it does not take them one by one


def _read(file: str) -> dict:
    return json.loads(Path(file).read_text(encoding="utf-8"))


def _tokens(rows: Sequence) -> int:
    return sum(len(ids) for ids, _ in rows)


def _timed(work: Callable[[], object]) -> dict:
    start, used = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - start, "processor": time.process_time() - used}


def _labels(ids: list[int], start: int) -> list[int]:
    return [IGNORED] * start + ids[start:]


def held_out_loss(model, rows: Sequence) -> float:
    """Return what a token of the responses costs, in nats: rows one by one, in fp32."""
    import torch

    total = count = 0.0
    model = model.float().eval()
    with torch.no_grad():
        for ids, start in rows:
            logits = model(input_ids=torch.tensor([ids])).logits[0, start - 1 : -1]
            total += torch.nn.functional.cross_entropy(logits, torch.tensor(ids[start:]), reduction="sum").item()
            count += len(ids) - start
    return total / count


# Ours.


def winnow(how: str, file: str, base: str) -> dict:
    """Train an adapter as stage `finetune` does for the kind generation.

    Args:
        how: "stage"; "uncached", without the memory of what frozen layers make; "packed", with the rows of a batch in
            one sequence.
        file: rows and settings.
        base: folder of the language model.
    """
    import numpy as np
    import pyarrow as pa
    import torch
    from transformers import AutoModelForCausalLM

    from winnow.encoder import models
    from winnow.encoder.compute import Compute, start
    from winnow.encoder.reader import Reader
    from winnow.generator import adapters, losses
    from winnow.generator.template import Encoded, Template
    from winnow.kinds.generation import model as kind
    from winnow.kinds.generation import transfer
    from winnow.training import finetuning, layer_cache

    data, folder = _read(file), Path(base)
    accelerator = start(Compute(threads=1, device="cpu", precision="auto"), seed=1)
    template = Template.of(folder)
    template.tokenizer.pad_token = template.tokenizer.convert_ids_to_tokens(template.padding)
    reader = Reader(folder, template.tokenizer, data["max_length"], data["batch_tokens"], accelerator)
    settings = {name: data[name] for name in ("epochs", "batch_tokens", "learning_rate", "frozen_layers")}
    recipe = finetuning.Recipe(**settings, head_learning_rate=data["learning_rate"])
    rows = [Encoded(ids, first) for ids, first in data["train"]]
    names = list(map(str, range(len(rows))))
    texts = kind.Dialogues([row.ids for row in rows], names, rows=rows)
    torch.manual_seed(1)
    lora = adapters.LoRA(rank=data["rank"], alpha=data["alpha"])
    model = adapters.attached(models.load_model(AutoModelForCausalLM, folder), lora, recipe.whole_frozen_layers, 0.0)
    passes = losses.Passes(template.padding, data["batch_tokens"], accelerator)
    begin = float(np.concatenate(losses.token_losses(model, rows, passes)).mean())
    run = finetuning.Run(recipe, reader, 1)
    table = pa.table({"weight": [1.0] * len(rows)})
    loss_of = packed_loss(rows) if how == "packed" else kind.losses(None, table, texts, recipe, reader)
    if how == "uncached":
        layer_cache.MAX_BYTES = 0
    with attention_by_rows(model) if how == "packed" else nullcontext():
        found = _timed(lambda: transfer.learn(model, texts, loss_of, run))
    return _trained(found, data, begin, model)


def packed_loss(rows: Sequence) -> Callable:
    """Return (model, batch) -> the mean loss of the responses' tokens and their number; rows stand in one sequence."""

    def loss_of(model, batch) -> tuple:
        found = packed_losses(model, [rows[row] for row in batch.rows])
        return found.mean(), found.new_tensor(float(len(found)))

    return loss_of


def packed_losses(model, rows: Sequence):
    """Return what each token of the responses costs, (all their tokens,) float32; inside `attention_by_rows`."""
    import torch

    from winnow.generator.losses import head_at

    ids = [token for row in rows for token in row.ids]
    positions = [place for row in rows for place in range(len(row.ids))]
    before = [row.start <= place + 1 < len(row.ids) for row in rows for place in range(len(row.ids))]
    targets = torch.tensor([token for row in rows for token in row.response])
    with head_at(model, torch.tensor([before])):
        logits = model(input_ids=torch.tensor([ids]), position_ids=torch.tensor([positions]), use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits[0].float(), targets, reduction="none")


@contextmanager
def attention_by_rows(model) -> Iterator[None]:
    """Let each row of a packed sequence see itself alone until the block ends: no product of two rows is computed.

    Attention is computed row by row, by separate products in bf16 and by torch's fused kernel else, which is what is
    faster for padded rows too.
    """
    import torch
    from transformers import PreTrainedModel
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
    from transformers.models.llama.modeling_llama import eager_attention_forward

    def attend(module, query, key, value, mask, scaling, dropout=0.0, **named) -> tuple:
        made = []
        for begin, end in bounds[0]:
            own = [each[:, :, begin:end] for each in (query, key, value)]
            if query.dtype == torch.bfloat16:
                low = torch.full((end - begin, end - begin), torch.finfo(query.dtype).min, dtype=query.dtype)
                found, _ = eager_attention_forward(module, *own, low.triu(1)[None, None], scaling, dropout)
            else:
                found, _ = sdpa_attention_forward(module, *own, None, dropout, scaling, is_causal=True)
            made.append(found)
        return torch.cat(made, dim=1), None

    def look(module, inputs: tuple, named: dict) -> None:
        starts = (named["position_ids"][0] == 0).nonzero()[:, 0].tolist()
        bounds[0] = list(zip(starts, [*starts[1:], named["position_ids"].shape[1]], strict=True))

    bounds: list = [[]]
    name = "rows"
    ALL_ATTENTION_FUNCTIONS.register(name, attend)
    ALL_MASK_ATTENTION_FUNCTIONS.register(name, lambda *_, **__: None)
    changed = [each for each in model.modules() if isinstance(each, PreTrainedModel)]
    before = [each.config._attn_implementation for each in changed]
    hook = model.register_forward_pre_hook(look, with_kwargs=True)
    try:
        for each in changed:
            each.set_attn_implementation(name)
        yield
    finally:
        hook.remove()
        for each, own in zip(changed, before, strict=True):
            each.set_attn_implementation(own)


def winnow_score(file: str, base: str) -> dict:
    """Return what the tokens of the responses cost, as stages `score` and `evaluate` ask for it."""
    import numpy as np
    from transformers import AutoModelForCausalLM

    from winnow.encoder import models
    from winnow.encoder.compute import Compute, start
    from winnow.generator import losses
    from winnow.generator.template import Encoded, Template

    data, folder = _read(file), Path(base)
    accelerator = start(Compute(threads=1, device="cpu", precision="auto"), seed=1)
    passes = losses.Passes(Template.of(folder).padding, data["batch_tokens"], accelerator)
    rows = [Encoded(ids, first) for ids, first in data["train"]]
    model, found = models.load_model(AutoModelForCausalLM, folder), []
    losses.token_losses(model, rows[:2], passes)
    told = _timed(lambda: found.extend(losses.token_losses(model, rows, passes)))
    mean = float(np.concatenate(found).mean(dtype=np.float64))
    return told | {"tokens": _tokens(data["train"]), "start_loss": mean, "precision": _precision()}


# Theirs.


def _adapted(data: dict, base: str, attention: str):
    """Return the model with an adapter in the layers where ours has one."""
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation=attention)
    return model, peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=data["rank"],
        lora_alpha=data["alpha"],
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        layers_to_transform=list(range(data["frozen_layers"], model.config.num_hidden_layers)),
        layers_pattern="layers",
    )


def _precision() -> str:
    """Return what TRL takes where nothing is said, and ours where bf16 is native."""
    import torch

    return "bf16" if torch.cpu.get_capabilities().get("amx_bf16") else "fp32"


def trl(settings: str, file: str, base: str) -> dict:
    """Train by TRL's SFTTrainer, on rows that are token ids already, so that its labels are those of all others.

    Args:
        settings: "stock", its own: batches of 8 rows in random order, checkpoints of activations. "tuned": without
            these, rows of like length together. "eager": so, with attention by separate products. "padding_free":
            without checkpoints, with a batch's rows in one sequence.
        file: rows and settings.
        base: folder of the language model.
    """
    import datasets
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    datasets.disable_progress_bars()
    data, is_stock = _read(file), settings == "stock"
    model, lora = _adapted(data, base, "eager" if settings == "eager" else "sdpa")
    tuned: dict = {} if is_stock else {"gradient_checkpointing": False, "train_sampling_strategy": "group_by_length"}
    if settings == "padding_free":
        tuned |= {"padding_free": True, "max_length": None, "train_sampling_strategy": "random"}
    columns = {"input_ids": [ids for ids, _ in data["train"]], "labels": [_labels(*row) for row in data["train"]]}
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"output_dir": folder, "save_strategy": "no", "report_to": "none", "disable_tqdm": True, "seed": 1}
        arguments = SFTConfig(
            **quiet,
            use_cpu=True,
            bf16=_precision() == "bf16",
            num_train_epochs=data["epochs"],
            per_device_train_batch_size=data["batch_rows"],
            learning_rate=data["learning_rate"],
            **{"max_length": data["max_length"]} | tuned,
        )
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=datasets.Dataset.from_dict(columns),
            processing_class=AutoTokenizer.from_pretrained(base),
            peft_config=lora,
        )
        begin = _trl_loss(trainer)
        return _trained(_timed(trainer.train), data, begin, trainer.model)


def _trl_loss(trainer) -> float:
    """Return what a token of the responses costs by the trainer's own loss."""
    import torch

    total = count = 0.0
    trainer.model.eval()
    with torch.no_grad():
        for batch in trainer.get_train_dataloader():
            learnt = int((batch["labels"] != IGNORED).sum())
            with trainer.compute_loss_context_manager():
                total += trainer.compute_loss(trainer.model, dict(batch)).item() * learnt
            count += learnt
    trainer.model.train()
    return total / count


def plain(file: str, base: str) -> dict:
    """Train by a loop of PyTorch: batches of rows in random order, padded; the model's own loss; AdamW."""
    import peft
    import torch
    from transformers import get_linear_schedule_with_warmup

    data = _read(file)
    model, lora = _adapted(data, base, "sdpa")
    model = peft.get_peft_model(model, lora)
    rows, is_bf16 = data["train"], _precision() == "bf16"

    def loss_of(some: list):
        longest = max(len(ids) for ids, _ in some)
        ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in some])
        mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in some])
        labels = torch.tensor([_labels(*row) + [IGNORED] * (longest - len(row[0])) for row in some])
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
            return model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss

    def batches(order: list[int]) -> list[list]:
        size = data["batch_rows"]
        return [[rows[row] for row in order[at : at + size]] for at in range(0, len(order), size)]

    def train() -> None:
        model.train()
        generator = torch.Generator().manual_seed(1)
        orders = [torch.randperm(len(rows), generator=generator).tolist() for _ in range(data["epochs"])]
        plan = [batch for order in orders for batch in batches(order)]
        learns = [weights for weights in model.parameters() if weights.requires_grad]
        optimizer = torch.optim.AdamW(learns, lr=data["learning_rate"], fused=True)
        schedule = get_linear_schedule_with_warmup(optimizer, 0, len(plan))
        for batch in plan:
            loss_of(batch).backward()
            torch.nn.utils.clip_grad_norm_(learns, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()

    total = count = 0.0
    model.eval()
    with torch.no_grad():
        for batch in batches(list(range(len(rows)))):
            learnt = sum(len(ids) - start for ids, start in batch)
            total, count = total + loss_of(batch).item() * learnt, count + learnt
    return _trained(_timed(train), data, total / count, model)


def lm_eval(size: int, file: str, base: str) -> dict:
    """Score by lm-eval's `HFLM`, from token ids; its `loglikelihood` is this and tokenizing.

    Args:
        size: rows at once; not "auto", which reads 64 rows as long as the longest five times before it begins.
        file: rows.
        base: folder of the language model.
    """
    import torch
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    data = _read(file)
    model = HFLM(
        pretrained=AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
        tokenizer=AutoTokenizer.from_pretrained(base),
        device="cpu",
        batch_size=size,
        mixed_precision_dtype="bfloat16" if _precision() == "bf16" else None,
    )
    requests = [(("", ""), ids[:start], ids[start:]) for ids, start in data["train"]]
    model._loglikelihood_tokens(requests[:2], disable_tqdm=True)
    found: list = []
    told = _timed(lambda: found.extend(model._loglikelihood_tokens(requests, disable_tqdm=True)))
    learnt = sum(len(ids) - start for ids, start in data["train"])
    return told | {"tokens": _tokens(data["train"]), "start_loss": -sum(each for each, _ in found) / learnt}


# Shared by all.


def _trained(found: dict, data: dict, begin: float, model) -> dict:
    read = _tokens(data["train"]) * data["epochs"]
    after = {"tokens": read, "start_loss": begin, "loss": held_out_loss(model, data["held_out"])}
    return found | after | {"precision": _precision()}
