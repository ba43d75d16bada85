"""Whether the stages accept params.yaml: each section alone, and what sections say of one another."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from winnow import kinds
from winnow.base import closure, params
from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.commands import parameters, pipeline
from winnow.rows import predictions
from winnow.validation import comparison


def problems(root: Path, document: Mapping[str, object]) -> list[str]:
    """Return one line for each thing in params.yaml that a stage would refuse.

    Args:
        document: params.yaml below `root` as plain values.
    """
    models = parameters.models(root)
    found = [
        f"{params.FILE}: section '{name}': no stage reads it; mend its name or remove it"
        for name in sorted(document.keys() - models.keys())
    ]
    read: dict[str, Section] = {}
    for name, classes in models.items():
        model = parameters.reader(classes)
        found += _refusals(lambda name=name, model=model: read.update({name: _section(name, model, root)}))
    return found or [line for check in _checks(read) for line in _refusals(check)]


def _section(name: str, model: type[Section], root: Path) -> Section:
    file = root / params.FILE
    if name == "task":
        return kinds.read_task(file)
    if name == "approaches":  # each kind of task has its own
        others = [path.parent.name for path in sorted((root / closure.KINDS).glob("*/labels.py"))]
        model = parameters.approaches([kinds.read_task(file).kind, *others])
    return params.load(name, model, file)


def _refusals(check: Callable[[], object]) -> list[str]:
    try:
        check()
    except UserError as error:
        return [str(error)]
    return []


def _checks(read: Mapping[str, Section]) -> Iterator[Callable[[], object]]:
    """Yield what raises `UserError` where sections that are sound alone do not fit together."""
    finetune, evaluate = (importlib.import_module(f"stages.{name}.__main__") for name in ("finetune", "evaluate"))
    task, arms = read["task"], read["arms"]
    yield lambda: _check_budget(read["balance"].max_labels, len(task.classes(())))
    yield lambda: read["finetune"].check_loss(kinds.load(task, "model").LOSS, task.kind)
    for name in arms.approaches:
        yield lambda name=name: finetune.approach(name, task)
    runs = predictions.by_approach(dict.fromkeys([*arms.runs().values(), pipeline.path("baseline", "out").stem]))
    for name, members in arms.members().items():
        yield lambda name=name, members=members: evaluate.check_ensemble(name, members, runs)
    if arms.ensembles:
        yield lambda: kinds.load(task, "ensemble")
    compared = runs | {name: [f"{name}-1"] for name in arms.ensembles}
    yield lambda: comparison.pairs(compared, read["compare"])


def _check_budget(budget: int | None, classes: int) -> None:
    if budget is not None and budget < classes:
        raise UserError(
            f"{params.FILE}: balance.max_labels: {budget} labels, but there are {classes} classes to learn, and some "
            f"would have no row; raise it to {classes} or more, or leave it empty for all"
        )
