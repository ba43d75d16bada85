"""Prompts and responses: conversations of every shape, and pairs of columns of free text."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from winnow.base.errors import UserError
from winnow.commands.init import columns as guess
from winnow.commands.init.ask import NONE, Answers
from winnow.commands.init.columns import Column
from winnow.commands.init.kind import GENERATION, ONE, ROLES
from winnow.commands.init.look import Found
from winnow.commands.init.survey import Roles
from winnow.readers.chat import FIELDS, USUAL, Chat, Part, Shape
from winnow.readers.layout import TABLES

FORMATS = ("jsonl", "parquet", "array")  # whose rows may be conversations
OPENS = "<|im_start|>"  # a turn of ChatML
PLAIN_LABEL = re.compile("labels?|class|target|gold|y", re.IGNORECASE)
MOSTLY = 0.95  # share of the cells by which a column is known
DISTINCT = 0.9  # share of a column's cells that are free text, not names of classes


@dataclass(frozen=True)
class Pairs:
    """Where prompts and responses stand.

    Attributes:
        columns: those that hold them, the prompt's first.
        chat: how conversations are kept; None: two columns of a table.
        what: in words.
    """

    columns: list[str]
    chat: Chat | None
    what: str

    def among(self, found: Found, roles: Roles) -> Found:
        """Return the file as `collect` will read it."""
        if self.chat is None:
            return found
        return replace(found, format="chat", chat=self.chat.model_copy(update={"key": roles.chat_key}))

    def roles(self, columns: Sequence[Column]) -> Roles:
        """Return the roles of the columns, but for the date's."""
        rest = [column for column in columns if column.name not in (*self.columns, *FIELDS)]
        key = guess.key(rest)
        rest = [column for column in rest if column.name != key]
        group = guess.group(rest)
        rest = [column for column in rest if column.name != group]
        date = guess.date(rest)
        form = date.date_forms[0] or None if date and len(date.date_forms) == 1 else None
        published = date.name if date and len(date.date_forms) == 1 else None
        meta = guess.meta([column for column in rest if column.name != published], ())
        if self.chat is None:
            *text, label = self.columns
            return Roles(text, label, None, group, published, form, key, meta, responses=True)
        return Roles(["prompt"], "response", None, group or "conversation", published, form, key, meta, responses=True)


def keyed(roles: Roles) -> Roles:
    """Return the roles of conversations, with the reader's key for the rows where a column names conversations."""
    return replace(roles, key="key", chat_key=roles.key) if roles.key else roles


def detect(columns: Sequence[Column], found: Found, answers: Answers) -> Pairs | None:
    """Return where prompts and responses stand; None for other kinds of task.

    Where columns of text may be classified as well, the kind of task is asked for; `--yes` takes responses.

    Raises:
        UserError: prompts and responses are asked for and not seen, or another kind and nothing else is there.
    """
    options = answers.options
    if found.format not in (*FORMATS, *TABLES):
        return None
    pairs = _conversations(columns) if found.format in FORMATS and options.label is None else None
    if options.task not in (None, GENERATION):
        if pairs:
            raise UserError(
                f"column '{pairs.columns[0]}': {pairs.what}: that is of the kind {GENERATION}; give --task "
                f"{GENERATION}, or a column of labels by --label"
            )
        return None
    if pairs is None:
        pairs = _of_columns(columns, found, options)
        if pairs is None and options.task == GENERATION:
            raise UserError(
                f"--task {GENERATION}: no prompts and responses are seen; name their columns by --text and --label"
            )
        if pairs and options.task is None:
            named = "', '".join(pairs.columns)
            what = f"columns '{named}': {pairs.what}: which kind of task"
            if answers.ask("task", what, GENERATION, (GENERATION, ONE)) != GENERATION:
                return None
    return pairs


def _conversations(columns: Sequence[Column]) -> Pairs | None:
    """Return the columns that hold turns, which are a conversation beyond doubt."""
    held = {column.name: shape for column in columns if (shape := _shape(column))}
    for prompt in USUAL["pairs"]["prompt"]:
        for response in USUAL["pairs"]["response"]:
            if prompt in held and response in [column.name for column in columns]:
                return Pairs(
                    [prompt, response], Chat(shape="pairs"), "prompts as lists of turns, and what answers them"
                )
    if held:
        name, shape = next(iter(held.items()))
        what = "texts of ChatML" if shape == "chatml" else "conversations"
        beside = [column.name for column in columns if column.name in ("tools", "system", "system_prompt")]
        return Pairs([name, *beside], _chat(shape, {"turns": name}), what)
    return None


