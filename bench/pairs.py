"""Wrong responses found: all signs weighed together against each sign alone, IFD and a perplexity filter.

python -m bench.pairs --base models/base --generator models/generator --cache .dvc/tmp/bench
    --out bench/results/pairs.json

Rows are papers of the default's source: the prompt asks for the title of an abstract, of which it shows the first
words, and the title is the response. Each paper is its own group. Errors of five sorts in equal parts are planted in a
share of the rows, each in one of three ways that are drawn (`winnow.kinds.generation.plants`), with words that answer
any prompt which are none of those that the stage score plants. Five seeds.

The detector gets the titles with the planted errors among them and nothing else: it plants errors of its own in some
rows, takes the signs of all, learns from these what the signs mean and ranks the rows by the probability of an error,
as the stages score, calibrate and find_issues do. A single sign ranks by its value: `ifd` is the ratio of the losses
with the prompt and without it (Li et al. 2023), `loss` is the perplexity filter. `modelbrew`, a cleaner of instruction
data, ranks by the issues that its rules find, in an environment of its own (`--peers` without a name: not asked). Of
Data-Juicer's operators on pairs all ask a vendor's language model, but for IFD. Rows with errors of their own, such as
titles that are translations, count as false alarms of every detector alike.

All rows: average precision. Of one sort: that of its rows among those without an error. Results are means over seeds
with 95 % intervals (Student's t), which hold the draws of errors, not of rows. Every run stands in a CSV file beside
`--out`. What the language model makes of a pair is kept in `--cache`. `--part other` takes other rows: changes of the
detector are tried on these.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np

from bench import intervals, labels, peers, tiered
from bench.headings import DOWNLOADS
from stages.collect import __main__ as collect
from stages.embed import __main__ as embed
from stages.score import __main__ as score
from winnow.base import files, hashing, params
from winnow.encoder import models, neighbours
from winnow.encoder.compute import Compute, start
from winnow.encoder.neighbours import Neighbours
from winnow.encoder.reader import Reader, Reading
from winnow.kinds.evidence import NEAREST, NOISES, Surroundings
from winnow.kinds.generation import members, plants
from winnow.kinds.generation.labels import Task
from winnow.kinds.generation.scores import Evidence
from winnow.kinds.generation.signs.reading import NAMES, LanguageModel, Read
from winnow.kinds.members import Inputs

SOURCE = "pubmed-2021-abstracts"
TASK = Task(kind="generation")
ASKED = "Write the title of this abstract.\n\n"
ROWS, SHOWN, SEEDS, RATE = 200, 45, (1, 2, 3, 4, 5), 0.1
PLANTED_ROWS = 100  # as many errors as the detector plants for itself
CHUNK = 50  # pairs that are read before they are kept
GOAL = 0.10  # points of average precision above the best single sign
TIERED, ALL = "tiered", "all"
PEERS = {"modelbrew": peers.Contender("modelbrew", "pairs:modelbrew", (), True, ("modelbrew-cleaner",), "pairs")}
COLUMNS = ("seed", "sort", "detector", "wrong", "average_precision")
# What the errors say that answer any prompt; the detector's own are others.
PHRASES = (
    "I cannot answer this question, because I am only a language model without access to the internet.",
    "Certainly! I'd be happy to help you with that. Please find my response below.",
    "It is hard to say in general, since every case is different and experts disagree about it.",
    "Sorry, this request goes against my guidelines.",
)


@dataclass(frozen=True)
class Data:
    """Prompts with their right responses, and what surrounds them.

    Attributes:
        ids, prompts: (rows,) str.
        truth: (rows,) object, the responses.
        folds: (rows,) int.
        near: the nearest rows of each.
    """

    ids: list[str]
    prompts: list[str]
    truth: np.ndarray
    vectors: np.ndarray
    folds: np.ndarray
    near: Neighbours


@dataclass(frozen=True)
class Kept:
    """A language model that keeps what it makes of pairs in a file; see `LanguageModel`."""

    model: LanguageModel
    file: Path

    def read(self, prompts: Sequence[str], responses: Sequence[str]) -> Read:
        """Return what the model makes of responses to prompts, (pairs,) each."""
        known = json.loads(files.read_text(self.file)) if self.file.exists() else {}
        pairs = list(zip(prompts, responses, strict=True))
        keys = [hashing.digest(*pair)[:24] for pair in pairs]
        new = dict.fromkeys(key for key in keys if key not in known)
        new = [pairs[keys.index(key)] for key in new]
        for begin in range(0, len(new), CHUNK):
            some = new[begin : begin + CHUNK]
            read = self.model.read(*zip(*some, strict=True))
            for number, pair in enumerate(some):
                values = [float(read.values[name][number]) for name in NAMES]
                known[hashing.digest(*pair)[:24]] = [*values, *read.worst[number].tolist()]
            files.write_json(self.file, known)
        found = np.array([known[key] for key in keys], dtype=np.float64).reshape(len(keys), len(NAMES) + 2)
        return Read(dict(zip(NAMES, found.T, strict=False)), found[:, len(NAMES) :].astype(np.int64))


@dataclass(frozen=True)
class Models:
    """What scores pairs.

    Attributes:
        reader: reads responses for the encoder that embedded the prompts.
        generator: what reads them as a language model; None: nothing does.
    """

    settings: score.Params
    reader: Reader
    generator: members.Generator | None


def read(downloads: Path, rows: int, part: int) -> tuple[list[str], list[str], list[str]]:
    """Return keys, prompts and titles of papers of the source, a random sample; each `part` has other rows."""
    source = next(each for each in params.load("collect", collect.Params).sources if each.name == SOURCE)
    columns: dict[str, list] = {"key": [], "title": [], "text": []}
    for block in source.open(Path(), downloads).blocks:
        for name, values in columns.items():
            values.extend(block.columns[name])
    whole = [each for each in zip(*columns.values(), strict=True) if all(each)]
    order = np.random.default_rng(0).permutation(len(whole))[part * rows : (part + 1) * rows]
    chosen = [whole[place] for place in np.sort(order)]
    prompts = [ASKED + " ".join(text.split()[:SHOWN]) for _, _, text in chosen]
    return [key for key, _, _ in chosen], prompts, [title for _, title, _ in chosen]


def prepared(found: tuple[list[str], list[str], list[str]], base: Path, cache: Path) -> Data:
    """Return pairs with their folds and neighbours."""
    ids, prompts, titles = found
    vectors, own = labels.encoded(prompts, base, cache), np.arange(len(ids))
    folds = score.assign_folds(ids, ids, params.load("score", score.Params).folds)
    near = neighbours.nearest(vectors, own, np.ones(len(own), dtype=bool), NEAREST)
    return Data(ids, prompts, np.array(titles, dtype=object), vectors, folds, near)


def planted(data: Data, rate: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return responses of which a share is wrong, (rows,) object, and the sort of each error; '' of right ones."""
    draw, given = Random(seed), data.truth.copy()
    sorts = np.full(len(given), "", dtype=object)
    every = range(len(given))
    for number, row in enumerate(draw.sample(every, round(rate * len(given)))):
        around = plants.Row(
            prompt=data.prompts[row],
            response=data.truth[row],
            near=[data.truth[other] for other in data.near.index[row] if other >= 0],
            far=[data.truth[other] for other in draw.sample(every, min(20, len(given)))],
            phrases=PHRASES,
        )
        first = number % len(plants.SORTS)
        for sort in (*plants.SORTS[first:], *plants.SORTS[:first]):
            wrong = plants.of_sort(sort, around, draw.choice(NOISES), draw)
            if wrong is not None:
                given[row], sorts[row] = wrong, sort
                break
    return given, sorts


