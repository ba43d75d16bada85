"""Near-duplicates dropped: Winnow's stage against datasketch, text-dedup and datatrove, in speed, quality and memory.

python -m bench.deduplicate --base data/deduplicated.parquet --out bench/results/deduplicate.json

A corpus of families is made from the base's texts: a text and nine copies, words of which are replaced, left out or
put in, at rates that spread the true Jaccard similarity of the family's pairs over the whole of 0..1 with many near the
threshold. All tools read the same rows from Parquet and write what they keep: shingles of three words, threshold 0.8,
128 permutations in 21 bands of 6. Told for each, in a process of its own on one core, best of `--rounds`:

documents a second, from file to file, without imports;
recall: of the pairs at or above the threshold, the share of which not both texts are kept;
precision: of the texts dropped, the share with a kept text at or above the threshold in their family;
peak memory of all its processes.
"""

import argparse
import random
import re
import tempfile
from itertools import combinations
from pathlib import Path

import pyarrow as pa
from ruamel.yaml import YAML

from bench import peers
from bench.peers import Contender
from stages.deduplicate.__main__ import Params
from winnow.base import hashing, params
from winnow.base.files import write_json
from winnow.rows import tables

WORDS, THRESHOLD = 3, 0.8
COPIES = 9
ROUNDS = 2
GOALS = {"docs/s": 5, "recall": 0.98, "precision": 1.0, "GiB": 2}
OURS = "Winnow"
TOOLS = {
    OURS: ("winnow", ("numba", "numpy", "pyarrow")),
    "datasketch": ("datasketch", ("datasketch", "numpy")),
    "datatrove": ("datatrove", ("datatrove", "numpy", "spacy")),
    "text-dedup": ("text_dedup", ("text-dedup", "datasets", "numpy")),
}


def families(texts: list[str], count: int, seed: int) -> list[list[str]]:
    """Return families of a text and its copies; the texts are drawn without repetition while they last."""
    draw = random.Random(seed)
    chosen = [texts[place % len(texts)].split() for place in draw.sample(range(max(count, len(texts))), count)]
    every = [word for words in chosen for word in words]
    return [[" ".join(words), *(copy(words, every, draw) for _ in range(COPIES))] for words in chosen]


def copy(words: list[str], every: list[str], draw: random.Random) -> str:
    """Return a text with some words edited; a shingle stays whole with a probability drawn from 0..1, often > 0.85."""
    whole = draw.uniform(0.85, 1) if draw.random() < 0.5 else draw.random()
    edited: list[str] = []
    for word in words:
        if draw.random() < whole ** (1 / WORDS):
            edited.append(word)
        else:
            edited += draw.choice([[], [draw.choice(every)], [draw.choice(every)], [word, draw.choice(every)]])
    return " ".join(edited or words[:1])


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Return a text's runs of words; of a shorter text, the whole as one."""
    words = re.findall(r"\w+", text.lower())
    return frozenset(tuple(words[start : start + WORDS]) for start in range(max(1, len(words) - WORDS + 1)))


def similarities(family: list[str]) -> dict[tuple[int, int], float]:
    """Return the true Jaccard similarity of each pair of a family's members."""
    sets = [shingles(text) for text in family]
    return {(a, b): len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in combinations(range(len(sets)), 2)}


def write_corpus(made: list[list[str]], ours: Path, theirs: Path) -> list[list[str]]:
    """Write the families as rows of the data contract, and for peers as columns id and text; return their ids."""
    ids = [hashing.row_ids("bench", [f"{family}-{n}" for n in range(len(texts))]) for family, texts in enumerate(made)]
    rows = [
        {"id": id, "source": "bench", "source_key": id, "licence": "", "purpose": "task", "group": id, "text": text}
        | {"meta": []}
        for family, texts in zip(ids, made, strict=True)
        for id, text in zip(family, texts, strict=True)
    ]
    table = pa.Table.from_pylist(rows, schema=tables.ROW)
    tables.write(table, ours)
    tables.write(table.select(["id", "text"]), theirs)
    return ids


