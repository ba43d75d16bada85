"""Typed parameters: one section of params.yaml per stage, unknown keys and wrong types refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from winnow.base.errors import UserError

FILE = Path("params.yaml")
LONGEST = 100  # characters of a wrong value that a message repeats
# Keys that look like parameters and change no byte of an output: as such, each change of one would rerun stages.
OF_THE_MACHINE = {
    "engine": "WINNOW_ENGINE, WINNOW_PROCESSES, WINNOW_BATCH_ROWS and WINNOW_RAY_ADDRESS",
    "checkpoints": "WINNOW_CHECKPOINT_SECONDS",
    "launcher": "WINNOW_LAUNCHER",
    "adapt.launcher": "WINNOW_LAUNCHER",
    "finetune.launcher": "WINNOW_LAUNCHER",
}


class Section(BaseModel):
    """Base of every `Params`: frozen, strict (`5e-5` as text is no float) and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


S = TypeVar("S", bound=Section)


def load(section: str, model: type[S], file: Path = FILE) -> S:
    """Return one section of params.yaml as a `model`.

    YAML 1.2 rules, as DVC reads it: `5e-5` is a float.

    Raises:
        UserError: the file or the section is missing, a key is unknown, or a value has the wrong type or range.
    """
    document = read(file)
    if section not in document:
        raise UserError(f"{file}: section '{section}' is missing")
    return parse(document[section], model, f"{file}: {section}")


def read(file: Path = FILE) -> dict:
    """Return all of params.yaml as plain values; for reports, which show it. Stages `load` what they use.

    Raises:
        UserError: the file is missing, is not UTF-8, is not YAML, holds no sections or a key of `OF_THE_MACHINE`.
    """
    try:
        document = YAML(typ="safe").load(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise UserError(f"{file}: not found; run from the repository's root") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: byte {error.start} is not UTF-8; convert the file to UTF-8") from None
    except (YAMLError, ValueError) as error:  # ValueError: a date that no calendar has, 2021-02-30
        raise UserError(f"{file}: not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise UserError(f"{file}: must hold one section a stage, as `name: values`")
    for key, variables in OF_THE_MACHINE.items():
        if _has(document, key):
            raise UserError(
                f"{file}: {key}: is no parameter, as it changes no output; take it out and set the environment "
                f"variable(s) {variables} (docs/distributed.md#settings-of-the-machine)"
            )
    return document


def _has(document: dict, key: str) -> bool:
    section, _, name = key.partition(".")
    values = document.get(section)
    return section in document and (not name or (isinstance(values, dict) and name in values))


def with_bases(entries: Mapping[str, object]) -> dict[str, object]:
    """Return entries of params.yaml, by name; one that names another as its `base` has what that says and it does not.

    Raises:
        ValueError: a base is no entry, or entries are each other's base.
    """

    def whole(name: str, above: tuple[str, ...]) -> object:
        own = entries[name]
        if not isinstance(own, dict) or "base" not in own:
            return own
        base = own["base"]
        if not isinstance(base, str) or base not in entries:
            raise ValueError(f"'{name}' has the base {base!r}, which is none of {', '.join(entries)}")
        if base in (name, *above):
            raise ValueError(f"'{name}' is, by its base, its own base; let one of them do without")
        inherited = whole(base, (name, *above))
        changes = {key: value for key, value in own.items() if key != "base"}
        return inherited | changes if isinstance(inherited, dict) else inherited

    return {name: whole(name, ()) for name in entries}


def parse(value: object, model: type[S], where: str) -> S:
    """Return `value` as a `model`, or raise a one-line `UserError` that begins with `where` and names each bad key.

    Args:
        model: a section, or an annotated union of sections of several kinds.
    """
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        # The path begins with the kind, where there are several.
        start = 0 if isinstance(model, type) else 1
        problems = "; ".join(_explain(problem, problem["loc"][start:], where) for problem in error.errors())
        raise UserError(problems) from None


def _explain(problem: dict, path: tuple[str | int, ...], where: str) -> str:
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    if problem["type"] == "extra_forbidden":
        return f"{where}{key}: unknown parameter; remove it or mend its name"
    if problem["type"] == "missing":
        return f"{where}{key}: missing; add it"
    if problem["type"] == "union_tag_not_found":
        return f"{where}{key}: {problem['ctx']['discriminator']} is missing; add it"
    message, given = problem["msg"].removeprefix("Value error, "), repr(problem["input"])
    return f"{where}{key}: {message}" + (f", got {given}" if len(given) <= LONGEST else "")
