"""Kind model: a fine-tuned model, from a folder that holds safetensors, config and tokenizer."""

from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from winnow import kinds
from winnow.base import params
from winnow.kinds.task import Task
from winnow.labelling.rule import Row, Rule, Voter, hashes, inside


class Model(Rule):
    """A classifier of transformers', or one that `finetune` has made: of texts, with one label or several,
    or of tokens, as the task has it."""

    kind: Literal["model"]
    folder: str = Field(min_length=1)
    """The classifier's folder, below rules/."""

    min_confidence: float = Field(gt=0, le=1)
    """A less probable label is no vote."""

    max_length: int = Field(ge=4, le=8192)
    """Tokens of a text that are read."""

    batch_tokens: int = Field(default=4096, gt=0)
    """Padded tokens in one forward pass. Lower it where memory is short."""

    label_map: dict[str, str | None] = Field(default_factory=dict)
    """The model's names of labels to the task's; null: no vote, or of a set of labels, not in it."""

    origin = "model"
    idle = ("name", "batch_tokens")

    def reads(self, files: Path, recorded: Collection[str]) -> Iterator[str]:
        """Yield the files of the classifier; see `Rule.reads`."""
        yield from hashes(inside(files, self.folder, self.where))

    def voter(self, files: Path, task: Task) -> Voter:
        """Return the rule at work; see `Rule.voter`."""
        from winnow.encoder.compute import Compute, start
        from winnow.encoder.reader import Reader

        folder = inside(files, self.folder, self.where)
        accelerator = start(params.load("compute", Compute), seed=0)
        teacher = kinds.load(task, "teacher").Teacher(folder, accelerator)
        reader = Reader.of(folder, self.max_length, self.batch_tokens, accelerator)
        meant = cache(lambda name: self._meant(name, task))
        for name in teacher.names:  # before it reads the first text
            meant(name)

        def vote(rows: list[Row]) -> list[str | None]:
            return teacher.vote(rows, reader, meant, self.min_confidence)

        return Voter(vote)

    def _meant(self, name: str, task: Task) -> str | None:
        meant = self.label_map.get(name, name)
        return meant if meant is None else task.check_name(meant, f"{self.where}: the model's label '{name}'")