def detect(data: Data, given: np.ndarray, by: Models) -> dict[str, np.ndarray]:
    """Return how suspicious each response is to each detector, (rows,) float, by name."""
    inputs = Inputs(
        ids=data.ids,
        texts=data.prompts,
        vectors=lambda: data.vectors,
        reader=lambda: by.reader,
        judged=lambda: [[label] for label in given],
        planted_rows=PLANTED_ROWS,
    )
    regularization = by.settings.regularization
    asked: dict[str, members.Member] = {
        "probe": members.Probe.of(inputs, regularization.probe),
        "words": members.Words(data.prompts, regularization.tfidf),
    }
    asked |= {"generator": by.generator} if by.generator else {}
    scored = members.score(TASK, asked, given, data.folds)
    evidence, own = Evidence(TASK, scored.pairs, scored.signs), np.arange(len(given))
    around = Surroundings(data.folds, own, own, np.full(len(given), None, dtype=object), data.near)
    found = evidence.signals(given, np.ones(len(given), dtype=bool), around, given)
    return {TIERED: tiered.suspicion(given, evidence, around)} | found.evidence.rankings(given, data.near)


def asked(names: Sequence[str], data: Data, given: np.ndarray) -> dict[str, np.ndarray]:
    """Return how suspicious each response is to other tools, (rows,) float, by their names.

    Raises:
        SystemExit: one fails.
    """
    found = {}
    for name in names:
        result = peers.run(replace(PEERS[name], arguments=(data.prompts, given.tolist())))
        if "error" in result:
            raise SystemExit(f"{name}: {result['error']}")
        found[name] = np.array(result["scores"])
    return found


