"""A tiny random encoder of each family that docs/base-models.md names, with its family's own kind of tokenizer."""

from collections.abc import Sequence
from pathlib import Path

WORDS = "the owl hears a vole in wet grass while moss grows on old stone".split()
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SHAPE |= {"max_position_embeddings": 64}
NAMES = ["bert", "roberta", "xlm-roberta", "mpnet", "deberta-v2", "modernbert"]


def write(name: str, folder: Path, parts: Sequence[str] = (), **options: object) -> None:
    """Write model and tokenizer; `options` are those of `save_pretrained`.

    Args:
        parts: what the tokenizer makes pieces of beside `WORDS`; of bytes, where there are any, it knows all.
    """
    import torch
    import transformers

    tokenizer = _tokenizer(name, parts)
    torch.manual_seed(0)
    ids = {f"{end}_token_id": getattr(tokenizer, f"{end}_token_id") for end in ("pad", "bos", "eos", "cls", "sep")}
    config = transformers.AutoConfig.for_model(name, **SHAPE, vocab_size=len(tokenizer), **ids, **_own(name))
    transformers.AutoModel.from_config(config).save_pretrained(folder, **options)
    tokenizer.save_pretrained(folder)


def _own(name: str) -> dict:
    positions = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
    return positions if name == "deberta-v2" else {}


def _tokenizer(name: str, parts: Sequence[str]):
    import transformers
    from tokenizers import pre_tokenizers

    within = [*parts, *(f"##{part}" for part in parts)]
    bert = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    if name == "bert":
        return transformers.BertTokenizer(vocab=_numbered([*bert, *WORDS, *within]))
    roberta = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    if name == "mpnet":
        return transformers.MPNetTokenizer(vocab=_numbered([*roberta[:-1], "[UNK]", "<mask>", *WORDS, *within]))
    if name in ("roberta", "modernbert"):
        letters = sorted({letter for word in WORDS for letter in word} | {"Ġ"})
        if parts:
            letters = sorted(pre_tokenizers.ByteLevel.alphabet())
        if name == "roberta":
            return transformers.RobertaTokenizer(vocab=_numbered([*roberta, *letters]), merges=[])
        return _byte_pairs(_numbered([*bert, *letters]))
    pieces = [*("▁" + word for word in WORDS), *(chr(code) for code in range(97, 123)), "▁", *parts]
    if name == "xlm-roberta":
        return transformers.XLMRobertaTokenizer(vocab=_scored([*roberta[:-1], *pieces, "<mask>"]))
    return transformers.DebertaV2Tokenizer(vocab=_scored(["[PAD]", "[CLS]", "[SEP]", "[UNK]", *pieces, "[MASK]"]))


def _numbered(words: list[str]) -> dict[str, int]:
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def _scored(pieces: list[str]) -> list[tuple[str, float]]:
    return [(piece, -float(number)) for number, piece in enumerate(pieces)]


def _byte_pairs(vocabulary: dict[str, int]):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    ends = [(end, vocabulary[end]) for end in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $0 [SEP]", special_tokens=ends)
    special = {f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    return PreTrainedTokenizerFast(tokenizer_object=made, **special)
