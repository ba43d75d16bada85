"""Section `annotate` of params.yaml, which the stage of that name and `winnow label` read."""

from typing import Literal

from pydantic import Field, field_validator

from winnow.base import params
from winnow.labelling.rules import AnyRule


class Params(params.Section):
    """How rows without a label get one by rules and models."""

    rules: list[AnyRule]
    combine: Literal["majority", "label_model"]
    min_confidence: float = Field(ge=0, le=1)
    min_rows: int = Field(ge=1)
    audit_rows: int = Field(ge=0)

    @field_validator("rules")
    @classmethod
    def _distinct(cls, rules: list[AnyRule]) -> list[AnyRule]:
        if len({rule.name for rule in rules}) < len(rules):
            raise ValueError("rules must have distinct names")
        return rules
