"""What a source's cells say of a row's spans: lists of them in many tools' forms, or a tag for each word."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from winnow.base.errors import UserError
from winnow.kinds.token_classification import labels
from winnow.kinds.token_classification.labels import Task, canonical
from winnow.kinds.token_classification.span import SHOWN, Span, quoted, told, trimmed
from winnow.readers import tags
from winnow.readers.values import Refuse, as_text

Offsets = Literal["characters", "utf16", "bytes"]
# What tools call the parts of a span: spaCy and Prodigy, doccano, Hugging Face's pipelines.
STARTS, ENDS = ("start", "start_offset", "begin"), ("end", "end_offset")
TYPES = ("label", "labels", "type", "entity_group", "entity")


class Placed(NamedTuple):
    """Texts and labels of some rows.

    Attributes:
        texts: (rows,); words became a text.
        labels: (rows,) spans as JSON, with the source's own types, or None.
        notes: what of a row's label was mended, by the row's place.
    """

    texts: list[str | None]
    labels: list[str | None]
    notes: dict[int, str]


def gathered(columns: Mapping[str, pa.Array], refuse: Refuse) -> pa.Array:
    """Return the one column of labels, (rows,) strings.

    Raises:
        UserError: there are several.
    """
    if len(columns) > 1:
        raise UserError(
            f"params.yaml: collect.sources: columns.label names {len(columns)} columns: {', '.join(columns)}; the "
            f"spans of a row stand in one"
        )
    return next(iter(columns.values()))


def placed(texts: Sequence[object], cells: Sequence[object], offsets: Offsets, refuse: Refuse) -> Placed:
    """Return texts, and the spans that cells say of them.

    A text may be a list of words; between two of them is a space then. A cell may be a list of spans, in the forms that
    `docs/tasks.md` lists, a list of a tag for each word, or either of these as text. A row whose cell is null or empty,
    or holds annotations that were all skipped, has no label.

    Args:
        offsets: what the spans' offsets count.
        refuse: is called with a row's place, a rule's name and the reason where its spans cannot be read.
    """
    read = [None if _is_skipped(cell) else cell for cell in map(_cell, cells)]
    every = [tagged for cell in read if (tagged := _tags(cell))]
    begins = any(tags.begin(tagged) for tagged in every if not tags.problem(tagged))
    out = Placed([], [], {})
    for place, (text, cell) in enumerate(zip(texts, read, strict=True)):
        label = note = None
        try:
            words, text = _words(text)
            if cell is not None:
                if every and words and cell == []:
                    raise ValueError(f"the text has {len(words)} words, and there are 0 tags")
                if (tagged := _tags(cell)) is not None:
                    found, note = _of_words(text, words, tagged, begins)
                else:
                    found = [_in_characters(text, span, own, offsets) for span, own in _spans(cell)]
                label, note = _sound(text, found, note)
        except ValueError as error:
            refuse(place, "bad_label", str(error))
            text = None
        out.texts.append(text)
        out.labels.append(label)
        if note:
            out.notes[place] = note
    return out


def misplaced(texts: Sequence[object], cells: Sequence[object], offsets: Offsets) -> int:
    """Return of how many rows the spans would be wrong if their offsets counted this: beyond the text, or within words.

    Takes texts and cells as `placed` does.
    """
    refused: set[int] = set()
    read = placed(texts, cells, offsets, lambda place, rule, reason: refused.add(place))
    parts = [
        label is not None and any(_parts_words(text, start, end) for start, end, _ in json.loads(label))
        for text, label in zip(read.texts, read.labels, strict=True)
    ]
    return len(refused) + sum(parts)


def _parts_words(text: str, *borders: int) -> bool:
    return any(0 < border < len(text) and text[border - 1 : border + 1].isalnum() for border in borders)


def mapped(task: Task, text: str, names: Mapping[str, str | None]) -> str:
    """Return a cell's spans with their types translated; a type that leads to null is none, and its spans fall out."""
    found = [(start, end, names.get(name, name)) for start, end, name in json.loads(text)]
    return json.dumps([span for span in found if span[2] is not None], ensure_ascii=False)


