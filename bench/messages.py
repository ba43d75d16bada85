"""Short messages in many classes, generated: what the benches of judging labels run on beside the default's rows.

A class has words of its own, shares some with the other classes of its topic, and is named in common phrases besides.
An embedding is the mean of its class, near those of its topic, with noise of a falling spectrum, as encoders give. Some
labels are wrong: another class of the topic mostly, more readily where the message says little. All depends on the seed
alone. `make` fills a folder with what the stages after `split` read.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from ruamel.yaml import YAML

from bench import workspace
from bench.rows import CONFLICTS, SCHEMA, SPLIT
from winnow.base import hashing, params
from winnow.base.files import write_text
from winnow.encoder import embeddings
from winnow.people import decisions
from winnow.rows import ledger, tables

ROWS, CLASSES = 13_000, 77
TOPIC = 5  # classes of a topic
SMALLEST = 0.15  # of the largest class
WRONG = 0.05  # share of labels
COMMON, PHRASES, OWN, SHARED = 1500, 4000, 18, 25  # words and phrases of all, words of a class and of a topic
WORDS = (4, 24)  # of a message
SAYS_OWN, SAYS_SHARED = 0.4, 0.15  # share of the words of an average message that are of its class, of its topic
DIMENSIONS, BETWEEN, WITHIN = 384, 0.5, 0.4  # and how far the centres of topics, and of their classes, lie apart


@dataclass(frozen=True)
class Messages:
    """Generated messages.

    Attributes:
        names: of the classes.
        texts: (rows,) str.
        truth: (rows,) int, index into `names`.
        given: (rows,) int, of which some are wrong.
        vectors: (rows, dimensions) float32 of unit length.
    """

    names: list[str]
    texts: list[str]
    truth: np.ndarray
    given: np.ndarray
    vectors: np.ndarray


def generate(rows: int = ROWS, classes: int = CLASSES, seed: int = 1) -> Messages:
    """Return messages; each class has one at least."""
    random = np.random.default_rng(seed)
    share = np.linspace(1, SMALLEST, classes)
    drawn = random.choice(classes, max(rows - classes, 0), p=share / share.sum())
    truth = random.permutation(np.concatenate([np.arange(classes), drawn])[:rows])
    clear = random.gamma(6.0, 1 / 6, rows)  # how plainly each row says what it is; 1 is the mean
    given = truth.copy()
    wrong = np.argsort(random.exponential(size=rows) * clear, kind="stable")[: round(WRONG * rows)]
    shift = random.integers(1, TOPIC, len(wrong))
    same_topic = truth[wrong] // TOPIC * TOPIC + (truth[wrong] + shift) % TOPIC
    anywhere = (truth[wrong] + random.integers(1, classes, len(wrong))) % classes
    near = (random.random(len(wrong)) < 0.8) & (same_topic < classes) & (same_topic != truth[wrong])
    given[wrong] = np.where(near, same_topic, anywhere)
    names = [f"intent {number:02d}" for number in range(classes)]
    return Messages(names, _texts(truth, clear, random), truth, given, _vectors(truth, clear, random))


def _texts(truth: np.ndarray, clear: np.ndarray, random: np.random.Generator) -> list[str]:
    phrases = [
        " ".join(f"w{word}" for word in _falling(random, COMMON, size)) for size in random.integers(1, 5, PHRASES)
    ]
    texts = []
    for own, plain in zip(truth.tolist(), clear.tolist(), strict=True):
        said: list[str] = []
        length = int(random.integers(*WORDS))
        while len(said) < length:
            draw = random.random()
            if draw < SAYS_OWN * plain:
                said.append(f"own{own}x{_falling(random, OWN, 1)[0]}")
            elif draw < (SAYS_OWN + SAYS_SHARED) * plain:
                said.append(f"topic{own // TOPIC}x{_falling(random, SHARED, 1)[0]}")
            else:
                said += phrases[_falling(random, PHRASES, 1)[0]].split()
        texts.append(" ".join(said))
    return texts


def _falling(random: np.random.Generator, many: int, size: int) -> np.ndarray:
    """Return numbers below `many`, (size,) int, the lowest most often, as words are used."""
    return np.minimum((many + 1) ** random.random(size) - 1, many - 1).astype(int)


def _vectors(truth: np.ndarray, clear: np.ndarray, random: np.random.Generator) -> np.ndarray:
    classes = truth.max() + 1
    topics = BETWEEN * random.standard_normal((classes // TOPIC + 1, DIMENSIONS))
    centres = topics[np.arange(classes) // TOPIC] + WITHIN * random.standard_normal((classes, DIMENSIONS))
    spectrum = np.arange(1, DIMENSIONS + 1) ** -0.35
    turned, _ = np.linalg.qr(random.standard_normal((DIMENSIONS, DIMENSIONS)))
    noise = (random.standard_normal((len(truth), DIMENSIONS)) * spectrum * (3.4 / spectrum.mean() ** 0.5)) @ turned
    made = np.minimum(clear, 1.5)[:, None] * centres[truth] + noise
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def make(folder: Path, messages: Messages) -> list[str]:
    """Fill an empty folder with what the stages after `split` read; return the rows' ids in the messages' order."""
    data = folder / "data"
    for place in (data / "frozen", data / "rounds", folder / "rules", folder / "models"):
        place.mkdir(parents=True)
    settings = params.read(workspace.ROOT / "params.yaml")
    settings["task"] = {"kind": "classification", "labels": messages.names}
    settings["annotate"]["rules"], settings["balance"]["max_labels"] = [], None
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(settings, file)
    ids = [hashing.digest("messages", number)[:16] for number in range(len(messages.texts))]
    rows = [
        {"id": id, "source": "generated", "source_key": str(number), "licence": "none", "purpose": "task", "group": id}
        | {"text": text, "label": messages.names[given], "label_origin": "given", "cluster": id, "meta": {}}
        for number, (id, text, given) in enumerate(zip(ids, messages.texts, messages.given.tolist(), strict=True))
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    tables.write(table, data / "deduplicated.parquet")
    tables.write(table, data / "clean.parquet")
    draws = np.searchsorted([0.68, 0.8], [hashing.unit("split", id) for id in ids])
    split = table.select(SPLIT.names[:-1]).append_column("split", pa.array(np.array(["train", "dev", "test"])[draws]))
    tables.write(split.cast(SPLIT), data / "split.parquet")
    order = sorted(range(len(ids)), key=ids.__getitem__)
    for name in ("embeddings", "base_embeddings"):
        embeddings.write(data / name, [ids[row] for row in order], messages.vectors[order])
    tables.write(CONFLICTS.empty_table(), data / "conflicts.parquet")
    ledger.Ledger("deduplicate").write(data / "ledger/deduplicate.parquet")
    write_text(data / "decisions.csv", f"{','.join(decisions.COLUMNS)}\n")
    return ids
