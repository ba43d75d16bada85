"""Commands that read people's files: `init`, `predict`, `drift`; and the files of a model."""

import argparse
import io
import json
import struct
from contextlib import redirect_stderr
from pathlib import Path

import pyarrow as pa

from tests.fuzz.targets import Target, answered, expect
from tests.fuzz.targets.mails import MAILS
from tests.fuzz.targets.mails import TARGETS as OF_MAILS
from tests.fuzz.targets.rows import NESTED, PARQUET, lines, table, zipped
from winnow.base.errors import UserError
from winnow.commands.init import command, labels, show, source, write
from winnow.commands.init.ask import Answers
from winnow.commands.sheets import formats, sink
from winnow.commands.sheets import source as sheets
from winnow.encoder import models, parts, sizes
from winnow.fetching import whole
from winnow.fetching.folder import Local

NAMES = (
    "rows.csv",
    "rows.tsv",
    "rows.jsonl",
    "rows.parquet",
    "rows.txt",
    "m.eml",
    "m.mbox",
    "rows.zip",
    "rows",
    "rows.csv.gz",
    "rows.json",
)
SEEDS = (
    table(),
    table("\t"),
    lines() * 3,
    PARQUET[0],
    b"A text.\n",
    MAILS[1],
    OF_MAILS["mbox"].seeds[0],
    zipped({"a.csv": table(), "b.csv": table()}),
    table(";", "\r\n", "cp1252"),
)
MANY = (
    "text,label,date\n"
    + "".join(f"A text of number {number} here,{'AB'[number % 2]},{number % 28 + 1}.03.2021\n" for number in range(60))
).encode()


def init(data: bytes, folder: Path) -> None:
    """Look at a file as `winnow init --yes` does, and write what it would of params.yaml."""
    name = NAMES[data[0] % len(NAMES)] if data else NAMES[0]
    (folder / name).write_bytes(data[1:])
    parser = argparse.ArgumentParser()
    command.configure(parser)
    options = parser.parse_args([str(folder / name), "--yes"])

    def look() -> None:
        found = source.understand(folder / name, Answers(options), folder)
        counted = found.survey
        expect(counted.rows >= counted.refused + counted.empty, "more rows are refused than there are")
        learnt = labels.of([found], None)
        show.table([found], learnt).encode()
        write.changed(
            "collect:\n  sources: []\n", {"collect": {"sources": [found.entry("internal", "task", learnt.becomes)]}}
        )

    with redirect_stderr(io.StringIO()):
        answered(look)


OUT = ("out.csv", "out.tsv", "out.jsonl", "out.parquet", "out.csv.gz")
FURTHER = pa.schema([("predicted", pa.string()), ("probability", pa.float64())])


