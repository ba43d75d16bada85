"""Files to which both branches add lines, and that lose none: decisions, looks, recorded answers, frozen groups.

What a merge makes does not depend on which side is called ours: what was there keeps its place, and what came is in an
order of its own. Git's union would put our lines first.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence

from winnow.base.errors import UserError
from winnow.commands.merge.trees import Version
from winnow.people import decisions
from winnow.validation import looks

BOM = "\ufeff"
COMMENT = "#"


def lines(version: Version) -> str:
    """Return a merged file of lines: those that neither side took out, then those that one side added, then the other.

    Equal lines are one.
    """
    return _text(_union([_lines(text) for text in _texts(version)], None))


def answers(version: Version) -> str:
    """Return merged lines of JSON; a last one that is torn off, as a killed process leaves it, is left out."""

    def whole(text: str) -> str:
        rest, end, last = text.rpartition("\n")
        return rest + end if last and not _is_json(last) else text

    return lines(Version(*map(whole, _texts(version))))


def decided(path: str, version: Version) -> str:
    """Return merged decisions: one header, that of the most columns; what came, by its date.

    Raises:
        UserError: a side's file is no CSV.
    """
    column = decisions.COLUMNS.index("decided_on")
    return _table(path, version, decisions.COLUMNS, lambda cells: decisions.order(_cell(cells, column)))


def looked(path: str, version: Version) -> str:
    """Return the merged log of looks at test, what came by its date; see `decided`."""
    return _table(path, version, looks.HEADER, lambda cells: _cell(cells, 0))


def rows(text: str) -> list[tuple[str, ...]]:
    """Return the cells of each record of decisions; none of a text that is no CSV."""
    try:
        return [tuple(cells) for cells in _records("", text).values()]
    except UserError:
        return []


def frozen(version: Version) -> str:
    """Return the frozen groups of both sides, sorted, below what comments there are: none is ever taken out."""
    found = [line for text in (version.ours, version.theirs) for line in _lines(text or "")]
    comments = [line for line in found if line.startswith(COMMENT)]
    return _text([*dict.fromkeys(comments), *sorted({line for line in found if line and line not in comments})])


def hashes(version: Version, merged: Callable[[str], str | None]) -> str:
    """Return a merged list of hashes, as `sha256sum` writes it.

    Args:
        merged: returns the hash of a file as it is merged, if both sides changed it and listed it as it was there.
    """
    base, ours, theirs = ({name: sha for sha, _, name in _parted(text)} for text in _texts(version))
    out = []
    for name in sorted(base.keys() | ours.keys() | theirs.keys()):
        sides = before, mine, yours = [listed.get(name) for listed in (base, ours, theirs)]
        if len(set(sides)) == len(sides):
            # Whatever names another content says that the file is somebody's own, which is never wrong to say.
            sha = merged(name) or min(filter(None, (mine, yours)))
        else:
            sha = yours if mine == before else mine
        out += [f"{sha}  {name}"] if sha else []
    return _text(out)


def _parted(text: str) -> Iterable[tuple[str, str, str]]:
    return (line.partition("  ") for line in _lines(text) if line)


def sha256(text: str) -> str:
    """Return the hash of a file of this text."""
    return hashlib.sha256(text.encode()).hexdigest()


def twice(text: str) -> list[str]:
    """Return names that a list of hashes tells two hashes of."""
    known: dict[str, str] = {}
    told = (entry for entry in _parted(text) if not entry[0].startswith(COMMENT))
    return sorted({name for sha, _, name in told if known.setdefault(name, sha) != sha})


def answered_twice(text: str) -> int:
    """Return to how many questions a file of recorded answers has two."""
    entries: dict[str, set[str]] = {}
    for line in _lines(text):
        entry = json.loads(line) if _is_json(line) else None
        if isinstance(entry, dict) and "key" in entry:
            entries.setdefault(str(entry["key"]), set()).add(str(entry.get("answer")))
    return sum(len(found) > 1 for found in entries.values())


def _table(path: str, version: Version, columns: Sequence[str], key: Callable[[list[str]], str]) -> str:
    sides = [_records(path, text) for text in _texts(version)]
    headers = [record for side in sides for record, cells in side.items() if tuple(cells[: len(columns)]) == columns]
    cells = {record: cells for side in sides for record, cells in side.items()}
    # The longest: decisions got columns, and what has fewer cells is read under it, too.
    header = max(headers, key=lambda record: (len(cells[record]), record), default=",".join(columns))
    rows = [[record for record in side if record not in headers] for side in sides]
    return _text([header, *_union(rows, lambda record: (key(cells[record]), record))])


def _records(path: str, text: str) -> dict[str, list[str]]:
    """Return the cells of each record of a CSV by its text, without those that are blank."""
    raw = [f"{line}\n" for line in _lines(text)]
    reader, found, place = csv.reader(iter(raw), strict=True), {}, 0
    try:
        for cells in reader:
            record = "".join(raw[place : reader.line_num]).removesuffix("\n")
            place = reader.line_num
            if any(cell.strip() for cell in cells):
                found[record] = [decisions.unguard(cell.strip()) for cell in cells]
    except csv.Error as error:
        raise UserError(f"{path}: line {place + 1} of a side: not valid CSV: {error}; mend it there") from None
    return found


def _union(sides: Sequence[Iterable[str]], key: Callable[[str], object] | None) -> list[str]:
    """Return what neither side took out of the base, then what they added, by a key or side by side."""
    base, ours, theirs = (list(dict.fromkeys(side)) for side in sides)
    both = set(ours) & set(theirs)
    old = set(base)
    added = sorted([line for line in side if line not in old] for side in (ours, theirs))
    new = list(dict.fromkeys(line for side in added for line in side))
    return [line for line in base if line in both] + (new if key is None else sorted(new, key=key))


def _cell(cells: list[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _texts(version: Version) -> list[str]:
    return [text or "" for text in (version.base, version.ours, version.theirs)]


def _lines(text: str) -> list[str]:
    """Return the lines of a text: not those that other signs than a line feed end."""
    body = text.removeprefix(BOM).replace("\r\n", "\n").removesuffix("\n")
    return body.split("\n") if body else []


def _text(found: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in found)