def measure(data: Data, seed: int, by: Models, rate: float = RATE, others: Sequence[str] = ()) -> list[dict]:
    """Return the average precision of every detector with one draw of errors, one dict a detector and sort.

    Args:
        others: names of `PEERS` that are asked too.
    """
    from sklearn.metrics import average_precision_score

    given, sorts = planted(data, rate, seed)
    runs = []
    for detector, suspicion in (detect(data, given, by) | asked(others, data, given)).items():
        for sort in (ALL, *plants.SORTS):
            wrong = sorts != "" if sort == ALL else sorts == sort
            judged = (sorts == "") | wrong
            if wrong.any():
                precision = float(average_precision_score(wrong[judged], suspicion[judged]))
                facts = {"seed": seed, "sort": sort, "detector": detector, "wrong": int(wrong.sum())}
                runs.append(facts | {"average_precision": precision})
    return runs


def entries(runs: list[dict], common: dict) -> list[dict]:
    """Return the entries of the results file: our detector beside each other one, by sort of error."""
    values: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        values.setdefault(run["sort"], {}).setdefault(run["detector"], []).append(run["average_precision"])
    made = []
    for sort, found in values.items():
        own = found[TIERED]
        best = max(
            (name for name in found if name not in (TIERED, "together", *PEERS)), key=lambda name: np.mean(found[name])
        )
        for detector, theirs in found.items():
            gain = [a - b for a, b in zip(own, theirs, strict=True)]
            facts = {"goal": GOAL if sort == ALL and detector == best else None, "sort": sort, "seeds": len(own)}
            facts |= {"difference": intervals.mean(gain), "own": intervals.mean(own), "other": intervals.mean(theirs)}
            facts |= {"best_single": detector == best}
            work = f"wrong responses found, {sort}: average precision"
            made.append(peers.entry(work, detector, facts["own"][0], facts["other"][0], "AP", **facts, **common))
    return made


def loaded(base: Path, generator: Path, cache: Path) -> Models:
    """Return what scores pairs, by params.yaml and folders of models."""
    settings, longest = params.load("score", score.Params), params.load("encoder", Reading).max_length
    accelerator = start(params.load("compute", Compute), seed=0)
    reader = Reader.of(base, longest, params.load("embed", embed.Params).batch_tokens, accelerator)
    passes = settings.generator
    weights = files.sha256(generator / models.WEIGHTS[1])
    model = LanguageModel(generator, passes.max_length, passes.batch_tokens, accelerator)
    kept = Kept(model, cache / f"losses-{hashing.digest(weights, passes.max_length)[:16]}.json")
    return Models(settings, reader, members.Generator(kept, passes.max_rows))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="folder of the base encoder")
    parser.add_argument("--generator", type=Path, required=True, help="folder of the language model")
    parser.add_argument("--cache", type=Path, required=True, help="where embeddings and losses are kept")
    parser.add_argument("--downloads", type=Path, default=DOWNLOADS, help="where the papers are kept")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--part", choices=("reported", "other"), default="reported")
    parser.add_argument("--peers", choices=PEERS, nargs="*", default=tuple(PEERS))
    args = parser.parse_args(argv)

    found = read(args.downloads, args.rows, 0 if args.part == "reported" else 1)
    data, by = prepared(found, args.base, args.cache), loaded(args.base, args.generator, args.cache)
    runs = [run for seed in args.seeds for run in measure(data, seed, by, args.rate, args.peers)]
    usual = {"rate": RATE, "seeds": SEEDS, "rows": ROWS, "part": "reported", "peers": tuple(PEERS)}
    common = {"device": peers.device(), "command": peers.command("make bench-pairs", args, usual)}
    common |= {"versions": peers.versions(("scikit-learn", "numpy", "torch", "transformers"))}
    common |= {"rows": len(data.ids), "rate": args.rate}
    made = entries(runs, common)
    files.write_json(args.out, made)
    files.write_csv(args.out.with_suffix(".csv"), COLUMNS, [[run[name] for name in COLUMNS] for run in runs])
    for entry in made:
        print(f"{entry['work']}: {entry['peer']} {entry['theirs']:.3f}, ours {entry['difference'][0]:+.3f}")


if __name__ == "__main__":
    main()
