"""CoNLL files: a word a line, its tag in a column beside it, an empty line between two sentences.

The text is the words with a space between, or with the spaces that their offsets leave, where a column has these. A
line `-DOCSTART-`, or a comment `# newdoc`, begins a document. A comment begins with `#`, stands before a sentence's
first word and has no tag.
"""

import re
from collections.abc import Iterator, Sequence
from typing import IO, Literal, NamedTuple

from pydantic import Field

from winnow.base.errors import UserError
from winnow.base.params import Section
from winnow.readers import MAX_DOCUMENT, Record, check_columns, tags
from winnow.readers.lines import lines

FIELDS = ("text", "spans", "words", "tags", "file", "document")
DOCUMENT = re.compile(r"-DOCSTART-|#\s*newdoc\b")
LONGEST_LINE = 60  # characters of a broken line that a message repeats
META = re.compile(r"#\s*[\w.:-]+\s*=")  # CoNLL-U's "# sent_id = 5"


class Conll(Section):
    """Which column of a CoNLL file holds what, from 1 on; -1 is the last one."""

    word: int = 1
    """The column of the words."""

    tag: int = -1
    """The column of the tags."""

    start: int | None = None
    """The column that tells at which character of its document a word begins. Null: words have one space between."""

    rows: Literal["sentences", "documents"] = Field("sentences")
    """What a row is; of documents the sentences are lines."""


class Written(NamedTuple):
    """How CoNLL files are written.

    Attributes:
        options: which column holds what.
        delimiter: what stands between columns; None: a tab, or else any white space.
    """

    options: Conll
    delimiter: str | None
    encoding: str


class Word(NamedTuple):
    """A word of a sentence, and where it stands."""

    text: str
    tag: str
    start: int | None


class Sentence(NamedTuple):
    """The words of a sentence, the number of its first line and of its document, or why it cannot be read.

    Attributes:
        problem: the number of the first line that cannot be read, and why.
    """

    line: int
    document: int
    words: list[Word]
    problem: tuple[int, str] | None


def sentences(stream: IO[bytes], where: str, written: Written) -> Iterator[Sentence]:
    """Yield the sentences of a file; those of a document whose start is marked have its number, from 1 on.

    Raises:
        UserError: a column is not there, or a byte is not of the encoding.
    """
    options, sign, encoding = written
    width, document = 0, 0
    words: list[Word] = []
    first, problem = 0, None
    for number, line in enumerate(lines(stream, where, encoding), 1):
        line = line.rstrip("\r\n")
        cells = line.split(sign) if sign else line.split()
        if not line.strip() or DOCUMENT.match(line):
            if first:
                yield Sentence(first, document, words, problem)
                words, first, problem = [], 0, None
            document += bool(line.strip())
            continue
        is_comment = line[0] == "#" and not tags.are_tags(cells[-1:]) and (len(cells) != width or META.match(line))
        if not first and is_comment:
            continue
        if not width:
            if sign is None and "\t" in line:
                sign = "\t"
                cells = line.split(sign)
            width = len(cells)
            _check(where, options, width)
        first = first or number
        if len(cells) != width:
            problem = problem or (number, _other_width(line, len(cells), width, written._replace(delimiter=sign)))
            continue
        try:
            words.append(_word(cells, options))
        except ValueError as error:
            problem = problem or (number, f"{error}; mend the line")
    if first:
        yield Sentence(first, document, words, problem)


def _other_width(line: str, cells: int, width: int, written: Written) -> str:
    """Return what is wrong with a line of too few or too many columns, what is expected, and the mend."""
    sign = {None: "white space", "\t": "tabs"}.get(written.delimiter, repr(written.delimiter))
    shown = line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"
    options = written.options
    word, tag = ("the last" if at == -1 else f"column {at}" for at in (options.word, options.tag))
    return (
        f"{cells} column{'s' * (cells != 1)} ({shown!r}), where {width} are expected, parted by {sign}, as in the "
        f"first word's line: the word in {word}, its tag in {tag}; mend the line, or conll and delimiter in "
        f"its entry of params.yaml"
    )


