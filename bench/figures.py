"""The figures of README and docs, made from the files that hold them.

python -m bench.figures           names the blocks that are not as their files say, and ends with 1 if there is one
python -m bench.figures --write   writes them, as `make docs` does

What a page says of a measurement stands between `<!-- figures: NAME -->` and `<!-- /figures -->`. The block of that
name in `docs/figures/<page>.jinja` is its template: sentences and tables, with the functions and filters of this module
for every number. A template reads `bench/results/`, `reports/` and `data/test/`, and nothing else, so that a new
measurement changes the words too: what is ahead, and what makes no measurable difference.
"""

import argparse
import csv
import json
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import jinja2

from winnow.base import files
from winnow.base.errors import UserError
from winnow.validation import looks

TEMPLATES = Path("docs/figures")
RESULTS = Path("bench/results")
FILL = {"width": 120, "break_long_words": False, "break_on_hyphens": False}
BLOCK = re.compile(
    r"(?P<begin>(?P<indent> *)<!-- figures: (?P<name>[\w-]+) -->\n)(?P<body>.*?)(?P<end> *<!-- /figures -->)", re.S
)
SAME = "no measurable difference"

# A mean with its interval, [mean, low, high] or [mean, half the interval's width]; None where it has none.
Measured = Sequence[float | None]