def judge(kept: set[str], ids: list[list[str]], truth: list[dict[tuple[int, int], float]]) -> tuple[float, float]:
    """Return recall over pairs and precision over dropped texts."""
    true = caught = dropped = right = 0
    for family, pairs in zip(ids, truth, strict=True):
        similar = [pair for pair, share in pairs.items() if share >= THRESHOLD]
        true += len(similar)
        caught += sum(not (family[one] in kept and family[two] in kept) for one, two in similar)
        gone = {place for place, id in enumerate(family) if id not in kept}
        near = {one for pair in similar for one, two in (pair, pair[::-1]) if family[two] in kept}
        dropped += len(gone)
        right += len(gone & near)
    return caught / true, right / dropped if dropped else 1.0


def measured(base: Path, count: int, seed: int, rounds: int) -> tuple[dict[str, dict], str]:
    """Return each tool's best round, with docs/s, recall, precision and GiB, and what it worked on, in words."""
    texts = tables.read(base, ["text"])["text"].to_pylist()
    made = families([text for text in texts if len(text.split()) >= 20], count, seed)
    truth = [similarities(family) for family in made]
    pairs = [share for family in truth for share in family.values()]
    documents = sum(map(len, made))
    above = sum(share >= THRESHOLD for share in pairs)
    with tempfile.TemporaryDirectory() as scratch:
        files = {True: Path(scratch) / "ours.parquet", False: Path(scratch) / "theirs.parquet"}
        ids = write_corpus(made, files[True], files[False])
        write_params(Path(scratch) / "params.yaml")
        contenders = [
            Contender(name, "deduplicate:drop", (tool, str(files[name == OURS]), scratch), name != OURS, packages)
            for name, (tool, packages) in TOOLS.items()
        ]
        best = peers.fastest(contenders, rounds)
    for result in best.values():
        if "error" not in result:
            result["recall"], result["precision"] = judge(set(result["kept"]), ids, truth)
            result |= {"docs/s": documents / result["seconds"], "GiB": result["tree"] / 2**30}
    megabytes = sum(len(text.encode()) for family in made for text in family) / 10**6
    spread = " ".join(str(sum(tenth <= int(share * 10) < tenth + 1 for share in pairs)) for tenth in range(10))
    what = (
        f"{documents} documents ({megabytes:.1f} MB), {len(pairs)} pairs of known Jaccard, {above} of them at or above "
        f"{THRESHOLD} (pairs by tenth, 0 to 1: {spread}; equal: {sum(share == 1 for share in pairs)})"
    )
    return best, what


def write_params(file: Path) -> None:
    """Write the default parameters of our stage."""
    yaml = YAML(typ="safe")
    defaults = yaml.load((peers.ROOT / "params.yaml").read_text(encoding="utf-8"))
    chosen = {section: defaults[section] for section in ("task", "deduplicate")}
    settings = params.parse(chosen["deduplicate"], Params, "params.yaml: deduplicate")
    if (settings.shingle_words, settings.threshold) != (WORDS, THRESHOLD):
        raise SystemExit("params.yaml: deduplicate: the peers run with shingles of 3 words and threshold 0.8")
    yaml.dump(chosen, file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--base", type=Path, required=True, help="Parquet file with a column `text`, no near-duplicates"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--families", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    best, what = measured(args.base, args.families, args.seed, args.rounds)
    ours = best[OURS]
    common = {
        "device": f"{peers.device()}, one core each",
        "command": "python -m bench.deduplicate --base data/deduplicated.parquet --out bench/results/deduplicate.json"
        + (f" --rounds {args.rounds}" if args.rounds != ROUNDS else ""),
    }
    entries = []
    for name, result in best.items():
        if name == OURS:
            continue
        versions = ours["versions"] | result.get("versions", {})
        reason = {"reason": result["error"]} if "error" in result else {}
        for unit, goal in GOALS.items():
            work = f"near-duplicates dropped, {unit}: {what}"
            facts = {"goal": goal, "versions": versions, **reason, **common}
            entries.append(peers.entry(work, name, ours[unit], result.get(unit), unit, **facts))
    write_json(args.out, entries)


if __name__ == "__main__":
    main()
