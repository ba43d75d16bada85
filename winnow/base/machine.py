"""What this machine is told by environment variables: where functions run and how training is kept from a kill.

They are no parameters: another number of processes must not rerun a stage. None changes a byte of any output, but for
the launcher: several processes add up gradients in another order, so last bits differ, as between two devices.
They are variables, no file, so that `dvc exp run --temp`, the queue and CI see them as `dvc repro` does:

WINNOW_PROCESSES=8 dvc repro
"""

import os
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError

from winnow.base.errors import UserError
from winnow.base.params import Section

PREFIX = "WINNOW_"
NONE = "none"  # the word for None; an empty variable is one that is not set


class Machine(Section):
    """The settings; field `batch_rows` is the variable WINNOW_BATCH_ROWS."""

    engine: Literal["local", "ray"] = "local"
    """Where the stages that read whole corpora run their table functions: `local`, in processes of this machine;
    `ray`, on a Ray cluster (`pip install '.[ray]'`, docs/distributed.md)."""

    processes: int = Field(1, ge=1)
    """Processes of engine `local`. One a core pays from about a hundred thousand rows on."""

    batch_rows: int = Field(4096, ge=1)
    """Rows in memory at once, in each process. Lower it where memory is short."""

    ray_address: str | None = None
    """Of engine `ray`: the cluster's head, `10.0.0.5:6379`. `none`: what RAY_ADDRESS names, else a cluster of this
    machine alone."""

    checkpoint_seconds: float | None = Field(120.0, ge=0, allow_inf_nan=False)
    """From one checkpoint of a training to the next (docs/training.md). `0`: after each step; `none`: there are no
    checkpoints."""

    launcher: str | None = None
    """A file of launch/ that says in how many processes `adapt` and `finetune` train (docs/distributed.md). `none`: in
    one."""


def this_machine(environment: Mapping[str, str] = os.environ) -> Machine:
    """Return the settings of this one; what no variable sets has its default.

    Raises:
        UserError: a variable's value is none that its setting may have.
    """
    told = {name: environment.get(variable(name)) for name in Machine.model_fields}
    values = {name: None if value == NONE else value for name, value in told.items() if value}
    try:
        return Machine.model_validate(values, strict=False)  # "4" is a number here
    except ValidationError as error:
        problems = {str(problem["loc"][0]): problem["msg"] for problem in error.errors()}
        raise UserError(
            "; ".join(f"{variable(name)}: {message}, got {told[name]!r}" for name, message in problems.items())
        ) from None


def variable(setting: str) -> str:
    """Return the name of a setting's variable."""
    return PREFIX + setting.upper()
