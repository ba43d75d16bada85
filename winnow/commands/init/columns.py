"""Which column is what: the text, the label, the group, the date, the key; from names, and from what cells hold."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from winnow.commands.init.dialect import is_number
from winnow.commands.init.look import SAMPLE_ROWS, Found
from winnow.readers import dates
from winnow.readers.values import as_list, as_text


def _names(words: str) -> re.Pattern:
    return re.compile(rf"(?:.*[._ -])?(?:{'|'.join(words.split())})", re.IGNORECASE)


TEXT = _names(
    "texts? messages? msg body content sentences? reviews? comments? utterance query question abstract description "
    "tweet document docs? e-?mail transcript post summary narrative texto texte testo nachricht kommentar "
    "文本 内容 正文 评论 текст сообщение टेक्स्ट पाठ نص النص テキスト 本文"
)
TITLE = _names("title subject headline heading betreff titre titel título 标题 заголовок")
LABEL = _names(
    "labels? class(?:es)? category categories categorie kategorie categoría intents? target sentiments? topics? gold "
    "annotations? queue y "
    "label_(?:name|text) 标签 类别 分类 метка категория लेबल श्रेणी تصنيف فئة ラベル"
)
MAYBE_LABEL = _names(
    "type kind emotion lang language spam rating stars score priority status department polarity stance tags? folder"
)
GROUP = _names(
    "group thread(?:_?id)? conversation(?:_?id)? session(?:_?id)? user(?:_?id|_?name)? authors? customer(?:_?id)? "
    "patient(?:_?id)? client(?:_?id)? account(?:_?id)? speaker doc(?:ument)?_?id paper(?:_?id)? dialog(?:ue)?_?id "
    "sender (?:kunden?|autor(?:en)?|patienten|benutzer|nutzer)(?:_?(?:id|nr|nummer))? cliente auteur"
)
DATE = _names(
    "date datetime time timestamp created(?:_?at|_?on)? published(?:_?at)? opened(?:_?at)? day datum fecha 日期 дата"
)
KEY = _names(r"id \w*id uuid guid key no nr number index unnamed:.0")
PROMPT = _names("prompt instructions? input question query")
RESPONSE = _names("response completion output answer chosen rejected reply")
ONE_OF_TWO = ({"0", "1"}, {"false", "true"}, {"False", "True"}, {"0.0", "1.0"})
FORMS = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
    "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S UTC", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y",
    "%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z",
)  # fmt: skip
SAMPLE_CELLS = 200_000
LONGEST_LABEL = 60  # characters of a label, on average
MOST_LABELS = 2000
TINY = 20  # rows of which none may share a label
LONGEST_META = 200
MOST_META = 12
LEAST_GROUPS = 20  # of fewer groups no three splits can be made


@dataclass(frozen=True)
class Column:
    """A sample of one column.

    Attributes:
        cells: what `collect` makes of each cell, None where it is empty.
        other: what the cells hold that are no text, lists for the most part.
    """

    name: str
    cells: list[str | None]
    other: list[object] = field(default_factory=list)

    @cached_property
    def filled(self) -> list[str]:
        """The cells that are not empty."""
        return [cell for cell in self.cells if cell is not None]

    @cached_property
    def counts(self) -> Counter:
        """How often each cell comes."""
        return Counter(self.filled)

    @cached_property
    def characters(self) -> float:
        """Characters of a cell, on average."""
        return sum(map(len, self.filled)) / max(len(self.filled), 1)

    @cached_property
    def is_number(self) -> bool:
        """Whether almost all cells are numbers."""
        return self._mostly(is_number)

    @cached_property
    def is_decimal(self) -> bool:
        """Whether cells are numbers with decimals."""
        return self.is_number and any(re.search(r"[.,]\d", cell) for cell in self.filled)

    @cached_property
    def has_commas(self) -> bool:
        """Whether cells are numbers with a comma before the decimals."""
        written = [cell for cell in self.filled if re.search(r"[.,]", cell)]
        return self.is_number and bool(written) and all(re.search(r",\d+$", cell.strip()) for cell in written)

    @cached_property
    def date_forms(self) -> list[str]:
        """The forms in which almost all cells are dates; "" for ISO 8601."""
        if self.is_number and not DATE.fullmatch(self.name):
            return []
        if self._mostly(lambda cell: dates.read(cell, dates.PLAIN)):
            return [""]
        if self.is_number:
            return ["unix"] if self._mostly(lambda cell: re.fullmatch(r"1?\d{9}(\d{3})?(\.\d+)?", cell)) else []
        return [form for form in FORMS if self._mostly(lambda cell, form=form: dates.read(cell, [form]))]

    @cached_property
    def is_mark(self) -> bool:
        """Whether cells are names without a space: codes, addresses, files."""
        return self._mostly(lambda cell: re.fullmatch(r"[!-~]+", cell))

    def _mostly(self, is_so: Callable[[str], object]) -> bool:
        some = list(self.counts)[:500]
        return bool(some) and sum(bool(is_so(cell)) for cell in some) >= 0.95 * len(some)


def sample(found: Found) -> list[Column]:
    """Return the columns of the first rows."""
    columns = [Column(name, []) for name in found.columns]
    for block in found.blocks(list(found.columns)):
        for column in columns:
            for value in as_list(block.columns[column.name]):
                try:
                    column.cells.append(as_text(value) or None)
                except ValueError:
                    column.cells.append(None)
                    if not isinstance(value, str):  # a text with half a surrogate pair is one that was damaged
                        column.other.append(value)
        rows = len(columns[0].cells)
        if rows >= SAMPLE_ROWS or rows * len(columns) >= SAMPLE_CELLS:
            break
    return columns


def texts(columns: Iterable[Column]) -> list[Column]:
    """Return the columns that may be the text, the likeliest first."""

    def score(column: Column) -> float:
        distinct = len(column.counts) / len(column.filled)
        return column.characters * distinct * (4 if TEXT.fullmatch(column.name) else 1)

    able = [
        column
        for column in columns
        if column.filled
        and not (column.is_number or column.is_mark or column.date_forms or column.other)
        and (TEXT.fullmatch(column.name) or not LABEL.fullmatch(column.name))
        and (len(column.counts) > min(20, len(column.filled) / 10))
    ]
    return sorted(able, key=score, reverse=True)


def chosen_texts(able: Sequence[Column]) -> tuple[list[str], bool]:
    """Return the columns that make the text, and whether that is plain to see.

    A title goes before the body that is beside it.
    """
    if not able:
        return [], False
    titles = [column for column in able if TITLE.fullmatch(column.name) and not TEXT.fullmatch(column.name)]
    bodies = [column for column in able if column not in titles] or able
    first, *rest = bodies
    plain = not rest or bool(TEXT.fullmatch(first.name)) > bool(TEXT.fullmatch(rest[0].name))
    plain = plain or first.characters > 2 * rest[0].characters
    return [*[column.name for column in titles[:1] if column is not first], first.name], plain


def labels(columns: Iterable[Column]) -> list[Column]:
    """Return the columns that may be the label, those with a name that says so first."""
    able = [column for column in columns if _may_be_label(column)]
    able = [
        column for column in able if not any(_says_the_same(column, other) for other in able if other is not column)
    ]
    return sorted(able, key=_strength, reverse=True)


def _may_be_label(column: Column) -> bool:
    count = len(column.filled)
    few = 1 < len(column.counts) <= min(MOST_LABELS, count / 2)
    few = few or (LABEL.fullmatch(column.name) and (len(column.counts) == 1 or count < TINY))
    whole = not column.is_decimal or LABEL.fullmatch(column.name)
    return bool(
        count and few and whole and column.characters <= LONGEST_LABEL and not column.date_forms and not column.other
    )


def _strength(column: Column) -> int:
    return 2 if LABEL.fullmatch(column.name) else int(bool(MAYBE_LABEL.fullmatch(column.name)))


def _says_the_same(column: Column, other: Column) -> bool:
    """Return whether another column holds words for the numbers of this one."""
    if not column.is_number or other.is_number or len(column.counts) != len(other.counts):
        return False
    return len(set(zip(column.cells, other.cells, strict=True))) == len(column.counts)


def chosen_label(able: Sequence[Column]) -> tuple[str | None, bool]:
    """Return the column that is the label, the likeliest, and whether that is plain to see."""
    if not able:
        return None, True
    first, *rest = able
    return first.name, not rest or _strength(first) == 2 > _strength(rest[0])


def group(columns: Iterable[Column]) -> str | None:
    """Return the column of what rows have in common that must stay in one split."""
    for column in columns:
        distinct = len(column.counts)
        if GROUP.fullmatch(column.name) and LEAST_GROUPS <= distinct < 0.98 * len(column.filled):
            return column.name
    return None


def date(columns: Iterable[Column]) -> Column | None:
    """Return the column of the date; one whose name says so before another."""
    able = [column for column in columns if column.date_forms]
    return max(able, key=lambda column: bool(DATE.fullmatch(column.name)), default=None)


def key(columns: Iterable[Column]) -> str | None:
    """Return the column that names a row."""
    able = [
        column.name
        for column in columns
        if KEY.fullmatch(column.name or "id") and len(column.counts) == len(column.cells) and column.characters < 100
    ]
    return able[0] if able else None


def meta(columns: Iterable[Column], used: Iterable[str]) -> list[str]:
    """Return the columns that are kept beside the row: the short ones."""
    taken = set(used)
    able = [
        column.name
        for column in columns
        if column.name
        and column.name not in taken
        and column.filled
        and not column.other
        and column.characters <= LONGEST_META
    ]
    return able[:MOST_META]
