"""A round's random sample of labelled rows: how it is drawn, and its file `data/rounds/<number>.csv` in Git.

The sample is stratified by what the detector said (flagged or not) and by split. Within a stratum, rows are drawn by
the lowest hash of (round, id), so that any part of the hash order that is judged without a gap is itself random.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from winnow.base import files, hashing
from winnow.base.errors import UserError
from winnow.people import decisions
from winnow.people.rounds.settings import Sample
from winnow.rows.splits import SPLITS

STRATA = ("flagged", "unflagged")
NAME = re.compile(r"(\d{3,})\.csv")
CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)


@dataclass(frozen=True)
class Candidate:
    """A row that may be drawn; `stratum` is of `STRATA`."""

    id: str
    stratum: str
    split: str
    text_sha: str
    given_label: str
    p_error: float | None


@dataclass(frozen=True)
class Drawn:
    """A row of a round's file.

    `population` rows of this stratum and split could be drawn, `drawn` of them were. `began` is when the round did, as
    `decided_on` of a decision has it.
    """

    id: str
    stratum: str
    population: int
    drawn: int
    split: str
    text_sha: str
    given_label: str
    p_error: float | None
    began: str


COLUMNS = tuple(field.name for field in fields(Drawn))


@dataclass(frozen=True)
class Round:
    """A round: its number, when it began, and its sample in the order in which to judge it."""

    number: int
    began: str
    rows: tuple[Drawn, ...]

    def has_begun(self, decided_on: str) -> bool:
        """Return whether it had begun when a decision was made; one of which the day alone is known, on that day."""
        decided = decisions.order(decided_on)
        return decided >= decisions.order(self.began)[: len(decided)]

    @property
    def cells(self) -> dict[tuple[str, str], int]:
        """Return the population of each (stratum, split)."""
        return {(row.stratum, row.split): row.population for row in self.rows}


def draw(number: int, candidates: Iterable[Candidate], counts: Sample, began: str) -> Round:
    """Return round `number`'s sample.

    Splits share a stratum's rows by their size, each gets one at least. The test split then gets as many more as a
    simple random sample of `counts.test` of its rows holds: it is one, with some more rows where few are flagged.

    Raises:
        UserError: there is nothing to draw from.
    """
    cells: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for row in sorted(candidates, key=lambda row: _key(number, row.id)):
        cells[row.stratum, row.split].append(row)
    if not cells:
        raise UserError("winnow round: every labelled row is settled; there is nothing to draw a sample from")
    wanted = {
        (stratum, split): rows
        for stratum in STRATA
        for split, rows in _share(
            getattr(counts, stratum), {split: len(rows) for (own, split), rows in cells.items() if own == stratum}
        ).items()
    }
    test = sorted(
        (row for cell, rows in cells.items() if cell[1] == "test" for row in rows),
        key=lambda row: _key(number, row.id),
    )
    for stratum, drawn in Counter(row.stratum for row in test[: counts.test]).items():
        wanted[stratum, "test"] = max(wanted[stratum, "test"], drawn)
    rows = [
        Drawn(**vars(row), population=len(rows), drawn=wanted[cell], began=began)
        for cell, rows in cells.items()
        for row in rows[: wanted[cell]]
    ]
    return Round(number, began, _in_order(number, rows))


def write(path: Path, round_: Round) -> None:
    """Write a round's file."""
    lines = ([decisions.guard(cell) if isinstance(cell, str) else cell for cell in astuple(row)] for row in round_.rows)
    files.write_csv(path, COLUMNS, lines)


def read_all(folder: Path) -> list[Round]:
    """Return the rounds of a folder, in order.

    Raises:
        UserError: a file is not what `draw` made, a number is missing, or a round began before the one before it.
    """
    paths = {int(match[1]): path for path in sorted(folder.glob("*.csv")) if (match := _name(path))}
    rounds: list[Round] = []
    for number in range(1, max(paths, default=0) + 1):
        if number not in paths:
            raise UserError(f"{folder}: round {number} is missing, round {max(paths)} is there; {_mend(folder)}")
        rounds.append(_read(number, paths[number]))
        if number > 1 and rounds[-1].began < rounds[-2].began:
            raise UserError(
                f"{paths[number]}: the round began on {rounds[-1].began}, before round {number - 1} on "
                f"{rounds[-2].began}; {_mend(paths[number])}"
            )
    return rounds


