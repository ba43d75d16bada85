"""Section `rounds` of params.yaml, which the stage `rounds` and the command `winnow round` read."""

from typing import Annotated

from pydantic import Field

from winnow.base.params import Section
from winnow.text import tfidf


class Sample(Section):
    """Rows that a round draws at random, for people to judge."""

    flagged: int = Field(ge=1)
    unflagged: int = Field(ge=1)
    test: int = Field(ge=0)  # of the test split; those that are drawn as flagged or unflagged count


class Params(Section):
    """Section `rounds` of params.yaml."""

    sample: Sample
    flagged_from: float = Field(ge=0, le=1)  # p_error at or above which a row is flagged, besides cleanlab's suspects
    regularization: tfidf.Regularization
    planted: list[Annotated[float, Field(gt=0, le=0.5)]] = Field(min_length=1)  # shares of wrong training labels
    plant_seeds: int = Field(ge=1)  # draws of each; more tell better what a wrong label costs, and take time
    next_decisions: int = Field(ge=1)
    min_gain: float = Field(ge=0)  # points
    min_precision: float = Field(ge=0, le=1)
    resamples: int = Field(ge=100)
    confidence: float = Field(gt=0.5, lt=1)
    seed: int = Field(ge=0)
