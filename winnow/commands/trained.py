"""Trained models for the commands that ask them: which one is the best, and what it says of texts."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from winnow import kinds
from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import read_text
from winnow.commands import graphs, measurements, pipeline
from winnow.encoder import parts
from winnow.encoder.compute import Compute, start
from winnow.encoder.reader import Reader
from winnow.kinds.task import Task
from winnow.rows import predictions
from winnow.text.cleaning import saved
from winnow.text.cleaning.saved import Cleaning

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

SHOWN_ERROR = 200  # characters of what a library says
BATCH_TOKENS = 2048  # padded tokens in one forward pass, as those of the stage evaluate


@dataclass(frozen=True)
class Model:
    """Trained models that answer together, as their mean; most often one.

    Attributes:
        folders: of the models.
        task: what they say.
        cleaning: how the texts were cleaned that they learnt from; None: it is not known.
        parts: each with what reads texts for it.
        measured: what they predicted of dev and test, if the kind's labels depend on it and it is known.
    """

    folders: list[Path]
    task: Task
    cleaning: Cleaning | None
    parts: "list[tuple[torch.nn.Module, Reader]]"
    measured: pa.Table | None = None

    def predict(self, texts: Sequence[str]) -> pa.Table:
        """Return predictions of texts that are clean, as the kind of task tells them, in the order of the texts."""
        numbers = [str(number) for number in range(len(texts))]
        nothing = pa.nulls(len(texts), pa.string())
        # No training row has such an id or group: a model that is shown examples may see all of them.
        rows = pa.table({"id": numbers, "group": numbers, "split": nothing, "label": nothing, "text": list(texts)})
        kind = kinds.load(self.task, "model")
        told = [kind.predictor(self.task, rows, reader)(model) for model, reader in self.parts]
        predicted = told[0] if len(told) == 1 else kinds.load(self.task, "ensemble").mean(self.task, told)
        if self.measured is None:
            return predicted
        return kinds.load(self.task, "decision").decided(self.task, predicted, self.measured)

    def told(self, predicted: pa.Table, clean: Sequence[str], given: Sequence[str]) -> tuple[pa.Table, dict[str, int]]:
        """Return predictions as they are told of the texts that were given, and what is left out: in words, how often.

        Args:
            clean: (rows,) the texts that the models read.
            given: (rows,) the same before they were cleaned.
        """
        if not kinds.has(self.task, "given"):
            return predicted, {}
        return kinds.load(self.task, "given").told(self.task, predicted, clean, given)

    def clean(self, texts: Sequence[str], profile: str | None, plain: pa.Array | None = None) -> list[str]:
        """Return texts cleaned as those that the models learnt from; as they are where that is not known.

        Args:
            plain: (rows,) bool, which of them hold no markup; None: none is known to.

        Raises:
            UserError: there is no such profile.
        """
        if self.cleaning is None:
            if profile is not None:
                raise UserError(f"{self.folders[0]}: has no {saved.FILE}, so no cleaning profile '{profile}'")
            return list(texts)
        turns = kinds.load(self.task, "turns") if kinds.has(self.task, "turns") else None
        return self.cleaning.clean(pa.array(texts, pa.string()), profile, plain, turns).to_pylist()


def load(folders: Sequence[Path], batch_tokens: int = BATCH_TOKENS) -> Model:
    """Return the models of folders that the stage finetune wrote.

    Raises:
        UserError: a folder holds none, or the models differ in their task or cleaning.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: no folder of a trained model; `dvc repro finetune` or `dvc pull` makes it")
    tasks, cleanings = [task_of(folder) for folder in folders], [cleaning_of(folder) for folder in folders]
    for folder, task, cleaning in zip(folders, tasks, cleanings, strict=True):
        if (task, cleaning) != (tasks[0], cleanings[0]):
            raise UserError(f"{folder}: another task or cleaning than {folders[0]}; their mean would mean nothing")
    task, accelerator = tasks[0], started()
    opened = []
    for folder in folders:
        try:
            model = _opened(folder, task, accelerator)
            # Without one, transformers makes a tokenizer that knows no word, and the model would answer all the same.
            if not any((folder / name).exists() for name in (parts.TOKENIZER, *parts.SOURCES)):
                raise UserError(f"{folder}: no {parts.TOKENIZER}; `dvc repro finetune` or `dvc pull` makes it whole")
            opened.append((model, Reader.load(folder, batch_tokens, accelerator)))
        except UserError:
            raise
        except Exception as error:  # transformers, safetensors and tokenizers each have their own
            told = " ".join(str(error).split())[:SHOWN_ERROR] or type(error).__name__
            raise UserError(f"{folder}: a model's file is damaged or of another model: {told}") from None
    return Model(list(folders), task, cleanings[0], opened, measurements.of(folders, task))


