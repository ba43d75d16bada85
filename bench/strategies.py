"""Words of transformers' pipeline: what a model that has each piece right loses where they are not those of the text.

python -m bench.strategies --corpus FOLDER --base models/base --out bench/results/strategies.json

FOLDER holds files of words and tags (`bench.spans.read`). Entity F1 of the right tags of pieces, by each strategy of
the pipeline, with tokenizers of three sorts:

- `WordPiece`: that of the base encoder,
- `byte pairs` (RoBERTa, ModernBERT) and `unigram` (XLM-RoBERTa, DeBERTa v3): learnt from the same sentences,

in the corpus as it is, a space between any two words (`spaced`), and with punctuation where print has it (`printed`).
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from bench import peers, pieces, spans
from winnow.base import files
from winnow.encoder import models
from winnow.encoder.reader import Reader
from winnow.kinds.token_classification import model
from winnow.kinds.token_classification.labels import STRATEGIES, Task, canonical
from winnow.kinds.token_classification.labels import spans as told

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SENTENCES, PIECES = 3000, 8000
COMMAND = "make bench-strategies CORPUS=FOLDER"
PACKAGES = ("tokenizers", "transformers")
# A space that print does not have.
LOOSE = re.compile(r" (?=[,.;:)\]%/?!'-])|(?<=[(\[/-]) ")


def printed(text: str, label: str) -> tuple[str, str]:
    """Return a sentence, and its label, without the spaces around its punctuation."""
    stays = np.ones(len(text), dtype=bool)
    stays[[match.start() for match in LOOSE.finditer(text)]] = False
    place = np.append(0, np.cumsum(stays)).tolist()
    label = canonical((place[start], place[end], name) for start, end, name in told(label))
    return "".join(sign for sign, own in zip(text, stays, strict=True) if own), label


def learnt(sort: str, texts: Sequence[str]) -> "PreTrainedTokenizerBase":
    """Return a tokenizer that learns its pieces from texts: of `byte pairs` or `unigram`."""
    from tokenizers import Tokenizer, pre_tokenizers, trainers
    from tokenizers import models as kinds
    from transformers import PreTrainedTokenizerFast

    if sort == "unigram":
        made, unknown = Tokenizer(kinds.Unigram()), "<unk>"
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=PIECES, special_tokens=[unknown], unk_token=unknown)
    else:
        made, unknown = Tokenizer(kinds.BPE()), None
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(vocab_size=PIECES, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    trainer.show_progress = False
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token=unknown)


def measure(task: Task, texts: Sequence[str], labels: Sequence[str], reader: Reader) -> dict[str, float]:
    """Return the entity F1 of right tags by each strategy."""
    names = [str(number) for number in range(len(texts))]
    rows = pa.table({"id": names, "group": names, "text": list(texts), "label": list(labels)})
    f1 = model.right(task, rows, reader)
    return {strategy: f1(strategy) for strategy in STRATEGIES}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("corpus", "base", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=SENTENCES)
    args = parser.parse_args(argv)
    usual = {"out": "bench/results/strategies.json", "sentences": SENTENCES}
    common = {"command": peers.command(COMMAND, args, usual), "versions": peers.versions(PACKAGES)}
    corpus = spans.read(args.corpus, False, args.sentences)
    task = Task(kind="token_classification", labels=pieces.names(corpus))
    found = []
    for form in ("spaced", "printed"):
        own = list(zip(corpus.texts, corpus.labels, strict=True))
        texts, labels = zip(*(own if form == "spaced" else (printed(*each) for each in own)), strict=True)
        for sort in ("WordPiece", "byte pairs", "unigram"):
            tokenizer = models.load_tokenizer(args.base) if sort == "WordPiece" else learnt(sort, texts)
            facts = {"tokenizer": sort, "form": form, "sentences": len(texts)}
            found.append(facts | measure(task, texts, labels, Reader(args.base, tokenizer, 0, 0, None)) | common)
    files.write_json(args.out, found)


if __name__ == "__main__":
    main()
