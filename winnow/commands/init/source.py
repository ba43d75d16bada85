"""One source: its columns by role, what is in them, and its entry of `collect.sources`."""

import glob
import re
import shutil
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from winnow.base import files
from winnow.base.errors import UserError
from winnow.commands.init import chats, kind, look, survey
from winnow.commands.init import columns as guess
from winnow.commands.init.ask import NONE, Answers
from winnow.commands.init.columns import Column
from winnow.commands.init.look import Found
from winnow.commands.init.sets import Sets
from winnow.commands.init.survey import Roles, Survey
from winnow.readers import MEND_ENCODING, UTF_8
from winnow.readers.tabular import QUOTE

SHOWN = 12  # columns that a message names
MAILS = ("eml", "mbox")
# Of so many a fifth, dev or test, holds `split.min_groups`, whatever the draw. In a file with fewer rows than twice as
# many, rows that are each their own would hardly be more.
EVEN_GROUPS = 60


@dataclass(frozen=True)
class Source:
    """A file or folder, understood.

    Attributes:
        place: where it stands below data/sources, or will.
        sha256: of a single file; None of a folder.
    """

    name: str
    found: Found
    roles: Roles
    survey: Survey
    place: str
    sha256: str | None

    def entry(self, licence: str, purpose: str, becomes: dict[str, str | None]) -> dict:
        """Return its entry of `collect.sources`.

        Args:
            purpose: `task` or `text`.
            becomes: labels that are other ones in the task, or none.
        """
        found, roles, dialect = self.found, self.roles, self.found.dialect
        if found.format == "chat":
            return self._of_chats(licence, purpose)
        columns: dict[str, object] = {"text": roles.text[0] if len(roles.text) == 1 else list(roles.text)}
        for key in ("key", "label", "group", "published", "published_format"):
            if getattr(roles, key) is not None:
                columns[key] = getattr(roles, key)
            if key == "label" and roles.sets:
                columns[key] = roles.sets.columns[0] if len(roles.sets.columns) == 1 else list(roles.sets.columns)
        if roles.meta:
            columns["meta"] = list(roles.meta)
        entry = {"name": self.name, "kind": "file", "path": self.path(), "sha256": self.sha256, "format": found.format}
        if found.format in ("csv", "tsv"):
            entry["delimiter"] = dialect.delimiter if dialect.delimiter not in (",", "\t") else None
            entry["header"] = list(dialect.header) if dialect.header else None
            entry["escape"] = dialect.escape
            is_usual = dialect.quote == QUOTE if found.format == "csv" else not (dialect.quote or dialect.is_told)
            if not is_usual:
                entry["quote"] = dialect.quote
            entry["decimal"] = "," if roles.has_commas else None
        entry["encoding"] = dialect.encoding if dialect.encoding != UTF_8 else None
        entry["offsets"] = roles.offsets if roles.offsets != "characters" else None
        entry |= {"member": found.member, "licence": licence, "purpose": purpose}
        kept = {key: value for key, value in entry.items() if value is not None or key == "quote"}
        used = {name: label for name, label in becomes.items() if name in self.survey.labels}
        return kept | {"columns": columns} | ({"label_map": used} if used else {})

    def _of_chats(self, licence: str, purpose: str) -> dict:
        found, roles = self.found, self.roles
        entry = {"name": self.name, "kind": "file", "path": self.path(), "sha256": self.sha256, "format": found.format}
        entry |= {"chat": found.chat.model_dump(exclude_defaults=True)}
        entry |= {"encoding": found.dialect.encoding if found.dialect.encoding != UTF_8 else None}
        entry |= {"member": found.member, "licence": licence, "purpose": purpose}
        columns = {"text": roles.text[0], "key": roles.key, "label": roles.label, "group": roles.group}
        columns |= {
            "published": roles.published,
            "published_format": roles.published_format,
            "meta": roles.meta or None,
        }
        kept = {key: value for key, value in entry.items() if value is not None}
        return kept | {"columns": {key: value for key, value in columns.items() if value is not None}}

    def path(self) -> str:
        """Return the glob of its files below data/sources."""
        # What a glob would read as a pattern stands for itself.
        return f"{glob.escape(self.place)}/{self.found.glob}" if self.found.glob else self.place


