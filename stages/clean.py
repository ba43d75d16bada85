"""clean: strip markup and noise from every text, and record why each changed or dropped row did.

python -m stages.clean --raw data/raw --out data/clean.parquet
    --ledger data/ledger/clean.parquet --metrics reports/metrics/clean.json

Reads every Parquet file of `raw`, one per source. Writes one table of the data contract, the ledger (one entry for
each rule that changed a text, with the hash before and after that rule) and counts. Each rule is a pure function
text -> text that starts with a cheap test, since most texts need no mending.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from html.entities import html5
from pathlib import Path
from typing import Literal

import ftfy
import pyarrow as pa
from pydantic import Field
from selectolax.lexbor import LexborHTMLParser

from winnow import hashing, params, tables
from winnow.errors import UserError
from winnow.files import write_json
from winnow.ledger import Ledger
from winnow.stage import arguments, progress, run


class Params(params.Section):
    strip_markup: bool  # false for sources without markup, where a tag is something that people wrote about
    unescape_entities: bool
    fix_encoding: bool
    strip_control: bool
    normalize_unicode: Literal["NFC", "NFKC", "none"]  # NFKC also folds superscripts and ligatures: x² becomes x2
    strip_copyright: bool
    strip_leading_heading: bool
    collapse_space: bool
    min_words: int = Field(ge=1)
    drop_copyrighted: bool


Rule = Callable[[str], str]

REASONS = {
    "strip_markup": "tags removed, entities decoded",
    "unescape_entities": "twice-escaped entities decoded",
    "fix_encoding": "text that was decoded with the wrong encoding mended",
    "strip_control": "control or zero-width characters removed",
    "normalize_unicode": "Unicode normalized",
    "strip_copyright": "copyright statement removed",
    "strip_leading_heading": "leading heading removed",
    "collapse_space": "white space collapsed",
}
# A rule may uncover work for an earlier one (an unescaped tag); real texts settle after two passes.
MAX_PASSES = 10

# A tag in the strict sense, so that "p<0.05" and "a <b and c> d" stay text; possessive, so that it never backtracks.
_ATTRIBUTES = r"""(?:\s++[^\s=<>"'/]++(?:\s*+=\s*+(?:"[^"]{0,2000}+"|'[^']{0,2000}+'|[^\s<>"']++))?+)*+"""
_TAG = re.compile(
    rf"<(/?)([A-Za-z][\w:.-]*+){_ATTRIBUTES}\s*+(/?)>"
    r"|<!--(?:(?!<!--).)*?-->|<!doctype[^<>]*>|<\?xml[^<>]*\?>|<",
    re.I | re.S,
)
_CLOSED = re.compile(r"</([A-Za-z][\w:.-]*+)\s*+>")
_CDATA = re.compile(r"<!\[CDATA\[((?:(?!<!\[).)*?)\]\]>", re.S)
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Tags that stand without a closing tag; any other name is a tag only if the text also closes it.
_ALONE = frozenset(
    "area base br col dd dt hr img input li link meta option p source tbody td tfoot th thead tr wbr".split()
)
# Words on both sides of these are different words; all other tags stand within a word, as in H<sub>2</sub>O.
_BLOCKS = frozenset(
    "address article aside blockquote body br caption dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 "
    "h5 h6 head header hr html li list list-item main nav ol option p pre sec section table tbody td tfoot "
    "th thead title tr ul".split()
)


def decode_entities(text: str) -> str:
    """Decode each well-formed, known entity once; `&copy=1` of a link and `R&D` stay as they are."""
    if "&" not in text:
        return text
    return _ENTITY.sub(lambda match: html.unescape(match[0]) if _known(match[1]) else match[0], text)


def _known(entity: str) -> bool:
    return entity[0] == "#" or f"{entity};" in html5


def strip_markup(text: str) -> str:
    """Return the text of an HTML or XML fragment: tags gone, entities decoded once, scripts and comments dropped.

    Block tags become a line break, inline tags nothing. A `<` that begins no tag is text.
    """
    if "<" not in text:
        return decode_entities(text)
    text = _CDATA.sub(lambda match: html.escape(match[1], quote=False), text)
    closed = {name.lower() for name in _CLOSED.findall(text)}

    def guard(match: re.Match) -> str:
        """Escape what is no tag, so that the parser cannot swallow it."""
        closing, name, self_closing = match[1], (match[2] or "").lower(), match[3]
        if not name:
            return "&lt;" if match[0] == "<" else ""
        comparison = len(name) == 1 and len(match[0].split()) > 1 and "=" not in match[0]  # "p <a and b> c"
        if comparison or not (closing or self_closing or name in _ALONE or name in closed):
            return "&lt;" + match[0][1:]
        return "\n" + match[0] if name.rpartition(":")[2] in _BLOCKS else match[0]

    text = _TAG.sub(guard, text)
    text = re.sub(r"&(?!#?\w+;)", "&amp;", text)
    text = _ENTITY.sub(lambda match: match[0] if _known(match[1]) else "&amp;" + match[0][1:], text)
    tree = LexborHTMLParser(text.encode("utf-8", "replace"), is_fragment=True)
    for node in tree.css("script, style"):
        node.decompose()
    return tree.text()


def unescape_entities(text: str) -> str:
    """Decode entities until none is left, however often they were escaped: `&amp;#x3b2;` becomes β."""
    while (decoded := decode_entities(text)) != text:
        text = decoded
    return text


# A UTF-8 lead byte and a continuation byte, both read as Windows-1252 or Latin-1: the mark of mojibake ("Ã©", "â€™").
# A no-break space counts after Â and Ã only: after any other letter it is a space that someone typed ("Ð < 1.2").
_MOJIBAKE = re.compile("[\u00c2-\u00f4][\u0080-\u009f\u00a1-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|[\u00c2\u00c3]\u00a0")


def fix_encoding(text: str) -> str:
    """Mend mojibake with ftfy, which leaves text alone that is plausible as it stands (3 × 4, "naïve")."""
    if text.isascii() or not _MOJIBAKE.search(text):
        return text
    return ftfy.fix_encoding(text)


# Controls but white space, soft hyphen, zero-width space, direction marks, byte order mark, non-characters, and lone
# surrogates. Zero-width joiners go only beside ASCII: emoji and Persian or Indic scripts need them.
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])"
)


def strip_control(text: str) -> str:
    """Remove characters that nobody sees and that split words for a tokenizer."""
    return text if text.isascii() and text.isprintable() else _CONTROL.sub("", text)


def normalize_unicode(text: str, form: Literal["NFC", "NFKC"]) -> str:
    """Return the normal form, so that equal texts are equal strings."""
    return unicodedata.normalize(form, text)


# After a full stop and before a capital (unless the stop is an initial's, as in "S. Karger") or a mark; or before a
# set phrase.
_SENTENCE = re.compile(
    r"(?:(?<=[.!?])|(?<=[.!?][)\]]))\s+(?:(?<![\s(][A-Z]\.\s)(?=[^\W\d_a-z])|(?=[©(\[]|Copyright\b))"
    r"|\s+(?=This article is protected by copyright|All rights reserved|Copyright ©|\([^()]{0,40}\(c\)\s(?:19|20)\d\d)"
)
MAX_STATEMENT = 400  # characters; longer sentences hold more than a statement
_COPYRIGHT_HINTS = ("©", "(c)", "copyright", "rights reserved", "published by", "open access", "open-access")
_COPYRIGHT = re.compile(
    r"^[\s(\[]*(?:©|\(c\)\s*(?:19|20)\d\d|copyright[\s,:]*(?:©|\(c\)|by\b|(?:19|20)\d\d))"
    r"|^.{0,80}\ball rights (?:are )?reserved\b|\b(?:is|are) protected by copyright\b"
    r"|^published by(?:\s+\S+){1,10}$"
    r"|^(?:this is an )?open[- ]access article\b.{0,80}\b(?:licen[cs]e|distributed|published|under)\b",
    re.I,
)
# What may follow a statement: "The Journal of X published by Y Ltd. on behalf of Z."
_PUBLISHER = re.compile(r"\bpublished by\b|\bon behalf of\b", re.I)


def strip_copyright(text: str, first: int = 1, last: int = 4) -> str:
    """Remove sentences that state a copyright among the first and the last ones; a mid-text discussion stays.

    Args:
        text: any text.
        first: how many sentences at the start may be a statement.
        last: how many at the end; publishers add up to four ("© 2021 X. Published by Y. All rights reserved. …").
    """
    lower = text.lower()
    if not any(hint in lower for hint in _COPYRIGHT_HINTS):
        return text
    sentences = _SENTENCE.split(text)
    kept, after_statement = [], False
    for position, sentence in enumerate(sentences):
        at_edge = position < first or position >= len(sentences) - last
        states = _COPYRIGHT.search(sentence) or (after_statement and _PUBLISHER.search(sentence))
        after_statement = bool(at_edge and states and len(sentence) <= MAX_STATEMENT)
        if not after_statement:
            kept.append(sentence)
    return text if len(kept) == len(sentences) else " ".join(kept)


# Up to five words in capitals and a colon. One of six letters or more, or AIM: shorter ones are acronyms ("NADPH:").
_CAPITALS = re.compile(r"\s*+(?=[^:]*(?:[^\W\d_]{6}|\bAIMS?\b))([^\W\d_a-z]+(?:[\s,/&-]+[^\W\d_a-z]+){0,4})\s*:\s*")


def strip_leading_heading(text: str, heading: str = "") -> str:
    """Remove a section heading at the very start: it would tell the label.

    A heading is up to five words in capitals before a colon, or the row's own heading (in any case, singular or
    plural) before a colon, a full stop or a dash. "Results showed that …" is a sentence and stays.
    """
    match = _CAPITALS.match(text)
    if match and match[1].isupper() and not text[match.end() :].isupper():
        return text[match.end() :]
    stem = heading.strip().rstrip(":.").rstrip("sS")
    if stem and text.lstrip()[: len(stem)].casefold() == stem.casefold():
        return re.sub(rf"^\s*{re.escape(stem)}s?\s*(?::|\.(?!\d)|[–—-](?=\s|$))\s*", "", text, flags=re.I)
    return text


def collapse_space(text: str) -> str:
    """Replace every run of white space, line breaks included, by one space."""
    return " ".join(text.split())


def rules(options: Params, heading: str = "") -> dict[str, Rule]:
    """Return the rules that are switched on, in the order in which they apply."""
    form = options.normalize_unicode
    order: dict[str, tuple[object, Rule]] = {
        "strip_markup": (options.strip_markup, strip_markup),
        "unescape_entities": (options.unescape_entities, unescape_entities),
        # Before strip_control: mojibake holds control characters that are needed to mend it.
        "fix_encoding": (options.fix_encoding, fix_encoding),
        "strip_control": (options.strip_control, strip_control),
        "normalize_unicode": (form != "none", partial(normalize_unicode, form=form)),
        "strip_copyright": (options.strip_copyright, strip_copyright),
        "strip_leading_heading": (options.strip_leading_heading, partial(strip_leading_heading, heading=heading)),
        "collapse_space": (options.collapse_space, collapse_space),
    }
    return {name: rule for name, (on, rule) in order.items() if on}


def clean_text(text: str, options: Params, heading: str = "") -> Iterator[tuple[str, str]]:
    """Yield (rule, text after it) for each rule that changed the text, until a whole pass changes nothing."""
    active = rules(options, heading)
    for _ in range(MAX_PASSES):
        before = text
        for name, rule in active.items():
            new = rule(text)
            if new != text:
                yield name, new
                text = new
        if text == before:
            return
        if not options.unescape_entities:
            # A second decoding is just what this option forbids.
            active.pop("strip_markup", None)


def clean(table: pa.Table, options: Params) -> tuple[pa.Table, Ledger]:
    """Return the cleaned rows and the ledger; rows in = rows out + rows dropped."""
    ledger = Ledger("clean")
    columns = (table[name].to_pylist() for name in ("id", "text", "meta"))
    kept, texts = [], []
    for id_, text, pairs in progress(zip(*columns, strict=True), "clean", table.num_rows):
        meta = dict(pairs)
        sha = hashing.text_sha(text)
        if options.drop_copyrighted and meta.get("copyright"):
            ledger.add(id_, "drop", "copyrighted", "the record carries a copyright statement", sha)
            kept.append(False)
            continue
        for rule, changed in clean_text(text, options, meta.get("heading") or ""):
            text, before, sha = changed, sha, hashing.text_sha(changed)
            ledger.add(id_, "change", rule, REASONS[rule], before, sha)
        words = len(text.split())
        if words < options.min_words:
            rule = "too_few_words" if words else "empty_text"
            ledger.add(id_, "drop", rule, f"{words} words, the least is {options.min_words}", sha)
        kept.append(words >= options.min_words)
        if kept[-1]:
            texts.append(text)
    rows = table.filter(pa.array(kept, pa.bool_()))
    return tables.set_column(rows, "text", texts, pa.string()), ledger


def read_sources(folder: Path) -> pa.Table:
    """Return all sources' rows as one table; an `aux_` column that a source lacks is null there.

    Raises:
        UserError: no source, a column of the data contract is missing, or a text is not UTF-8.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise UserError(f"{folder}: no source's Parquet file; run `dvc repro collect`")
    parts = [tables.read(file) for file in files]
    aux = {name.removeprefix("aux_") for part in parts for name in part.column_names if name.startswith("aux_")}
    schema = tables.row_schema(aux)
    return pa.concat_tables([_conform(part, schema, file) for part, file in zip(parts, files, strict=True)])


