"""All rows of a source, read once as `collect` reads them: labels, lengths, duplicates, languages, what is missing."""

import json
import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np

from winnow.base import hashing, progress
from winnow.commands.init.look import Found
from winnow.commands.init.sets import Sets
from winnow.kinds.token_classification.cells import UNITS, Offsets, misplaced, placed
from winnow.kinds.token_classification.labels import Task
from winnow.readers import Block, dates
from winnow.readers.values import Refuse, as_list, as_text, with_point
from winnow.text import language
from winnow.text.words import words as words_of

SAMPLE = 2000  # texts whose language and markup are looked at
TOKENS_A_WORD = 1.3  # word pieces of a word in Latin letters; other letters are a piece each
WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|&(amp|nbsp|lt|gt|quot|#\d+);")
LONGEST = Task.model_construct(overlap="longest")  # of spans that overlap, as `recipe.task` has it
LEAST_WRONG = 3  # rows whose spans are wrong in characters, from which on their offsets may count something else
FEWER = 4  # times fewer rows that are wrong in another unit, which is then taken for theirs
LEAST_LETTERS = 20  # by which a language is told


@dataclass(frozen=True)
class Roles:
    """The columns of a source by what they are for."""

    text: list[str]
    label: str | None = None
    sets: Sets | None = None  # several labels a row; `label` is None then
    group: str | None = None
    published: str | None = None
    published_format: str | None = None
    key: str | None = None
    meta: list[str] = field(default_factory=list)
    too_few: str | None = None  # the column that would be the group, had it more values
    spans: bool = False  # the label is spans of the text, or a tag for each word of it
    offsets: Offsets = "characters"  # what these count
    responses: bool = False  # the label is a response to the text
    chat_key: str | None = None  # the column that names conversations, of chats with one
    joined: str | None = None  # what the label looks like, where it looks like several and is read as one
    has_commas: bool = False  # before the decimals of labels, or of what is kept beside rows

    def used(self) -> list[str]:
        """Return every column once, but those kept beside the row."""
        return list(dict.fromkeys([*self.single(), *(self.sets.columns if self.sets else ())]))

    def of_labels(self) -> str | None:
        """Return the column of labels, the first of several; None if there is none."""
        return self.sets.columns[0] if self.sets else self.label

    def single(self) -> list[str]:
        """Return those of `used` that hold one text a cell."""
        single = [*self.text, self.label, self.group, self.published, self.key]
        return list(dict.fromkeys(name for name in single if name is not None))


@dataclass
class Survey:
    """What was counted.

    Attributes:
        refused: rows that cannot be read; `problem` is the first one's.
        labels: rows by label, as the source writes it; of spans by each of their types.
        labelled: rows with a label, a set of labels or spans; be they none.
        overlapping: rows with spans that overlap.
        tokens: (rows,) estimated word pieces of each text that is not empty, with those of its response.
        words: (rows,) words of each text that is not empty.
        texts: a sample of them, spread over all rows.
        first, last: dates, ISO 8601.
    """

    rows: int = 0
    refused: int = 0
    problem: str = ""
    empty: int = 0
    labels: Counter = field(default_factory=Counter)
    labelled: int = 0
    overlapping: int = 0
    tokens: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint32))
    words: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint32))
    duplicates: int = 0
    keys_twice: int = 0
    groups: int = 0
    even_groups: float = 0.0  # as many groups of one size would be as unequal a lot: Kish's effective number
    dates: int = 0
    first: str = "9999"
    last: str = ""
    texts: list[str] = field(default_factory=list)

    def tokens_at(self, share: float) -> int:
        """Return how many tokens the texts have at most, but for the longest."""
        return int(np.quantile(self.tokens, share)) if len(self.tokens) else 0

    def words_at(self, share: float) -> int:
        """Return how many words the texts have at most, but for the longest."""
        return int(np.quantile(self.words, share)) if len(self.words) else 0

    @cached_property
    def languages(self) -> list[tuple[str, float]]:
        """The languages of the sample with their shares, the most frequent first; those above 1 %."""
        joined: list[str] = []
        short = ""
        for text in self.texts:
            short = f"{short} {text}" if short else text
            if sum(map(str.isalpha, short)) >= LEAST_LETTERS:
                joined.append(short)
                short = ""
        counts = Counter(code for code, _ in language.detect(joined) if code != language.UNKNOWN)
        return [(code, count / counts.total()) for code, count in counts.most_common() if count > counts.total() / 100]

    def scripts(self) -> list[str]:
        """Return the scripts of the sample's letters, those above 5 %, the most frequent first."""
        counts = Counter(_script(letter) for text in self.texts for letter in text[:200] if letter.isalpha())
        return [name for name, count in counts.most_common() if count > counts.total() / 20]

    def markup(self) -> float:
        """Return the share of the sample with tags or entities."""
        return sum(bool(MARKUP.search(text)) for text in self.texts) / max(len(self.texts), 1)


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0].split("-")[0].capitalize()


