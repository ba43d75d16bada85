"""inputs: make what people keep in Git and may have deleted, so that each stage finds a folder, or a file of no lines.

python -m stages.inputs --decisions data/decisions.csv --sources data/sources/.gitkeep --rules rules/.gitkeep
    --frozen data/frozen/.gitkeep --rounds data/rounds/.gitkeep --test data/test/.gitkeep
    --models models/local/.gitkeep

DVC stops without a word of help where a dependency is missing, and Git keeps no empty folder. So decisions.csv gets its
header where it is missing or empty, and each folder a file that keeps it in Git; what is there stays as it is. DVC runs
this stage again whenever one of these files is missing or has changed, and asks no run cache.
"""

from collections.abc import Sequence

from winnow.base import files
from winnow.base.stage import arguments, run
from winnow.people import decisions

KEPT = "Git keeps no empty folder; this file keeps this one.\n"
FOLDERS = ("sources", "rules", "frozen", "rounds", "test", "models")


def main(argv: Sequence[str] | None = None) -> None:
    paths = arguments(__doc__, argv, "decisions", *FOLDERS)
    empty = {paths.decisions: decisions.EMPTY} | {getattr(paths, name): KEPT for name in FOLDERS}
    for path, text in empty.items():
        if not path.exists() or not path.stat().st_size:
            files.write_text(path, text)
            print(f"{path}: made, since it was missing or empty")


if __name__ == "__main__":
    run(main)
