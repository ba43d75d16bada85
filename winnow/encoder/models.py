"""Encoders and their tokenizers: load, tokenize, pad, save without anything that differs from run to run."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.base.files import replacing
from winnow.encoder.compute import quiet
from winnow.encoder.tokens import Tokens, chunks

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

WEIGHTS = ("config.json", "model.safetensors")
SHARED = "share their weights, so that none can stay as it is while others learn; set frozen_layers to 0"
MAX_SEPARATE = 1024  # tokens of a row
# Families whose first token is at the position after the padding token's id, so that they read fewer tokens.
FROM_PADDING = ("camembert", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl")


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """Return the tokenizer of a model folder."""
    from transformers import AutoTokenizer

    quiet()
    return _load(AutoTokenizer, folder)


def load_model(auto_class: type, folder: Path, **options) -> "PreTrainedModel":
    """Return the model of a folder by one of transformers' Auto classes: safetensors only, no code of the model's own.

    In fp32, in whichever precision it was saved: a weight in bf16 does not move by a small step.

    Raises:
        UserError: the folder holds no such model.
    """
    quiet()
    return _load(auto_class, folder, use_safetensors=True, dtype="float32", **options)


def _load(auto_class: type, folder: Path, **options):
    try:
        return auto_class.from_pretrained(folder, trust_remote_code=False, local_files_only=True, **options)
    except Exception as error:  # of transformers, of huggingface_hub's types, and whatever an odd value breaks
        raise UserError(f"{folder}: no model that {auto_class.__name__} can load: {error}") from None


def check_length(folder: Path, max_length: int, key: str) -> None:
    """Check that the encoder of a folder has a position for each token of a text.

    Args:
        key: the parameter that says `max_length`.

    Raises:
        UserError: it has not: the first long text would end in an error of torch.
    """
    config = _config(folder)
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int) or config.get("position_biased_input") is False:  # DeBERTa's are relative
        return
    if config.get("model_type") in FROM_PADDING:
        positions -= config.get("pad_token_id", 1) + 1
    if max_length > positions:
        raise UserError(
            f"params.yaml: {key}: {max_length} tokens, but the encoder in {folder} reads {positions}; lower it, or "
            f"take a base encoder for longer texts"
        )


def check_frozen(folder: Path, layers: int, key: str) -> None:
    """Check that the encoder of a folder has more layers than stay as they are.

    Args:
        key: the parameter that says `layers`.

    Raises:
        UserError: it has not, or its layers share their weights, so that none can stay while others learn.
    """
    config = _config(folder)
    there = config.get("num_hidden_layers", config.get("n_layers"))
    if not layers or not isinstance(there, int):
        return
    if "num_hidden_groups" in config:  # ALBERT's
        raise UserError(f"params.yaml: {key}: {layers}, but the layers of the encoder in {folder} {SHARED}")
    if layers >= there:
        raise UserError(
            f"params.yaml: {key}: {layers}, but the encoder in {folder} has {there} layers, of which one must learn; "
            f"lower it to {there - 1} or less"
        )


def _config(folder: Path) -> dict:
    """Return the configuration of a model's folder; nothing where it cannot be read: who loads it says why."""
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def tokenize(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str] | pa.ChunkedArray, max_length: int) -> Tokens:
    """Return each text's token ids, special tokens included, cut at `max_length`; texts are read in their order."""
    tokens = Tokens()
    for some in chunks(texts):
        tokens.extend(tokenizer(some, truncation=True, max_length=max_length, padding=False)["input_ids"])
    return tokens


def lengths(tokens: Sequence[list[int]]) -> np.ndarray:
    """Return the number of tokens of each row, (rows,) int64."""
    return np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))


