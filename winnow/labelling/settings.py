"""Section `annotate` of params.yaml, which the stage of that name and `winnow label` read."""

from typing import Literal

from pydantic import Field, field_validator

from winnow.base import params
from winnow.labelling.rules import AnyRule


class Params(params.Section):
    """How rows without a label get one by rules and models."""

    rules: list[AnyRule]
    """Labelling rules, each kind with keys of its own: docs/automatic-labels.md. An empty list proposes nothing."""

    combine: Literal["majority", "label_model"] = "label_model"
    """How votes become one label. `majority`: most votes win, even ones abstain; `label_model`: votes weighed by how
    often they are right."""

    min_confidence: float = Field(0.8, ge=0, le=1)
    """A less certain label is not proposed. Of `majority`: the lower end of the 95 % interval of a vote's precision; of
    `label_model`: the label's probability."""

    min_rows: int = Field(20, ge=0)
    """Fewer given labels under a rule's votes measure nothing: the rule proposes no label. 0, with `majority` and
    `min_confidence` 0: unmeasured rules propose labels too, and people's audit alone says what they are worth."""

    audit_rows: int = Field(40, ge=0)
    """Rows of each origin and label, drawn at random for people to check; the stage `audit` draws them."""

    @field_validator("rules")
    @classmethod
    def _distinct(cls, rules: list[AnyRule]) -> list[AnyRule]:
        if len({rule.name for rule in rules}) < len(rules):
            raise ValueError("rules must have distinct names")
        return rules
