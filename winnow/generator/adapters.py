"""Adapters: few trainable weights beside those of a language model, which stay as they are (LoRA, Hu et al. 2021)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from winnow.base.errors import UserError
from winnow.base.files import write_text
from winnow.base.params import Section
from winnow.encoder import models

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


class LoRA(Section):
    """Matrices of low rank beside the model's."""

    rank: int = Field(16, gt=0)
    """The matrices' rank. 4 to 64; raise it when there are many rows to learn from."""

    alpha: float = Field(32, gt=0)
    """What they are multiplied by, times the rank; twice the rank is usual."""

    targets: list[str] | None = None
    """Names of the linear layers that get them, such as `q_proj`. Null: all but the head over the vocabulary."""


def attached(model: "PreTrainedModel", settings: LoRA, frozen_layers: int, dropout: float) -> "PeftModel":
    """Return a model with fresh adapters in its layers above the lowest `frozen_layers`.

    Raises:
        UserError: the model has no layers of the names, or no layer is left.
    """
    import peft
    import torch
    from transformers.pytorch_utils import Conv1D

    stack = models.layers_of(model)
    if frozen_layers >= len(stack):
        raise UserError(f"params.yaml: frozen_layers is {frozen_layers}, but the model has {len(stack)} layers")
    place = next(name for name, module in model.named_modules() if module is stack)
    kinds = (torch.nn.Linear, Conv1D)
    linear = {name.rpartition(".")[2] for name, module in stack.named_modules() if isinstance(module, kinds)}
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=dropout,
        target_modules=sorted(linear) if settings.targets is None else list(settings.targets),
        layers_to_transform=list(range(frozen_layers, len(stack))),
        layers_pattern=place.rpartition(".")[2],
    )
    try:
        return peft.get_peft_model(model, config)
    except ValueError as error:
        raise UserError(f"params.yaml: approaches.transfer.adapter.targets: {' '.join(str(error).split())}") from None


def settle(folder: Path, base: Path) -> None:
    """Write an adapter's configuration so that equal adapters are equal bytes, and without a card of peft's own.

    Args:
        base: the folder of the model that the adapter stands beside.
    """
    file = folder / CONFIG
    held = json.loads(file.read_text(encoding="utf-8"))
    # Sets: the order in which peft writes them differs from process to process.
    held |= {key: sorted(value) for key, value in held.items() if isinstance(value, list)}
    held["base_model_name_or_path"] = base.as_posix()
    write_text(file, json.dumps(held, indent=2, sort_keys=True) + "\n")
    (folder / "README.md").unlink(missing_ok=True)


def base_of(folder: Path) -> Path | None:
    """Return the folder of the model that a folder's adapter stands beside; None if it holds no adapter."""
    if not (folder / CONFIG).exists():
        return None
    return Path(json.loads((folder / CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"])


def merged(base: "PreTrainedModel", folder: Path) -> "PreTrainedModel":
    """Return a model with a folder's adapter added to its weights, as fast as it was without.

    Raises:
        UserError: the adapter is damaged, of another model, or not in safetensors.
    """
    import peft

    if not (folder / WEIGHTS).is_file():  # peft would look for a pickle, or for more on a hub
        raise UserError(f"{folder}: has no {WEIGHTS}; an adapter in another form is not read")
    try:
        return peft.PeftModel.from_pretrained(base, folder, local_files_only=True).merge_and_unload()
    except Exception as error:  # of peft, of safetensors and of torch, where shapes differ
        told = " ".join(str(error).split())[:300]
        raise UserError(f"{folder}: no adapter for the model beside which it is to stand: {told}") from None