def strange(task: Task, text: str, names: Mapping[str, str | None]) -> list[str]:
    """Return the types of a cell's spans that are none of the task's."""
    types = dict.fromkeys(name for *_, name in json.loads(text))
    return [name for name in types if names.get(name, name) not in {None, *task.labels}]


def left_out(task: Task, text: str) -> str | None:
    """Return which spans of a cell, with the task's types, overlap others and fall out; None if none does."""
    _, lost = task.apart(tuple(span) for span in json.loads(text))
    if not lost:
        return None
    more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    return (
        f"spans overlap others and fall out (task.overlap: {task.overlap}): {', '.join(map(told, lost[:SHOWN]))}{more}"
    )


def _cell(cell: object) -> object:
    """Return a cell's list; a text is read as JSON or Python writes one, or as tags with spaces between."""
    if isinstance(cell, np.ndarray):
        cell = cell.tolist()
    if not isinstance(cell, str):
        return list(cell) if isinstance(cell, tuple) else cell
    if not cell.strip():
        return None
    found = labels.listed(cell.strip())
    if found is None and tags.are_tags(cell.split()):
        return cell.split()
    return cell if found is None else found


def _is_skipped(cell: object) -> bool:
    """Return whether a cell has annotations of Label Studio, and people skipped the task in all of them."""
    found = cell if isinstance(cell, list) else [cell]
    return bool(found) and all(
        isinstance(item, dict) and item.get("was_cancelled") and "result" in item for item in found
    )


def _tags(cell: object) -> list | None:
    """Return a cell's tags, one a word; None where it holds no tags."""
    is_tagged = isinstance(cell, list) and cell and all(isinstance(item, str | None) for item in cell)
    return cell if is_tagged else None


def _words(text: object) -> tuple[list[str] | None, str]:
    """Return the words of a text that is a list of them, None of another one, and the text."""
    if isinstance(text, tuple | np.ndarray):
        text = list(text)
    if not isinstance(text, list):
        return None, as_text(text) or ""
    for number, word in enumerate(text, 1):
        if not isinstance(word, str) or not word.strip():
            raise ValueError(f"word {number} of the text is {'empty' if isinstance(word, str) else repr(word)[:SHOWN]}")
    return text, " ".join(text)


def _of_words(text: str, words: list[str] | None, tagged: list, begins: bool) -> tuple[list[Span], str | None]:
    if problem := tags.problem(tagged):
        raise ValueError(problem)
    if words is None:
        words = text.split()
    if len(words) != len(tagged):
        raise ValueError(f"the text has {len(words)} words, and there are {len(tagged)} tags")
    offsets, position = [], 0
    for word in words:
        start = text.index(word, position)
        position = start + len(word)
        offsets.append((start, position))
    return tags.spans(tagged, offsets, begins)


def _spans(cell: object) -> list[tuple[Span, str | None]]:
    """Return the spans of a cell, each with its text where the cell has it; raises `ValueError` where there is none."""
    if isinstance(cell, dict):
        if isinstance(cell.get("result"), list):  # one annotation of Label Studio
            cell = [cell]
        elif cell and all(isinstance(column, list) for column in cell.values()):  # a list for each part
            cell = _rows(cell)
    if isinstance(cell, list) and cell and all(type(item) is int for item in cell):
        raise ValueError("the tags are numbers; a data set of kind hf tells their names, elsewhere write the names")
    if not isinstance(cell, list):
        shown = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)
        raise ValueError(f"the label {shown[:SHOWN]!r} is no list of spans")
    if cell and all(isinstance(item, dict) and isinstance(item.get("result"), list) for item in cell):
        counted = [item for item in cell if not item.get("was_cancelled")]
        if len(counted) > 1:
            raise ValueError(f"there are {len(counted)} annotations; export the one that counts")
        cell = counted[0]["result"]
    return [span for item in cell for span in _item(item)]


