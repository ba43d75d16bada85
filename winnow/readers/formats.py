"""The reader of each format, called on files."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from winnow import readers
from winnow.readers import Block, Record, brat, chat, conll, documents, jsonl, mail, parquet, tabular
from winnow.readers.opening import Input, Tell, each
from winnow.readers.tabular import Dialect

# A reader of one format: (stream, file name, wanted columns) to records.
Reader = Callable[..., Iterator[Record]]


def read(
    format_: str, files: Sequence[Input], columns: Sequence[str], dialect: Dialect, tell: Tell = str
) -> Iterator[Block]:
    """Return the rows of files of one format (csv, tsv, jsonl, parquet, text, eml, mbox), in blocks.

    Args:
        tell: is called with the name of each file without a row.

    Raises:
        UserError: a file cannot be read as a whole, or lacks a column.
    """
    if format_ == "parquet":
        return each(files, lambda stream, name: parquet.read_parquet(stream, name, columns), tell)
    return read_by(_reader(format_, files, columns, dialect), files, columns, tell)


def read_by(reader: Reader, files: Sequence[Input], columns: Sequence[str], tell: Tell = str) -> Iterator[Block]:
    """Return the rows of files by a reader of records, in blocks."""
    return readers.blocks(each(files, lambda stream, name: reader(stream, name, columns), tell), columns)


def read_conll(
    files: Sequence[Input], columns: Sequence[str], written: conll.Written, tell: Tell = str
) -> Iterator[Block]:
    """Return the rows of CoNLL files; raises as `read`."""
    # Read twice: a file of IOB1 is one in which no span that could begin with an I- begins with a B-.
    begins = any(each(files, partial(conll.begin, written=written)))
    return read_by(partial(conll.read, written=written, begins=begins), files, columns, tell)


def read_brat(files: Sequence[Input], columns: Sequence[str], fragments: brat.Fragments, tell: Tell) -> Iterator[Block]:
    """Return the rows of texts with brat's annotations beside them; raises as `read`."""

    def tell_text(name: str) -> None:
        if name.endswith(".txt"):
            tell(name)

    return read_by(brat.Reader(fragments), brat.paired(files), columns, tell_text)


def read_chat(
    files: Sequence[Input], columns: Sequence[str], kept: chat.Chat, encoding: str, tell: Tell = str
) -> Iterator[Block]:
    """Return the rows of files of conversations; raises as `read`."""
    return read_by(partial(chat.read, chat=kept, encoding=encoding), files, columns, tell)


def _reader(format_: str, files: Sequence[Input], columns: Sequence[str], dialect: Dialect) -> Reader:
    if format_ in ("eml", "mbox"):
        split = mail.split_file if format_ == "eml" else mail.split_mbox
        threads = None
        if "thread" in columns:
            threads = mail.Threads(message for _, message, problem in each(files, split) if not problem)
        return partial(mail.read, split=split, threads=threads)
    if format_ in ("csv", "tsv"):
        return partial(tabular.read_csv, dialect=dialect)
    return partial({"jsonl": jsonl.read_jsonl, "text": documents.read_text}[format_], encoding=dialect.encoding)