def main(argv: Sequence[str] | None = None) -> int:
    """Check or write all blocks; return how many differ from their files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the blocks instead of checking them")
    write, root = parser.parse_args(argv).write, Path()
    stale = 0
    for page in pages(root):
        text, made = files.read_text(root / page), fill(page, root)
        if text != made and write:
            files.write_text(root / page, made)
        elif text != made:
            stale += 1
            print(f"{page}: its figures are not those of their files; `make docs` writes them", file=sys.stderr)
    return stale


def pages(root: Path) -> list[Path]:
    """Return the pages that have a template, below `root`."""
    found = sorted((root / TEMPLATES).rglob("[!_]*.jinja"))
    return [page_of(template.relative_to(root / TEMPLATES)) for template in found]


def page_of(template: Path) -> Path:
    """Return the page of a template: docs/figures/README.jinja is that of README.md."""
    name = template.with_suffix(".md")
    return name if template == Path("README.jinja") else Path("docs") / name


def fill(page: Path, root: Path) -> str:
    """Return a page with each of its blocks as the files say.

    Raises:
        UserError: the page and its template do not have the same blocks, or a file lacks what a template asks for.
    """
    text, blocks = files.read_text(root / page), rendered(page, root)
    names = [match["name"] for match in BLOCK.finditer(text)]
    if sorted(names) != sorted(blocks) or text.count("<!-- figures:") != len(names):
        raise UserError(f"{page}: its blocks are {names}, those of its template {list(blocks)}")

    def filled(match: re.Match) -> str:
        return match["begin"] + textwrap.indent(blocks[match["name"]], match["indent"]) + match["end"]

    return BLOCK.sub(filled, text)


def rendered(page: Path, root: Path) -> dict[str, str]:
    """Return a page's blocks by name, as its template makes them."""
    template = page.with_suffix(".jinja")
    name = template.as_posix().removeprefix("docs/")
    try:
        text = environment(root).get_template(name).render()
    except (jinja2.TemplateError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{TEMPLATES / name}: {type(error).__name__}: {error}") from None
    return {match["name"]: wrapped(match["body"]) for match in BLOCK.finditer(text)}


def environment(root: Path) -> jinja2.Environment:
    """Return what renders templates: files as functions, forms of numbers as filters."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(root / TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        function.__name__: partial(function, root) for function in (results, table, read, budgets, comparison)
    }
    made.filters |= FILTERS
    return made


def wrapped(text: str) -> str:
    """Return Markdown with the lines of its paragraphs and list items filled; tables and code stay as they are."""
    made: list[str] = []
    for part in re.split(r"\n(?=\n|\||- |```)", text.strip("\n")):
        line = part.strip("\n")
        is_kept, follows_table = line.startswith(("|", "```")), bool(made) and made[-1].startswith("|")
        if not line or part.startswith("\n") or (follows_table and not line.startswith("|")):
            made.append("")
        if line:
            indent = "  " if line.startswith("- ") else ""
            made.append(line if is_kept else textwrap.fill(" ".join(line.split()), **FILL, subsequent_indent=indent))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(made)) + "\n"


# What templates read.


def read(root: Path, path: str) -> object:
    """Return a JSON file below `root`."""
    try:
        return json.loads(files.read_text(root / path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON: {error}; restore it or measure again") from None


def results(root: Path, *names: str) -> list[dict]:
    """Return the entries of files of results, each with the `file` that it stands in; none of an absent file."""
    made = []
    for path in (RESULTS / name for name in names):
        entries = read(root, path.as_posix()) if (root / path).exists() else []
        made += [entry | {"file": path.as_posix()} for entry in entries]
    return made


def table(root: Path, name: str) -> list[dict[str, str]]:
    """Return the lines of a CSV file of results."""
    return list(csv.DictReader(files.read_text(root / RESULTS / name).splitlines()))


def budgets(root: Path, name: str) -> dict:
    """Return the macro-F1 that a file of `make bench-label-budget` holds.

    Returns:
        `entries`; `split`; `labels`, how many each budget has; `f1`, by arm and budget; `over`, the entry of a
        difference by arm, peer and budget.
    """
    entries = results(root, name)
    found: dict = {"entries": entries, "labels": {}, "f1": {}, "over": {}}
    for entry in where(entries, unit="macro-F1"):
        found["split"], budget, arm = re.match(r"macro-F1 on (\w+), (.+) labels: (.+)", entry["work"]).groups()
        found["labels"][budget] = entry["labels"]
        found["f1"].setdefault(arm, {})[budget] = entry["ours"]
        found["over"].setdefault(arm, {}).setdefault(entry["peer"], {})[budget] = entry
    return found


def comparison(root: Path) -> dict[str, dict]:
    """Return by split the `approaches` and `difference` of the pipeline's comparison; of test once it was asked."""
    dev, test = read(root, "reports/metrics/compare.json"), "data/test/results.json"
    if not (root / test).exists():
        return {"dev": dev["dev"]}
    looked = read(root, test)
    seen = looks.at(looks.read((root / test).parent), looked["dataset"])
    # Benches look at the same rows, and leave the figures of the pipeline's own models.
    [own] = (look for look in seen if look.predictions == looked["predictions"])
    return {"dev": dev["dev"], "test": looked["test"] | {"looks": len(seen), "looked_on": own.looked_on}}


# What templates choose by.


def where(entries: Sequence[dict], **facts: object) -> list[dict]:
    """Return the entries that have these values; a text that ends with `…` stands for all that begin so."""

    def fits(value: object, wanted: object) -> bool:
        if isinstance(wanted, str) and wanted.endswith("…"):
            return isinstance(value, str) and value.startswith(wanted[:-1])
        return value == wanted

    return [entry for entry in entries if all(fits(entry.get(name), wanted) for name, wanted in facts.items())]


def one(entries: Sequence[dict], **facts: object) -> dict:
    """Return the one entry that has these values.

    Raises:
        LookupError: there is none, or more than one.
    """
    found = where(entries, **facts)
    if len(found) != 1:
        raise LookupError(f"{len(found)} entries have {facts}")
    return found[0]


# How numbers read.


def plain(value: float, digits: int = 0) -> str:
    """Return a number with thousands apart: 1,234.5."""
    return f"{value:,.{digits}f}"


def grouped(text: str) -> str:
    """Return a text with the thousands of its whole numbers apart."""
    return re.sub(r"(?<![\d.])\d{4,}", lambda number: plain(int(number[0])), text)


def f1(value: float) -> str:
    """Return a metric of 0 to 1."""
    return f"{value:.3f}"


def percent(value: float, digits: int = 0) -> str:
    """Return a share in hundredths."""
    return f"{100 * value:.{digits}f} %"


def spread(measured: Measured, form: Callable[[float], str]) -> str:
    """Return a mean with its interval, both by `form`."""
    mean, *limits = measured
    if None in limits:
        return f"{form(mean)} (no interval: one seed)"
    if len(limits) == 1:
        return f"{form(mean)} ± {form(abs(limits[0])).lstrip('+')}"
    return f"{form(mean)} ({' to '.join(map(form, limits))})"


def points(measured: Measured | float) -> str:
    """Return a difference of shares in points, with its interval where it has one."""
    if isinstance(measured, int | float):
        return f"{100 * measured:+.1f}"
    return spread(measured, points)


def ranged(measured: Measured, digits: int = 0) -> str:
    """Return a number with its interval."""
    return spread(measured, partial(plain, digits=digits))


def share(measured: Measured, digits: int = 0) -> str:
    """Return a share with its interval in hundredths: 81 % (72 to 88)."""
    mean, _, interval = spread(measured, lambda value: f"{100 * value:.{digits}f}").partition(" ")
    return f"{mean} % {interval}"


def sign(measured: Measured) -> int:
    """Return 1 or -1 where the whole interval lies on that side of 0, and 0 where it holds 0 or there is none."""
    mean, *limits = measured
    if None in limits:
        return 0
    low, high = limits if len(limits) == 2 else (mean - limits[0], mean + limits[0])
    return int(low > 0) - int(high < 0)


def verdict(measured: Measured, ahead: str = "ahead", behind: str = "behind", same: str = SAME) -> str:
    """Return the word for a difference, as its interval says."""
    return (same, ahead, behind)[sign(measured)]


def metric(values: dict, name: str) -> list[float | None]:
    """Return `[mean, low, high]` of `name`, `name_low`, `name_high`."""
    return [values[name], values.get(f"{name}_low"), values.get(f"{name}_high")]


def holds(entry: dict) -> str:
    """Return what the interval of an entry's difference holds."""
    if len(entry["difference"]) == 2:
        return "the draw of runs alone; the documents are taken as they are"
    return "the draw of documents and of seeds" if entry["seeds"] > 1 else "the draw of documents alone: one seed"


def words(items: Sequence[str]) -> str:
    """Return a list in words: a, b and c."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def machine(entries: Sequence[dict]) -> str:
    """Return the processors on which entries were measured."""
    return words(list(dict.fromkeys(re.sub(r"\((R|TM)\)", "", entry["device"]) for entry in entries)))


def command(entries: Sequence[dict]) -> str:
    """Return the commands by which entries are measured again, as a block of code."""
    return "\n".join(["```sh", *dict.fromkeys(entry["command"] for entry in entries), "```"])


def source(entries: Sequence[dict]) -> str:
    """Return on what entries were measured and where they stand."""
    named = words([f"`{name}`" for name in dict.fromkeys(entry["file"] for entry in entries)])
    return f"Measured on {machine(entries)}; {named}"


FILTERS = {
    function.__name__: function
    for function in (
        where,
        one,
        plain,
        grouped,
        f1,
        percent,
        points,
        ranged,
        share,
        sign,
        verdict,
        metric,
        holds,
        words,
        machine,
        command,
        source,
    )
} | {"split": str.split}

if __name__ == "__main__":
    sys.exit(main() > 0)
