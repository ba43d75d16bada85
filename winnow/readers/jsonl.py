"""JSON Lines: one object a line."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from winnow.base.errors import UserError
from winnow.readers import UTF_8, Record, check_columns
from winnow.readers.lines import lines

# Python and pandas write these, which JSON does not know. A row is not lost for one, least of all in another column.
CONSTANTS = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}
SURROGATE = re.compile("[\ud800-\udfff]")  # half a pair, which JSON can hold and UTF-8 cannot
# How a file begins that is one JSON text: an array of objects, or an object whose first key stands in the next line.
ONE_TEXT = re.compile(r"\[\s*(?:\{|\Z)|\{\Z")


class Line(NamedTuple):
    """A line that should be an object, and why it is none."""

    place: str
    values: dict | None
    problem: str | None


def read_jsonl(stream: IO[bytes], where: str, columns: Sequence[str], encoding: str = UTF_8) -> Iterator[Record]:
    """Yield one record a line, each a JSON object; blank lines are no rows, a key that a line lacks is null.

    `NaN`, which Python writes where nothing is, is null.

    A column `a.b` that is no key itself is the key `b` of the object under the key `a`.

    Raises:
        UserError: a column stands in no line at all, a byte is not of the encoding, or the file begins as one JSON text
            over all of its lines: as an array of objects, or an object that its first line only opens.
    """
    dotted = [(name, name.split(".")) for name in columns if "." in name]
    missing, present = set(columns), {}
    for place, values, problem in objects(stream, where, encoding):
        if values is None:
            yield Record(place, (), problem)
            continue
        for name, path in dotted:
            lift(values, name, path)
        if missing:
            present.update(values)
            missing.difference_update(values)
        yield Record(place, tuple(map(values.get, columns)))
    if present:
        check_columns(where, columns, present if missing else columns)


def objects(stream: IO[bytes], where: str, encoding: str) -> Iterator[Line]:
    """Yield what each line is that is not blank; raises as `read_jsonl`, but for columns."""
    decode = json.JSONDecoder(object_pairs_hook=sole, parse_constant=CONSTANTS.get).raw_decode
    is_first = True
    for number, line in enumerate(lines(stream, where, encoding), 1):
        line = line.strip()
        if not line:
            continue
        if is_first and ONE_TEXT.match(line):
            made = ".[]" if line[0] == "[" else "."
            raise UserError(f"{where}: one JSON value, not one a line; `jq -c '{made}'` makes lines of it")
        is_first = False
        place = f"{where}, line {number}"
        try:
            values, end = decode(line)
            if end < len(line):
                raise ValueError(f"more than one value: character {end + 1}")
        except (ValueError, RecursionError) as error:
            yield Line(place, None, f"not valid JSON: {error}")
            continue
        yield Line(place, values, None) if isinstance(values, dict) else Line(place, None, "not a JSON object")


def paths(value: dict, before: str = "") -> Iterator[str]:
    """Yield the keys of an object, and instead of each that holds an object, the keys in that: `a.b`."""
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from paths(inner, f"{before}{key}.")
        else:
            yield f"{before}{key}"


def lift(values: dict, name: str, path: Sequence[str]) -> None:
    """Put what stands at the end of a path of keys into a JSON object, under a name that it does not have."""
    inner = values
    for key in path:
        if not isinstance(inner, dict) or key not in inner:
            return
        inner = inner[key]
    values.setdefault(name, inner)


def sole(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object; of two values of one key no reader may choose, and `ValueError` says so."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"key {json.dumps(twice)[:80]} stands twice in an object")
    return values
