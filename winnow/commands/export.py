"""export: the labelled rows for other trainers, or a trained model as ONNX.

winnow export OUT                          the model that is best on dev
winnow export OUT --model models/classifier/transfer-base-1
winnow predict new.csv out.csv --model OUT      asks it, by onnxruntime
winnow export OUT --dataset                the labelled rows: OUT/train.jsonl, validation.jsonl and test.jsonl

The dataset needs no model: `datasets.load_dataset` reads its folder. Prompts and responses are chats, `messages` as
OpenAI has them; of other kinds, a line has `text` and `label`.

A model's OUT is for programs without torch, and for faster predictions on a CPU: model.onnx, from token ids and
attention mask to logits, the tokenizer, and what a prediction needs beside (task.json, cleaning.json, reader.json). It
appears once onnxruntime was found to answer as torch does. Needs the extra `onnx`.
"""

import argparse
import json
import os
from pathlib import Path

from winnow import kinds
from winnow.base.errors import UserError
from winnow.base.files import read_text, replacing
from winnow.commands import exported_rows, graphs, measurements, model_files, trained
from winnow.commands.sheets import formats
from winnow.encoder.reader import FILE as READER

NAME = "export"
CONFIG = "config.json"
# Of a model's folder, all that is neither its weights nor for transformers alone.
BESIDE = (*model_files.OWN, *model_files.TOKENIZER, CONFIG)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("out", type=Path, metavar="OUT", help="a folder that is not there yet")
    parser.add_argument(
        "--model", type=Path, action="append", default=[], metavar="FOLDER", help="default: best on dev"
    )
    parser.add_argument("--dataset", action="store_true", help="the labelled rows, not a model")


def execute(arguments: argparse.Namespace) -> None:
    """Write the rows, or the graph, and prove it.

    Raises:
        UserError: OUT is there, the model is no single one or cannot be a graph, or the graph answers otherwise.
    """
    if os.path.lexists(arguments.out):
        raise UserError(f"{arguments.out}: is there already; name a folder that is not")
    formats.check_place(str(arguments.out))
    if arguments.dataset:
        if arguments.model:
            raise UserError("--dataset: exports rows and no model; leave out --model")
        print(f"{arguments.out}: {dataset(arguments.out)}")
        return
    folders = trained.chosen(arguments.model)
    if len(folders) > 1:
        raise UserError(f"one model makes a graph, these are {len(folders)}; name one by --model FOLDER")
    folder = folders[0]
    task = trained.task_of(folder)
    kind = kinds.load(task, "graph")
    graph = kind.module(task, folder)
    with replacing(arguments.out) as new:
        new.mkdir()
        model_files.copy(folder, BESIDE, new)
        kinds.save_task(task, new)
        measurements.accompany(folder, task, new)
        graphs.write(graph, kind.OUTPUT, new / graphs.FILE)
        vocabulary = json.loads(read_text(folder / CONFIG))["vocab_size"]
        longest = json.loads(read_text(folder / READER))["max_length"]
        most = graphs.apart(graph, graphs.opened(new / graphs.FILE, threads=1), vocabulary, longest)
        if not most <= graphs.TOLERANCE:
            raise UserError(f"{folder}: as ONNX its logits differ by {most:.2g}, so it is not written; tell us of it")
    print(f"{arguments.out}: logits differ from torch's by {most:.1g} at most; `winnow predict --model` asks it")


def dataset(out: Path) -> str:
    """Write the labelled rows into a new folder; return how many there are, in words."""
    with replacing(out) as new:
        new.mkdir()
        counts = exported_rows.write(new, kinds.read_task())
    return ", ".join(f"{rows:,} rows of {split}" for split, rows in counts.items())
