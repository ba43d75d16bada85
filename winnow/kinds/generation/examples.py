"""Prompts with examples before them: the training rows whose prompts are nearest, each with its response, as turns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.base.files import read_text, write_json
from winnow.kinds.generation.nearest import nearest
from winnow.text import dialogue, tfidf
from winnow.text.dialogue import Dialogue, Message

FILE = "examples.json"
MAX_FEATURES = 50_000


@dataclass(frozen=True)
class Examples:
    """Rows to show, and how many of them with each prompt.

    Attributes:
        texts: (rows,) prompts.
        labels: (rows,) their responses.
    """

    count: int
    texts: Sequence[str]
    labels: Sequence[str]

    @classmethod
    def of(cls, rows: pa.Table, count: int) -> "Examples":
        """Return the rows of a training table as examples."""
        return cls(count, rows["text"].to_pylist(), rows["label"].to_pylist())

    @classmethod
    def load(cls, folder: Path) -> "Examples | None":
        """Return what a model's folder says that it is to be shown; None: nothing.

        Raises:
            UserError: the file is damaged.
        """
        file = folder / FILE
        if not file.exists():
            return None
        try:
            return cls(**json.loads(read_text(file)))
        except (ValueError, TypeError):
            raise UserError(f"{file}: holds no examples; run `dvc repro finetune`") from None

    def save(self, folder: Path) -> None:
        """Write them into a model's folder."""
        write_json(folder / FILE, {"count": self.count, "texts": list(self.texts), "labels": list(self.labels)})

    def shown(self, texts: Sequence[str]) -> list[str]:
        """Return prompts with their nearest examples before them, the nearest last."""
        vectorizer, known = self._features
        asked = vectorizer.transform(texts)
        count = min(self.count, len(self.texts))
        return [self._with(text, near) for text, near in zip(texts, nearest([asked], [known], count), strict=True)]

    @cached_property
    def _features(self):
        try:
            return tfidf.features(self.texts, 1, MAX_FEATURES)
        except ValueError as error:
            raise UserError(f"the training table's texts hold no words ({error})") from None

    def _with(self, text: str, near: np.ndarray) -> str:
        """Return a prompt whose first turns, behind the system's, are examples."""
        prompt = dialogue.read(text)
        first = next((place for place, turn in enumerate(prompt.messages) if turn.role != "system"), 0)
        shown: list[Message] = []
        for place in near[::-1]:
            content, calls = dialogue.answered(self.labels[place])
            shown += [Message("user", asked(self.texts[place])), Message("assistant", content, calls)]
        turns = [*prompt.messages[:first], *shown, *prompt.messages[first:]]
        return dialogue.written(Dialogue(turns, prompt.tools))


def asked(text: str) -> str:
    """Return what the user says last in a prompt."""
    turns = [turn.content for turn in dialogue.read(text).messages if turn.role == "user"]
    return turns[-1] if turns else text
