"""params: every key of params.yaml with its type, bounds, default and meaning, as a Markdown page.

winnow params                             prints it
winnow params --write docs/parameters.md  puts it into a file

Types and defaults are those of the classes that the stages load, the meaning is the docstring under each field. That is
read from the source and here alone, so that it costs no stage any time, and a mended docstring reruns nothing.
"""

import argparse
import ast
import contextlib
import functools
import importlib
import inspect
import itertools
import json
import operator
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from winnow.base import closure, files
from winnow.base.errors import UserError
from winnow.base.machine import Machine, variable
from winnow.base.params import Section
from winnow.commands import lint, pipeline

NAME = "params"
HEAD = """\
<!-- made by `make docs` from the code; do not edit -->

# Parameters

Every key that `params.yaml` may hold. A key without a default must stand there; the others may be added:
`dvc exp run -S +adapt.seed=2` tries one, and `-S key=value` one that stands there. "Read by" names the stages that run
again when a value of the section changes; what follows them in the pipeline runs again where their outputs change.
"""
MACHINE_HEAD = """\
## Settings of the machine

They say how a stage runs, not what it makes, so they are environment variables and rerun nothing:
`WINNOW_PROCESSES=8 dvc repro`. `dvc exp run --temp` sees them as `dvc repro` does; the queue has those with which
`dvc queue start` was called.
"""
TABLE = "| key | value | default | meaning |\n|---|---|---|---|\n"
WORDS = {int: "integer", float: "number", str: "text", bool: "true or false", NoneType: "null"}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
REQUIRED = "(none)"
OF_ALL = ("check_params", "report")  # stages that read every section


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the page into FILE instead of printing it")


def execute(arguments: argparse.Namespace) -> None:
    """Print the page, or write it into a file."""
    made = page(Path())
    if arguments.write is None:
        print(made, end="")
    else:
        files.write_text(arguments.write, made)


@dataclass(frozen=True)
class Key:
    """One row of a table."""

    name: str
    value: str
    default: str
    meaning: str

    def __str__(self) -> str:
        """Return its line of Markdown."""
        cells = (f"`{self.name}`", self.value, self.default, self.meaning)
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


@dataclass(frozen=True)
class Kinds:
    """A choice among sections, each told by its key `kind`."""

    prefix: str
    classes: list[type[Section]]


def page(root: Path) -> str:
    """Return the page."""
    readers = _readers(root)
    parts = [HEAD, *(_section(name, model, readers[name]) for name, model in models(root).items())]
    settings = (replace(key, name=variable(key.name)) for key in _keys(Machine, Machine.model_fields))
    return "\n".join([*parts, MACHINE_HEAD + _table(settings).replace("`null`", "`none`").replace("null", "`none`")])


def models(root: Path) -> dict[str, list[type[Section]]]:
    """Return the classes of each section of params.yaml, in the order of dvc.yaml; each kind has one of its own."""
    found: dict[str, list[type[Section]]] = {}
    for package in closure.PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            for section, name in lint.sections(file).items():
                module = importlib.import_module(".".join(file.relative_to(root).with_suffix("").parts))
                if hasattr(module, name.partition(".")[0]):  # else it is imported late, and by others at once
                    found[section] = _sections_in(functools.reduce(getattr, name.split("."), module), section)[0]
    kinds = [file.parent.name for file in sorted((root / closure.KINDS).glob("*/labels.py"))]
    found["task"] = [importlib.import_module(f"winnow.kinds.{kind}.labels").Task for kind in kinds]
    found["approaches"] = [approaches(kinds, prefer_keys=True)]
    return {section: found[section] for section in _readers(root)}


def reader(classes: list[type[Section]]) -> type[Section]:
    """Return what `params.parse` reads a section by: its class, or a choice among those of its kinds."""
    return (
        classes[0]
        if len(classes) == 1
        else Annotated[functools.reduce(operator.or_, classes), Field(discriminator="kind")]
    )


def approaches(kinds: Sequence[str], prefer_keys: bool = False) -> type[Section]:
    """Return section `approaches` with what each approach reads, of the first kind of task that has it.

    Args:
        kinds: names of kinds of task.
        prefer_keys: of the first kind whose approach reads any key at all, if one does.
    """
    finetune = importlib.import_module("stages.finetune.__main__")
    settings: dict[str, type[Section]] = {}
    for kind, name in itertools.product(kinds, finetune.APPROACHES):
        with contextlib.suppress(UserError):  # the kind lacks the approach
            own = finetune.approach(name, SimpleNamespace(kind=kind)).Settings
            if name not in settings or (prefer_keys and not settings[name].model_fields):
                settings[name] = own
    fields = {name: (model, model()) for name, model in settings.items()}
    return create_model("Approaches", __base__=finetune.Approaches, **fields)


def _readers(root: Path) -> dict[str, list[str]]:
    """Return the stages that read each section, both in the order of dvc.yaml."""
    found: dict[str, list[str]] = {}
    for name, stage in pipeline.stages(root).items():
        for key in stage.get("params", []):
            found.setdefault(key.partition(".")[0], []).append(name)
    return found


def _section(name: str, classes: list[type[Section]], readers: list[str]) -> str:
    told = [reader for reader in readers if reader not in OF_ALL] or ["report"]
    text = f"## {name}\n\nRead by {', '.join(f'`{reader}`' for reader in told)}.\n"
    for model in classes:
        parts = list(_walk(model, f"{name}."))
        if len(classes) > 1:
            text += f"\nOf kind `{kind_of(model)}`:\n"
        elif about := _about(model):
            text += f"\n{about}\n"
        text += _table(part for part in parts if isinstance(part, Key))
        text += "".join(_of_kinds(part) for part in parts if isinstance(part, Kinds))
    return text


