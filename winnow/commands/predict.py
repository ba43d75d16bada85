"""predict: what a trained model says of the texts of a file: CSV, TSV, JSON Lines, Parquet or mails, of any size.

winnow predict new.csv predicted.csv                       by the model that is best on dev
winnow predict new.jsonl out.parquet --text body           the format is that of the name; .gz too, but for Parquet
winnow predict new.csv out.csv --source tickets            written as this source of params.yaml is
winnow predict new.csv out.csv --model models/classifier/transfer-base-1 --probabilities
winnow predict new.csv out.csv --abstain-below 0.8         no label where the model is less sure
winnow predict chats.jsonl answers.jsonl                   conversations, asked of a model that answers prompts
winnow predict mails out.csv                               a folder of .eml files; an mbox, a single mail
cat new.jsonl | winnow predict - - --format jsonl          standard input and output

Every row comes back in its order with all its columns; `predicted` and `probability` follow, and with --probabilities
what else the kind of task tells. A row without text has an empty prediction. Texts are cleaned as those were that the
model learnt from; a column `media_type`, or --media-type, says which of them are plain text. OUT appears when all is
done, whole or not at all.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow import kinds
from winnow.base import params, progress
from winnow.base.errors import UserError
from winnow.commands import trained
from winnow.commands.sheets import formats, options, sink, source
from winnow.commands.sheets.rows import Block, Source
from winnow.kinds.task import Task
from winnow.readers import chat
from winnow.rows import predictions

NAME = "predict"
PREDICTED, PROBABILITY = "predicted", "probability"
TEXT = "the column of texts; given twice, columns are joined; default: `text`, the text of a source, or the only column"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "input", metavar="IN", help="a file of rows, a mail, an mbox or a folder of mails; -: standard input"
    )
    parser.add_argument("output", metavar="OUT", help="the file to write; -: standard output")
    parser.add_argument(
        "--model", type=Path, action="append", default=[], metavar="FOLDER",
        help="a model's folder; given several times: their mean; default: the best on dev",
    )  # fmt: skip
    parser.add_argument("--text", action="append", metavar="COLUMN", help=TEXT)
    parser.add_argument("--probabilities", action="store_true", help="add what else the kind tells, as p_<label>")
    parser.add_argument("--abstain-below", type=float, metavar="P", help="no label where the probability is less")
    parser.add_argument("--prefix", default="", help="begins the names of the added columns")
    parser.add_argument(
        "--format", choices=formats.READ, help="of IN and OUT, where their names do not tell; eml and mbox: of IN alone"
    )
    options.configure(parser)
    parser.add_argument("--profile", metavar="NAME", help="the cleaning profile; default: that of most training rows")
    parser.add_argument("--no-cleaning", action="store_true", help="the texts are clean already")
    parser.add_argument("--unguarded", action="store_true", help="no apostrophe before what a spreadsheet would run")
    parser.add_argument(
        "--batch-tokens", type=int, default=trained.BATCH_TOKENS, metavar="N",
        help=f"padded tokens in one forward pass, more on a GPU; default: {trained.BATCH_TOKENS}",
    )  # fmt: skip


@dataclass
class Told:
    """What is predicted of texts, and how often nothing is.

    Attributes:
        model: what is asked.
        settings: the command line.
        counts: rows without text, those of which cleaning left nothing, those too unsure.
        lost: what is left out of predictions, in words, and how often.
    """

    model: trained.Model
    settings: argparse.Namespace
    counts: dict[str, int] = field(default_factory=lambda: {"rows": 0, "empty": 0, "cleaned away": 0, "unsure": 0})
    lost: Counter[str] = field(default_factory=Counter)

    def fields(self) -> pa.Schema:
        """Return the columns that are added."""
        task, prefix = self.model.task, self.settings.prefix
        sure = [pa.field(prefix + PROBABILITY, pa.float64())] if tells_confidence(task) else []
        more = self.own(self._predict([""], [""])[0]) if self.settings.probabilities else {}
        return pa.schema(
            [pa.field(prefix + PREDICTED, pa.string()), *sure]
            + [pa.field(prefix + name, column.type) for name, column in more.items()]
        )

    @staticmethod
    def own(predicted: pa.Table) -> dict[str, pa.ChunkedArray]:
        """Return the columns that the kind of task adds to a prediction."""
        return {name: predicted[name] for name in predicted.column_names if name not in predictions.COLUMNS}

    def of(self, texts: list[str | None], names: list[str], plain: pa.Array | None = None) -> dict[str, list]:
        """Return the columns `names` of texts, (rows,) each; None where nothing is predicted.

        Args:
            plain: (rows,) bool, which texts hold no markup; None: none is known to.
        """
        given = [sink.sound(text or "") for text in texts]
        clean = self._clean(given, plain)
        asked = [number for number, text in enumerate(clean) if text]
        self.counts["rows"] += len(texts)
        columns: dict[str, list] = {name: [None] * len(texts) for name in names}
        if not asked:
            return columns
        told, predicted = self._predict([clean[number] for number in asked], [given[number] for number in asked])
        values = [told["predicted"].to_pylist()]
        if tells_confidence(self.model.task):
            sure = kinds.load(self.model.task, "predictions").confidence(self.model.task, predicted)
            bound = self.settings.abstain_below or 0.0
            unsure = sure < bound
            self.counts["unsure"] += int(unsure.sum())
            values[0] = [None if hidden else label for label, hidden in zip(values[0], unsure, strict=True)]
            values.append(np.asarray(sure, float).tolist())
        if self.settings.probabilities:
            values += [column.to_pylist() for column in self.own(told).values()]
        for name, found in zip(names, values, strict=True):
            for number, value in zip(asked, found, strict=True):
                columns[name][number] = value
        return columns

    def _predict(self, clean: list[str], given: list[str]) -> tuple[pa.Table, pa.Table]:
        """Return predictions as they are told of the texts that were given, and as the model makes them."""
        predicted = self.model.predict(clean)
        told, lost = self.model.told(predicted, clean, given)
        self.lost.update(lost)
        return told, predicted

    def _clean(self, sound: list[str], plain: pa.Array | None) -> list[str]:
        given = [bool(text.strip()) for text in sound]
        self.counts["empty"] += given.count(False)
        if not self.settings.no_cleaning:
            sound = self.model.clean(sound, self.settings.profile, plain)
        left = [text if text.strip() else "" for text in sound]
        self.counts["cleaned away"] += sum(had and not text for had, text in zip(given, left, strict=True))
        return [text if had else "" for had, text in zip(given, left, strict=True)]

    def said(self) -> Iterator[str]:
        """Yield in words how many rows there were, and how many have no label."""
        counts = self.counts
        yield f"{counts['rows']} rows"
        if counts["empty"]:
            yield f"{counts['empty']} without text, which have no prediction"
        if counts["cleaned away"]:
            yield f"{counts['cleaned away']} of whose text cleaning left nothing, which have none either"
        yield from (f"{count} {what}, which are left out" for what, count in self.lost.items() if count)
        if self.settings.abstain_below is not None:
            asked = counts["rows"] - counts["empty"] - counts["cleaned away"]
            share = f" ({100 * counts['unsure'] / asked:.1f} % of those with text)" if asked else ""
            yield f"{counts['unsure']} without a label, below probability {self.settings.abstain_below:g}{share}"


def execute(arguments: argparse.Namespace) -> None:
    """Predict the rows of a file.

    Raises:
        UserError: the file, its column of texts or the model is not as it must be, or a name is taken.
    """
    check(arguments)
    layout = options.told(arguments)
    with formats.reading(arguments.input, arguments.format or layout.get("format")) as read:
        rows = source.look(read, layout, arguments.text)
        folders = trained.chosen(arguments.model)
        blocks = blocks_of(rows, arguments, folders[0], read.name)
        check_names(rows.columns, [arguments.prefix + PREDICTED], read.name)  # now: a model takes a while to load
        model = trained.load(folders, arguments.batch_tokens)
        told = Told(model, arguments)
        if arguments.abstain_below is not None and not tells_confidence(model.task):
            raise UserError(f"--abstain-below: the models of task.kind {model.task.kind} tell no probability; leave it")
        if model.cleaning is None and not arguments.no_cleaning:
            print(
                f"{model.folders[0]}: does not say how its texts were cleaned; these are read as they are",
                file=sys.stderr,
            )
        further = told.fields()
        check_names(rows.columns, further.names, read.name)
        with (
            formats.writing(arguments.output, arguments.format) as written,
            sink.opened(written, rows, further, not arguments.unguarded) as out,
            progress.shown("predicting rows", rows.rows) as advance,
        ):
            for block in blocks:
                plain = source.are_plain(block, rows, arguments.media_type)
                out.add(block, told.of(block.texts, further.names, plain))
                advance(len(block.texts))
    print(f"{written.name}: {'; '.join(told.said())}", file=sys.stderr)


def blocks_of(rows: Source, arguments: argparse.Namespace, model: Path, where: str) -> Iterator[Block]:
    """Return the rows with their texts; of conversations in JSON Lines, what a model that answers is asked.

    Args:
        model: the model's folder.

    Raises:
        UserError: there is no column of texts, or it is not plain which it is.
    """
    are_chats = not arguments.text and isinstance(rows, source.JsonLines) and chat.is_chat(rows.columns)
    if are_chats and kinds.has(trained.task_of(model), "turns"):
        return source.prompts(rows, where)
    return rows.blocks(*source.columns_of_texts(rows, arguments.text, mapped(arguments.source), where))


def check(arguments: argparse.Namespace) -> None:
    """Raise `UserError` for options that cannot be."""
    bound = arguments.abstain_below
    if bound is not None and not 0 < bound <= 1:
        raise UserError(f"--abstain-below is {bound:g}, must be above 0 and at most 1")
    if arguments.batch_tokens < 1:
        raise UserError(f"--batch-tokens is {arguments.batch_tokens}, must be 1 or more")
    if arguments.no_cleaning and arguments.profile:
        raise UserError("--no-cleaning and --profile: give one of them")
    check_output(arguments.input, arguments.output, arguments.format)


def check_output(read: str, written: str, told: str | None) -> None:
    """Raise `UserError` where a file cannot be written: now, before hours of work."""
    formats.written(written, told)
    if written == formats.STANDARD:
        return
    formats.check_place(written)
    with suppress(OSError):  # one of them is not there
        # By number, not by name: of links, hard links too, and names that a disk does not tell apart.
        if os.path.samestat(os.fstat(0) if read == formats.STANDARD else os.stat(read), os.stat(written)):
            raise UserError(f"{written}: is the file that is read; give another name")


def check_names(there: list[str], added: list[str], where: str) -> None:
    """Raise `UserError` where the file has a column of a name that is to be added."""
    if taken := [name for name in added if name in there]:
        raise UserError(
            f"{where}: has a column '{taken[0]}' already; give --prefix, such as --prefix model_, to name the added "
            f"ones otherwise"
        )


def tells_confidence(task: Task) -> bool:
    """Return whether the kind of task says how sure a prediction is."""
    return kinds.has(task, "predictions")


def mapped(source_: str | None) -> list[list[str]]:
    """Return the columns of texts of the project's own sources, or of the named one; none, outside of a project.

    Where a source joins columns, it is these.
    """
    if not params.FILE.exists():
        return []
    sources = [options.source(source_)] if source_ else params.read().get("collect", {}).get("sources", [])
    columns = [entry.get("columns") or {} for entry in sources if isinstance(entry, dict)]
    texts = [entry.get("text") for entry in columns if isinstance(entry, dict)]
    names = [text if isinstance(text, list) else [text] for text in texts]
    return [each for each in names if each and all(isinstance(name, str) for name in each)]
