"""A token classifier of anybody's as a labelling rule, as transformers' Trainer saves it, or one of `finetune`.

Its outputs may be tags of any usual scheme: IOB, IOBES, BILOU, or types alone.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from winnow.base.errors import UserError
from winnow.encoder.reader import Reader
from winnow.kinds.classification import head
from winnow.kinds.token_classification import decoding, model, windows, words
from winnow.kinds.token_classification.labels import Task, canonical

if TYPE_CHECKING:
    from accelerate import Accelerator

TAG = re.compile(r"(?P<place>[BIESLUM])[-_](?P<type>.+)")  # of IOB, IOBES, BILOU and BMES
BEGINS = "BSU"  # a single word is a beginning too
OUTSIDE = "O"
ENDING = "ForTokenClassification"


class Teacher:
    """A token classifier at work.

    Attributes:
        names: the types that it may say; they need not be the task's.
    """

    def __init__(self, folder: Path, accelerator: "Accelerator") -> None:
        """Load the model.

        Raises:
            UserError: the folder holds no token classifier, or its outputs are no tags.
        """
        loaded = _load(folder)
        tags = [loaded.config.id2label[number] for number in range(loaded.config.num_labels)]
        if OUTSIDE not in tags:
            raise UserError(f"{folder}: no output is named {OUTSIDE}, outside of all entities; it has {_some(tags)}")
        parts = [TAG.fullmatch(tag) for tag in tags]
        types = [match["type"] if match else tag for match, tag in zip(parts, tags, strict=True)]
        self.names = list(dict.fromkeys(type_ for type_, tag in zip(types, tags, strict=True) if tag != OUTSIDE))
        if not self.names:
            raise UserError(f"{folder}: has no output but {OUTSIDE}; needs a token classifier")
        own = {"labels": self.names, "overlap": "first", "aggregation": None}
        self._own = Task.model_construct(kind="token_classification", **own)
        self._places = np.array(
            [
                words.OUTSIDE if tag == OUTSIDE else _place(self.names.index(type_), match)
                for tag, type_, match in zip(tags, types, parts, strict=True)
            ]
        )
        self._strategy = model.strategy_of(self._own, folder)
        self._model = accelerator.prepare(loaded).eval()

    def vote(
        self, rows: Sequence[Mapping], reader: Reader, meant: Callable[[str], str | None], least: float
    ) -> list[str | None]:
        """Return the spans that it finds in each row, without those less probable than `least` or that mean nothing.

        Args:
            rows: id and text of each.
            meant: what one of `names` means, a type; None: nothing.
        """
        texts = [row["text"] for row in rows]
        read = windows.cut(texts, [row["id"] for row in rows], reader)
        said = model.probabilities(self._model, read, reader)
        chances = np.zeros((len(said), len(self._own.tags)), said.dtype)
        for number, place in enumerate(self._places):
            chances[:, place] += said[:, number]
        found = decoding.spans(self._own, read, chances, texts, self._strategy)
        return [
            canonical(
                (start, end, type_)
                for (start, end, name), chance in spans
                if chance >= least and (type_ := meant(name)) is not None
            )
            for spans in found
        ]


def _place(kind: int, match: re.Match | None) -> int:
    """Return the tag of the task that an output is: a type alone says that a word is in an entity."""
    return words.begin(kind) if match and match["place"] in BEGINS else words.inside(kind)


def _load(folder: Path):
    """Return the model, or raise a `UserError` if the folder holds another one."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        architecture = str((config.get("architectures") or [""])[0])
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UserError(f"{folder}: no model: {error}") from None
    # Without its head a model would load too, with a random one.
    if not architecture.endswith(ENDING):
        raise UserError(f"{folder}: is a {architecture or 'model without a head'}; needs a token classifier")
    return head.load(folder)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + ("…" if len(names) > 4 else "")