def _check(where: str, options: Conll, width: int) -> None:
    for key in ("word", "tag", "start"):
        column = getattr(options, key)
        if column is not None and not (1 <= column <= width or 1 <= -column <= width):
            raise UserError(
                f"{where}: column {column} is missing, the first word's line has {width}; mend conll.{key} or "
                f"delimiter in its entry of params.yaml"
            )
    if options.word in (options.tag, options.tag + width + 1, options.tag - width - 1):
        raise UserError(
            f"{where}: column {options.word} is that of the words and of the tags, the first word's line has {width}; "
            f"mend conll or delimiter in its entry of params.yaml, or the file, if it has no tags"
        )


def _word(cells: Sequence[str], options: Conll) -> Word:
    at = {key: cells[column - (column > 0)] for key, column in options.model_dump(exclude={"rows"}).items() if column}
    if not at["word"].strip():
        raise ValueError("its word is empty")
    if problem := tags.problem([at["tag"]]):
        raise ValueError(problem.replace("word 1", f"'{at['word']}'"))
    if "start" in at and not re.fullmatch("[0-9]{1,12}", at["start"]):
        raise ValueError(f"'{at['start']}' is no number of characters (conll.start)")
    return Word(at["word"], at["tag"], int(at["start"]) if "start" in at else None)


def begin(stream: IO[bytes], where: str, written: Written) -> Iterator[bool]:
    """Yield once, True, if every span of a file should begin with a `B-`."""
    found = sentences(stream, where, written)
    if any(tags.begin([word.tag for word in sentence.words]) for sentence in found):
        yield True


def read(
    stream: IO[bytes], where: str, columns: Sequence[str], written: Written, begins: bool = True
) -> Iterator[Record]:
    """Yield a record for each sentence, or document: those of `FIELDS` that `columns` names.

    `spans` are lists of start, end and type, `words` and `tags` lists, `document` names the document whose start is
    marked, None where none is.

    Args:
        begins: every span should begin with a `B-`; one that does not is told as a doubt.

    Raises:
        UserError: a column is not one of `FIELDS`, or a file's lines lack one.
    """
    check_columns(where, columns, FIELDS)
    found = sentences(stream, where, written)
    for parts in _rows(found, written.options.rows):
        first = parts[0]
        place = f"{where}, line {first.line}"
        if problem := next((part.problem for part in parts if part.problem), None):
            yield Record(f"{where}, line {problem[0]}", (), problem[1])
            continue
        try:
            text, offsets = _text(parts)
        except ValueError as error:
            yield Record(place, (), str(error))
            continue
        named = [word.tag for part in parts for word in part.words]
        spans, mended = tags.spans(named, offsets, begins)
        values = {
            "text": text,
            "spans": spans,
            "words": [word.text for part in parts for word in part.words],
            "tags": named,
            "file": where,
            "document": f"{where}, document {first.document}" if first.document else None,
        }
        yield Record(place, [values[name] for name in columns], doubt=mended)


def _rows(found: Iterator[Sentence], rows: str) -> Iterator[list[Sentence]]:
    parts: list[Sentence] = []
    for sentence in found:
        if parts and (rows == "sentences" or sentence.document != parts[-1].document):
            yield parts
            parts = []
        parts.append(sentence)
    if parts:
        yield parts


def _text(parts: Sequence[Sentence]) -> tuple[str, list[tuple[int, int]]]:
    """Return the text of some sentences, and where each word stands in it; raises `ValueError` if words overlap."""
    text, offsets = "", []
    begin = parts[0].words[0].start
    for number, part in enumerate(parts):
        for place, word in enumerate(part.words):
            if word.start is None:
                text += "" if not text else " " if place else "\n"
            else:
                gap = word.start - begin - len(text)
                if gap < 0:
                    raise ValueError(f"'{word.text}' begins at {word.start}, within the word before it (conll.start)")
                if len(text) + gap > MAX_DOCUMENT:  # the gap becomes spaces
                    raise ValueError(
                        f"'{word.text}' begins at {word.start}, and no document is longer than {MAX_DOCUMENT} "
                        f"characters (conll.start)"
                    )
                text += " " * gap if place or not number or not gap else " " * (gap - 1) + "\n"
            offsets.append((len(text), len(text) + len(word.text)))
            text += word.text
    return text, offsets