def count(found: Found, roles: Roles) -> Survey:
    """Return what all rows hold. Memory: some tens of bytes a row.

    Raises:
        UserError: a file cannot be read as a whole, or lacks a column.
    """
    survey = Survey()
    tokens, words, texts, keys, groups = array("I"), array("I"), array("Q"), array("Q"), array("Q")
    every = 1
    for block in progress.over(found.blocks(roles.used()), f"looking at {found.path.name}"):
        survey.rows += len(block.places) + len(block.problems)
        survey.refused += len(block.problems)
        if block.problems and not survey.problem:
            survey.problem = ": ".join(block.problems[0])
        cells, sets = _read(block, roles, survey)
        said = cells[roles.label] if roles.responses and roles.label else None
        for row, parts in enumerate(zip(*(cells[name] for name in roles.text), strict=True)):
            text = "\n\n".join(part for part in parts if part)
            if not text.strip():
                survey.empty += 1
                continue
            tokens.append(estimate(text) + (estimate(said[row]) if said and said[row] else 0))
            words.append(len(words_of(text)))
            texts.append(number := _number(text))
            if number % every == 0:
                survey.texts.append(text)
        while len(survey.texts) > SAMPLE:
            every *= 2
            survey.texts = [text for text in survey.texts if _number(text) % every == 0] or survey.texts[:1]
        if said:
            survey.labelled += sum(bool(cell and cell.strip()) for cell in said)
        elif roles.spans:
            _add_spans(survey, filter(None, cells[roles.label]))
        elif roles.label:
            names = [cell for cell in cells[roles.label] if cell and cell.strip()]
            survey.labels.update(map(with_point, names) if roles.has_commas else names)
            survey.labelled += len(names)
        if roles.sets:
            survey.labels.update(name for each in sets if each is not None for name in each)
            survey.labelled += sum(each is not None for each in sets)
        keys.extend(map(_number, filter(None, cells.get(roles.key, ()))))
        groups.extend(map(_number, filter(None, cells.get(roles.group, ()))))
        _add_dates(survey, cells.get(roles.published, ()), roles.published_format)
    survey.tokens, survey.words = np.array(tokens, np.uint32), np.array(words, np.uint32)
    survey.duplicates = len(texts) - len(set(texts))
    sizes = np.unique(np.array(groups, np.uint64), return_counts=True)[1]
    survey.groups = len(sizes)
    survey.even_groups = float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0
    if roles.key:
        # A row without a key is refused, too.
        survey.keys_twice = survey.rows - survey.refused - len(set(keys))
    return survey


def _read(block: Block, roles: Roles, survey: Survey) -> tuple[dict[str, list], list]:
    """Return the cells of each column of `roles.single` and the sets of labels, without rows that `collect` refuses.

    These are counted.
    """
    refused: dict[int, str] = {}

    def refuse(place: int, rule: str, reason: str) -> None:
        refused.setdefault(place, reason)

    block = _placed(block, roles, refuse) if roles.spans else block
    columns = [_cells(block, name, refuse) for name in roles.single()]
    sets = []
    if roles.sets:
        sets = roles.sets.names([block.columns[name] for name in roles.sets.columns], refuse)
    if refused:
        first = min(refused)
        survey.refused += len(refused)
        survey.problem = survey.problem or f"{block.places[first]}: {refused[first]}"
        *columns, sets = [
            [cell for place, cell in enumerate(cells) if place not in refused] for cells in (*columns, sets)
        ]
    return dict(zip(roles.single(), columns, strict=True)), sets


def _cells(block: Block, name: str, refuse: Refuse) -> list[str | None]:
    out: list[str | None] = []
    for place, value in enumerate(as_list(block.columns[name])):
        try:
            out.append(as_text(value) or None)
        except ValueError as error:
            refuse(place, "bad_value", f"column '{name}' holds {error}")
            out.append(None)
    return out


def _placed(block: Block, roles: Roles, refuse: Refuse) -> Block:
    """Return a block whose texts and spans are texts."""
    text, label = roles.text[0], roles.label
    texts, said = (as_list(block.columns[name]) for name in (text, label))
    read = placed(texts, said, roles.offsets, refuse)
    return block._replace(columns=block.columns | {text: read.texts, label: read.labels})


def offsets(found: Found, roles: Roles) -> Offsets:
    """Return what the offsets of a table's spans count: characters, unless another unit fits many more of a sample."""
    texts, cells = [], []
    for block in found.blocks([*roles.text, roles.label]):
        pairs = zip(*(as_list(block.columns[name]) for name in (roles.text[0], roles.label)), strict=True)
        told = [(text, cell) for text, cell in pairs if isinstance(text, str) and not text.isascii()]
        texts += [text for text, _ in told]
        cells += [cell for _, cell in told]
        if len(texts) >= SAMPLE:
            break
    wrong = {unit: misplaced(texts, cells, unit) for unit in UNITS}
    best = min(wrong, key=wrong.__getitem__)
    # A corpus may mark parts of words, or leave a few spans askew.
    return best if wrong["characters"] >= max(LEAST_WRONG, FEWER * wrong[best]) else "characters"


def _add_spans(survey: Survey, labels: Iterable[str]) -> None:
    for label in labels:
        kept, lost = LONGEST.apart(map(tuple, json.loads(label)))
        survey.labelled += 1
        survey.overlapping += bool(lost)
        survey.labels.update({name for *_, name in kept})
        survey.labels.update(dict.fromkeys((name for *_, name in lost), 0))  # a type may occur in others alone


def _number(text: str) -> int:
    return int(hashing.text_sha(text)[:16], 16)


def _add_dates(survey: Survey, cells: Iterable[str | None], form: str | None) -> None:
    for cell in filter(None, cells):
        day = str(dates.read(cell, [form] if form else dates.PLAIN))
        if day.startswith(("19", "20")):
            survey.dates += 1
            survey.first, survey.last = min(survey.first, day), max(survey.last, day)


def estimate(text: str) -> int:
    """Return about how many tokens a text has: of a word in Latin letters 1.3, of other scripts one a letter."""
    tokens = 2.0
    for word in WORD.findall(text):
        tokens += TOKENS_A_WORD if word.isascii() or _script(word[0]) == "Latin" else len(word)
    return int(tokens)
