"""`winnow review` on a long queue: seconds until it serves, until the first row is painted, and for each decision.

python -m bench.review --rows data/labelled.parquet --out bench/results/review.json

The queue repeats the table's texts up to `--queue-rows` rows, each with five neighbours. Chromium (playwright) opens
the page and decides by key; a decision lasts from the key until the next row is painted, its line being on the disk by
then. Each kind of task with a decisions.csv of as many lines as the queue has rows; classification also with an empty
one.
"""

import argparse
import csv
import itertools
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import peers
from winnow.base import hashing
from winnow.base.files import write_json
from winnow.commands import pipeline
from winnow.kinds.generation import telling
from winnow.people import decisions, queue
from winnow.rows import tables

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
LABELS = ["BACKGROUND", "OBJECTIVE", "METHODS", "RESULTS", "CONCLUSIONS"]
NEIGHBOURS = 5
START_GOAL = 30  # seconds
PAINT_GOAL, DECISION_GOAL = 1000, 50  # milliseconds
KINDS = ("classification", "multilabel", "token_classification", "generation")
PROBABLE = KINDS[:2]  # those whose labels have a probability each
EACH = 12  # words of a text from one span to the next
# Runs before the page's own script: when is the first row there, and how long does each key take to bring the next?
WATCH = """
  const times = { shown: null, keys: [], pressed: 0 };
  window.times = times;
  const painted = (act) => requestAnimationFrame(() => setTimeout(act));
  addEventListener("keydown", () => (times.pressed = performance.now()), { capture: true });
  addEventListener("DOMContentLoaded", () => {
    new MutationObserver(() => painted(() => {
      if (times.shown === null) times.shown = performance.now();
      else times.keys.push(performance.now() - times.pressed);
    })).observe(document.getElementById("where"), { childList: true });
  });
"""


def make(folder: Path, rows: Path, kind: str, count: int) -> None:
    """Write a project whose queue has `count` rows of a kind of task."""
    texts = itertools.cycle(tables.read(rows, ["text"])["text"].to_pylist())
    entries = [entry(kind, number, [next(texts) for _ in range(2)]) for number in range(count)]
    tables.write(queue.table(entries), folder / pipeline.path("find_issues", "queue", ROOT))
    labels = "" if kind == "generation" else f", labels: [{', '.join(LABELS)}]"
    settings = f"task: {{kind: {kind}{labels}}}\nreview: {{overlap: 0.1}}\n"
    (folder / "params.yaml").write_text(settings, encoding="utf-8")
    shutil.copyfile(ROOT / pipeline.FILE, folder / pipeline.FILE)


def label(kind: str, number: int, text: str) -> str:
    """Return a label of a text in its canonical form; of another number another one."""
    if kind == "classification":
        return LABELS[number % 5]
    if kind == "multilabel":
        return json.dumps(sorted({LABELS[number % 5], LABELS[number * 3 % 5]}), separators=(",", ":"))
    if kind == "generation":
        return f"{text} Response\n{number}."
    words = list(re.finditer(r"\w+", text))[number % EACH :: EACH]
    marked = [[word.start(), word.end(), LABELS[(number + place) % 5]] for place, word in enumerate(words)]
    return json.dumps(marked, separators=(",", ":"))


def entry(kind: str, number: int, texts: list[str]) -> dict:
    """Return a row of the queue."""
    text = f"{texts[0]} ({number})"
    given, suggested = label(kind, number, text), label(kind, number + 1, text)
    near = {"id": "0" * 16, "label": label(kind, number, texts[1]), "similarity": 0.9, "text": texts[1]}
    return {
        "id": hashing.row_ids("bench", [str(number)])[0],
        "split": "train",
        "given_label": given,
        "suggested_label": suggested,
        "p_error": 0.5,
        "tier": "possible",
        "seconds": 10.0,
        "reasons": ["the models agree on another label", "3 of its 5 nearest rows have another label"],
        "probabilities": [{"label": name, "p": 0.2} for name in LABELS] if kind in PROBABLE else [],
        "votes": [{"rule": "heading", "label": given}],
        "neighbours": [near] * NEIGHBOURS,
        "text": text,
    }


