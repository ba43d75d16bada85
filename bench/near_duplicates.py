"""Near-duplicates in eight scripts: what `deduplicate` finds and what it must not, by two revisions.

python -m bench.near_duplicates --before REVISION --out bench/results/near_duplicates.json

Generated texts: a language of each script has words of its own, made of the script's syllables, with frequencies as
Zipf has them, topics whose texts share words, names, numbers and pairs of telling words (as *good* and *bad*). Words
stand apart or, in Thai, Han and Kana, do not. All pairs of a script are rows of one run of the stage, with its default
parameters and `drop_near: false`; a pair is found if its texts are of one cluster.

recall: of texts and their copies with one or more edits, at most one for each 25 words: a typing mistake, another word,
    a word more or less, a clause of two to four words more, other punctuation or spaces;
precision: of the pairs found, those that are such copies; the others are of one topic, or telling;
telling: the share found of pairs of one sentence of 5 to 12 words that differ in one telling word, name or number.
"""

import argparse
import random
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, product
from pathlib import Path

import pyarrow as pa
from ruamel.yaml import YAML

from bench import peers
from bench.judging import revision, run
from winnow.base import hashing, params
from winnow.base.files import write_json
from winnow.rows import tables

HAN = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
    "十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形"
    "相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展"
)
CONSONANTS, VOWELS = "bdfghklmnprstvz", ["a", "e", "i", "o", "u", "ai", "ou"]
THAI = "กขคงจชซดตทนบปผพมยรลวสหอ"
# By script: syllables, words' lengths in syllables, what parts words, what ends a sentence, digits.
SYLLABLES = {
    "Latin": [one + two for one, two in product(CONSONANTS, VOWELS)],
    "Cyrillic": [one + two for one, two in product("бвгдзклмнпрстх", "аеиоуяю")],
    "Arabic": [one + two for one, two in product("بتجحدرسشعفقكلمنهي", ["", "ا", "و", "ي"])],
    "Devanagari": [one + two for one, two in product("कखगचजटडतदनपबमयरलवसह", ["", "ा", "ि", "ी", "ु", "े", "ो", "ं"])],
    "Thai": [
        before + one + tone + end
        for before, one, tone, end in product(["", "เ", "แ"], THAI, ["", "ี", "ุ", "่", "้"], ["", "า", "น", "ง"])
    ],
    "Han": list(HAN),
    "Kana": [chr(code) for code in range(ord("か"), ord("ん")) if chr(code) not in "っゃゅょゎゐゑ"],
    "Hangul": [
        chr(0xAC00 + 588 * one + 28 * two + end) for one, two, end in product(range(19), range(0, 21, 4), (0, 4, 21))
    ],
}
LENGTHS = {"Han": (1, 2), "Kana": (2, 4), "Thai": (1, 2), "Hangul": (2, 4)}  # otherwise 1 to 4
UNSPACED = {"Thai", "Han", "Kana"}
STOPS = {"Arabic": ("،", "."), "Devanagari": (",", "।"), "Thai": (" ", " "), "Han": ("，", "。"), "Kana": ("、", "。")}
WORDS, COMMON, TOPICS, TOPIC_WORDS = 3000, 150, 20, 120
METRICS = ("recall", "precision", "telling")


