"""Section `arms` of params.yaml: which models are trained, from what and how often."""

from itertools import product
from typing import Annotated, Literal

from pydantic import Field

from winnow.base import params
from winnow.rows import predictions

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]  # it becomes a file's


class Arms(params.Section):
    """Section `arms` of params.yaml: the matrix of fine-tuning runs. A new entry runs only what is new."""

    approaches: list[str]
    """Names of section `approaches`."""

    encoders: list[Literal["base", "adapted", "generator", "adapted_generator"]]
    """What each approach starts from: the base or the adapted encoder; of the kind generation, the language model or
    the adapted one. `transfer` from an adapted model is the arm `dapt`."""

    seeds: list[Annotated[int, Field(ge=1)]]
    """Seeds of the order of the rows, the head and dropout. One seed gives no interval over seeds, two a very wide
    one."""

    ensembles: dict[Name, str | Annotated[list[str], Field(min_length=1)]] = Field(default_factory=dict)
    """Arms that average what the runs of others predict: by name, this arm or these. Nothing is trained for one, but a
    prediction costs as much as all of their runs'."""

    controls: list[Literal["given", "thinned"]] = Field(default_factory=list)
    """What shows the worth of people's decisions: each approach also learns, with each seed, from the rows as they were
    `given`, and from these `thinned` by as many rows at random as people changed or took out. Its arms are
    `transfer_given` and `transfer_thinned`; `compare` tells how far the repaired rows' arm is ahead. Each runs as often
    as the arm itself."""

    def members(self) -> dict[str, list[str]]:
        """Return the arms of each ensemble."""
        return {name: [of] if isinstance(of, str) else of for name, of in self.ensembles.items()}

    def runs(self) -> dict[str, str]:
        """Return, by the folder of each run's model, its arm and seed."""
        sources = [*self.encoders, *(f"{encoder}_{name}" for encoder, name in product(self.encoders, self.controls))]
        folders = ["-".join(run) for run in product(self.approaches, sources, map(str, self.seeds))]
        return {folder: str(predictions.of_run(folder)) for folder in folders}
