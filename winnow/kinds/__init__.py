"""The seam of the kind of task: what a label is stands in `winnow/kinds/<kind>/`, one module a concern.

Stages ask for a concern, `kinds.load(task, "metrics")`, and know no kind by name. One module a concern, because a stage
reruns when a module that it loads changes: a new metric must not retrain a model.

| concern | what it answers |
|---|---|
| `labels` | `Task`: what a label may be, its canonical form, the classes that it counts for |
| `turns` | which parts of a dialogue and of its response are cleaned, and which words people read |
| `checks` | what a row shows to be wrong with it by itself |
| `cells` | what a source's cells and columns say of labels |
| `members` | models whose out-of-fold scores are the evidence on labels: what the stage score writes |
| `scores` | that evidence read back: signals of errors, suspects, suggested labels, doubt, planted errors |
| `fast` | models fitted in seconds, which show what more labels or mended ones are worth |
| `weights` | what rows weigh in training |
| `baseline` | predictions by a linear model on TF-IDF |
| `model` | an encoder that is fine-tuned: build, encode, losses, predictions |
| `predictions` | how sure a prediction is |
| `given` | predictions of texts that were cleaned, as told of the texts as they came |
| `decision` | labels of new rows by what was measured of their model |
| `graph` | a model as one graph, for other runtimes |
| `ensemble` | what several models predict together |
| `served` | what makes a model's folder one that transformers' `pipeline` uses |
| `exported` | rows as other trainers read them |
| `transfer` | the approach to fine-tuning, where it is another than an encoder with a fresh head |
| `multitask`, `few_shot`, `prompted` | approaches to fine-tuning beside `transfer` |
| `metrics` | the headline, and counts that add up over rows, so that one bootstrap serves every kind |
| `parts` | what a label says of each part of a row: how votes are combined and compared |
| `teacher` | a model of anybody's as a labelling rule |
| `widget` | a label on the review page, in Label Studio and in a spreadsheet |

A kind may lack a concern; asking for it is a `UserError`.
"""

import importlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType

from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import read_text, write_json
from winnow.kinds.task import Task

FOLDER = Path(__file__).parent
SECTION = "task"
TASK_FILE = "task.json"  # in a trained model's folder


def read_task(file: Path = params.FILE) -> Task:
    """Return section `task` of params.yaml as its kind reads it.

    Raises:
        UserError: the section is missing or wrong, or there is no such kind.
    """
    section = params.read(file).get(SECTION)
    _check_kind(section, f"{file}: task.kind")
    return params.load(SECTION, _module(section["kind"], "labels").Task, file)


def save_task(task: Task, folder: Path) -> None:
    """Write into a trained model's folder which task it is for."""
    write_json(folder / TASK_FILE, task.model_dump())


def saved_task(folder: Path) -> Task:
    """Return the task of a trained model's folder, as `save_task` left it.

    Raises:
        UserError: the folder does not say it, or there is no such kind.
    """
    path = folder / TASK_FILE
    try:
        section = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON: {error}; run `dvc repro finetune`") from None
    _check_kind(section, f"{path}: kind")
    return params.parse(section, _module(section["kind"], "labels").Task, str(path))


def _check_kind(section: object, where: str) -> None:
    kind = section.get("kind") if isinstance(section, dict) else None
    known = sorted(path.parent.name for path in FOLDER.glob("*/labels.py"))
    if kind not in known:
        raise UserError(f"{where}: must be one of {', '.join(known)}, got {kind!r}")


def has(task: Task, concern: str) -> bool:
    """Return whether a kind has a module for a concern."""
    try:
        return importlib.util.find_spec(f"{__name__}.{task.kind}.{concern}") is not None
    except ModuleNotFoundError:  # a task of a kind that has no folder here
        return False


def load(task: Task, concern: str) -> ModuleType:
    """Return a kind's module for a concern.

    Raises:
        UserError: the kind has none.
    """
    if not has(task, concern):
        raise UserError(f"params.yaml: task.kind {task.kind} has no {concern}; docs/tasks.md says what it can do")
    return _module(task.kind, concern)


def _module(kind: str, concern: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{kind}.{concern}")
