"""drift: how the text of a file differs from the training data, and which of its rows to label next.

winnow drift new.csv                           says what differs, and what does not
winnow drift new.csv --out next.jsonl          and writes the rows that are worth a label, the best first
winnow drift new.csv --group thread --rows 50  rows of one thread say the same: one of each is compared

A classifier is asked to tell new text from old; its p-value is a permutation test's, exact for rows that do not
depend on one another: name by --group what ties them. Lengths, predicted labels and confidence are tested beside; the
chance of a false alarm in any is one in twenty. Text is cleaned as the training data was. What is written is a source
for `collect`: its column text as it was, its column label empty.
"""

import argparse
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from winnow import kinds
from winnow.base import progress
from winnow.base.errors import UserError
from winnow.base.files import write_json
from winnow.commands import predict, trained
from winnow.commands.new_text import choice, measures
from winnow.commands.new_text.measures import Answers, Compared
from winnow.commands.new_text.rows import Dataset, Drawn, Row
from winnow.commands.sheets import formats, options, sink, source
from winnow.commands.sheets.rows import Block, Source
from winnow.commands.terminal import printable

NAME = "drift"
SEED = 1
SHOWN_ROWS, SHOWN_CHARACTERS = 8, 160
NO_DIFFERENCE = "no measurable difference"
WRITTEN = pa.schema([("row", pa.int64()), ("group", pa.string()), ("text", pa.string()), ("label", pa.string())])
BESIDE = pa.schema([("predicted", pa.string()), ("probability", pa.float64()), ("why", pa.string())])


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "input",
        metavar="FILE",
        help="CSV, TSV, JSON Lines, Parquet, a mail, an mbox or a folder of mails; -: standard input",
    )
    parser.add_argument("--text", action="append", metavar="COLUMN", help=predict.TEXT)
    parser.add_argument("--group", metavar="COLUMN", help="rows of one value depend on one another: a thread, a paper")
    parser.add_argument("--out", metavar="FILE", help="where the rows to label go, in any of these formats")
    parser.add_argument("--rows", type=int, metavar="N", help="how many; default: params.yaml: choose_rows.rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the findings go as JSON")
    parser.add_argument(
        "--model", type=Path, action="append", default=[], metavar="FOLDER", help="default: best on dev"
    )
    parser.add_argument("--format", choices=formats.READ, help="of FILE, where its name does not tell")
    options.configure(parser)


def execute(arguments: argparse.Namespace) -> None:
    """Compare a file with the training data, and choose its rows that are worth a label.

    Raises:
        UserError: the file, its columns, the model or the dataset is not as it must be.
    """
    if arguments.rows is not None and arguments.rows < 1:
        raise UserError(f"--rows is {arguments.rows}, must be 1 or more")
    if arguments.out:
        predict.check_output(arguments.input, arguments.out, None)
    if arguments.json:
        predict.check_output(arguments.input, str(arguments.json), "jsonl")
        if arguments.out and Path(arguments.out).resolve() == arguments.json.resolve():
            raise UserError(f"--json {arguments.json}: is the file of --out; give another name")
    layout = options.told(arguments)
    with formats.reading(arguments.input, arguments.format or layout.get("format")) as sheet:
        rows = source.look(sheet, layout, arguments.text)
        columns = source.columns_of_texts(rows, arguments.text, predict.mapped(arguments.source), sheet.name)
        if arguments.group is not None:
            source.check_column(rows.columns, arguments.group, sheet.name)
        dataset, model = Dataset(), trained.load(trained.chosen(arguments.model))
        drawn = draw(rows, columns, arguments, model, dataset)
    new, old = drawn.compared(), dataset.texts("train")
    for line in counted(sheet.name, drawn, len(new), len(old)):
        print(line)
    if min(len(new), len(old)) < measures.LEAST_ROWS:
        few = f"{len(new)} rows with {len(old)} training rows"
        raise UserError(f"{sheet.name}: {few} cannot be compared; it takes {measures.LEAST_ROWS} of each, with text")
    predicted = model.predict([row.text for row in new])
    answers = said(model, dataset.texts("dev")), read(model, predicted)
    compared = measures.compare(old, [row.text for row in new], answers, SEED)
    for line in told(compared, new, answers[1].labels, measures.least_visible(len(old), len(new))):
        print(line)
    if arguments.json:
        write_json(arguments.json, as_json(compared, drawn, (len(old), len(new))))
    if arguments.out:
        wanted = arguments.rows or choice.rows_wanted()
        write(arguments.out, queue(drawn, dataset, model, wanted), sheet.name)


def draw(
    rows: Source, columns: Sequence[str], settings: argparse.Namespace, model: trained.Model, dataset: Dataset
) -> Drawn:
    """Return rows of a file, drawn at random."""
    drawn, number = Drawn(dataset.known()), 0
    place = None if settings.group is None else rows.columns.index(settings.group)
    with progress.shown("reading rows", rows.rows) as advance:
        for block in rows.blocks(*columns):
            raw = [sink.sound(text or "") for text in block.texts]
            groups = [""] * len(raw) if place is None else [sink.text(cells[place]) for cells in block.cells()]
            clean = model.clean(raw, None, source.are_plain(block, rows, settings.media_type))
            for given, text, own in zip(raw, clean, groups, strict=True):
                number += 1
                drawn.add(number, given, text if text.strip() and given.strip() else "", own)
            advance(len(raw))
    return drawn