def pad(rows: list[list[int]], padding: int, device: "torch.device") -> tuple["torch.Tensor", "torch.Tensor"]:
    """Return token ids and attention mask, both (rows, longest) int64, padded on the right."""
    import torch

    ids = torch.full((len(rows), max(map(len, rows))), padding, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    return ids.to(device), mask.to(device)


def layers_of(model: "PreTrainedModel") -> "torch.nn.ModuleList":
    """Return the encoder's transformer layers, lowest first.

    Raises:
        UserError: it has one layer that is run again and again.
    """
    import torch

    for module in model.base_model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == model.config.num_hidden_layers:
            return module
    raise UserError(f"params.yaml: frozen_layers or layer_decay: the encoder's layers {SHARED}, layer_decay to 1")


def rate_factors(model: "PreTrainedModel", decay: float) -> dict[int, float]:
    """Return what the learning rate of each weight of the encoder is multiplied by, by the weight's id.

    One in the top layer and above the layers, and `decay` times as much in each layer below as in the one above it;
    what stands below the layers (embeddings) counts as one more (discriminative fine-tuning, Howard and Ruder 2018).
    """
    stack = layers_of(model)
    factors = {}
    for depth, layer in enumerate(reversed(stack)):
        factors |= {id(weight): decay**depth for weight in layer.parameters()}
    for child in model.base_model.children():
        if stack in list(child.modules()):
            break
        factors |= {id(weight): decay ** len(stack) for weight in child.parameters()}
    return factors


def freeze(model: "PreTrainedModel", layers: int) -> None:
    """Keep the token embeddings and the lowest transformer layers as they are.

    The embeddings are most of a small encoder's weights and of its optimizer's time; low layers move little. With
    frozen layers all that they read is frozen too (positions, normalization, the relative positions that MPNet's and
    DeBERTa's layers share): one trainable vector there, and the backward pass would go through every frozen layer to
    reach it, for a third of the time.

    Raises:
        UserError: the encoder has no more than `layers` layers.
    """
    model.get_input_embeddings().requires_grad_(False)
    if not layers:
        return
    stack = layers_of(model)
    if layers >= len(stack):
        raise UserError(f"params.yaml: frozen_layers is {layers}, but the encoder has {len(stack)} layers")
    for child in model.base_model.children():
        if stack in list(child.modules()):
            if child is not stack:
                for beside in child.children():
                    if beside is not stack:
                        beside.requires_grad_(False)
            break
        child.requires_grad_(False)
    stack[:layers].requires_grad_(False)


def set_dropout(model: "PreTrainedModel", share: float) -> None:
    """Set every dropout of the model."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share


@contextmanager
def fast_attention(model: "torch.nn.Module", accelerator: "Accelerator", longest: int) -> Iterator[None]:
    """Let the encoders in `model` train with separate products for attention where these are the faster kernel.

    That is in bf16 on a CPU: torch's fused kernel takes several times as long there for the backward pass of short
    texts, though it is the faster one forward, and in fp32 (torch 2.13).

    Args:
        longest: tokens of the longest row. Separate products take memory with its square.
    """
    from transformers import PreTrainedModel

    is_slow = accelerator.device.type == "cpu" and accelerator.mixed_precision == "bf16" and longest <= MAX_SEPARATE
    encoders = [each for each in model.modules() if isinstance(each, PreTrainedModel)] if is_slow else []
    fused = [each for each in encoders if each.config._attn_implementation == "sdpa"]
    for each in fused:
        each.set_attn_implementation("eager")
    try:
        yield
    finally:
        for each in fused:
            each.set_attn_implementation("sdpa")


def save(model: "PreTrainedModel", tokenizer_from: Path, out: Path, add: Callable[[Path], None] | None = None) -> None:
    """Write a model folder whole: safetensors, config, and the tokenizer's files as they were.

    A tokenizer saved again after use would carry its truncation state.

    Args:
        add: called with the folder before it appears, to write more files into it.
    """
    model.config._name_or_path = ""
    with replacing(out) as new:
        model.to("cpu").save_pretrained(new)
        for file in sorted(tokenizer_from.iterdir()):
            if file.name not in WEIGHTS:
                shutil.copyfile(file, new / file.name)
        if add:
            add(new)