def _opened(folder: Path, task: Task, accelerator: "Accelerator") -> "torch.nn.Module":
    """Return the model of a folder: of the stage finetune, or of `winnow export`, which onnxruntime runs."""
    import torch

    if (folder / graphs.FILE).exists():
        run = graphs.opened(folder / graphs.FILE, torch.get_num_threads())
        return kinds.load(task, "graph").wrapped(task, run)
    return accelerator.prepare(kinds.load(task, "model").load(task, folder)).eval()


def task_of(folder: Path) -> Task:
    """Return the task of a model's folder; where it does not say, that of params.yaml.

    Raises:
        UserError: neither says it.
    """
    return kinds.saved_task(folder) if (folder / kinds.TASK_FILE).exists() else kinds.read_task()


def cleaning_of(folder: Path) -> Cleaning | None:
    """Return how the texts of a model's folder were cleaned; None: the folder does not say."""
    return saved.read(folder / saved.FILE) if (folder / saved.FILE).exists() else None


def started() -> "Accelerator":
    """Return an accelerator as params.yaml has it; outside of a project, as this machine is best used."""
    if params.FILE.exists():
        return start(params.load("compute", Compute), seed=0)
    return start(Compute(threads=os.cpu_count() or 1, device="auto", precision="auto"), seed=0)


def chosen(told: Sequence[Path]) -> list[Path]:
    """Return the folders that were told, or that of the model that is best on dev, which is named on stderr.

    Raises:
        UserError: nothing was told, and the pipeline has not measured which is the best.
    """
    if told:
        return list(told)
    folders, why = best()
    print(f"{', '.join(map(str, folders))}: {why}", file=sys.stderr)
    return folders


def best() -> tuple[list[Path], str]:
    """Return the model that is best on dev, and why it is; test has no say.

    It is the best run of the approach that `compare` holds to be the best. Of an ensemble it is all runs.

    Raises:
        UserError: `evaluate` or `compare` has not run, or the model's folder is not there.
    """
    measured = {stage: _metrics(stage) for stage in ("compare", "evaluate")}
    approach, on_dev = measured["compare"]["best"], measured["evaluate"]["dev"]
    behind = _behind_baseline(measured["compare"])
    folders = runs()
    of = params.read().get("arms", {}).get("ensembles", {}).get(approach)
    if of is not None:
        members = [of] if isinstance(of, str) else of
        names = [name for name in on_dev if predictions.split_name(name)[0] in members]
        if missing := [name for name in names if name not in folders]:
            raise UserError(
                f"{approach} is the best on dev, and {missing[0]}, one of its runs, has no folder; `dvc pull` "
                f"gets it where there is one, else give --model FOLDER"
            )
        return [folders[name] for name in names], f"the {len(names)} runs of {approach}, which is best on dev{behind}"
    headline = kinds.load(kinds.read_task(), "metrics").HEADLINE
    own = [name for name in on_dev if predictions.split_name(name)[0] == approach and name in folders]
    if not own:
        raise UserError(f"no run of {approach}, the best on dev, is there; `dvc pull` or `dvc repro finetune` makes it")
    run = max(own, key=lambda name: headline.sign * on_dev[name][headline.name])
    return [folders[run]], f"{run}, the best run on dev of {approach}, which is the best approach there{behind}"


def _behind_baseline(compared: dict) -> str:
    """Return by how much the baseline is ahead of the best approach on dev, to follow its name; empty: it is not."""
    approaches = compared.get("dev", {}).get("approaches", {})
    baseline, best_ = params.read().get("compare", {}).get("baseline"), compared["best"]
    if not {baseline, best_} <= approaches.keys():
        return ""
    metrics = kinds.load(kinds.read_task(), "metrics")
    headline = metrics.HEADLINE
    ahead = headline.sign * (approaches[baseline][headline.name] - approaches[best_][headline.name])
    if ahead <= 0:
        return ""
    amount = f"{100 * ahead:.1f} points" if headline.is_share else f"{ahead:.3f}"
    return f"; but plain {baseline} is {amount} better in {metrics.WORDS[headline.name]} on dev"


def runs() -> dict[str, Path]:
    """Return the folder of each run of the stage finetune that is there, by its arm and seed."""
    folder = pipeline.path("evaluate", "classifiers")
    named = {predictions.of_run(path.name): path for path in sorted(folder.glob("[!.]*")) if path.is_dir()}
    return {name: path for name, path in named.items() if name is not None}


def _metrics(stage: str) -> dict:
    path = pipeline.path(stage, "metrics")
    if not path.exists():
        raise UserError(
            f"{path}: not made yet, so no model is known to be the best; `dvc repro`, or give --model FOLDER"
        )
    return json.loads(read_text(path))