def understand(path: Path, answers: Answers, sources: Path) -> Source:
    """Return what a file or folder is as a source.

    Raises:
        UserError: it cannot be read, is of a kind of task that there is not, or leaves a question open.
    """
    options = answers.options
    found = look.at(path, options.encoding, options.header, options.delimiter)
    columns = guess.sample(found)
    if not columns or not columns[0].cells:
        raise UserError(f"{path}: {_without_rows(found)}")
    for name in options.without:
        _check(name, found, "without")
    columns = [column for column in columns if column.name not in options.without]
    pairs = chats.detect(columns, found, answers)
    if pairs is None and found.format == "array":
        raise look.one_value(path)
    has_none = pairs or options.task == kind.SEVERAL or options.label == NONE
    marked = None if has_none else kind.spans(columns, options.label)
    sets = None if marked or pairs else kind.several(columns, answers)
    conll = partial(_of_conll, columns=columns)
    of_format = {"eml": _of_mails, "mbox": _of_mails, "text": _of_texts, "conll": conll}.get(found.format)
    roles = pairs.roles(columns) if pairs else of_format(found) if of_format else None
    roles = _of_spans(columns, marked, found, answers) if marked and not of_format else roles
    roles = _with_options(roles, found, options) if roles else _of_table(columns, found, answers, sets)
    if pairs and pairs.chat:
        roles = chats.keyed(roles)
        found = pairs.among(found, roles)
    roles = replace(roles, meta=[name for name in roles.meta if name not in options.without])
    beside = {roles.label, *roles.meta}
    has_commas = found.format in ("csv", "tsv") and any(
        column.has_commas for column in columns if column.name in beside
    )
    is_one = not (roles.sets or roles.spans or roles.responses)
    roles = replace(roles, has_commas=has_commas, joined=kind.joined(columns, options) if is_one else None)
    if roles.spans and found.format != "conll":
        roles = replace(roles, offsets=survey.offsets(found, roles))
    counted = survey.count(found, roles)
    if roles.spans and counted.refused == counted.rows:
        raise UserError(f"{path}: the spans of no row can be read, the first: {counted.problem}")
    if counted.keys_twice and roles.key:
        roles, counted.keys_twice = replace(roles, key=None, chat_key=None), 0
        found = pairs.among(found, roles) if pairs else found
    is_uneven = counted.even_groups < min(EVEN_GROUPS, counted.rows / 2)
    if roles.group not in (None, "conversation") and is_uneven and options.group is None:
        kept = [] if found.format in MAILS else [roles.group]
        roles = replace(roles, group=None, too_few=roles.group, meta=[*roles.meta, *kept])
    place = _place(path, sources)
    sha256 = None if found.glob else files.sha256(path)
    return Source(_name(path, options.name), found, roles, counted, place, sha256)


def _without_rows(found: Found) -> str:
    """Return why a file has no row, and the mend."""
    blocks = found.blocks(list(found.columns))
    if problem := next((": ".join(block.problems[0]) for block in blocks if block.problems), None):
        return f"no row can be read, the first: {mended(problem)}"
    named = ", or name its columns by --header, if the first line is a row" * (found.format in ("csv", "tsv"))
    return f"holds no row; add rows{named}"


def mended(problem: str) -> str:
    """Return why a row cannot be read with its mend, which here is an option rather than a key of params.yaml."""
    if problem.endswith(MEND_ENCODING):
        return problem.removesuffix(MEND_ENCODING) + "name the --encoding, or convert the file to UTF-8"
    return problem if "; mend " in problem else f"{problem}; mend the file"


