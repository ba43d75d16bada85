"""A number is the mean of the tokens' outputs, learnt by squared error."""

import numpy as np

from winnow.encoder import models, pooling
from winnow.rows import predictions
from winnow.training.finetuning import Texts

LOSS = ()


def build(task, folder):
    from transformers import AutoModelForTokenClassification

    return models.load_model(AutoModelForTokenClassification, folder, num_labels=1)


def load(task, folder):
    from transformers import AutoModelForTokenClassification

    return models.load_model(AutoModelForTokenClassification, folder)


def encode(task, rows, reader):
    return Texts(reader.tokenize(rows["text"].to_pylist()), rows["id"].to_pylist())


def losses(task, rows, texts, recipe, reader):
    import torch

    truth, weights = (torch.tensor(np.array(rows[name].to_pylist(), np.float32)) for name in ("label", "weight"))

    def loss_of(model, batch):
        ids, mask = reader.pad([texts.tokens[row] for row in batch.rows])
        target, weight = truth[batch.rows].to(reader.device), weights[batch.rows].to(reader.device)
        return ((_numbers(model, ids, mask) - target) ** 2 * weight).sum() / weight.sum(), weight.sum()

    return loss_of


def predictor(task, rows, reader):
    import torch

    texts = encode(task, rows, reader)

    def predict(model):
        out = np.zeros(rows.num_rows)
        with torch.inference_mode(), reader.accelerator.autocast():
            for batch, ids, mask in reader.batches(texts.tokens, "predicting"):
                out[batch] = _numbers(model, ids, mask).cpu().numpy()
        return predictions.table(rows, [task.check(number, "model") for number in out])

    return predict


def _numbers(model, ids, mask):
    return pooling.mean(model(input_ids=ids, attention_mask=mask).logits, mask)[:, 0]