def path_of(folder: Path, number: int) -> Path:
    """Return the path of a round's file."""
    return folder / f"{number:03d}.csv"


def _share(count: int, sizes: dict[str, int]) -> dict[str, int]:
    """Return how many rows each split gives of `count`, by its size (largest remainders): one at least, all at most."""
    total = sum(sizes.values())
    count = min(count, total)
    exact = {split: count * sizes[split] / total for split in sizes}
    shares = {split: min(sizes[split], max(1, int(exact[split]))) for split in sizes}
    for split in sorted(sizes, key=lambda split: (int(exact[split]) - exact[split], split)):
        if sum(shares.values()) < count and shares[split] < sizes[split]:
            shares[split] += 1
    return shares


def _in_order(number: int, rows: Iterable[Drawn]) -> tuple[Drawn, ...]:
    """Return rows by their place in the hash order of their stratum and split, all of these read at an even pace."""
    place: Counter = Counter()
    ranked = []
    for row in sorted(rows, key=lambda row: _key(number, row.id)):
        cell = row.stratum, row.split
        ranked.append(((place[cell] + 0.5) / row.drawn, _key(number, row.id), row))
        place[cell] += 1
    return tuple(row for _, _, row in sorted(ranked, key=lambda entry: entry[:2]))


def _key(number: int, id: str) -> str:
    return hashing.digest("round", number, id)


def _name(path: Path) -> re.Match:
    match = NAME.fullmatch(path.name)
    if not match:
        raise UserError(f"{path}: not the name of a round, such as 001.csv; take the file out")
    return match


def _mend(path: Path) -> str:
    return f"restore it with `git checkout -- {path}`"


def _read(number: int, path: Path) -> Round:
    text = files.read_text(path)
    if conflict := CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise UserError(f"{path}: line {line}: Git conflict marker; keep one side's file: a round has one sample")
    lines = list(csv.reader(io.StringIO(text, newline="")))
    if not lines or tuple(lines[0]) != COLUMNS:
        raise UserError(f"{path}: line 1: the header must be {','.join(COLUMNS)}; {_mend(path)}")
    rows = [_row(cells, f"{path}: line {line}", path) for line, cells in enumerate(lines[1:], 2)]
    _check(number, rows, path)
    return Round(number, rows[0].began, tuple(rows))


def _row(cells: Sequence[str], where: str, path: Path) -> Drawn:
    try:
        cell = dict(zip(COLUMNS, map(decisions.unguard, cells), strict=True))
        row = Drawn(
            **{name: cell[name] for name in ("id", "stratum", "split", "text_sha", "given_label", "began")},
            population=int(cell["population"]),
            drawn=int(cell["drawn"]),
            p_error=float(cell["p_error"]) if cell["p_error"] else None,
        )
    except ValueError:
        raise UserError(f"{where}: not {len(COLUMNS)} cells with numbers where they belong; {_mend(path)}") from None
    if not decisions.is_moment(row.began):
        raise UserError(f"{where}: began '{row.began}' is no date or time in UTC; {_mend(path)}")
    if row.stratum not in STRATA or row.split not in SPLITS:
        raise UserError(f"{where}: stratum '{row.stratum}' or split '{row.split}' is unknown; {_mend(path)}")
    return row


def _check(number: int, rows: Sequence[Drawn], path: Path) -> None:
    """Raise `UserError` unless the rows can be a sample as it was drawn: an edited one estimates nothing."""
    if len({row.id for row in rows}) < len(rows):
        raise UserError(f"{path}: an id stands twice; {_mend(path)}")
    if len({row.began for row in rows}) != 1:
        raise UserError(f"{path}: column began must hold one time, in one row at least; {_mend(path)}")
    cells: dict[tuple[str, str], list[Drawn]] = defaultdict(list)
    for row in rows:
        cells[row.stratum, row.split].append(row)
    for (stratum, split), drawn in cells.items():
        first = drawn[0]
        told = {(row.population, row.drawn) for row in drawn}
        if told != {(first.population, len(drawn))} or first.population < len(drawn):
            raise UserError(
                f"{path}: {len(drawn)} {stratum} rows of split {split}, but its columns say that {first.drawn} of "
                f"{first.population} were drawn: rows were added or taken out; {_mend(path)}"
            )
    if _in_order(number, rows) != tuple(rows):
        raise UserError(f"{path}: its rows are not in the order of their hashes: they were edited; {_mend(path)}")