def _of_mails(found: Found) -> Roles:
    folders = {Path(file.member or file.name).parent.name for file in found.files}
    is_filed = found.format == "eml" and len(folders) > 1
    return Roles(
        text=["subject", "body"],
        label="folder" if is_filed else None,
        group="thread",
        published="date",
        key="file" if found.format == "eml" else None,
        meta=["message_id", "from"] + ["folder"] * is_filed,
    )


def _of_texts(found: Found) -> Roles:
    folders = {Path(file.member or file.name).parent.name for file in found.files}
    return Roles(text=["body"], label="folder" if len(folders) > 1 else None, key="file")


def _of_conll(found: Found, columns: list[Column]) -> Roles:
    """Return the roles of a CoNLL file's columns: its documents are groups, where they are marked; else its files."""
    marks_documents = any(column.name == "document" and column.filled for column in columns)
    group = "document" if marks_documents else "file" if len(found.files) > 1 else None
    return Roles(text=["text"], label="spans", group=group, spans=True)


def _of_spans(columns: list[Column], label: str, found: Found, answers: Answers) -> Roles:
    """Return the roles of a table whose column `label` holds spans; a text may be a list of words."""
    lists = [column.name for column in columns if column.other and column.name != label and _has_words(column)]
    rest = [column for column in columns if column.name != label and not column.other]
    text = lists[:1] or _text(rest, found, answers)[:1]
    rest = [column for column in rest if column.name not in text]
    key = guess.key(rest)
    group = guess.group([column for column in rest if column.name != key])
    return Roles(text, label, group, key=key, spans=True)


def _has_words(column: Column) -> bool:
    return all(isinstance(value, list) and all(isinstance(word, str) for word in value) for value in column.other)


def _with_options(roles: Roles, found: Found, options) -> Roles:
    """Return the roles of a format's own columns, but for what options say."""
    changes = {"text": options.text, "label": options.label, "group": options.group, "published": options.date}
    changes |= {"key": options.key}
    for option, value in changes.items():
        for name in value if isinstance(value, list) else [value]:
            _check(name, found, option)
    given = {role: None if value == NONE else value for role, value in changes.items() if value is not None}
    roles = replace(roles, **given)
    return roles if roles.label else replace(roles, spans=False)