def said(model: trained.Model, texts: Sequence[str]) -> Answers:
    """Return what a model says of texts."""
    return read(model, model.predict(texts)) if texts else Answers([], None)


def read(model: trained.Model, predicted: pa.Table) -> Answers:
    """Return what a table of predictions says: of each text its classes, in one line."""
    tells = kinds.has(model.task, "predictions")
    sure = kinds.load(model.task, "predictions").confidence(model.task, predicted) if tells else None
    return Answers([", ".join(model.task.names(label)) for label in predicted["predicted"].to_pylist()], sure)


def counted(name: str, drawn: Drawn, new: int, old: int) -> Iterator[str]:
    """Yield in words which rows are compared."""
    counts = drawn.counts
    left = [
        f"{counts[what]:,} {words}"
        for what, words in (
            ("empty", "without text"),
            ("repeated", "that repeat another"),
            ("known", "that the dataset has"),
        )
        if counts[what]
    ]
    yield f"{name}: {counts['rows']:,} rows{', ' + ', '.join(left) if left else ''}."
    yield f"{new:,} of them are compared with {old:,} training rows, each of another group."
    yield ""


def told(compared: Compared, new: Sequence[Row], labels: Sequence[str], visible: float) -> Iterator[str]:
    """Yield the findings as lines for people."""
    for name, test in compared.tests.items():
        verdict = "differs" if test.differs else NO_DIFFERENCE
        yield from _wrapped(f"{name}: {verdict}", f"{test.found}; {chance(test.p)}")
    yield ""
    for name, figure in compared.figures.items():
        yield from _wrapped(name, figure)
    yield ""
    if not compared.differing:
        yield f"There is {NO_DIFFERENCE}. One of {100 * visible:.0f} % or more in words would nearly always show."
        return
    yield f"The new text differs in {', '.join(compared.differing)}."
    if compared.tests["words"].differs:
        yield "The rows that differ most:"
        for place in (-compared.scores).argsort(kind="stable")[:SHOWN_ROWS]:
            yield from _wrapped(f"  row {new[place].number}", f"{labels[place]}: {excerpt(new[place].raw)}")


def chance(p: float) -> str:
    """Return a p-value in words."""
    return "p below 0.001" if p < 0.001 else f"p {p:.3f}"


def excerpt(text: str) -> str:
    """Return the start of a text, without a terminal's control sequences."""
    return printable(" ".join(text.split())[:SHOWN_CHARACTERS])


def as_json(compared: Compared, drawn: Drawn, sizes: tuple[int, int]) -> dict:
    """Return the findings for programs."""
    return {
        "differs": compared.differing,
        "rows": drawn.counts,
        "compared": dict(zip(("old", "new"), sizes, strict=True)),
        "tests": {name: {"p": test.p, "found": test.found} for name, test in compared.tests.items()},
        "figures": compared.figures,
    }


def queue(drawn: Drawn, dataset: Dataset, model: trained.Model, wanted: int) -> list[dict]:
    """Return the rows to label, the best first: none that the dataset has."""
    candidates = [row for row in drawn.pool() if not drawn.is_known(row)]
    if not candidates:
        return []
    texts = [row.text for row in candidates]
    predicted = model.predict(texts)
    answers = read(model, predicted)
    shown, _ = model.told(predicted, texts, [row.raw for row in candidates])
    labels = shown["predicted"].to_pylist()
    chosen, why = choice.choose(texts, dataset.labelled(), predicted, model, wanted)
    return [
        {
            "row": candidates[place].number,
            "group": candidates[place].group or None,
            "text": candidates[place].raw,
            "label": None,
            "predicted": labels[place],
            "probability": None if answers.sure is None else float(answers.sure[place]),
            "why": reason,
        }
        for place, reason in zip(chosen.tolist(), why, strict=True)
    ]


def write(out: str, rows: Sequence[dict], name: str) -> None:
    """Write the rows to label as a table."""
    shape = Source()
    shape.columns, shape.schema, shape.rows = WRITTEN.names, WRITTEN, len(rows)
    block = Block([row["text"] for row in rows], lambda: [[row[name] for name in WRITTEN.names] for row in rows])
    with formats.writing(out, None) as sheet, sink.opened(sheet, shape, BESIDE) as file:
        if rows:
            file.add(block, {name: [row[name] for row in rows] for name in BESIDE.names})
    print(f"\n{out}: {len(rows)} rows of {name} to label, the best first; a source for `collect`", file=sys.stderr)


def _wrapped(heading: str, text: str) -> list[str]:
    return textwrap.wrap(f"{heading}: {text}", 120, subsequent_indent="    ")
