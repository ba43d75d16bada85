"""The labels of all sources: in the canonical form of the task, and which of them are none, or two spellings of one."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pyarrow as pa

from stages.collect.sources import Source
from winnow.base.errors import UserError
from winnow.kinds.task import Task, bare, spelled
from winnow.readers.values import Refuse, as_list

SHOWN = 10  # labels that a message names
MOST_UNKNOWN = 200  # labels of a source; more, and its column is no label
READ_ON = 1_000_000  # rows after the first unknown label, so that one message names them all
MOST_NAMES = 100_000  # names of a task that are compared; more are no classes


@dataclass
class Unknown:
    """A label of a source that is none of the task's."""

    where: str  # its first row
    rows: int = 0


class Labels:
    """Reads labels, counts, and tells what is wrong with them once all rows that bear on it were read."""

    def __init__(self, task: Task, cells: ModuleType | None = None) -> None:
        """Begin with no label.

        Args:
            cells: what the kind of task says of cells (`winnow.kinds`); None: a cell is a label's name.
        """
        self.task = task
        self._cells = cells
        self._unknown: dict[str, Unknown] = {}  # of the source that is being read
        self._rows = 0  # read since the first of them
        # By field (label, or aux_<task>), form and name as it is written: the rows.
        self._names: dict[str, dict[str, Counter]] = defaultdict(lambda: defaultdict(Counter))

    def cells(
        self, columns: Mapping[str, Sequence | pa.Array], source: Source, refuse: Refuse
    ) -> tuple[dict[str, Sequence | pa.Array], Mapping[int, str]]:
        """Return the columns with cells that are texts where the kind of task reads other ones too, and what of a row's
        label was mended on the way, by the row's place.

        Raises:
            UserError: labels are parts of the text, and this stands in several columns.
        """
        if not self._cells:
            return dict(columns), {}
        mapping = source.columns
        if not hasattr(self._cells, "placed"):
            return columns | {name: self._cells.flat(columns[name]) for name in mapping.labels()}, {}
        if len(mapping.texts()) > 1:
            raise UserError(
                f"source '{source.name}': columns.text names {len(mapping.texts())} columns; labels of task.kind "
                f"{self.task.kind} are places in the text, which stands in one: join the columns beforehand"
            )
        (text,), label = mapping.texts(), mapping.labels()
        texts = as_list(_whole(columns[text]))
        said = as_list(_whole(columns[label[0]])) if len(label) == 1 else [None] * len(texts)
        placed = self._cells.placed(texts, said, source.offsets, refuse)
        own = {label[0]: placed.labels} if len(label) == 1 else {}
        return columns | {text: placed.texts} | own, placed.notes

    def gathered(self, columns: Mapping[str, pa.Array], refuse: Refuse) -> pa.Array:
        """Return what the columns of labels say as one text a row, (rows,) strings.

        Raises:
            UserError: there are several, and the kind of task reads one.
        """
        if self._cells:
            return self._cells.gathered(columns, refuse)
        if len(columns) > 1:
            raise UserError(
                f"params.yaml: collect.sources: columns.label names {len(columns)} columns: {', '.join(columns)}; a "
                f"row of task.kind {self.task.kind} has one label, in one column"
            )
        return next(iter(columns.values()))

    def _label(self, name: str, source: Source) -> str | None:
        """Return the label that a cell means, or raise a `UserError` if it is none."""
        if not name.strip():
            return None
        mapped = (
            self._cells.mapped(self.task, name, source.label_map) if self._cells else source.label_map.get(name, name)
        )
        return None if mapped is None else self.task.check(mapped, "")

    def _left_out(self, name: str, source: Source) -> str | None:
        """Return what of a cell the task leaves out, in words."""
        if not hasattr(self._cells, "left_out"):
            return None
        return self._cells.left_out(self.task, self._cells.mapped(self.task, name, source.label_map))

    def _strange(self, name: str, source: Source) -> list[str]:
        """Return what of a cell is no label."""
        return self._cells.strange(self.task, name, source.label_map) if self._cells else [name]

    def read(
        self, column: pa.Array, source: Source, places: pa.Array, keys: pa.Array
    ) -> tuple[pa.Array, pa.Array | None]:
        """Return a source's labels in their canonical form, null for none, and in words what the task left out.

        Args:
            places, keys: of the rows, for messages.

        Raises:
            UserError: so many labels are unknown, or since so many rows, that more would not help; or one is none for
                another reason.
        """
        coded = column.dictionary_encode()
        counts = np.bincount(coded.indices.drop_null().to_numpy(), minlength=len(coded.dictionary)).tolist()
        labels, left_out = [], []
        for code, (name, count) in enumerate(zip(coded.dictionary.to_pylist(), counts, strict=True)):
            note = None
            try:
                label = self._label(name, source)
                note = self._left_out(name, source) if label is not None else None
            except UserError as error:
                row = int(np.argmax(coded.indices.fill_null(-1).to_numpy() == code))
                where = f"{places[row]}, key '{keys[row]}'"
                unknown = self._strange(name, source)
                if not unknown:
                    raise UserError(f"source '{source.name}': {where}{error}") from None
                for strange in unknown:
                    self._unknown.setdefault(strange, Unknown(where)).rows += count
                label = None
            left_out.append(note)
            if label is not None and not self.task.is_closed:
                self._count("label", self.task.names(label), count)
            labels.append(label)
        self._rows += len(column) if self._unknown else 0
        if self._rows > READ_ON or len(self._unknown) > MOST_UNKNOWN:
            self.check(source, "so far ")
        told = pa.array(left_out, pa.string()).take(coded.indices) if any(left_out) else None
        return pa.array(labels, pa.string()).take(coded.indices), told

    def texts(self, texts: pa.Array) -> pa.Array:
        """Return the rows' texts, (rows,) strings, in the form in which the kind of task reads them."""
        if type(self.task).canonical_text is Task.canonical_text:
            return texts
        return pa.array([self.task.canonical_text(text) for text in texts.to_pylist()], pa.string())

    def check_texts(self, labels: pa.Array, texts: pa.Array, places: pa.Array) -> None:
        """Raise a `UserError` if a label cannot be one of its row's text."""
        if type(self.task).fits is not Task.fits:  # of others, every label is one of every text
            for label, text, place in zip(labels.to_pylist(), texts.to_pylist(), places.to_pylist(), strict=True):
                if label is not None:
                    self.task.fits(label, text, place)

    def read_aux(self, column: pa.Array, task: str, source: Source) -> pa.Array:
        """Return a source's labels of a further task."""
        coded = column.dictionary_encode()
        names = source.aux_map.get(task, {})
        labels = [names.get(name, name) for name in coded.dictionary.to_pylist()]
        counts = np.bincount(coded.indices.drop_null().to_numpy(), minlength=len(labels)).tolist()
        for label, count in zip(labels, counts, strict=True):
            if label is not None:
                self._count(f"aux_{task}", [label], count)
        return pa.array(labels, pa.string()).take(coded.indices)

    def _count(self, field: str, names: list[str], rows: int) -> None:
        forms = self._names[field]
        if len(forms) <= MOST_NAMES:
            for name in names:
                forms[bare(name)][name] += rows

    def check(self, source: Source, so_far: str = "") -> None:
        """Raise a `UserError` that names the unknown labels of a source, which was read; forget them."""
        unknown, self._unknown, self._rows = self._unknown, {}, 0
        if not unknown:
            return
        first = next(iter(unknown))
        try:
            self.task.check_name(source.label_map.get(first) or first, f"source '{source.name}'")
            problem = ""
        except UserError as error:
            problem = str(error)
        # Of a closed set, what another spelling means.
        meant = {bare(name): name for name in self.task.classes(())}
        told, mend = [], []
        for name, found in list(unknown.items())[:SHOWN]:
            like = meant.get(bare(name))
            but = f", {spelled(like)} but for case, space or Unicode form" if like is not None else ""
            told.append(f"{spelled(name)} ({_rows(found.rows)}{but})")
            mend.append(f"{spelled(name)}: {'null' if like is None else spelled(like)}")
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        raise UserError(
            f"{problem}; the first such row is {unknown[first].where}; in column "
            f"'{', '.join(source.columns.labels())}' {so_far}these are no labels: {', '.join(told)}{more}; add them "
            f"to the source's label_map: {{{', '.join(mend)}}} (null: "
            f"such rows have no label), or to the task's labels"
        )

    def alike(self) -> Iterator[tuple[str, str]]:
        """Yield each field in which names differ in case, space or Unicode form alone, and these names in words."""
        for field, forms in sorted(self._names.items()):
            groups = [names for names in forms.values() if len(names) > 1]
            told = [
                " and ".join(f"{spelled(name)} ({_rows(rows)})" for name, rows in names.most_common())
                for names in groups[:SHOWN]
            ]
            if told:
                more = f"; and {len(groups) - SHOWN} more" if len(groups) > SHOWN else ""
                yield field, "; ".join(told) + more


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _whole(column: Sequence | pa.Array) -> Sequence | pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
