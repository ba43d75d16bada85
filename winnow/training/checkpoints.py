"""Checkpoints: what a training run that was killed needs to go on as if nothing had happened.

They are scratch, outside DVC's `outs`, in a folder named by all that a run depends on: its inputs' bytes, parameters,
code, versions and device (the cache keys of allenai/tango). So no run meets the checkpoint of another, and none is
stale. A checkpoint is a folder of its own, `<series>/<step>`: safetensors, JSON and their checksums, written
elsewhere and then renamed. Two are kept, in case the last is damaged; all go when the run succeeds.
"""

import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base import closure, files, hashing
from winnow.training import distributed, sharding

if TYPE_CHECKING:
    import torch

    from winnow.training.keeping import Keeper

ROOT = Path(__file__).parents[2]
KEPT = 2
TENSORS, STATE, CHECKSUMS = "tensors.safetensors", "state.json", "SHA256SUMS"


class Damaged(Exception):
    """A checkpoint is not what was written; its message says how."""


@dataclass(frozen=True)
class Learning:
    """What changes while a model is trained."""

    model: "torch.nn.Module"
    optimizer: "torch.optim.Optimizer"
    schedule: "torch.optim.lr_scheduler.LRScheduler"
    keeper: "Keeper | None" = None


@dataclass
class Series:
    """The checkpoints of one call of `loop.fit`: what it learns, and its curve.

    Attributes:
        folder: theirs alone.
        seconds: from one to the next, at least.
    """

    folder: Path
    seconds: float

    def __post_init__(self) -> None:
        self._last = time.monotonic()

    def restore(self, learning: Learning) -> list[dict]:
        """Set `learning` as the newest whole checkpoint has it and return the curve, empty where there is none.

        The main process reads it for all. It reports a damaged checkpoint on stderr and deletes it.
        """
        rank, _ = distributed.place()
        tensors, state = self._newest() if rank == 0 else ({}, {})
        state = distributed.from_main(state)
        if not state:
            return []
        names = distributed.from_main(list(tensors))
        whole = {name: distributed.from_main(tensors.get(name)) for name in names}
        return _unpack(whole, state, learning)

    def _newest(self) -> tuple[dict[str, "torch.Tensor"], dict]:
        for folder in sorted(self.folder.glob("[0-9]*"), reverse=True):
            try:
                tensors, state = _read(folder)
            except Damaged as error:
                print(
                    f"training: checkpoint of step {int(folder.name)} left out: it is damaged: {error}", file=sys.stderr
                )
                shutil.rmtree(folder)
            else:
                print(f"training: goes on after step {int(folder.name)} ({self.folder.name})", file=sys.stderr)
                return tensors, state
        return {}, {}

    def save_if_due(self, learning: Learning, curve: list[dict]) -> None:
        """Write a checkpoint after step `len(curve)`, if the last one is `seconds` ago, and delete the oldest.

        The main process writes; what it writes does not tell how many there are.

        Raises:
            UserError: the disk is full.
        """
        rank, _ = distributed.place()
        is_due = time.monotonic() - self._last >= self.seconds
        if sharding.is_sharded(learning.model):  # all are needed to bring the pieces together
            is_due = distributed.from_main(is_due)
        elif rank:
            return
        if not is_due:
            return
        from safetensors.torch import save_file

        tensors, state = _pack(learning, curve)
        if rank:
            return
        with files.replacing(self.folder / f"{len(curve):09}") as new:
            new.mkdir()
            save_file(tensors, new / TENSORS)
            (new / STATE).write_text(json.dumps(state), encoding="utf-8")
            sums = [f"{files.sha256(new / name)}  {name}\n" for name in (TENSORS, STATE)]
            (new / CHECKSUMS).write_text("".join(sums), encoding="utf-8")
        for old in sorted(self.folder.glob("[0-9]*"))[:-KEPT]:
            shutil.rmtree(old)
        self._last = time.monotonic()


@dataclass(frozen=True)
class Store:
    """The checkpoints of one run of a stage; none are kept where `folder` is None."""

    folder: Path | None
    seconds: float

    def series(self, name: str) -> Series | None:
        """Return those of one of the run's trainings."""
        return Series(self.folder / name, self.seconds) if self.folder else None


NONE = Store(None, 0.0)


