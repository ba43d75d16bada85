"""A project with any number of classes whose labels are any text, and its stages, run by the commands of dvc.yaml.

Embeddings are drawn, near one another within a class, so that no encoder runs.
"""

import csv
import hashlib
import importlib
import shutil
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from ruamel.yaml import YAML

from winnow.encoder import embeddings
from winnow.people import decisions
from winnow.rows import tables

ROOT = Path(__file__).parents[2]
ODD = [
    "two words",
    "a/b\\c",
    "it's",
    'said "no"',
    "🦉 owl",
    "42",
    "x, y",
    "a;b",
    "=1+1",
    "<b>",
    "naïve",
    "p_x",
    "%s {}",
]
DIMENSIONS = 24
FILLER = "the of and to in is that for on with as at by from this was are be it an which or".split()


def labels(count: int) -> list[str]:
    """Return that many labels, odd ones among them."""
    return [ODD[number] if number < len(ODD) else f"class {number}" for number in range(count)]


def texts(classes: int, rows: int) -> list[tuple[str, str]]:
    """Return (text, label) of rows; two words of a text tell its class, one row in thirty has another label."""
    random, names, made = np.random.default_rng(classes), labels(classes), []
    for number in range(rows):
        truth = number % classes
        words = [FILLER[place] for place in random.integers(0, len(FILLER), 8)]
        words[2], words[5] = f"topic{truth}", f"matter{truth}"
        label = names[(truth + 1) % classes if random.random() < 1 / 30 else truth]
        made.append((f"{' '.join(words)} number{number}", label))
    return made


def write(folder: Path, classes: int, rows: int, **sections: dict) -> None:
    """Write what a project has before its first run.

    Args:
        folder: the current one.
        sections: of params.yaml, with the keys to set; the other keys are the repository's.
    """
    folder.mkdir(exist_ok=True)
    shutil.copyfile(ROOT / "dvc.yaml", folder / "dvc.yaml")
    for name in ("data/sources", "data/frozen", "data/rounds", "data/test", "rules", "models/classifier"):
        (folder / name).mkdir(parents=True)
    (folder / "data/frozen/test_groups.txt").touch()
    (folder / "data/decisions.csv").write_text(",".join(decisions.COLUMNS) + "\n", encoding="utf-8")
    with (folder / "data/sources/rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *texts(classes, rows)])
    yaml = YAML(typ="safe")
    document = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    source = {"name": "rows", "kind": "file", "format": "csv", "path": "rows.csv", "licence": "CC0-1.0"}
    source |= {"purpose": "task", "columns": {"text": "text", "label": "label"}}
    settings = {
        "task": {"labels": labels(classes)},
        "collect": {"sources": [source]},
        "annotate": {"rules": []},
        "clean": {"default_profile": "plain"},
        "deduplicate": {"threshold": 0.95},
        "represent": {"resamples": 20, "splits": 20, "embedded_rows": 100, "clusters": 8},
        "balance": {"max_labels": None},
        "learning_curve": {"budgets": [min(100, rows // 4)], "seeds": [1]},
        "arms": {"approaches": [], "encoders": [], "seeds": [], "ensembles": {}},
        "compare": {"pairs": [], "resamples": 100},
        "rounds": {"planted": [0.1], "plant_seeds": 1, "resamples": 100},
    }
    for section, values in [*settings.items(), *sections.items()]:
        document[section] |= values
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


def embed(*folders: str) -> None:
    """Write embeddings of all rows."""
    rows = tables.read(Path("data/deduplicated.parquet"), ["id", "text"])
    random = np.random.default_rng(0)
    centres: dict[str, np.ndarray] = {}
    vectors = random.normal(0, 0.6, (rows.num_rows, DIMENSIONS))
    for row, text in enumerate(rows["text"].to_pylist()):
        topic = next(word for word in text.split() if word.startswith("topic"))
        seed = int(hashlib.sha256(topic.encode()).hexdigest()[:8], 16)
        vectors[row] += centres.setdefault(topic, np.random.default_rng(seed).normal(0, 1, DIMENSIONS))
    for folder in folders:
        embeddings.write(Path(folder), rows["id"].to_pylist(), vectors.astype(np.float32))


def run(*stages: str) -> None:
    """Run stages by the commands of dvc.yaml."""
    pipeline = YAML(typ="safe").load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for stage in stages:
        module, *arguments = pipeline[stage]["cmd"].split()[2:]
        importlib.import_module(f"{module}.__main__").main(arguments)


def share(table: str, column: str) -> dict[str, int]:
    """Return how often each value stands in a column of a table."""
    counts = pc.value_counts(tables.read(Path(table), [column])[column]).to_pylist()
    return {pair["values"]: pair["counts"] for pair in counts}
