"""The names of examples/chemicals/rules/chemicals.txt: substances that the example's records name.

python -m bench.substances --out examples/chemicals/rules/chemicals.txt     after `dvc repro collect` in the example

NLM's indexers name the substances that a paper is about, each with a number: that of the Chemical Abstracts Service or
of the Unique Ingredient Identifier for a chemical, `EC` for an enzyme, 0 for a class. The first two are taken, of all
papers of the file. `RNA, Transfer` becomes `Transfer RNA`. Proteins and words of everyday English are left out.
"""

import argparse
import gzip
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from lxml import etree

from stages.collect import __main__ as collect
from winnow.base import files, params
from winnow.base.errors import UserError

EXAMPLE = Path("examples/chemicals/params.yaml")
DOWNLOADS = Path(".dvc/tmp/downloads")  # where the stage collect keeps what it fetched
CHEMICAL = re.compile(r"\d+-\d\d-\d|[0-9A-Z]{10}")
# Lead is a verb too, and steel nobody's chemical; the others are proteins and mixtures with a number of their own.
LEFT_OUT = re.compile(
    r"(lead|agar|rubber|steel|stainless steel|paraffin|water|air|charcoal|gelatin|sepharose|cellulose|starch|coal|tars?"
    r"|collagen|elastin|keratin|fibrin|fibrinogen|prothrombin|plasminogen|ovalbumin|erythropoietin|zymosan|tuberculin"
    r"|(chymo)?trypsinogen|pepsinogen|thromboplastin|casein|avidin|gliadin|gluten|globins?|concanavalin a"
    r"|.*\b(system|proteins?|albumin|globulins?|immunoglobulin|factor|antigen|inhibitor|translocases|combinations?)\b.*"
    r"|.*(hemoglobin|adjuvant)\b.*)",
    re.IGNORECASE,
)
INVERTED = re.compile(r"([^,]+), ([^,]+)")


def names(numbered: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names of chemicals, sorted, of pairs of a number and a name."""
    found = set()
    for number, name in numbered:
        if CHEMICAL.fullmatch(number) and not LEFT_OUT.fullmatch(name):
            found.add(INVERTED.sub(r"\2 \1", name))
    return sorted(found, key=lambda name: (name.casefold(), name))


def named(stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Yield number and name of each substance of each record of a citation file."""
    for _, record in etree.iterparse(stream, tag="PubmedArticle", resolve_entities=False, no_network=True):
        for substance in record.iterfind("MedlineCitation/ChemicalList/Chemical"):
            yield substance.findtext("RegistryNumber", ""), substance.findtext("NameOfSubstance", "").strip()
        record.clear()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    [source] = params.load("collect", collect.Params, EXAMPLE).sources
    wheel = DOWNLOADS / source.sha256 / f"{source.package}-{source.version}.whl"
    if not wheel.exists():
        raise UserError(f"{wheel}: not there; run `winnow init --example chemicals` and `dvc repro collect` first")
    with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as packed, gzip.open(packed) as stream:
        files.write_text(args.out, "".join(f"{name}\n" for name in names(named(stream))))


if __name__ == "__main__":
    main()
