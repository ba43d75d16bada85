"""Profiles: named sets of rules, and how their rules run over a column of texts.

The order is fixed: markup (`strip_scripts`, `strip_markup`, `unescape_entities`), characters (`fix_encoding`,
`strip_control`, `normalize_unicode`), mail (`strip_mail_headers`, `strip_quotes`, `strip_signature`), then `urls`,
`strip_boilerplate`, `strip_copyright`, `strip_headings`, `strip_truncation_mark` and `collapse_space`. Mail
comes before white space because its lines matter.

Markup is read once, as a browser reads a page: what is a tag after that (`&lt;div&gt;`) is text that people wrote about
tags. Any other rule may uncover work for an earlier one, so a changed text goes through these again until none changes
it. So cleaning a cleaned text changes nothing but what reads as markup in it, and nothing at all where it is declared
to be plain text, as cleaned texts are.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.base.params import Section
from winnow.text.cleaning import boilerplate, links, mail, markup, notices, unicode
from winnow.text.cleaning.headings import SUSPECTS, SUSPECTS_OF_ALL, strip_headings, strip_headings_of_all

# Real texts settle after two passes; hostile ones shrink with each.
MAX_PASSES = 100


class Profile(Section):
    """One entry of section `clean.profiles` of params.yaml, complete: see `params.with_bases`."""

    strip_scripts: bool
    """Remove scripts and style sheets, with what stands in them."""

    strip_markup: bool | Literal["escaped"]
    """Remove tags and comments, and decode entities once: an escaped tag (`&lt;div&gt;`) is text, as in a browser.
    `escaped` for feeds and records in which markup is escaped once more (`&lt;p&gt;Hello&lt;/p&gt;`, or CDATA): this
    is undone first. `false` where texts are no HTML, and a tag is something that people wrote about."""

    unescape_entities: bool = True
    """Decode entities once, where no markup is stripped."""

    fix_encoding: bool
    """Mend mojibake, by ftfy, in texts that a cheap test suspects."""

    strip_control: bool
    """Remove control and zero-width characters."""

    normalize_unicode: Literal["none", "NFC", "NFKC"]
    """Unicode's normal form. `NFKC` also folds superscripts and ligatures: x² becomes x2."""

    strip_mail_headers: bool
    """Remove lines such as `From: …` at the start."""

    strip_quotes: bool
    """Remove what a mail repeats of earlier ones."""

    strip_signature: bool
    """Remove what stands below `--`, from a closing phrase on, and `Sent from my …`."""

    urls: Literal["keep", "drop", "token"]
    """Web addresses stay, go, or become `[URL]`."""

    strip_boilerplate: bool
    """Remove sentences and lines that many rows of the source share (`clean.boilerplate`)."""

    strip_copyright: bool
    """Remove sentences that state a copyright."""

    strip_headings: bool | Literal["all"]
    """Remove headings such as `RESULTS:` at the start of a text or within it, where they give the label away. `true`:
    English ones; `all`: also German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian, Chinese and Japanese
    ones (`Ziel:`, `【方法】`)."""

    strip_truncation_mark: bool
    """Remove `[truncated]`, `(more)` and `…` at the end."""

    collapse_space: Literal["none", "lines", "all"]
    """White space: `lines` keeps line breaks, `all` makes one line."""


@dataclass(frozen=True)
class Rule:
    """A pure function text -> text, and an RE2 pattern that each text it may change matches."""

    name: str
    reason: str
    apply: Callable[..., str]
    suspects: str
    heading: bool = False  # takes the row's own heading as well, and may change any row that has one
    markup: bool = False  # reads markup: runs once, and never on plain text
    beyond_ascii: bool = False  # changes no text of ASCII, which is known much faster than what matches a pattern


# Takes a rule, the positions of the texts that it changed, and these texts before and after it.
Record = Callable[[Rule, np.ndarray, list[str], list[str]], None]


def rules(profile: Profile, found: Collection[str] = ()) -> list[Rule]:
    """Return the rules that a profile switches on, in their order.

    Args:
        found: the source's boilerplate.
    """
    return [*_markup(profile), *_characters(profile), *_mail(profile), *_contents(profile, found)]


def _markup(on: Profile) -> Iterator[Rule]:
    if on.strip_scripts:
        reason = "scripts and style sheets removed"
        yield Rule("strip_scripts", reason, markup.strip_scripts, markup.SCRIPT, markup=True)
    if on.strip_markup:
        strip = partial(markup.strip_markup, scripts=on.strip_scripts, escaped=on.strip_markup == "escaped")
        yield Rule("strip_markup", "tags removed, entities decoded", strip, markup.MARKUP, markup=True)
    elif on.unescape_entities:
        yield Rule("unescape_entities", "entities decoded", markup.decode_entities, markup.ENTITY, markup=True)


def _characters(on: Profile) -> Iterator[Rule]:
    # Mojibake first: it holds control characters that are needed to mend it.
    if on.fix_encoding:
        reason = "text that was decoded with the wrong encoding mended"
        yield Rule("fix_encoding", reason, unicode.fix_encoding, unicode.MOJIBAKE, beyond_ascii=True)
    if on.strip_control:
        reason = "control or zero-width characters removed"
        yield Rule("strip_control", reason, unicode.strip_control, unicode.CONTROL)
    if (form := on.normalize_unicode) != "none":
        normalize = partial(unicode.normalize_unicode, form=form)
        reason, suspects = f"Unicode normalized to {form}", unicode.UNNORMALIZED[form]
        yield Rule("normalize_unicode", reason, normalize, suspects, beyond_ascii=True)


