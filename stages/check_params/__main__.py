"""check_params: stop before anything runs on a params.yaml that a later stage would refuse.

python -m stages.check_params --out data/checked_params.txt

Reads every section as the stages do that load it, and holds what they say of one another together: approaches, arms,
ensembles and pairs (winnow.commands.values). A message names all that is wrong. What depends on the data, a stage says
when it has read it. `--out` always says the same, so that a changed parameter reruns the stages alone that read it.
"""

from collections.abc import Sequence
from pathlib import Path

from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import write_text
from winnow.base.stage import arguments, run
from winnow.commands import values
from winnow.commands.init import journal

SOUND = "Every section of params.yaml is as the stages read it.\n"


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "out")
    if journal.unfinished(Path()):
        raise UserError(journal.CUT_OFF)
    if found := values.problems(Path(), params.read()):
        raise UserError("; ".join(found))
    write_text(args.out, SOUND)


if __name__ == "__main__":
    run(main)
