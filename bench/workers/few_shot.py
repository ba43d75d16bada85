"""Learning from few labels by setfit, as its own guide does it."""

import json
import time
from pathlib import Path


def setfit(folder: str, rows: str, max_length: int, iterations: int | None, seed: int) -> dict:
    """Return the labels that setfit predicts, and the seconds of loading, training and predicting.

    Args:
        folder: of the encoder.
        rows: a JSON file with `texts` and `labels` to learn from, and `held_out` texts.
        max_length: tokens of a text that are read.
        iterations: pairs of each kind a row; None: setfit's default, all pairs of different classes once.
    """
    import tempfile

    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    given = json.loads(Path(rows).read_text(encoding="utf-8"))
    started = time.perf_counter()
    model = SetFitModel.from_pretrained(folder, local_files_only=True)
    model.model_body.max_seq_length = max_length
    with tempfile.TemporaryDirectory() as scratch:
        settings = TrainingArguments(
            output_dir=scratch,
            num_iterations=iterations,
            seed=seed,
            save_strategy="no",
            report_to="none",
            show_progress_bar=False,
        )
        dataset = Dataset.from_dict({"text": given["texts"], "label": given["labels"]})
        Trainer(model=model, args=settings, train_dataset=dataset).train()
    predicted = model.predict(given["held_out"], as_numpy=True)  # its evaluate() fetches the metric from a hub
    return {"seconds": time.perf_counter() - started, "predicted": [str(label) for label in predicted]}