@contextmanager
def kept(
    folder: Path, stage: str, inputs: Sequence[Path], values: Mapping[str, object], seconds: float | None
) -> Iterator[Store]:
    """Yield the `Store` of a run of `stage`; its checkpoints go if the body succeeds, and stay if it does not.

    Of several processes, the main one has the folder, and the others what it tells them.

    Where an equal run trains at this moment, as two experiments of a queue may, this one keeps none: it would write
    what the other writes.

    Args:
        folder: of all checkpoints; relative to the repository that DVC was started in, which is another than the
            current folder in `dvc exp run --temp` and in the queue.
        stage: its folder's name in `stages/`.
        inputs: files and folders that the run reads.
        values: what else its result depends on: parameters, `compute.environment`; as JSON or parameter sections.
        seconds: from one checkpoint to the next; None: none.
    """
    if seconds is None:
        yield NONE
        return
    if distributed.place()[0]:
        yield Store(folder, seconds) if distributed.from_main(None) else NONE
        return
    own = Path(os.environ.get("DVC_ROOT", "")) / folder / f"{stage}-{fingerprint(stage, inputs, values)}"
    with _locked(own) as free:
        if not distributed.from_main(free):
            print(f"{stage}: an equal run is training; this one keeps no checkpoints", file=sys.stderr)
            yield NONE
            return
        succeeded = False
        try:
            yield Store(own, seconds)
            succeeded = True
        finally:
            if succeeded or not any(own.glob("*/[0-9]*")):
                shutil.rmtree(own, ignore_errors=True)


def fingerprint(stage: str, inputs: Sequence[Path], values: Mapping[str, object]) -> str:
    """Return 16 hex digits of all that a run of `stage` depends on; the arguments are those of `kept`."""
    code = sorted(closure.closure(Path("stages") / stage / "__main__.py", ROOT))
    parts = [*(closure.fingerprint(ROOT / name) for name in code), *itertools.chain(*map(_content, inputs))]
    text = json.dumps(values, sort_keys=True, default=lambda section: section.model_dump())
    return hashing.digest(*parts, text)[:16]


def _content(path: Path) -> list[str]:
    if path.is_file():
        return [files.sha256(path)]
    inside = sorted(file for file in path.rglob("*") if file.is_file())
    return [part for file in inside for part in (file.relative_to(path).as_posix(), files.sha256(file))]


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Make `folder` and yield whether this process alone has it; the kernel frees the lock of a process that dies."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _pack(learning: Learning, curve: list[dict]) -> tuple[dict[str, "torch.Tensor"], dict]:
    import torch

    tensors = {f"weights.{name}": weight for name, weight in _weights(learning.model)}
    for number, moments in learning.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": moment for name, moment in moments.items()}
    for name in curve[0]:
        tensors[f"curve.{name}"] = torch.tensor([point[name] for point in curve], dtype=torch.float64)
    state = {"schedule": learning.schedule.state_dict()}
    if learning.keeper:
        held, state["keeper"] = learning.keeper.state()
        tensors |= {f"keeper.{name}": tensor for name, tensor in held.items()}
    return {name: sharding.whole(tensor.detach()).cpu().contiguous() for name, tensor in tensors.items()}, state


def _unpack(tensors: dict[str, "torch.Tensor"], state: dict, learning: Learning) -> list[dict]:
    import torch

    optimizer, schedule, keeper = learning.optimizer, learning.schedule, learning.keeper
    with torch.no_grad():
        for name, weight in _weights(learning.model):
            weight.copy_(sharding.like(tensors[f"weights.{name}"], weight))
    moments: dict[int, dict] = {}
    trained = [weight for group in optimizer.param_groups for weight in group["params"]]
    for key, tensor in _named(tensors, "optimizer").items():
        number, _, name = key.partition(".")
        weight = trained[int(number)]
        moment = sharding.like(tensor, weight) if tensor.shape == weight.shape else tensor
        moments.setdefault(int(number), {})[name] = moment
    schedule.load_state_dict(state["schedule"])
    for group, rate in zip(optimizer.param_groups, schedule.get_last_lr(), strict=True):
        group["lr"] = rate
    optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
    if keeper:
        keeper.restore(_named(tensors, "keeper"), state["keeper"])
    points = {name: tensor.tolist() for name, tensor in _named(tensors, "curve").items()}
    return [dict(zip(points, values, strict=True)) for values in zip(*points.values(), strict=True)]


def _named(tensors: dict[str, "torch.Tensor"], kind: str) -> dict[str, "torch.Tensor"]:
    """Return the tensors of a kind, by what stands behind it in their names."""
    return {key.removeprefix(f"{kind}."): tensor for key, tensor in tensors.items() if key.startswith(f"{kind}.")}


def _weights(model: "torch.nn.Module") -> Iterator[tuple[str, "torch.Tensor"]]:
    """Yield names and tensors of a model that may change; a weight that two layers share comes once."""
    trained = (each for each in model.named_parameters() if each[1].requires_grad)
    return itertools.chain(trained, model.named_buffers())


def _read(folder: Path) -> tuple[dict[str, "torch.Tensor"], dict]:
    """Return a checkpoint's tensors and state.

    Raises:
        Damaged: a file is missing or its checksum differs.
    """
    from safetensors.torch import load_file

    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
        sums = {name: sum_ for sum_, _, name in (line.partition("  ") for line in lines)}
        for name in (TENSORS, STATE):
            if files.sha256(folder / name) != sums.get(name):
                raise Damaged(f"{name} has another checksum")
    except (OSError, UnicodeDecodeError) as error:
        raise Damaged(str(error)) from None
    return load_file(folder / TENSORS), json.loads((folder / STATE).read_text(encoding="utf-8"))
