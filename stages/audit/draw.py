"""Which rows audit the automatic labels: a random sample of those that nobody judged before the rules stood."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from winnow.base import hashing
from winnow.kinds.task import Task
from winnow.people import decisions
from winnow.people.decisions import Decision

Stratum = tuple[str, str | None]  # origin and class; None: the label counts for no class


def used_up(made: Iterable[Decision], versions: Mapping[str, str]) -> set[str]:
    """Return the ids of rows that cannot audit their label: what people said of them may have shaped the rules.

    A row audits if the first who judged it did so in the draw of today's version. Later decisions on it, in any queue,
    then refine what was found there: leaving the row out for them would take hard rows out of the sample.

    Args:
        versions: of the rules that set each row's label, by id.
    """
    by_row: dict[str, list[Decision]] = defaultdict(list)
    for decision in made:
        if decision.id in versions:
            by_row[decision.id].append(decision)
    return {id for id, of_row in by_row.items() if not _audits(of_row, versions[id])}


def _audits(made: Sequence[Decision], version: str) -> bool:
    first = min((decision.decided_on for decision in made), key=decisions.order)
    # Of a day alone nobody knows whether a time of that day was earlier.
    telling = (decision for decision in made if decision.drawn_for or decision.decided_on.startswith(first))
    return all(decision.drawn_for == version for decision in telling)


@dataclass(frozen=True)
class Draw:
    """The sample.

    Attributes:
        ids: in the order in which to read them: the strata in turn, so that whoever stops half-way has read as many of
            each, and a random sample of each.
        strata: origin and classes of each row that has an automatic label, by id.
        used: ids of rows that cannot audit.
    """

    ids: Sequence[str]
    strata: Mapping[str, Sequence[Stratum]]
    used: Collection[str]

    @classmethod
    def of(cls, labelled: Iterable[Mapping], used: Collection[str], rows: int, task: Task) -> "Draw":
        """Return the sample: of each origin and class the `rows` rows of lowest hash that are not used up.

        Args:
            labelled: id, label, label_origin and version of each row with an automatic label.
        """
        labelled = sorted(labelled, key=lambda row: (_key(row), row["id"]))
        strata = {
            row["id"]: [(row["label_origin"], name) for name in task.names(row["label"]) or [None]] for row in labelled
        }
        place: Counter = Counter()
        ranked = []
        for row in labelled:
            if row["id"] in used:
                continue
            own = strata[row["id"]]
            rank = min(place[stratum] for stratum in own)
            place.update(own)
            if rank < rows:
                ranked.append((rank, _key(row), row["id"]))
        return cls([id for _, _, id in sorted(ranked)], strata, used)

    def told(self, id: str) -> list[str]:
        """Return what people are told of the rows that are used up."""
        used = max(self._used[stratum] for stratum in self.strata[id])
        return [f"random sample; {used} rows with this label were judged before, and cannot audit it"] if used else []

    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return, by origin and class, how many rows there are, are drawn and are used up."""
        rows, drawn = self._count(self.strata), self._count(self.ids)
        result: dict[str, dict[str, dict[str, int]]] = {}
        for origin, name in sorted(rows, key=str):
            of = origin, name
            own = {"rows": rows[of], "drawn": drawn[of], "used_up": self._used[of]}
            result.setdefault(origin, {})[name or "none"] = own
        return result

    @cached_property
    def _used(self) -> Counter:
        return self._count(self.used)

    def _count(self, ids: Iterable[str]) -> Counter:
        return Counter(stratum for id in ids for stratum in self.strata[id])


def _key(row: Mapping) -> str:
    return hashing.digest("audit", row["version"], row["id"])
