"""Masked language models: passages, masks, heads and the loss (Devlin et al. 2019)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winnow.base import hashing
from winnow.base.errors import UserError
from winnow.encoder import models
from winnow.encoder.tokens import Tokens, chunks

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Passages:
    """Token ids of passages, special tokens included, and the key that names each one's masks."""

    tokens: Tokens
    keys: list[str]


def passages(ids: Sequence[str], texts: Sequence[str], tokenizer, max_length: int) -> Passages:
    """Cut each document, by its id and text, into passages of at most `max_length` tokens."""
    tokens, keys = Tokens(), []
    for names, some in zip(chunks(ids), chunks(texts), strict=True):
        cut = tokenizer(some, truncation=True, max_length=max_length, return_overflowing_tokens=True)
        tokens.extend(cut["input_ids"])
        documents = cut["overflow_to_sample_mapping"]
        keys += [f"{names[document]}:{number}" for number, document in enumerate(documents, start=len(keys))]
    return Passages(tokens, keys)


@dataclass(frozen=True)
class Masking:
    """How words are hidden: the share of a passage's tokens, and the seed of the draws."""

    tokenizer: "PreTrainedTokenizerBase"
    share: float
    seed: int

    def apply(self, tokens: list[int], key: str, epoch: int) -> tuple[list[int], list[int]]:
        """Return a passage with masked tokens and the targets (-100 where there is none).

        A pure function of (seed, epoch, passage), so that a resumed run masks as an uninterrupted one. Of the tokens
        chosen 80 % become the mask token, 10 % a random one, 10 % stay (Devlin et al. 2019). At least one is chosen.

        Args:
            key: the passage's name, from `Passages`.
        """
        generator = np.random.Generator(np.random.Philox(int(hashing.digest(self.seed, epoch, key)[:16], 16)))
        special = set(self.tokenizer.all_special_ids)
        free = [place for place, token in enumerate(tokens) if token not in special]
        masked, targets = list(tokens), [-100] * len(tokens)
        if not free:
            return masked, targets
        chosen = generator.permutation(free)[: max(1, round(self.share * len(free)))]
        for place, way in zip(chosen, generator.random(len(chosen)), strict=True):
            targets[place] = tokens[place]
            if way < 0.8:
                masked[place] = self.tokenizer.mask_token_id
            elif way < 0.9:
                masked[place] = int(generator.integers(len(self.tokenizer)))
        return masked, targets


def load(folder):
    """Return the base as a masked LM; a head that its weights lack starts as the identity, tied to the embeddings."""
    import torch
    from transformers import AutoModelForMaskedLM

    model, info = models.load_model(AutoModelForMaskedLM, folder, output_loading_info=True)
    missing = set(info["missing_keys"])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in missing and parameter.ndim == 2 and parameter.shape[0] == parameter.shape[1]:
                torch.nn.init.eye_(parameter)
    return model


def head_of(model):
    """Return the masked-LM head, a function from hidden states to logits over the vocabulary.

    Raises:
        UserError: it is none of those of BERT, RoBERTa, MPNet, DeBERTa and ModernBERT.
    """
    for name in ("cls", "lm_head"):
        if hasattr(model, name):
            return getattr(model, name)
    if hasattr(model, "lm_predictions"):  # DeBERTa-v2 and v3 where the config says `legacy: false`
        return lambda hidden: model.lm_predictions(hidden, model.get_input_embeddings())
    if hasattr(model, "head") and hasattr(model, "decoder"):  # ModernBERT
        return lambda hidden: model.decoder(model.head(hidden))
    raise UserError(
        f"no masked-LM head is known for {type(model).__name__}; use a BERT, RoBERTa, MPNet, DeBERTa or ModernBERT base"
    )


def loss(model, ids, attention, targets):
    """Return the mean cross-entropy at the masked places; logits are computed there only: most of the head is saved."""
    import torch

    hidden = model.base_model(input_ids=ids, attention_mask=attention).last_hidden_state
    places = targets != -100
    return torch.nn.functional.cross_entropy(head_of(model)(hidden[places]).float(), targets[places])
