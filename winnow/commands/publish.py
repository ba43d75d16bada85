"""publish: the dataset and the best model as folders that others load, or on a Hugging Face hub.

winnow publish OUT                 OUT/dataset, which `datasets.load_dataset` reads, and OUT/model, each with a card
winnow publish --hub owner/name    puts both onto the hub, private; --public opens them to everybody
winnow publish OUT --only dataset --leave-out mails   without the model, and without a source

The hub is that of HF_ENDPOINT, and HF_TOKEN a token that may write there. Rows of a source whose licence forbids it are
refused; where none is known to allow it, --yes says that you may. Rows without a label are left out, groups are hashed.
"""

import argparse
import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from winnow import kinds
from winnow.base import hub_push
from winnow.base.errors import UserError
from winnow.base.files import replacing
from winnow.commands import trained
from winnow.commands.publishing import dataset, model
from winnow.kinds.task import Task

NAME = "publish"
ASKS_HUB = True
BOTH = ("dataset", "model")
REPO = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("out", nargs="?", type=Path, metavar="OUT", help="a folder that is not there yet, or empty")
    parser.add_argument("--hub", metavar="OWNER/NAME", help="the repositories' name, one for the dataset and the model")
    parser.add_argument("--public", action="store_true", help="on the hub, everybody may read it")
    parser.add_argument("--only", choices=BOTH, help="the dataset alone, or the model alone")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="the model; the best on dev if left out")
    parser.add_argument("--leave-out", action="append", default=[], metavar="SOURCE", help="a source to leave out")
    parser.add_argument("--yes", action="store_true", help="you may pass the texts on, though no known licence says so")


def execute(arguments: argparse.Namespace) -> None:
    """Write the folders, and push them.

    Raises:
        UserError: nothing is made yet, a licence forbids it, OUT is there, or the hub refuses.
    """
    check(arguments)
    parts = [arguments.only] if arguments.only else list(BOTH)
    folders, why = chosen(arguments) if "model" in parts else ([], "")
    task = trained.task_of(folders[0]) if folders else kinds.read_task()
    found = dataset.contents(task, arguments.leave_out)
    # A model may hold texts too: labelled examples that it reads beside what it is asked.
    dataset.check(found, arguments.yes)
    with made(arguments.out) as new:
        if "dataset" in parts:
            dataset.write(new / "dataset", found, task, arguments.leave_out, arguments.hub)
        if "model" in parts:
            write_model(new / "model", folders[0], task, found, (arguments.hub if "dataset" in parts else None, why))
        pushed = [
            hub_push.push(new / part, arguments.hub, part, private=not arguments.public)
            for part in (parts if arguments.hub else [])
        ]
    if arguments.out:
        print(f"{arguments.out}: {' and '.join(parts)}, {sum(found.rows.values()):,} rows")
    for address in pushed:
        print(f"{address}{'' if arguments.public else ' (private)'}")


def chosen(arguments: argparse.Namespace) -> tuple[list[Path], str]:
    """Return the folder of the model to publish, and why it is that one."""
    folders, why = ([arguments.model], "the model that was named") if arguments.model else trained.best()
    if len(folders) > 1:
        raise UserError(f"the best on dev is the mean of {len(folders)} models; name one of them by --model FOLDER")
    return folders, why


def write_model(folder: Path, chosen: Path, task: Task, found: dataset.Contents, told: tuple[str | None, str]) -> None:
    """Write the model's folder."""
    hub_id, why = told
    model.write(folder, chosen, task, (hub_id, sorted({source for source, _ in found.sources})), why)


def check(arguments: argparse.Namespace) -> None:
    """Raise `UserError` for options that cannot be."""
    if not arguments.out and not arguments.hub:
        raise UserError("publish where? give a folder, or --hub OWNER/NAME")
    if arguments.hub and not REPO.fullmatch(arguments.hub):
        raise UserError(f"--hub {arguments.hub}: must be owner/name")
    if arguments.public and not arguments.hub:
        raise UserError("--public: give --hub OWNER/NAME, or leave it")
    out = arguments.out
    if out and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: is there already; name a folder that is not, so that nothing is lost")


@contextmanager
def made(out: Path | None):
    """Yield a folder to write into, which becomes OUT when the block ends; without OUT it goes."""
    if out is None:
        with TemporaryDirectory(prefix="winnow-") as folder:
            yield Path(folder)
        return
    with replacing(out) as new:
        new.mkdir()
        yield new