def _mail(on: Profile) -> Iterator[Rule]:
    if on.strip_mail_headers:
        yield Rule("strip_mail_headers", "e-mail header lines removed", mail.strip_mail_headers, mail.HEADERS)
    if on.strip_quotes:
        yield Rule("strip_quotes", "quoted mail removed", mail.strip_quotes, mail.QUOTED)
    if on.strip_signature:
        yield Rule("strip_signature", "signature removed", mail.strip_signature, mail.SIGNED)


def _contents(on: Profile, found: Collection[str]) -> Iterator[Rule]:
    if on.urls == "drop":
        yield Rule("drop_urls", "web addresses removed", links.drop_links, links.LINK)
    if on.urls == "token":
        yield Rule("replace_urls", f"web addresses replaced by {links.TOKEN}", links.replace_links, links.LINK)
    if on.strip_boilerplate and found:
        strip = partial(boilerplate.strip_boilerplate, found=frozenset(found))
        yield Rule("strip_boilerplate", "text that many rows share removed", strip, boilerplate.pattern(found))
    if on.strip_copyright:
        yield Rule("strip_copyright", "copyright statement removed", notices.strip_copyright, notices.COPYRIGHT)
    if on.strip_headings:
        is_all = on.strip_headings == "all"
        strip, suspects = (strip_headings_of_all, SUSPECTS_OF_ALL) if is_all else (strip_headings, SUSPECTS)
        yield Rule("strip_headings", "headings removed", strip, suspects, heading=True)
    if on.strip_truncation_mark:
        reason = "mark of a cut text removed"
        yield Rule("strip_truncation_mark", reason, notices.strip_truncation_mark, notices.CUT)
    if on.collapse_space != "none":
        collapse = unicode.collapse_space if on.collapse_space == "all" else unicode.collapse_lines
        yield Rule("collapse_space", "white space collapsed", collapse, unicode.UNEVEN[on.collapse_space])


def clean_column(
    texts: pa.Array,
    active: Sequence[Rule],
    headings: pa.Array | None = None,
    record: Record | None = None,
    plain: pa.Array | None = None,
) -> pa.Array:
    """Return the texts after all rules; those that read no markup run again on each text that they changed.

    Args:
        texts: string, without nulls.
        headings: string, the rows' own headings; null where a row has none.
        record: called for each rule that changed texts.
        plain: bool without nulls: which texts hold no markup, whatever it looks like; without it, all may hold some.
    """
    headings = pa.nulls(len(texts), pa.string()) if headings is None else headings
    rows = np.arange(len(texts))
    once = [rule for rule in active if rule.markup]
    if once and plain is not None and pc.any(plain).as_py():
        marked = np.flatnonzero(~plain.to_numpy(zero_copy_only=False))
        part, changed = _pass(texts.take(pa.array(marked)), once, headings.take(pa.array(marked)), marked, record)
        texts = _replace(texts, marked[changed], part.filter(changed))
    elif once:
        texts, _ = _pass(texts, once, headings, rows, record)
    again = [rule for rule in active if not rule.markup]
    part = texts
    for _ in range(MAX_PASSES):
        part, changed = _pass(part, again, headings, rows, record)
        if not changed.any():
            break
        rows, part, headings = rows[changed], part.filter(changed), headings.filter(changed)
        texts = _replace(texts, rows, part)
    return texts


def _pass(
    texts: pa.Array, active: Sequence[Rule], headings: pa.Array, rows: np.ndarray, record: Record | None
) -> tuple[pa.Array, np.ndarray]:
    """Run each rule once; return the texts and which of them changed."""
    changed = np.zeros(len(texts), bool)
    for rule in active:
        hits = _suspects(rule, texts, headings)
        before = texts.take(hits).to_pylist()
        if rule.heading:
            after = [rule.apply(*pair) for pair in zip(before, headings.take(hits).to_pylist(), strict=True)]
        else:
            after = list(map(rule.apply, before))
        moved = [number for number, text in enumerate(after) if text != before[number]]
        if moved:
            before, after, hits = [before[n] for n in moved], [after[n] for n in moved], hits[moved]
            texts = _replace(texts, hits, pa.array(after, pa.string()))
            changed[hits] = True
            if record:
                record(rule, rows[hits], before, after)
    return texts, changed


def _replace(texts: pa.Array, rows: np.ndarray, new: pa.Array) -> pa.Array:
    mask = np.zeros(len(texts), bool)
    mask[rows] = True
    return pc.replace_with_mask(texts, pa.array(mask), new)


def _suspects(rule: Rule, texts: pa.Array, headings: pa.Array) -> np.ndarray:
    if rule.beyond_ascii:
        rows = np.flatnonzero(~pc.string_is_ascii(texts).to_numpy(zero_copy_only=False))
        # RE2 compiles a pattern anew for each call, which takes longer than to search a few texts.
        return rows[_matches(rule, texts.take(pa.array(rows)))] if len(rows) else rows
    mask = _matches(rule, texts)
    if rule.heading:
        mask |= headings.is_valid().to_numpy(zero_copy_only=False)
    return np.flatnonzero(mask)


def _matches(rule: Rule, texts: pa.Array) -> np.ndarray:
    return pc.match_substring_regex(texts, rule.suspects).to_numpy(zero_copy_only=False)
