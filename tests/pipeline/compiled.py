"""Compiles what `deduplicate` runs by numba into the folder of its code, as its first run in a folder does, for 20 s.

python -m tests.pipeline.compiled          in an empty folder, with the repository's code on the path
"""

from pathlib import Path

from ruamel.yaml import YAML

from stages.deduplicate import __main__ as stage
from tests.conftest import ROOT, make_rows
from winnow.rows import tables

WORDS = "a report of what the river brought to the harbour in spring and took away again in autumn".split()
PATHS = ("rows", "against", "out", "conflicts", "ledger", "metrics")


def main() -> None:
    # As the stage has them in each clone; two rows are equal, two nearly.
    sections = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump({name: sections[name] for name in ("task", "deduplicate")}, file)
    texts = [" ".join(words) for words in (WORDS, WORDS, [*WORDS, "indeed"], WORDS[::-1])]
    tables.write(make_rows([{"text": text} for text in texts]), Path("rows"))
    Path("against").mkdir()
    stage.main([f"--{name}={name}" for name in PATHS])


if __name__ == "__main__":
    main()
