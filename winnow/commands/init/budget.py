"""How much the first run does, and how long it takes on this machine: a simple model, in docs/bring-your-own-data.md.

Time is spent on tokens. An encoder of six layers, as the default one, trains on so many tokens a second and core, and
reads some times more; the rest costs seconds a stage, and a little for each row and class.
"""

from dataclasses import dataclass

from winnow.base import params
from winnow.commands.doctor.machine import cores
from winnow.encoder import compute
from winnow.encoder.compute import Compute

TRAINED = {"avx2": 500, "avx512": 800, "amx": 2500, "gpu": 200_000}  # tokens a second and core; of a GPU, in all
READ_FASTER = 4  # times that reading is faster than training
STAGES, STAGE_SECONDS = 35, 4  # that start, import and write, whatever the data
SECONDS_A_ROW = 0.002  # of collect, clean, deduplicate and their like
SECONDS_A_ROW_AND_CLASS = 2e-4  # of the logistic regressions of score, calibrate, find_issues, rounds
MOST_TOKENS = 256  # of a text that are read at all
LEAST_TOKENS = 32
STEP = 16
LABELS_A_CLASS = 10  # that train, of any budget
TRAIN_SHARE = 0.68  # of the labels, by the default split
READS_A_CLASS = 40  # texts of each class that are read, at least
SEEDS = ((1, 2, 3, 4, 5), (1, 2, 3), (1, 2))
# Tokens that adaptation reads at least where there is text enough, whatever an earlier `init` wrote; and at all.
ADAPTED = (300_000, 50_000)
READINGS = 20  # of the same text; more soon add nothing
ENCODERS = 2  # the base and the adapted one
SLOWER = 7  # times that a small language model with an adapter trains slower than the default encoder
# To look for a wrong response, the given one and one that is planted are read, behind the prompt and alone.
SCORED_READ = 2.4 * SLOWER / 2  # times as long as a row of as many tokens takes an encoder to train
WRITTEN = (1024, 2, 64)  # of a language model: tokens of a row at most, epochs, and responses that train at least
EPOCHS = ((2000, 4), (10_000, 3))  # up to so many labels, so many; 2 beyond: more texts of a kind need fewer readings


@dataclass(frozen=True)
class Machine:
    """What computes here: `speed` is a key of `TRAINED`."""

    cores: int
    speed: str

    def seconds(self, trained: float, read: float) -> float:
        """Return how long tokens take."""
        rate = TRAINED[self.speed] * (1 if self.speed == "gpu" else self.cores)
        return trained / rate + read / (rate * READ_FASTER)


@dataclass(frozen=True)
class Data:
    """What is known of all sources together."""

    rows: int
    labelled: int
    classes: int
    tokens: int  # of all texts
    length: int  # of most texts, in tokens
    is_cut: bool = True  # whether longer texts are cut off, rather than read in windows
    writes: bool = False  # whether a language model learns to write responses


@dataclass(frozen=True)
class Plan:
    """What params.yaml gets, and the minutes that the run takes with it.

    Attributes:
        scored: responses that a language model reads to find wrong ones.
    """

    max_length: int
    adapt_tokens: int
    max_labels: int | None
    epochs: int
    reads: int
    seeds: tuple[int, ...]
    scored: int
    minutes: float


def this_machine() -> Machine:
    """Return what this machine computes with, by what params.yaml says of device and precision."""
    import torch

    on_gpu, precision = compute.chosen(params.load("compute", Compute))
    if on_gpu:
        return Machine(cores(), "gpu")
    is_wide = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return Machine(cores(), "amx" if precision == "bf16" else "avx512" if is_wide else "avx2")


def plan(data: Data, adapt_tokens: int, machine: Machine, minutes: float) -> Plan:
    """Return what a first run does.

    Args:
        adapt_tokens: word pieces that adaptation reads by params.yaml.
        minutes: that fine-tuning may take in all.
    """
    length = min(max(-(-data.length // STEP) * STEP, LEAST_TOKENS), MOST_TOKENS)
    labels = max(trained(data.labelled), 1)
    mean = data.tokens / max(data.rows, 1)
    mean = min(mean, length) if data.is_cut else mean
    reads = max(1200, READS_A_CLASS * data.classes)
    epochs, least, models, weight = _epochs, LABELS_A_CLASS * data.classes, ENCODERS, ENCODERS
    if data.writes:
        most, few, least = WRITTEN
        mean, reads, models, weight = min(data.tokens / max(data.rows, 1), most), 0, 1, SLOWER

        def epochs(labels: int) -> int:
            return few

    def cost(labels: int, seeds: tuple[int, ...]) -> float:
        texts = max(epochs(labels) * labels, reads)
        return machine.seconds(weight * len(seeds) * texts * mean, 0)

    seeds = next((seeds for seeds in SEEDS if cost(labels, seeds) <= 60 * minutes), SEEDS[-1])
    fit = labels
    while fit > least and cost(fit, seeds) > 60 * minutes:
        fit = int(fit * 0.9)
    adapted = min(max(adapt_tokens, ADAPTED[0]), max(READINGS * data.tokens, ADAPTED[1]))
    scored = 0
    if data.writes:
        scored = max(WRITTEN[2], min(data.labelled, int(60 * minutes / machine.seconds(SCORED_READ * max(mean, 1), 0))))
    runs = models * len(seeds)
    seconds = STAGES * STAGE_SECONDS + cost(fit, seeds) + (runs + 1) * 2 * STAGE_SECONDS
    seconds += machine.seconds(adapted, (2 + 0.3 * runs) * data.tokens)
    seconds += data.rows * (SECONDS_A_ROW + SECONDS_A_ROW_AND_CLASS * data.classes)
    seconds += machine.seconds(SCORED_READ * scored * mean, 0)
    return Plan(length, adapted, None if fit == labels else fit, epochs(fit), reads, seeds, scored, seconds / 60)


def trained(labelled: int) -> int:
    """Return about how many of the rows with a label are in the train split."""
    return int(labelled * TRAIN_SHARE)


def _epochs(labels: int) -> int:
    return next((epochs for most, epochs in EPOCHS if labels <= most), 2)
