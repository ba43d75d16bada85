"""HTML fragments to text: Winnow's `strip_markup` against the usual tools, in speed and in fidelity.

python -m bench.html --raw data/raw --out bench/results/html.json

Speed: megabytes (10^6 bytes of UTF-8) a second on one core, over the texts of `--raw` that hold a tag, and over the
hand-made set repeated. Each tool runs in a process of its own, one after another, `--rounds` times; the best round
counts. Fidelity: bench/fidelity.py. Peers get the options that lose least on fragments; trafilatura and datatrove's
extractor, which is trafilatura in their precision settings, are made for whole pages.
"""

import argparse
import json
import re
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from bench import fidelity, peers
from bench.peers import Contender
from winnow.base.files import write_json

GOAL = 20  # times BeautifulSoup's speed
OURS = "Winnow"
TOOLS = {
    OURS: ("winnow", None, ("selectolax",)),
    "BeautifulSoup, html.parser": ("beautifulsoup", "html.parser", ("beautifulsoup4",)),
    "BeautifulSoup, lxml": ("beautifulsoup", "lxml", ("beautifulsoup4", "lxml")),
    "trafilatura extract": ("trafilatura_extract", None, ("trafilatura", "lxml")),
    "trafilatura html2txt": ("trafilatura_html2txt", None, ("trafilatura", "lxml")),
    "datatrove Trafilatura": ("datatrove", None, ("datatrove", "trafilatura")),
    "Data-Juicer clean_html_mapper": ("data_juicer", None, ("py-data-juicer", "selectolax")),
    "resiliparse": ("resiliparse", None, ("resiliparse",)),
    "inscriptis": ("inscriptis", None, ("inscriptis", "lxml")),
}
LONGEST = 1000  # characters; the set's longest attribute and deepest nesting would be most of what is timed
REPEATED = 100_000  # bytes of the set, repeated


def marked_up(raw: Path) -> list[str]:
    """Return the texts of a folder's Parquet files that hold a tag."""
    files = sorted(raw.glob("*.parquet"))
    texts = [text for file in files for text in pq.read_table(file, columns=["text"])["text"].to_pylist()]
    return [text for text in texts if re.search(r"<[A-Za-z/][^<>]*>", text)]


def hand_made() -> list[str]:
    """Return the set's fragments, over and over, but for the very long ones."""
    texts = [item["html"] for item in fidelity.fragments() if len(item["html"]) <= LONGEST]
    return texts * -(-REPEATED // size(texts))


def size(texts: list[str]) -> int:
    """Return how many bytes of UTF-8 the texts are."""
    return sum(len(text.encode()) for text in texts)


def timed(texts: list[str], rounds: int) -> dict[str, dict]:
    """Return what each tool's best round gave: `seconds` and the `texts` it made of the set, or `error`."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "texts.json"
        judge = [item["html"] for item in fidelity.fragments()]
        file.write_text(json.dumps({"time": texts, "judge": judge}), encoding="utf-8")
        contenders = [
            Contender(name, "html:convert", (function, argument, str(file)), name != OURS, packages)
            for name, (function, argument, packages) in TOOLS.items()
        ]
        return peers.fastest(contenders, rounds)


def speeds(what: str, texts: list[str], rounds: int) -> tuple[list[dict], dict[str, dict]]:
    """Return the entries on speed over some texts, and each tool's best round."""
    best, amount = timed(texts, rounds), size(texts) / 10**6
    ours = amount / best[OURS]["seconds"]
    entries = []
    for name, result in best.items():
        if name != OURS:
            theirs = amount / result["seconds"] if "seconds" in result else None
            goal = GOAL if name.startswith("BeautifulSoup") else None
            work = f"HTML to text, one core, {what}: {len(texts)} fragments, {amount:.2f} MB"
            entries.append(peers.entry(work, name, ours, theirs, "MB/s", goal=goal, **facts(result)))
    return entries, best


def judged(best: dict[str, dict]) -> list[dict]:
    """Return the entries on fidelity."""
    entries = []
    for kinds, what in ((("html",), "HTML"), (("html", "xml", "plain"), "HTML, XML and plain text")):
        scores = {name: fidelity.score(result["texts"], kinds) for name, result in best.items() if "texts" in result}
        for measure in ("exact", "token_f1"):
            for name, result in best.items():
                if name == OURS:
                    continue
                count = sum(item["kind"] in kinds for item in fidelity.fragments())
                work = f"HTML to text, fidelity on {count} hand-made fragments ({what}): {measure}"
                theirs = scores[name][measure] if name in scores else None
                entry = peers.entry(work, name, scores[OURS][measure], theirs, "share", goal=1, **facts(result))
                entries.append(entry)
    return entries


def facts(result: dict) -> dict:
    """Return what an entry says of how it was measured."""
    reason = {"reason": result["error"]} if "error" in result else {}
    return {"versions": result.get("versions", {}), **reason}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raw", type=Path, required=True, help="folder of Parquet files with a column `text`")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    real = marked_up(args.raw)
    if not real:
        raise SystemExit(f"{args.raw}: no text with a tag; `dvc repro collect` makes it")
    entries, _ = speeds("real", real, args.rounds)
    more, best = speeds("hand-made", hand_made(), args.rounds)
    common = {"device": peers.device(), "command": "python -m bench.html --raw data/raw --out bench/results/html.json"}
    write_json(args.out, [{**entry, **common} for entry in [*entries, *more, *judged(best)]])


if __name__ == "__main__":
    main()
