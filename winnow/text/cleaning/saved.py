"""How a task's texts were cleaned, as a file: it goes into each model's folder, so that what the model is asked about
later is cleaned as what it learnt from was.

A row's own heading and what rows of other sources say (`clean.missing`) are of the pipeline alone: a text that comes
later has neither.
"""

import json
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import read_text, write_json
from winnow.text.cleaning import personal, pieces
from winnow.text.cleaning.personal import PersonalData
from winnow.text.cleaning.pieces import Split
from winnow.text.cleaning.profiles import Profile, clean_column, rules

FILE = "cleaning.json"  # in a model's folder


class Turns(Protocol):
    """What a kind of task says of dialogues: `winnow.kinds.<kind>.turns`."""

    prompt: Split
    """What of a prompt is cleaned."""

    whole_prompt: Split
    """What of it may hold personal data."""


class Rules(params.Section):
    """A profile, and the boilerplate that was found in the sources that follow it."""

    profile: Profile
    boilerplate: list[str]


class Cleaning(params.Section):
    """How the texts of a task's sources were cleaned."""

    default: str
    """The profile of most of the task's rows."""

    profiles: dict[str, Rules] = Field(min_length=1)
    """Those of the task's sources, by name."""

    personal_data: PersonalData | None
    """Where personal data was masked: how. Null: it was not."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.default not in self.profiles:
            raise ValueError(f"the default '{self.default}' is none of {', '.join(self.profiles)}")
        return self

    def clean(
        self,
        texts: pa.Array,
        profile: str | None = None,
        plain: pa.Array | None = None,
        turns: Turns | None = None,
    ) -> pa.Array:
        """Return texts, (rows,) string without nulls, cleaned by a profile; None: by the default.

        Args:
            plain: (rows,) bool, which of them hold no markup, whatever it looks like; None: none is known to.
            turns: takes dialogues apart, whose turns are cleaned by themselves; None: texts are none.

        Raises:
            UserError: there is no such profile, or a model of names is missing.
        """
        name = self.default if profile is None else profile
        if name not in self.profiles:
            raise UserError(f"there is no cleaning profile '{name}'; the model has {', '.join(self.profiles)}")
        chosen = self.profiles[name]
        active = rules(chosen.profile, chosen.boilerplate)
        if turns is not None:
            column = pieces.Column.of(texts.to_pylist(), turns.prompt)
            found = pieces.clean(column, active, plain=plain)
            if self.personal_data is not None:
                found = [pieces.masked(text, self.personal_data, turns.whole_prompt)[0] for text in found]
            return pa.array(found, pa.string())
        cleaned = clean_column(texts, active, plain=plain)
        return cleaned if self.personal_data is None else _masked(cleaned, self.personal_data)


def _masked(texts: pa.Array, settings: PersonalData) -> pa.Array:
    suspects = pc.match_substring_regex(texts, personal.suspects(settings))
    found = texts.filter(suspects).to_pylist()
    masked = [personal.mask(text, settings.kinds, settings.regions, settings.names)[0] for text in found]
    return pc.replace_with_mask(texts, np.asarray(suspects), pa.array(masked, pa.string()))


def write(cleaning: Cleaning, path: Path) -> None:
    """Write it as JSON."""
    write_json(path, cleaning.model_dump())


def read(path: Path) -> Cleaning:
    """Return what a file says.

    Raises:
        UserError: the file is missing, or says something else.
    """
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets in brackets
        raise UserError(f"{path}: not JSON: {error}; run `dvc repro clean finetune`") from None
    return params.parse(value, Cleaning, str(path))