def write_decisions(file: Path, kind: str, lines: int) -> None:
    """Write decisions of an earlier time on rows that are not in the queue."""
    text = "figures, no deeds"
    given, new = label(kind, 2, text), label(kind, 3, text)
    if kind == "generation":
        given, new = telling.fingerprint(given), telling.told(new)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow((*decisions.COLUMNS, decisions.SECONDS))
        for number in range(lines):
            id = hashing.row_ids("before", [str(number)])[0]
            writer.writerow([id, id, given, "relabel", new, "ana", "2026-01-31", text, "9.5"])


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, float]]:
    """Run `winnow review`; yield its address, and the seconds until it printed it."""
    code = "from winnow.commands import cli; cli.main(['review', '--reviewer', 'ben', '--no-browser', '--port', '0'])"
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        process.stdout.readline()
        yield process.stdout.readline().strip(), time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def measured(address: str, presses: int) -> tuple[float, list[float]]:
    """Return the milliseconds until the first row was painted, and of each decision."""
    from playwright.sync_api import sync_playwright

    browser_of = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_of)
        page = browser.new_page()
        page.add_init_script(WATCH)
        page.goto(address)
        wait(page, "times.shown !== null")
        for number in range(presses):
            page.keyboard.press("a")
            wait(page, f"times.keys.length > {number}")
            time.sleep(0.2)  # a person reads; rows ahead are fetched meanwhile
        result = page.evaluate("[times.shown, times.keys]")
        browser.close()
    return result[0], result[1]


def wait(page: "Page", condition: str) -> None:
    """Wait for a condition; not by playwright's own way, whose `eval` the page's policy forbids."""
    while not page.evaluate(condition):
        time.sleep(0.01)


def run(folder: Path, kind: str, lines: int, args: argparse.Namespace) -> list[dict]:
    """Return the entries for a decisions.csv of `lines` lines."""
    write_decisions(folder / pipeline.path("apply_decisions", "decisions", ROOT), kind, lines)
    with served(folder) as (address, start):
        shown, keys = measured(address, args.presses)
    what = f"winnow review of {kind}, queue of {args.queue_rows} rows, decisions.csv of {lines} lines"
    slow = statistics.quantiles(keys, n=20)[-1]
    return [
        {"work": f"{what}: until it serves", "ours": start, "goal": START_GOAL, "unit": "s"},
        {"work": f"{what}: until the first row is painted", "ours": shown, "goal": PAINT_GOAL, "unit": "ms"},
        {
            "work": f"{what}: a decision, median",
            "ours": statistics.median(keys),
            "goal": DECISION_GOAL,
            "unit": "ms",
        },
        {"work": f"{what}: a decision, 95 % are faster", "ours": slow, "goal": DECISION_GOAL, "unit": "ms"},
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True, help="a table with a column `text`")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--queue-rows", type=int, default=100_000)
    parser.add_argument("--presses", type=int, default=50)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    args = parser.parse_args()
    usual = {"queue_rows": 100_000, "presses": 50, "kinds": KINDS}
    common = {"device": peers.device(), "command": peers.command("make bench-review", args, usual)}
    found = []
    for kind in args.kinds:
        with tempfile.TemporaryDirectory(dir=args.out.parent) as scratch:
            folder = Path(scratch)
            make(folder, args.rows, kind, args.queue_rows)
            for lines in (0, args.queue_rows) if kind == "classification" else (args.queue_rows,):
                found += [entry | {"kind": kind} for entry in run(folder, kind, lines, args)]
    write_json(args.out, [{**one, **common} for one in found])
    for one in found:
        print(f"{one['work']}: {one['ours']:.4g} {one['unit']} (goal: {one['goal']})")


if __name__ == "__main__":
    main()
