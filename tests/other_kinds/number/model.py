"""An encoder that is fine-tuned into one output: the mean of its tokens' outputs is the number, brought to 0…1."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from winnow.encoder import models, pooling
from winnow.rows import predictions
from winnow.training.finetuning import Texts

LOSS = ()


def build(task, folder: Path):
    """Return the encoder of `folder` with one output."""
    from transformers import AutoModelForTokenClassification

    return models.load_model(AutoModelForTokenClassification, folder, num_labels=1)


def load(task, folder: Path):
    """Return a fine-tuned model."""
    from transformers import AutoModelForTokenClassification

    return models.load_model(AutoModelForTokenClassification, folder)


def encode(task, rows: pa.Table, reader) -> Texts:
    """Return what the model reads of rows."""
    return Texts(reader.tokenize(rows["text"].to_pylist()), rows["id"].to_pylist())


def outputs(model, ids, mask):
    """Return the numbers of texts, (rows,) float, in 0…1."""
    return pooling.mean(model(input_ids=ids, attention_mask=mask).logits, mask)[:, 0]


def losses(task, rows: pa.Table, texts: Texts, recipe, reader) -> Callable:
    """Return (model, batch) -> squared error, and what it weighs."""
    import torch

    scaled = (task.numbers(rows["label"].to_pylist()) - task.low) / (task.high - task.low)
    truth, weights = torch.tensor(scaled, dtype=torch.float32), torch.tensor(rows["weight"].to_numpy())

    def loss_of(model, batch):
        ids, mask = reader.pad([texts.tokens[row] for row in batch.rows])
        error = outputs(model, ids, mask).float() - truth[batch.rows].to(reader.device)
        weight = weights[batch.rows].to(reader.device)
        return (error**2 * weight).sum() / weight.sum(), weight.sum()

    return loss_of


def predictor(task, rows: pa.Table, reader) -> Callable:
    """Return what predicts rows by a model."""
    texts = encode(task, rows, reader)

    def predict(model) -> pa.Table:
        import torch

        found = np.zeros(rows.num_rows)
        with torch.inference_mode(), reader.accelerator.autocast():
            for batch, ids, mask in reader.batches(texts.tokens, "predicting"):
                found[batch] = outputs(model, ids, mask).double().cpu().numpy()
        return of_numbers(task, rows, task.low + found * (task.high - task.low))

    return predict


def of_numbers(task, rows: pa.Table, numbers: np.ndarray) -> pa.Table:
    """Return predictions as a table; `number` holds what the label's text rounds."""
    return predictions.table(rows, [task.text(number) for number in numbers], {"number": pa.array(numbers)})