def _of_kinds(kinds: Kinds) -> str:
    """Return the tables of a choice: the keys of every kind, then those of each."""
    shared = [base for base in kinds.classes[0].__mro__ if all(issubclass(kind, base) for kind in kinds.classes)]
    common = set(shared[0].model_fields)
    text = f"\nEach entry of `{kinds.prefix}`, of any kind:\n{_table(_keys(kinds.classes[0], common))}"
    for kind in kinds.classes:
        text += f"\nOf kind `{kind_of(kind)}`. {_first_paragraph(kind)}\n"
        text += _table(_keys(kind, set(kind.model_fields) - common - {"kind"}))
    return text


def kind_of(model: type[Section]) -> str:
    """Return the word by which params.yaml chooses a section among its kinds."""
    [word] = get_args(model.model_fields["kind"].annotation)
    return word


def _keys(model: type[Section], names: Container[str]) -> Iterator[Key]:
    return (part for part in _walk(model, "", names=names) if isinstance(part, Key))


def _table(keys: Iterable[Key]) -> str:
    rows = "".join(map(str, keys))
    return f"\n{TABLE}{rows}" if rows else ""


def _walk(
    model: type[Section], prefix: str, default: Section | None = None, names: Container[str] | None = None
) -> Iterator[Key | Kinds]:
    """Yield the keys of a section and of the sections in it, and the choices among kinds of sections.

    Sections of one class are told once; of the next, what differs from the class's defaults.

    Args:
        default: what the section is where it is not given.
        names: of the fields to tell; None: all.
    """
    whole: dict[type[Section], str] = {}  # classes that were told whole, and where
    for name, field in model.model_fields.items():
        if names is not None and name not in names:
            continue
        key = f"{prefix}{name}"
        is_required = default is None and field.is_required()
        value = field.get_default(call_default_factory=True) if default is None else getattr(default, name)
        told_default = REQUIRED if is_required else _plain(value)
        inner, path = _sections_in(field.annotation, key)
        meaning = _meanings(model).get(name, "") or (_about(inner[0]) if field.annotation in inner else "")
        if field.annotation not in inner:
            yield Key(key, _words(field.annotation, field.metadata), told_default, meaning)
        elif inner[0] in whole:
            yield Key(key, f"as `{whole[inner[0]]}`", told_default, meaning)
        elif meaning:
            yield Key(key, "keys", "", meaning)
        if len(inner) == 1 and inner[0] not in whole:
            whole[inner[0]] = key
            yield from _walk(inner[0], f"{path}.", value if isinstance(value, Section) else None)
        elif len(inner) > 1:
            yield Kinds(path, inner)


def _about(model: type[Section]) -> str:
    """Return what a class's docstring says of its section beyond the section's name."""
    paragraph = _first_paragraph(model)
    if not paragraph.startswith("Section `"):
        return paragraph
    _, _, meaning = paragraph.partition(" of params.yaml: ")
    return meaning[:1].upper() + meaning[1:]


def _first_paragraph(model: type[Section]) -> str:
    return " ".join(inspect.getdoc(model).partition("\n\n")[0].split())


def _sections_in(annotation: object, key: str) -> tuple[list[type[Section]], str]:
    """Return the sections that a field holds, several if it may be of several kinds, and how their keys begin."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation], key
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _sections_in(arguments[0], key)
    if origin in (Union, UnionType):
        found = [section for argument in arguments for section in _sections_in(argument, key)[0]]
        return found, key
    if origin is list:
        return _sections_in(arguments[0], f"{key}[]")
    if origin is dict:
        return _sections_in(arguments[1], f"{key}.<name>")
    return [], key


def _words(annotation: object, bounds: list) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(arguments[0], [*arguments[1:], *bounds])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        words = [_words(argument, [] if argument is NoneType else bounds) for argument in arguments]
        return " or ".join(dict.fromkeys(words))
    if origin is list:
        return f"list of {_words(arguments[0], [])}"
    if origin is dict:
        return f"map of {_words(arguments[0], [])} to {_words(arguments[1], [])}"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "entries"
    limits = [text for bound in bounds for text in _limits(bound)]
    return " ".join([WORDS.get(annotation, "any"), ", ".join(limits)]).strip()


def _limits(bound: object) -> Iterator[str]:
    """Yield a bound of numbers in words. Other bounds, of lengths and patterns, are told when they are broken."""
    if isinstance(bound, FieldInfo):
        yield from (text for inner in bound.metadata for text in _limits(inner))
    yield from (f"{sign} {getattr(bound, name):g}" for name, sign in BOUNDS.items() if hasattr(bound, name))


def _plain(value: object) -> str:
    plain = value.model_dump(exclude_defaults=True) if isinstance(value, Section) else value
    return f"`{json.dumps(plain, ensure_ascii=False)}`"


@functools.cache
def _meanings(model: type[Section]) -> dict[str, str]:
    """Return the docstrings under a class's fields, those of its bases among them."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, Section) and base is not Section:
            tree = ast.parse(inspect.getsource(sys.modules[base.__module__]))
            nodes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == base.__name__]
            for field, text in itertools.chain(*(zip(node.body, node.body[1:], strict=False) for node in nodes)):
                if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                    found[field.target.id] = " ".join(ast.literal_eval(text.value).split())
    return found