def _rows(columns: dict[str, list]) -> list[dict]:
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError(f"the lists of {', '.join(columns)} are not equally long")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _item(item: object) -> list[tuple[Span, str | None]]:
    if isinstance(item, dict) and isinstance(item.get("value"), dict):  # a result of Label Studio
        item = item["value"]
        if "labels" not in item:  # a choice, a rating, a relation
            return []
    if isinstance(item, dict):
        start, end, types = (_first(item, keys) for keys in (STARTS, ENDS, TYPES))
        own = item.get("text", item.get("word"))
    elif isinstance(item, list | tuple) and len(item) == 3:
        (start, end, types), own = item, None
    else:
        raise _no_span(item)
    types = types if isinstance(types, list | tuple) else [types]
    if not types or not all(isinstance(name, str) and name.strip() for name in types):
        raise _no_span(item)
    try:
        start, end = map(_whole, (start, end))
    except ValueError:
        raise _no_span(item) from None
    if not 0 <= start < end:
        raise _no_span(item)
    return [((start, end, name.strip()), own if isinstance(own, str) else None) for name in types]


def _first(item: dict, keys: Sequence[str]) -> object:
    return next((item[key] for key in keys if item.get(key) is not None), None)


def _whole(number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number // 1:
        raise ValueError("no whole number")
    return int(number)


def _no_span(item: object) -> ValueError:
    shown = json.dumps(item, ensure_ascii=False, default=str)
    return ValueError(
        f"{shown[:SHOWN]} is no span; a span has a start, an end and a label, with whole numbers, 0 <= start < end"
    )


def _in_characters(text: str, span: Span, own: str | None, offsets: Offsets) -> Span:
    """Return a span whose offsets count a text's characters; raises `ValueError` if it is none of the text."""
    found = _counted(text, span, offsets)
    if found is not None and (own is None or _is(text, found, own)):
        return found
    # Where another unit fits, the offsets count that; of a span without its text nobody knows.
    fitting = [
        unit
        for unit in UNITS
        if unit != offsets and (new := _counted(text, span, unit)) and own and _is(text, new, own)
    ]
    hint = f"; they count {fitting[0]}: give offsets: {fitting[0]} in its entry of params.yaml" if fitting else ""
    if found is None:
        length = UNITS[offsets](text)[-1]
        raise ValueError(f"span {told(span)} is none of the text, which has {length} {NAMES[offsets]}{hint}")
    shown = json.dumps(own[:SHOWN], ensure_ascii=False)
    raise ValueError(f"span {told(span)} should be {shown}, and the text has {quoted(text, found)} there{hint}")


def _is(text: str, span: Span, own: str) -> bool:
    """Return whether a text has this in a span, but for white space, which tools write otherwise."""
    inside = text[span[0] : span[1]]
    return inside == own or inside.split() == own.replace("\\n", "\n").split()


def _counted(text: str, span: Span, offsets: Offsets) -> Span | None:
    """Return a span in characters; None if it ends beyond the text, or within a character."""
    start, end, name = span
    if text.isascii() or offsets == "characters":
        return span if end <= len(text) else None
    units = UNITS[offsets](text)
    first, last = np.searchsorted(units, (start, end)).tolist()
    is_one = last < len(units) and units[first] == start and units[last] == end
    return (first, last, name) if is_one else None


def _utf16(text: str) -> np.ndarray:
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.concatenate([[0], np.cumsum(1 + (points >= 0x10000))])


def _utf8(text: str) -> np.ndarray:
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.concatenate([[0], np.cumsum(1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000))])


# By unit, how many of them stand before each character of a text, and before its end.
UNITS: dict[Offsets, Callable[[str], np.ndarray]] = {
    "characters": lambda text: np.arange(len(text) + 1),
    "utf16": _utf16,
    "bytes": _utf8,
}
NAMES = {"characters": "characters", "utf16": "UTF-16 units", "bytes": "bytes"}


def _sound(text: str, found: Sequence[Span], note: str | None) -> tuple[str, str | None]:
    """Return spans as JSON without white space at their borders, and what was mended."""
    kept, cut = [], []
    for span in found:
        new = trimmed(span, text)
        if new is not None:
            kept.append(new)
        if new != span:
            cut.append(told(span))
    if cut:
        more = f" and {len(cut) - SHOWN} more" if len(cut) > SHOWN else ""
        what = f"white space taken off the borders of spans {', '.join(cut[:SHOWN])}{more}"
        note = f"{note}; {what}" if note else what
    return canonical(kept), note