def _check(name: str | None, found: Found, option: str) -> None:
    if name not in (None, NONE, *found.columns):
        if option == "label" and all(part.strip() in found.columns for part in name.split(",")):
            raise UserError(
                f"--label {name}: columns of yes and no alone are learnt together, by --task {kind.SEVERAL}; else one "
                f"column is the label, and others are columns.aux of the source in params.yaml"
            )
        option = "date" if option == "published" else option
        raise UserError(f"{found.path}: has no column '{name}' for --{option}; it has {_listed(found.columns)}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _of_table(columns: list[Column], found: Found, answers: Answers, sets: Sets | None) -> Roles:
    options = answers.options
    own_label = None if sets else options.label
    for option, value in (("text", options.text), ("label", own_label), ("group", options.group)):
        for name in value if isinstance(value, list) else [value]:
            _check(name, found, option)
    for option in ("date", "key"):
        _check(getattr(options, option), found, option)
    of_sets = sets.columns if sets else ()
    named = {
        name for name in (*(options.text or ()), *of_sets, own_label, options.group, options.date, options.key) if name
    }
    rest = [column for column in columns if column.name not in named]
    text = options.text or _text(rest, found, answers)
    rest = [column for column in rest if column.name not in text]
    label = None if sets else _unless_none(options.label) if options.label else _label(rest, found, answers)
    rest = [column for column in rest if column.name != label]
    key = _unless_none(options.key) if options.key else guess.key(rest)
    rest = [column for column in rest if column.name != key]
    group = _unless_none(options.group) if options.group else guess.group(rest)
    rest = [column for column in rest if column.name != group]
    published, form = _date(columns if options.date else rest, answers)
    rest = [column for column in rest if column.name != published]
    return Roles(text, label, sets, group, published, form, key, guess.meta(rest, ()))


def _unless_none(name: str) -> str | None:
    return None if name == NONE else name


def _text(columns: list[Column], found: Found, answers: Answers) -> list[str]:
    able = guess.texts(columns)
    chosen, plain = guess.chosen_texts(able)
    if plain:
        return chosen
    if not able:
        empty = [column.name for column in columns if not column.filled and not column.other]
        told = f" ('{empty[0]}' is empty in all rows)" if empty else ""
        raise UserError(
            f"{found.path}: no column looks like text{told}; it has {_listed(found.columns)}; name it by --text"
        )
    names = [column.name for column in able]
    return [answers.ask("text", f"{found.path}: which column is the text", chosen[-1], names)]


def _label(columns: list[Column], found: Found, answers: Answers) -> str | None:
    able = guess.labels(columns)
    name, plain = guess.chosen_label(able)
    if plain:
        return name
    names = [*(column.name for column in able), NONE]
    return _unless_none(answers.ask("label", f"{found.path}: which column is the label", name, names))


def _date(columns: list[Column], answers: Answers) -> tuple[str | None, str | None]:
    options = answers.options
    if options.date == NONE:
        return None, None
    found = next((column for column in columns if column.name == options.date), None) or guess.date(columns)
    if found is None:
        return None, None
    if options.date_format or "" in found.date_forms or not found.date_forms:
        return found.name, options.date_format or None
    form, *others = found.date_forms
    if others:
        example = found.filled[0]
        form = answers.ask("date-format", f"'{example}' of column '{found.name}': which form", form, found.date_forms)
    return found.name, form


def _name(path: Path, given: str | None) -> str:
    stem = path.name.split(".")[0] if path.is_file() else path.resolve().name
    plain = unicodedata.normalize("NFKD", given or stem).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "data"


def _place(path: Path, sources: Path) -> str:
    """Return where a file stands below data/sources; one from elsewhere gets its own name there."""
    inside = path.resolve().is_relative_to(sources.resolve())
    place = path.resolve().relative_to(sources.resolve()).as_posix() if inside else path.resolve().name
    if place == ".":
        raise UserError(f"{path}: is the folder of all sources; name the files or the folder in it")
    return place


def refuse_other(source: Source, sources: Path) -> None:
    """Raise `UserError` if something else stands where a source would be copied."""
    target = sources / source.place
    if not _stands(source, target) and target.exists():
        raise UserError(f"{target}: something else stands there; remove or rename one of the two")


def bring(source: Source, sources: Path) -> Path | None:
    """Copy a source to data/sources, unless it stands there; return the copy.

    Raises:
        UserError: the file has changed since it was looked at.
    """
    origin, target = source.found.path, sources / source.place
    if _stands(source, target):
        return None
    with files.replacing(target) as new:
        if origin.is_dir():
            for name in look.below(origin):  # not copytree, which follows links to folders
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(origin / name, new / name)
        else:
            shutil.copyfile(origin, new)
            if files.sha256(new) != source.sha256:
                raise UserError(f"{origin}: has changed since it was looked at; run again when it is whole")
    return target


def _stands(source: Source, target: Path) -> bool:
    """Return whether the source, or a copy of it, is at a path."""
    if source.found.path.resolve() == target.resolve():
        return True
    if target.is_dir():
        return source.found.path.is_dir() and _same(source.found.path, target)
    return target.is_file() and source.sha256 == files.sha256(target)


def _same(one: Path, other: Path) -> bool:
    def sizes(folder: Path) -> dict[str, int]:
        return {name.as_posix(): (folder / name).stat().st_size for name in look.below(folder)}

    return sizes(one) == sizes(other)
