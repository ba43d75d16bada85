"""stages: the pipeline's stages as a Markdown table, made from dvc.yaml.

winnow stages                            prints it
winnow stages --write docs/pipeline.md   puts it between the file's two stage-table comments
winnow stages --reruns docs/reruns.md    puts into that file's blocks what each kind of change makes run
"""

import argparse
import re
from pathlib import Path

from winnow.base import files
from winnow.base.errors import UserError
from winnow.commands import pipeline, rerun_tables

NAME = "stages"
BEGIN, END = "<!-- stages: made by `make docs` -->", "<!-- /stages -->"
MOST_SHOWN = 4  # outputs of one folder that are told one by one


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into FILE instead of printing it")
    parser.add_argument("--reruns", type=Path, metavar="FILE", help="put what changes make run into FILE's blocks")


def execute(arguments: argparse.Namespace) -> None:
    """Print the table, or write it into a file."""
    if arguments.reruns is not None:
        text = rerun_tables.fill(files.read_text(arguments.reruns), Path(), str(arguments.reruns))
        files.write_text(arguments.reruns, text)
        return
    made = table(pipeline.stages())
    if arguments.write is None:
        print(made)
    else:
        files.write_text(arguments.write, insert(files.read_text(arguments.write), made, arguments.write))


def table(stages: dict[str, dict]) -> str:
    """Return a Markdown table: stage, what it does, what it makes."""
    lines = ["| stage | what it does | makes |", "|---|---|---|"]
    for name, stage in stages.items():
        desc = " ".join(stage["desc"].split()).replace("|", "\\|")
        made = ", ".join(f"`{_plain(path)}`" for path in _made(stage))
        lines.append(f"| `{name}` | {desc} | {made} |")
    return "\n".join(lines)


def _plain(path: str) -> str:
    """Return a path with a matrix's `${item.seed}` as `<seed>`."""
    return re.sub(r"\$\{item\.(\w+)\}", r"<\1>", path)


def _made(stage: dict) -> list[str]:
    """Return a stage's outputs, leaving out what most stages have: a ledger and a file of metrics."""
    entries = stage.get("outs", []) + stage.get("plots", []) + stage.get("metrics", [])
    paths = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
    paths = [path for path in paths if not path.startswith(("data/ledger/", "reports/metrics/"))]
    folders = {path.rpartition("/")[0] for path in paths}
    return [f"{folders.pop()}/"] if len(folders) == 1 and len(paths) > MOST_SHOWN else paths


def insert(text: str, made: str, file: Path) -> str:
    """Return `text` with `made` between the two stage-table comments.

    Raises:
        UserError: the comments are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"{file}: the lines '{BEGIN}' and '{END}' are missing; add them where the table belongs")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"
