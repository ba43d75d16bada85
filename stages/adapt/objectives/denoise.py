"""denoise: write a passage down again from the one vector that is left of it when most of its words are deleted.

TSDAE (Wang, Reimers and Gurevych 2021): the encoder reads what was not deleted, and a decoder that sees nothing else
but the mean-pooled state and the words before says the next word. The decoder is one layer, too weak to do without the
vector (Xiao et al. 2022), and its words are the encoder's own table.
"""

import numpy as np
import torch
from torch import nn

from stages.adapt.objectives.spans import Documents, special_tokens
from winnow.base import hashing
from winnow.encoder import models
from winnow.encoder.tokens import Drawn

DELETED = 0.6  # of the words, as in the paper


class Decoder(nn.Module):
    """One causal layer with attention to a single vector."""

    def __init__(self, config, words: int, max_length: int):
        """Take the encoder's configuration, the dimensions of its word table and the tokens of the longest passage."""
        super().__init__()
        width = config.hidden_size
        self.places = nn.Embedding(max_length, width)
        self.enter, self.leave = nn.Linear(words, width), nn.Linear(width, words)
        heads, inner = config.num_attention_heads, config.intermediate_size
        self.layer = nn.TransformerDecoderLayer(width, heads, inner, dropout=0.0, activation="gelu", batch_first=True)
        nn.init.eye_(self.enter.weight)
        nn.init.normal_(self.places.weight, std=0.02)  # as BERT's

    def forward(self, vector: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Return what to compare with the word table, (rows, tokens, words).

        Args:
            vector: (rows, width), of each passage.
            words: (rows, tokens, words), the table's lines of the tokens before the ones to say.
        """
        length = words.shape[1]
        read = self.enter(words) + self.places.weight[:length]
        later = nn.Transformer.generate_square_subsequent_mask(length, device=words.device)
        # torch's fused attention takes several times as long on a CPU in bf16, backward, for short rows.
        with nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH):
            said = self.layer(read, vector.unsqueeze(1).to(read), tgt_mask=later, tgt_is_causal=True)
        return self.leave(said)


class Denoise:
    """The objective; `stages.adapt.objectives` says what its members mean."""

    contrasts = False

    def __init__(self, documents: Documents, tokenizer, seed: int, config, device):
        """Take documents to draw from, and the encoder's configuration."""
        self.keys = documents.ids
        self.head = Decoder(config, getattr(config, "embedding_size", config.hidden_size), documents.max_length)
        opening, closing = special_tokens(tokenizer)
        self._inside = slice(len(opening), -len(closing) or None)
        self._documents, self._padding, self._seed, self._device = documents, tokenizer.pad_token_id, seed, device

    def read(self, epoch: int) -> Drawn:
        return self._documents.spans("denoise", self._seed, epoch)

    def deleted(self, row: int, epoch: int) -> list[int]:
        """Return what is left of a row's passage: the special tokens, and at least one word."""
        tokens = self.read(epoch)[row]
        key = hashing.digest("deleted", self._seed, epoch, self.keys[row])
        generator = np.random.Generator(np.random.Philox(int(key[:16], 16)))
        words = range(len(tokens))[self._inside]
        kept = max(1, round((1 - DELETED) * len(words)))
        gone = set(generator.permutation(words)[kept:].tolist())
        return [token for place, token in enumerate(tokens) if place not in gone]

    def loss(self, model, rows: np.ndarray, epoch: int) -> tuple:
        left = [self.deleted(row, epoch) for row in rows]
        vectors = model.pooled(*models.pad(left, self._padding, self._device))
        whole, mask = models.pad([self.read(epoch)[row] for row in rows], self._padding, self._device)
        table = model.encoder.get_input_embeddings()
        said = model.heads["denoise"](vectors, table(whole[:, :-1]))
        places = mask[:, 1:].bool()
        logits = torch.nn.functional.linear(said[places], table.weight)
        return torch.nn.functional.cross_entropy(logits.float(), whole[:, 1:][places]), places.sum()