@dataclass
class Language:
    """Words of one script, the frequent ones first, and how sentences are made of them."""

    script: str
    draw: random.Random

    def __post_init__(self) -> None:
        syllables, (least, most) = SYLLABLES[self.script], LENGTHS.get(self.script, (1, 4))
        made: dict[str, None] = {}
        while len(made) < WORDS:
            made["".join(self.draw.choices(syllables, k=self.draw.randint(least, most)))] = None
        words = list(made)
        self.common, rest = words[:COMMON], words[COMMON:]
        self.weights = list(accumulate(1 / rank for rank in range(1, COMMON + 1)))
        self.topics = [self.draw.sample(rest, TOPIC_WORDS) for _ in range(TOPICS)]
        self.telling = [tuple(self.draw.sample(self.common, 2)) for _ in range(20)]
        self.names = self.draw.sample(rest, 100)

    def word(self, topic: int) -> str:
        """Return a frequent word, or one of a topic."""
        if self.draw.random() < 0.5:
            return self.draw.choices(self.common, cum_weights=self.weights)[0]
        return self.draw.choice(self.topics[topic])

    def words(self, topic: int, count: int) -> list[str]:
        """Return words of a topic, a name or a number among them at times."""
        return [
            self.draw.choice([self.draw.choice(self.names), str(self.draw.randint(2, 999))])
            if self.draw.random() < 0.05
            else self.word(topic)
            for _ in range(count)
        ]

    def text(self, words: list[str], seed: int) -> str:
        """Return words as sentences; where they end, and which punctuation they have, is drawn by `seed`."""
        draw = random.Random(seed)
        comma, stop = STOPS.get(self.script, (",", "."))
        gap = "" if self.script in UNSPACED else " "
        made = ""
        for word in words:
            made += gap + word if made and not made[-1].isspace() else word
            if draw.random() < 0.15:
                made += draw.choice([comma, comma, stop]) + gap
        return made.strip() + stop.strip()

    def edited(self, words: list[str], topic: int) -> list[str]:
        """Return words with some edits, one to one for each 25 words."""
        words = list(words)
        for _ in range(self.draw.randint(1, max(1, len(words) // 25))):
            place = self.draw.randrange(len(words))
            edit = self.draw.randrange(5)
            if edit == 0:  # a typing mistake
                syllable = self.draw.choice(SYLLABLES[self.script])
                at = self.draw.randrange(len(words[place]))
                words[place] = words[place][:at] + syllable + words[place][at + 1 :]
            elif edit == 1:
                words[place] = self.word(topic)
            elif edit == 2:
                words.insert(place, self.word(topic))
            elif edit == 3:
                del words[place]
            else:  # a clause at the end, or another clause's place
                place = self.draw.choice([0, len(words)])
                words[place:place] = self.words(topic, self.draw.randint(2, min(4, 1 + len(words) // 25)))
        return words

    def told(self, topic: int) -> tuple[list[str], list[str]]:
        """Return a short sentence, and the same with another telling word, name or number."""
        words = self.words(topic, self.draw.randint(5, 12))
        one, other = self.draw.choice(
            [
                self.draw.choice(self.telling),
                tuple(self.draw.sample(self.names, 2)),
                tuple(map(str, self.draw.sample(range(2, 999), 2))),
            ]
        )
        place = self.draw.randrange(len(words))
        return [*words[:place], one, *words[place + 1 :]], [*words[:place], other, *words[place + 1 :]]


def pairs(script: str, count: int, seed: int) -> dict[str, list[tuple[str, str]]]:
    """Return pairs of texts: `count` near ones, telling ones, and twice as many of one topic."""
    language = Language(script, random.Random(f"{script} {seed}"))
    draw = language.draw
    made: dict[str, list[tuple[str, str]]] = {"near": [], "telling": [], "topic": []}
    for _ in range(count):
        topic = draw.randrange(TOPICS)
        words = language.words(topic, round(25 * 8 ** draw.random()))  # 25 to 200 words
        made["near"].append((language.text(words, 1), language.text(language.edited(words, topic), draw.randrange(9))))
        one, other = language.told(topic)
        made["telling"].append((language.text(one, 1), language.text(other, 1)))
        for length in (round(5 * 8 ** draw.random()), round(50 * 20 ** draw.random())):
            both = [language.text(language.words(topic, length), draw.randrange(99)) for _ in range(2)]
            made["topic"].append((both[0], both[1]))
    return made


def found(made: Mapping[str, list[tuple[str, str]]], code: Path, folder: Path) -> dict[str, float | None]:
    """Run the stage of some code on the pairs, in a new folder; return the three measures.

    Precision is None where no pair was found.
    """
    for name in ("data/sources", "data/ledger", "reports/metrics"):
        (folder / name).mkdir(parents=True)
    yaml = YAML()
    chosen = yaml.load((code / params.FILE).read_text(encoding="utf-8"))
    chosen["deduplicate"]["drop_near"] = False
    yaml.dump(chosen, folder / params.FILE)
    keys = [(kind, number, side) for kind, each in made.items() for number in range(len(each)) for side in range(2)]
    ids = hashing.row_ids("bench", list(map(str, keys)))
    rows = [
        {"id": id, "source": "bench", "source_key": id, "licence": "", "purpose": "task", "group": id, "meta": []}
        | {"text": made[kind][number][side]}
        for id, (kind, number, side) in zip(ids, keys, strict=True)
    ]
    tables.write(pa.Table.from_pylist(rows, schema=tables.ROW), folder / "data/clean.parquet")
    (folder / "data/cleaning.json").write_text("{}")
    run(code, "deduplicate", folder)
    out = tables.read(folder / "data/deduplicated.parquet", ["id", "cluster"])
    clusters = dict(zip(out["id"].to_pylist(), out["cluster"].to_pylist(), strict=True))
    where = dict(zip(keys, ids, strict=True))
    # The second of two equal texts is dropped.
    tied = {
        kind: sum(
            one not in clusters or other not in clusters or clusters[one] == clusters[other]
            for one, other in ((where[kind, number, 0], where[kind, number, 1]) for number in range(len(each)))
        )
        for kind, each in made.items()
    }
    return {
        "recall": tied["near"] / len(made["near"]),
        "precision": tied["near"] / sum(tied.values()) if any(tied.values()) else None,
        "telling": tied["telling"] / len(made["telling"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default="main", help="a revision of Git")
    parser.add_argument("--now", default="HEAD", help="another")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=300, help="near-duplicates of each script")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    names = [
        subprocess.run(["git", "rev-parse", "--short", name], check=True, capture_output=True, text=True).stdout.strip()
        for name in (args.before, args.now)
    ]
    args.before = names[0]
    told = peers.command("make bench-near-duplicates", args, {"before": "main", "now": "HEAD", "pairs": 300, "seed": 1})
    common = {"seed": args.seed}
    common |= {"device": peers.device(), "command": told, "versions": peers.versions(["numba", "numpy", "regex"])}
    entries = []
    with tempfile.TemporaryDirectory(prefix="winnow-near-") as scratch:
        codes = {name: revision(name, Path(scratch) / name) for name in names}
        for script in SYLLABLES:
            made = pairs(script, args.pairs, args.seed)
            theirs, ours = (found(made, code, Path(scratch) / f"{script}-{name}") for name, code in codes.items())
            for metric in METRICS:
                values = ours[metric], theirs[metric]
                entries.append(
                    peers.entry(f"{script}: {metric}", "before", *values, metric, pairs=args.pairs, **common)
                )
            print(script, ours, theirs)
    write_json(args.out, entries)


if __name__ == "__main__":
    main()