def _conform(table: pa.Table, schema: pa.Schema, file: Path) -> pa.Table:
    for name in schema.names:
        if name not in table.column_names:
            if not name.startswith("aux_"):
                raise UserError(f"{file}: column '{name}' is missing; run `dvc repro collect`")
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    try:
        table = table.select(schema.names).cast(schema)
        table.validate(full=True)
    except (pa.ArrowInvalid, ValueError) as error:
        raise UserError(f"{file}: does not follow the data contract: {error}") from None
    return table


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(__doc__, argv, "raw", "out", "ledger", "metrics")
    options = params.load("clean", Params)
    table = read_sources(args.raw)
    rows, ledger = clean(table, options)
    ledger.check(table.num_rows, rows.num_rows)
    counts = ledger.summary()
    if not rows.num_rows:
        raise UserError(f"{args.raw}: no row is left of {table.num_rows} after cleaning; rules: {counts or 'none'}")
    changed = {entry[0] for entry in ledger.entries if entry[2] == "change"}
    tables.write(rows, args.out)
    ledger.write(args.ledger)
    write_json(
        args.metrics,
        {
            "rows_in": table.num_rows,
            "rows_out": rows.num_rows,
            "changed_share": len(changed) / table.num_rows,
            "entries": counts,
        },
    )


if __name__ == "__main__":
    run(main)
