"""One whole folder in one form, wherever its files come from: config, one safetensors file, a fast tokenizer.

So nothing downstream knows of shards, of vocabularies without a tokenizer, or of paths of other machines.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from winnow.base import files
from winnow.base.errors import UserError
from winnow.encoder import parts, sizes
from winnow.fetching.source import Files

# Where a model was once saved: paths of other machines, which would make equal models differ.
PATH_KEYS = ("_name_or_path", "name_or_path", "special_tokens_map_file", "tokenizer_file", "vocab_file")


def gather(source: Files, into: Path, beside: Sequence[str] = ()) -> str:
    """Put a model's files into an empty folder, in one form, and return the SHA-256 of its weights.

    Args:
        beside: names of files that the folder may have too.

    Raises:
        UserError: a file is missing or damaged, or the model wants its own code.
    """
    names = source.names()
    wanted = parts.chosen(names, source.where)
    for name in [*wanted.small, *(name for name in beside if name in names)]:  # before the weights, which may be large
        source.copy(name, into / name)
        if name in (parts.CONFIG, parts.TOKENIZER_CONFIG):
            without_paths(into / name, source.where)
    source.copy(wanted.weights, into / wanted.weights)
    if wanted.weights == parts.INDEX:
        _merge(source, into)
    _tensors(into / parts.WEIGHTS, source.where)
    if not (into / parts.TOKENIZER).exists():
        _make_tokenizer(into, source.where)
    return files.sha256(into / parts.WEIGHTS)


def prove(folder: Path, where: str) -> None:
    """Load an encoder as the stages do, so that what cannot work says so now and not after an hour.

    Raises:
        UserError: transformers cannot load or run it, it is no encoder, weights are missing, or the tokenizer is
            another's.
    """
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as ENCODERS

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    safe = {"trust_remote_code": False, "local_files_only": True}
    try:
        config = transformers.AutoConfig.from_pretrained(folder, **safe)
        if config.model_type not in ENCODERS or config.is_encoder_decoder:
            raise UserError(f"{where}: `{config.model_type}` is no family of encoders; take a BERT-like model")
        load = {"use_safetensors": True, "output_loading_info": True}
        model, info = transformers.AutoModel.from_pretrained(folder, **safe, **load)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **safe)
        pieces = tokenizer(["moss", "an owl"])["input_ids"]
    except UserError:
        raise
    except Exception as error:  # each family and each tokenizer has its own
        raise UserError(f"{where}: transformers {transformers.__version__} cannot load it: {line_of(error)}") from None
    # A head's pooler is of no use here; many encoders were saved without.
    if missing := sorted(key for key in info["missing_keys"] if "pooler" not in key):
        raise UserError(
            f"{where}: {len(missing)} weights of the encoder are missing, such as {missing[0]}; they would be random: "
            f"take a model that was saved whole"
        )
    rows = model.get_input_embeddings().weight.shape[0]
    size = 1 + max(tokenizer.get_vocab().values(), default=0)
    # Models have some rows to spare. Without a vocabulary that it can read, a tokenizer has special pieces alone.
    if not all(pieces) or not rows / 2 <= size <= rows:
        raise UserError(f"{where}: the tokenizer has {size} word pieces, the model {rows}: they are not of one model")
    try:  # what loads may still fail with its first texts: no padding token, parts whose sizes differ
        padded = tokenizer(["moss", "an owl"], padding=True, return_tensors="pt")
        model(padded["input_ids"], attention_mask=padded["attention_mask"])
    except Exception as error:
        raise UserError(f"{where}: the model cannot read two short texts: {line_of(error)}") from None


def without_paths(path: Path, where: str) -> None:
    """Write a configuration anew, without the paths of where it was once saved."""
    config = parts.configuration(path.read_bytes(), f"{where}: {path.name}")
    if path.name == parts.CONFIG:
        sizes.check(config, f"{where}: {path.name}")
    plain = {key: value for key, value in config.items() if key not in PATH_KEYS}
    # Not files.write_json: it rounds, and layer_norm_eps is 1e-12.
    path.write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n", encoding="utf-8", newline="\n")


def _merge(source: Files, into: Path) -> None:
    """Put the weights of several files into one; all of them are in memory at once, as in training."""
    from safetensors.torch import save_file

    index = parts.shards((into / parts.INDEX).read_bytes(), f"{source.where}: {parts.INDEX}")
    tensors: dict = {}
    for name in sorted(set(index.values())):
        source.copy(name, into / name)
        tensors |= _tensors(into / name, source.where, [key for key, file in index.items() if file == name])
    save_file(tensors, into / parts.WEIGHTS, metadata={"format": "pt"})
    for name in {parts.INDEX, *index.values()}:
        (into / name).unlink()


def _tensors(path: Path, where: str, keys: Sequence[str] = ()) -> dict:
    """Return some tensors of a safetensors file, whose head is checked in any case."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as weights:
            # Asked here: safetensors cannot be asked for a name that is no Unicode.
            if absent := sorted(set(keys) - set(weights.keys())):
                raise UserError(
                    f"{where}: {path.name} lacks {absent[0]}, which {parts.INDEX} finds there; fetch both again"
                )
            return {key: weights.get_tensor(key) for key in keys}
    except SafetensorError as error:
        raise UserError(f"{where}: {path.name}: damaged, or no safetensors: {line_of(error)}; fetch it again") from None


def _make_tokenizer(folder: Path, where: str) -> None:
    """Make tokenizer.json from the vocabulary, as transformers would each time that it loads the folder."""
    from transformers import AutoTokenizer

    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
            tokenizer.save_pretrained(made)
            if not (Path(made) / parts.TOKENIZER).exists():
                raise ValueError("it has no fast form")
        except Exception as error:  # each kind of vocabulary has its own, and may want a library
            raise UserError(
                f"{where}: no {parts.TOKENIZER}, and transformers cannot make it from the vocabulary: {line_of(error)}"
                f"; save it with `AutoTokenizer.from_pretrained(...).save_pretrained(...)`, and use kind: folder"
            ) from None
        for name in {*parts.OPTIONAL, *parts.SOURCES}:
            (folder / name).unlink(missing_ok=True)
        for name in (parts.TOKENIZER, *parts.OPTIONAL):
            if (Path(made) / name).exists():
                shutil.copyfile(Path(made) / name, folder / name)
    without_paths(folder / parts.TOKENIZER_CONFIG, where)


def line_of(error: Exception) -> str:
    """Return the first line of an error, without the folder that is gone when somebody reads it."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]