def predict(data: bytes, folder: Path) -> None:
    """Read a file as `predict` and `drift` do, write it with a prediction, and read that: each row is there."""
    number = data[0] if data else 0
    name, out = NAMES[number % 4], OUT[number // 4 % len(OUT)]
    (folder / name).write_bytes(data[1:])
    written = []

    def copy() -> None:
        with formats.reading(str(folder / name), None) as sheet:
            rows = sheets.look(sheet)
            columns = sheets.columns_of_texts(rows, None, (), sheet.name)
            with formats.writing(str(folder / out), None) as new, sink.opened(new, rows, FURTHER) as file:
                count = 0
                for block in rows.blocks(*columns):
                    own = [sink.sound(text or "")[:5] for text in block.texts]
                    file.add(block, {"predicted": own, "probability": [0.5 if text else None for text in own]})
                    count += len(block.texts)
            expect(count == rows.rows, f"{rows.rows} rows, of which {count} are given out")
            written.append((rows, columns))

    answered(copy)
    if not written:
        return
    rows, columns = written[0]
    if "predicted" in rows.columns or "probability" in rows.columns:
        return
    try:
        with formats.reading(str(folder / out), None) as sheet:
            again = sheets.look(sheet)
            expect(again.rows == rows.rows, f"{rows.rows} rows, written as {again.rows}")
            names = [*map(sink.sound, rows.columns), *FURTHER.names]
            if not out.endswith("jsonl"):  # in which a file without a row has no name, and keys come as rows have them
                expect(again.columns == names, f"columns {names}, written as {again.columns}")
            if out.endswith(("csv", "tsv")) and all(rows.columns.count(name) == 1 for name in columns):
                before = [text for block in rows.blocks(*columns) for text in block.texts]
                after = [text for block in again.blocks(*columns) for text in block.texts]
                expect(
                    [sink.sound(text or "") for text in before] == [text or "" for text in after],
                    "a text is read back as another",
                )
    except UserError as error:
        raise AssertionError(f"what was written cannot be read: {error}") from None


CONFIG = {
    "model_type": "bert",
    "hidden_size": 4,
    "num_hidden_layers": 2,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "vocab_size": 9,
    "layer_norm_eps": 1e-12,
}


def safetensors(head: object, body: bytes = b"\0" * 16) -> bytes:
    """Return a safetensors file."""
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + body


TENSORS = {"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "__metadata__": {"format": "pt"}}
INDEX = {"metadata": {"total_size": 16}, "weight_map": {"a": "model-1.safetensors"}}


def model(data: bytes, folder: Path) -> None:
    """Take in a model's folder of which one file was changed, and hold its configuration against params.yaml."""
    kind, body = (data[0] % 4 if data else 0), data[1:]
    there, into = folder / "there", folder / "into"
    there.mkdir()
    into.mkdir()
    sound = {"config.json": json.dumps(CONFIG).encode(), "tokenizer.json": b"{}"}
    sound |= (
        {"model.safetensors.index.json": json.dumps(INDEX).encode(), "model-1.safetensors": safetensors(TENSORS)}
        if kind > 1
        else {"model.safetensors": safetensors(TENSORS)}
    )
    sound["tokenizer_config.json"] = b"{}"
    changed = ("config.json", "model.safetensors", "model.safetensors.index.json", "tokenizer_config.json")[kind]
    for name, content in {**sound, changed: body}.items():
        (there / name).write_bytes(content)
    answered(lambda: whole.gather(Local(there), into))
    config = answered(lambda: configuration(body)) if kind == 0 else None
    if config is not None:
        for check, number in ((models.check_length, 256), (models.check_frozen, 1)):
            answered(lambda check=check, number=number: check(there, number, "key"))


def configuration(content: bytes) -> dict:
    """Return a configuration whose numbers are numbers."""
    config = parts.configuration(content, "config.json")
    sizes.check(config, "config.json")
    return config


TARGETS = {
    "init": Target(
        init,
        [
            *(bytes([number]) + seed for number, seed in enumerate(SEEDS)),
            bytes([0]) + MANY,
            bytes([8]) + MANY,
            bytes([2]) + NESTED * 9,
        ],
        [
            b"text",
            b"label",
            b"date",
            b"__label__a ",
            b"\n\n",
            b"sep=;\n",
            b'","',
            b"{",
            b"From a@b Fri Mar  5 10:00:00 2021\n",
        ],
    ),
    "predict": Target(
        predict,
        [bytes([number + 4 * out]) + seed for number, seed in enumerate(SEEDS[:4]) for out in range(5)]
        + [bytes([0]) + b"text\na\n\nb\n"],
        [b"text", b'"', b'""', b"\t", b"\r", b"'=", b"\n'", b'{"text": '],
    ),
    "model": Target(
        model,
        [
            bytes([0]) + json.dumps(CONFIG).encode(),
            bytes([1]) + safetensors(TENSORS),
            bytes([2]) + json.dumps(INDEX).encode(),
            bytes([3]) + b'{"a": 1}',
        ],
        [b'"auto_map"', b'"model_type": "roberta"', b'"num_hidden_groups"', b"../", b"F64", b"BF16"],
    ),
}
