"""Which files of a folder, a package or a hub make an encoder; what runs code when it is loaded is none of them."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from winnow.base.errors import UserError

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
INDEX = f"{WEIGHTS}.index.json"  # names the file of each tensor, where the weights are in several
TOKENIZER_CONFIG = "tokenizer_config.json"
# Beside the tokenizer; the default's is one with its vocabulary.
OPTIONAL = (TOKENIZER_CONFIG, "special_tokens_map.json", "vocab.txt")
# What a tokenizer is made from that has no tokenizer.json.
SOURCES = ("vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spm.model", "added_tokens.json")
# What is larger is none: configurations name thousands of classes in 1 MiB, vocabularies of all scripts take 40.
CONFIGURATION_BYTES, VOCABULARY_BYTES = 16 * 2**20, 256 * 2**20
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True)
class Parts:
    """The files to read: the small ones, then the weights or the index of their parts."""

    small: list[str]
    weights: str


def chosen(names: Collection[str], where: str) -> Parts:
    """Return which of the files at hand make the encoder.

    Raises:
        UserError: there is no configuration, no safetensors or no tokenizer.
    """
    if CONFIG not in names:
        raise UserError(f"{where}: no {CONFIG}: this is no model of transformers; mend the place")
    weights = next((name for name in (WEIGHTS, INDEX) if name in names), None)
    if weights is None:
        others = sorted(name for name in names if PurePosixPath(name).suffix in PICKLES and "/" not in name)
        raise UserError(
            f"{where}: no {WEIGHTS}{_but(others)}: pickled weights run code when they are loaded and are refused; take "
            f"a commit that has safetensors (of a pull request, too), or save the model with `save_pretrained`"
        )
    tokenizer = [TOKENIZER] if TOKENIZER in names else []
    made_from = () if tokenizer else SOURCES
    tokenizer += [name for name in dict.fromkeys([*OPTIONAL, *made_from]) if name in names]
    if not set(tokenizer) & {TOKENIZER, *SOURCES}:
        raise UserError(
            f"{where}: no {TOKENIZER}, nor a vocabulary to make it from; save the tokenizer beside the model with "
            f"`AutoTokenizer.from_pretrained(...).save_pretrained(...)`"
        )
    return Parts([CONFIG, *tokenizer], weights)


def _but(others: list[str]) -> str:
    return f" (but {', '.join(others[:3])})" if others else ""


def most_bytes(name: str) -> int | None:
    """Return how large a file of a model may be; None: weights are as large as they are."""
    if PurePosixPath(name).suffix in (PurePosixPath(WEIGHTS).suffix, ".gguf"):
        return None
    return VOCABULARY_BYTES if name in (TOKENIZER, *SOURCES) else CONFIGURATION_BYTES


def configuration(content: bytes, where: str) -> dict:
    """Return a configuration.

    Raises:
        UserError: it is no JSON object, or asks for Python code of the model's own.
    """
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets in brackets
        raise UserError(f"{where}: not valid JSON: {error}") from None
    if not isinstance(config, dict):
        raise UserError(f"{where}: not a JSON object")
    if "auto_map" in config:
        raise UserError(
            f"{where}: the model brings its own Python code (auto_map), which is refused; take a model of a family "
            f"that transformers has"
        )
    return config


def shards(content: bytes, where: str) -> dict[str, str]:
    """Return the file of each tensor, from the index of the weights.

    Raises:
        UserError: it is no such index, or names a file elsewhere.
    """
    index = configuration(content, where).get("weight_map")
    if not isinstance(index, dict) or not index or not all(isinstance(name, str) for name in index.values()):
        raise UserError(f"{where}: no `weight_map` from tensors to files")
    for name in sorted(set(index.values())):
        if not re.fullmatch(r"[\w-][\w.-]*\.safetensors", name):
            raise UserError(f"{where}: {json.dumps(name)} is no safetensors file beside it")
    return index
