"""review: people decide on the rows of a queue, in a browser, a spreadsheet or Label Studio.

winnow review                             the suspected label errors, in a browser; Ctrl-C ends it
winnow review --queue unlabelled          rows without a label; also: audit, a sample of automatic labels; round, the
                                          random sample of the last round; any .parquet queue or .csv file of ids
winnow review --import FILE               takes in what was decided in queue.csv, on the page that works without a
                                          server, or in Label Studio (its JSON export)
winnow review --label-studio URL          adds the queue to a Label Studio project; with --pull, takes its annotations
winnow review --export FILE               the queue as a file of tasks for Label Studio

Each decision is a line of data/decisions.csv at once. docs/review.md shows a whole round.
"""

import argparse
import contextlib
import signal
import subprocess
from pathlib import Path

from winnow import kinds
from winnow.base import params, progress
from winnow.base.errors import UserError
from winnow.commands import pipeline
from winnow.kinds.task import Task
from winnow.review import assign, queues

NAME = "review"
PORT = 8764
QUEUES = {  # the stage that makes each, and by which option
    "issues": ("find_issues", "queue"),
    "unlabelled": ("choose_rows", "out"),
    "audit": ("audit", "out"),
    queues.ROUND: ("rounds", "rounds"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--queue", default="issues", help=f"{', '.join(QUEUES)}, or a file; default: issues")
    parser.add_argument(
        "--reviewer",
        help="your name in decisions.csv, git config user.name by default; of a file that is added, who decided where "
        "it does not say",
    )
    parser.add_argument("--part", default="1/1", metavar="N/OF", help="where several review at once: 1/2, another 2/2")
    parser.add_argument("--port", type=int, default=PORT, help=f"default: {PORT}; 0: any that is free")
    parser.add_argument("--no-browser", action="store_true", help="print the address and open nothing")
    others = parser.add_mutually_exclusive_group()
    others.add_argument("--import", dest="file", type=Path, metavar="FILE", help="a file of decisions, CSV or JSON")
    others.add_argument("--label-studio", metavar="URL", help="a server's address, or that of one of its projects")
    others.add_argument("--export", type=Path, metavar="FILE", help="a JSON file of tasks to be written")
    parser.add_argument("--pull", action="store_true", help="with --label-studio: take its annotations as decisions")


def execute(arguments: argparse.Namespace) -> None:
    """Serve the queue until Ctrl-C, or exchange it with a file or Label Studio.

    Raises:
        UserError: a file, a parameter, the port or the other server is not as it must be.
    """
    if arguments.pull and not arguments.label_studio:
        raise UserError("--pull: give --label-studio URL, where the annotations are")
    task = kinds.read_task()
    if arguments.file or arguments.label_studio or arguments.export:
        print(exchange(arguments, task))
    else:
        serve(arguments, task)


def exchange(arguments: argparse.Namespace, task: Task) -> str:
    """Take decisions from a file or Label Studio, or give a queue to it; return what happened, in one line."""
    # Late, as below: a lock on a file (fcntl) is not there on every system that runs the other commands.
    from winnow.review import importing, label_studio
    from winnow.review.adding import Target

    url, title = arguments.label_studio, queues.title(arguments.queue)
    made, labelled = files()
    target = Target(made, labelled, task)
    if arguments.file:
        return importing.run(arguments.file, target, arguments.reviewer or "").summary(arguments.file)
    if arguments.pull:
        return label_studio.pull(url, target, title)
    entries = queues.read(find(arguments.queue), labelled).to_pylist()
    if url:
        return label_studio.push(url, entries, target, title)
    return label_studio.write_tasks(arguments.export, entries, target)


def serve(arguments: argparse.Namespace, task: Task) -> None:
    """Serve one queue to one reviewer until Ctrl-C, or SIGTERM."""
    from winnow.review import browser
    from winnow.review.server import Review
    from winnow.review.session import Project

    # A shell leaves Ctrl-C ignored in what it starts in the background.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    who, part = reviewer(arguments.reviewer), assign.read_part(arguments.part)
    overlap = params.load("review", assign.Params).overlap
    name = arguments.queue
    queue, (made, labelled) = find(name), files()
    heading = queues.heading(name, queue, labelled) if labelled.exists() else queues.title(name)
    server = Review(Project(queue, labelled, made, task, who, overlap, part), heading, arguments.port)
    with server, contextlib.suppress(KeyboardInterrupt):
        session = server.session()
        if not session.rows:
            print(f"{queue}: {_nothing(session.left_out)}")
            return
        with progress.waiting():
            share = f", part {part.number} of {part.count}" if part.count > 1 else ""
            print(f"{session.rows} rows of {queue} for {who}{share}, {session.left_out} decided already")
            print(f"{server.address}\nCtrl-C ends it; every verdict is saved at once", flush=True)
            with contextlib.nullcontext() if arguments.no_browser else browser.opened(server.address):
                server.serve_forever()
    if server.decided:
        print(f"\n{server.decided} decisions added to {made}; commit them and run `dvc repro`")
    else:
        print("\nno decision was added")


def files() -> tuple[Path, Path]:
    """Return the decisions, and the table of the rows that they are on."""
    return pipeline.path("apply_decisions", "decisions"), pipeline.path("apply_decisions", "out")


def find(name: str) -> Path:
    """Return the file of a queue, of the pipeline or any other."""
    return queues.find(name, {queue: file for queue, made in QUEUES.items() if (file := pipeline.find(*made))})


def reviewer(name: str | None) -> str:
    """Return the reviewer's name, from Git where it is not given.

    Raises:
        UserError: neither says who decides.
    """
    from winnow.review import journal

    if name is None:
        try:
            name = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True).stdout
        except FileNotFoundError:
            name = ""
    if not (name := journal.clean(name)):
        raise UserError("who decides? give --reviewer NAME, or set `git config user.name`")
    return name


def _nothing(decided: int) -> str:
    if not decided:
        return "the queue is empty, there is nothing to review"
    return f"all {decided} rows are decided; commit data/decisions.csv and run `dvc repro` for the next queue"
