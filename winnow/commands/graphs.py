"""ONNX: a trained model written as a graph, proven to answer alike, and run by onnxruntime."""

import logging
import os
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from winnow.base.errors import UserError

if TYPE_CHECKING:
    import torch

# What runs a graph: token ids and attention mask, (rows, tokens) int64 each -> its first output.
Run = Callable[[np.ndarray, np.ndarray], np.ndarray]

FILE = "model.onnx"
OPSET = 18
INPUTS = ("input_ids", "attention_mask")
TOLERANCE = 1e-4  # of logits
EXTRA = "pip install '.[onnx]'"
PROVEN_ROWS, SHORTEST = (1, 2, 7), 3  # what is compared, beside the longest text


def write(graph: "torch.nn.Module", output: str, path: Path) -> None:
    """Write a module from `INPUTS`, (rows, tokens) int64 each, as a graph that takes any number of both.

    Raises:
        UserError: onnxscript is not installed.
    """
    import torch

    try:
        import onnxscript  # noqa: F401  torch's exporter asks for it late, in many lines
    except ModuleNotFoundError:
        raise UserError(f"ONNX needs onnxscript and onnxruntime: {EXTRA}") from None
    ids = torch.full((2, 8), 1)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    rows, tokens = torch.export.Dim("rows"), torch.export.Dim("tokens")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (ids, mask),
            str(path),
            input_names=list(INPUTS),
            output_names=[output],
            dynamic_shapes=[{0: rows, 1: tokens}, {0: rows, 1: tokens}],
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def opened(path: Path, threads: int) -> Run:
    """Return what runs a graph on the CPU: (ids, mask) -> its first output.

    Raises:
        UserError: onnxruntime is not installed, or the file is no graph.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise UserError(f"{path}: ONNX needs onnxruntime: {EXTRA}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of its C++ side, without a class of its own to rely on
        raise UserError(f"{path}: no graph that onnxruntime can run: {str(error).splitlines()[0]}") from None
    return lambda ids, mask: session.run(None, dict(zip(INPUTS, (ids, mask), strict=True)))[0]


def apart(graph: "torch.nn.Module", run: Run, vocabulary: int, longest: int) -> float:
    """Return how far a graph's answers are from its module's at most, over lengths, numbers of rows and padding."""
    import torch

    rng, most = np.random.default_rng(0), 0.0
    for rows in PROVEN_ROWS:
        for tokens in sorted({SHORTEST, (SHORTEST + longest) // 2, longest}):
            ids = rng.integers(0, vocabulary, (rows, tokens))
            mask = (np.arange(tokens) < rng.integers(1, tokens + 1, (rows, 1))).astype(np.int64)
            mask[0] = 1
            with torch.inference_mode():
                told = graph(torch.from_numpy(ids), torch.from_numpy(mask)).float().numpy()
            most = max(most, float(np.abs(told - run(ids, mask)).max()))
    return most
