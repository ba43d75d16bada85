"""A first look at a source: the boilerplate that its rows share, and the length at which it cuts texts off.

Reads a bounded number of rows. Files are sorted by id, a hash: the first rows are a random sample, in which a share
is known to about 1/√rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.text import sentences
from winnow.text.cleaning import boilerplate, media_type
from winnow.text.cleaning.profiles import Profile, clean_column, rules

# A pile of texts at the very longest length, most of them without an end, is no chance.
MIN_AT_LIMIT = 10
MIN_OPEN = 0.5


@dataclass(frozen=True)
class Findings:
    """What a look at a source found."""

    boilerplate: dict[str, float] = field(default_factory=dict)  # each sentence or line, and its share of the rows
    max_length: int | None = None  # characters at which texts are cut; None: they are not


NOTHING = Findings()


def look(
    read: Callable[[], Iterator[pa.Table]], profile: Profile, settings: boilerplate.Boilerplate, lengths: bool
) -> Findings:
    """Return what the first rows of a source show.

    Args:
        read: returns the source's rows in batches, each time from the first; columns text and group.
        lengths: look for the length at which texts are cut too.
    """
    found = _boilerplate(read, profile, settings) if profile.strip_boilerplate else {}
    return Findings(found, _max_length(_first(read(), settings.survey_rows)) if lengths else None)


def plain(rows: pa.Table) -> pa.Array:
    """Return which rows declare that their text is plain, so that nothing in it is markup: (rows,) bool without nulls.

    They do by `meta.media_type`, which the reader of mail, or a column of the source, gives.
    """
    return media_type.are_plain(pc.map_lookup(rows["meta"].combine_chunks(), pa.scalar(media_type.KEY), "first"))


def _first(batches: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    for batch in batches:
        yield batch.slice(0, rows)
        rows -= batch.num_rows
        if rows <= 0:
            return


def _boilerplate(
    read: Callable[[], Iterator[pa.Table]], profile: Profile, settings: boilerplate.Boilerplate
) -> dict[str, float]:
    # As texts are when the rule meets them. With line breaks: a line is a unit too.
    later = {"strip_copyright", "strip_headings", "strip_truncation_mark", "collapse_space"}
    active = [rule for rule in rules(profile) if rule.name not in later]

    def texts(batch: pa.Table) -> list[str]:
        return clean_column(batch["text"].combine_chunks(), active, plain=plain(batch)).to_pylist()

    rows, counts = 0, [boilerplate.COUNTS.empty_table()]
    for batch in _first(read(), settings.survey_rows):
        rows += batch.num_rows
        counts.append(boilerplate.count(texts(batch), batch["group"].to_pylist(), settings.min_words))
    shares = boilerplate.shared(pa.concat_tables(counts), rows, settings)
    again = (text for batch in _first(read(), settings.survey_rows) for text in texts(batch))
    return {unit: shares[hash_] for unit, hash_ in sorted(boilerplate.named(again, shares).items())}


def _max_length(batches: Iterator[pa.Table]) -> int | None:
    longest, number, unended = 0, 0, 0
    for batch in batches:
        length = pc.utf8_length(batch["text"])
        most = pc.max(length).as_py() or 0
        if most < longest:
            continue
        if most > longest:
            longest, number, unended = most, 0, 0
        texts = batch["text"].filter(pc.equal(length, longest))
        number += len(texts)
        ended = pc.match_substring_regex(pc.utf8_rtrim_whitespace(texts), sentences.ENDED)
        unended += len(texts) - int(np.sum(ended.to_numpy()))
    return longest if number >= MIN_AT_LIMIT and unended >= MIN_OPEN * number else None