def _shape(column: Column) -> Shape | None:
    """Return the shape of the turns in a column's cells, if there are any."""
    lists = [value for value in column.other if isinstance(value, list) and value]
    if not lists and column.filled and column.filled[0].lstrip().startswith("[{"):
        lists = [value for cell in column.filled[:20] if (value := _parsed(cell))]
    for key, shape in (("role", "messages"), ("from", "sharegpt")):
        if any(isinstance(value[0], dict) and key in value[0] for value in lists) and {key} <= ROLES:
            return shape
    is_chatml = sum(cell.lstrip().startswith(OPENS) for cell in column.filled) > MOSTLY * len(column.filled) > 0
    return "chatml" if is_chatml else None


def _parsed(cell: str) -> list | None:
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def _chat(shape: Shape, columns: dict[Part, str]) -> Chat:
    """Return a mapping that names the columns of other than the usual names alone."""
    return Chat(
        shape=shape, columns={part: name for part, name in columns.items() if name not in USUAL[shape][part][:1]}
    )


def _of_columns(columns: Sequence[Column], found: Found, options) -> Pairs | None:
    """Return two columns of free text of which one answers the other."""
    by_name = {column.name: column for column in columns}
    free = [column.name for column in columns if _is_free(column)]
    if options.label not in (None, NONE):
        label = options.label if options.label in free or options.task == GENERATION else None
    else:
        label = _response(free)
    if label is None or label not in by_name:
        return None
    texts = options.text or _prompts(guess.texts([column for column in columns if column.name != label]))
    is_pair = any(_is_usual(shape, texts[0], label) for shape in ("alpaca", "pairs")) if texts else False
    if not texts or (options.label is None and options.task is None and _has_classes(columns, is_pair)):
        return None
    what = "prompts and what answers them"
    shape = next((shape for shape in ("alpaca", "pairs") if _is_usual(shape, texts[0], label)), None)
    if shape is None or found.format not in FORMATS or options.text or options.label:
        return Pairs([*texts, label], None, what)
    beside = [name for part in ("input", "system", "history", "tools") for name in USUAL[shape].get(part, ())]
    used = [texts[0], *[name for name in by_name if name in beside], label]
    return Pairs(used, _chat(shape, {"prompt": texts[0], "response": label}), what)


def _is_free(column: Column) -> bool:
    """Return whether a column holds free text: cells of which hardly two are the same, and none a number or a name."""
    if not column.filled or column.is_number or column.is_mark or column.date_forms:
        return False
    is_distinct = len(column.counts) > DISTINCT * len(column.filled)
    is_long = column.characters > guess.LONGEST_LABEL or not guess.LABEL.fullmatch(column.name)
    return is_distinct and is_long


def _has_classes(columns: Sequence[Column], is_pair: bool) -> bool:
    """Return whether a column is a label of a few classes; beside an instruction and its output, a topic is none."""
    names = [column.name for column in guess.labels(columns) if guess.LABEL.fullmatch(column.name)]
    return any(not is_pair or PLAIN_LABEL.fullmatch(name) for name in names)


def _response(free: Sequence[str]) -> str | None:
    named = [name for name in free if guess.RESPONSE.fullmatch(name)]
    return next(iter([*named, *(name for name in free if guess.LABEL.fullmatch(name))]), None)


def _prompts(able: Sequence[Column]) -> list[str]:
    """Return the columns that make the prompt, an instruction before what it is about; none if no name says so."""
    named = [column.name for column in able if guess.PROMPT.fullmatch(column.name)]
    instruction = [name for name in named if name in USUAL["alpaca"]["prompt"]]
    if instruction:
        return [*instruction, *(name for name in named if name in USUAL["alpaca"]["input"])]
    if named:
        return named[:1]
    return [column.name for column in able if guess.TEXT.fullmatch(column.name)][:1]


def _is_usual(shape: Shape, prompt: str, response: str) -> bool:
    return prompt in USUAL[shape]["prompt"] and response in USUAL[shape]["response"]
