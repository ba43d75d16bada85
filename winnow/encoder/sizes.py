"""The numbers of an encoder's configuration that Winnow calculates with, checked before anything does."""

import json
from collections.abc import Mapping

from winnow.base.errors import UserError
from winnow.encoder.models import FROM_PADDING

PADDING = "pad_token_id"
NUMBERS = ("max_position_embeddings", "num_hidden_layers", "n_layers", PADDING)


def check(config: Mapping[str, object], where: str) -> None:
    """Check that what stands for a number is one; a number may be missing, since each family has its own.

    Args:
        config: of config.json.
        where: its place, for messages.

    Raises:
        UserError: one is a text, a list or below 0, or the family counts positions from a padding token and has none.
    """
    for key in NUMBERS:
        value = config.get(key)
        if value is not None and (type(value) is not int or value < 0):
            raise UserError(f"{where}: {key} is {_shown(value)}, and no whole number from 0 on; mend it")
    family = config.get("model_type")
    if family in FROM_PADDING and PADDING in config and config[PADDING] is None:
        raise UserError(
            f"{where}: {PADDING} is null, but the model type {family} counts positions from it; give it the id of the "
            f"tokenizer's padding token"
        )


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
