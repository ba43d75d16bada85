"""Section `rounds` of params.yaml, which the stage `rounds` and the command `winnow round` read."""

from typing import Annotated

from pydantic import Field

from winnow.base.params import Section
from winnow.text import tfidf


class Sample(Section):
    """Section `rounds.sample` of params.yaml: rows that a round draws at random, for people to judge."""

    flagged: int = Field(ge=1)
    """Of the rows that count as flagged."""

    unflagged: int = Field(ge=1)
    """Of the others."""

    test: int = Field(ge=0)
    """Of the test split; those that are drawn as flagged or unflagged count."""


class Params(Section):
    """Section `rounds` of params.yaml."""

    sample: Sample
    flagged_from: float = Field(0.5, ge=0, le=1)
    """From this `p_error` on a row counts as flagged, besides cleanlab's suspects."""

    next_decisions: int = Field(ge=1)
    """How many decisions the advice is about."""

    min_gain: float = Field(ge=0)
    """Points of the headline metric on dev, or of wrong labels in test. Less is not worth the time."""

    min_precision: float = Field(ge=0, le=1)
    """Share of the next rows that people would change. Less is not worth the time."""

    planted: list[Annotated[float, Field(gt=0, le=0.5)]] = Field([0.05, 0.1, 0.2], min_length=1)
    """Shares of wrong training labels, planted to measure what one costs."""

    plant_seeds: int = Field(3, ge=1)
    """Draws of each. More tell better what a wrong label costs, and take time; one leaves its draw out of intervals."""

    regularization: tfidf.Regularization = tfidf.Regularization(probe=0.1, tfidf=10)
    """C of the fast models."""

    max_rows: int = Field(50_000, ge=100)
    """Rows of train with a label, and rows of dev, that the fast models see: of more, those of lowest id, which is a
    hash, and all that people decided on. More take memory and time."""

    resamples: int = Field(1000, ge=100)
    """Resamples of the bootstrap."""

    confidence: float = Field(gt=0.5, lt=1)
    """Confidence level of the intervals."""

    seed: int = Field(1, ge=0)
    """Seed of the draws and resamples."""
