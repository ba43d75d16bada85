"""Options that say how a file of rows is written: the keys of a source of params.yaml, or the name of one."""

import argparse
import csv

from winnow.base import params
from winnow.base.errors import UserError
from winnow.readers.layout import Layout
from winnow.text.cleaning.media_type import PLAIN

KEYS = ("delimiter", "quote", "escape", "header", "encoding")
MEDIA_TYPES = (PLAIN, "text/html")  # the cleaning profile says what becomes of HTML
SIGNS = {"\\t": "\t", "tab": "\t"}  # as people write them on a command line


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--source", metavar="NAME", help="the file is written as this one of params.yaml: collect.sources is")
    add("--encoding", metavar="NAME", help="of text that is not UTF-8, such as cp1252")
    add("--delimiter", metavar="SIGN", help="between fields; default of CSV: what fits the header; \\\\t: a tab")
    add("--quote", metavar="SIGN", help="around fields, or none; default: a double quote of CSV, none of TSV")
    add("--escape", metavar="SIGN", help="before a quote in a quoted field; default: quotes are doubled there")
    add("--media-type", choices=MEDIA_TYPES, help="of all texts; default: what a column `media_type` says, if any")
    add("--header", metavar="A,B,…", help="names of the columns, where the first line does not have them")


def told(arguments: argparse.Namespace) -> dict[str, object]:
    """Return what was said of how a file is written, by the keys of `Layout`.

    Raises:
        UserError: there is no such source.
    """
    found = {key: value for key, value in source(arguments.source).items() if key in Layout.model_fields}
    for key in KEYS:
        value = getattr(arguments, key)
        if value is not None:
            found[key] = SIGNS.get(value, value)
    if arguments.quote == "none":
        found["quote"] = None
    if arguments.header is not None:
        found["header"] = next(csv.reader([arguments.header]))
    found.pop("member", None)
    return found


def source(name: str | None) -> dict[str, object]:
    """Return the entry of a source of params.yaml, with what its base says; none without a name."""
    if name is None:
        return {}
    entries = params.read()["collect"]["sources"]
    named = {entry.get("name"): entry for entry in entries if isinstance(entry, dict)}
    try:
        named = params.with_bases(named)
    except ValueError as error:
        raise UserError(f"params.yaml: collect.sources: {error}") from None
    if name not in named:
        raise UserError(f"--source {name}: none of collect.sources; there are {', '.join(map(str, named)) or 'none'}")
    return named[name]
