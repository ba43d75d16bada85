"""MEDLINE/PubMed citations in NLM's XML (DTD pubmed_190101): abstracts, or the sections of structured abstracts.

NLM's yearly files are followed by daily ones, which replace records and delete some: `Updates` says what still holds.
Only `Abstract` is read. `OtherAbstract` (in other languages, publishers' summaries in plain language) and books
(`PubmedBookArticle`) are not: they are other texts under the same number.
"""

import datetime
import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import IO, Literal, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from lxml import etree

from winnow.base.errors import UserError
from winnow.readers import SUPERSEDED, Record, check_columns, damaged

FIELDS = (
    "key",
    "text",
    "category",
    "heading",
    "title",
    "journal",
    "language",
    "copyright",
    "pmid",
    "published",
    "publication_type",
    "mesh",
)
# What a source of this format maps where it names no columns.
COMMON = {"key": "key", "text": "text", "group": "pmid", "published": "published"}
COMMON |= {"aux": {"publication_type": "publication_type"}}
META = ["title", "journal", "language", "copyright", "pmid"]
COLUMNS = {
    "sections": {**COMMON, "label": "category", "meta": ["heading", *META]},
    "abstracts": {**COMMON, "meta": META},
}
ARTICLE, DELETION = "PubmedArticle", "DeleteCitation"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# MeSH lists a record's types by alphabet. These tell of form, language or funding, not of the kind of paper.
UNTELLING = re.compile(r"Journal Article|English Abstract|Video-Audio Media|Portrait|Research Support.*")


class Mention(NamedTuple):
    """A record of a file, or a number that the file deletes."""

    file: str
    pmid: str | None
    version: int
    is_deletion: bool


def mentions(stream: IO[bytes], where: str) -> Iterator[Mention]:
    """Yield the records of a citation file and the numbers that it deletes, in their order; raises as `read`."""
    for element in _elements(stream, where, ARTICLE, DELETION):
        is_deletion = element.tag == DELETION
        for number in element.iterfind("PMID") if is_deletion else [element.find("MedlineCitation/PMID")]:
            pmid, version = (None, "") if number is None else (number.text, number.get("Version", ""))
            known = int(version) if re.fullmatch(r"[0-9]{1,6}", version) else 1
            yield Mention(where, (pmid or "").strip() or None, known, is_deletion)


def in_order(name: str) -> tuple:
    """Return what the name of a later file has more of, in whatever folder it lies: `n1298` comes before `n1299`."""
    parts = re.split(r"([0-9]+)", PurePosixPath(name).name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts], name


class Updates:
    """Which records of several files hold: of one number, that of the highest version, of these the last.

    A number that a later file deletes is gone, also where another file has it, until a later one brings it back. A
    deletion names a version; it does not concern higher ones. Memory holds some 20 bytes a record.
    """

    def __init__(self, mentioned: Iterable[Mention]) -> None:
        """Read what files say, in the order of their names."""
        self._first: dict[str, int] = {}  # of each file, the place of its first record among all
        pmids, versions, records = array("q"), array("i"), array("q")  # records: the place, or of a deletion ~file
        count = 0
        for file, pmid, version, is_deletion in mentioned:
            self._first.setdefault(file, count)
            if pmid is not None:
                pmids.append(_coded(pmid))
                versions.append(version)
                records.append(~(len(self._first) - 1) if is_deletion else count)
            count += not is_deletion
        self._names, self._starts = list(self._first), list(self._first.values())
        lost = _superseded(np.array(pmids), np.array(versions), np.array(records))
        self._lost, self._by = lost[np.argsort(lost[:, 0])].T

    def why_not(self, file: str, number: int) -> tuple[str, str] | None:
        """Return the rule and the reason by which a record of a file does not hold; None: it does.

        Args:
            number: among the records of the file, from 0.
        """
        if file not in self._first:
            return None
        record = self._first[file] + number
        place = int(np.searchsorted(self._lost, record))
        if place == len(self._lost) or self._lost[place] != record:
            return None
        by, (replaced, deleted) = int(self._by[place]), SUPERSEDED
        if by < 0:
            return deleted, f"{self._names[~by]} deletes it"
        return replaced, f"{self._place(by)}, replaces it"

    def _place(self, record: int) -> str:
        file = bisect_right(self._starts, record) - 1
        return f"{self._names[file]}, record {record - self._starts[file] + 1}"


def _coded(pmid: str) -> int:
    """Return a number as 64 bits; of what is none, a hash."""
    if re.fullmatch(r"[1-9][0-9]{0,17}", pmid):
        return int(pmid)
    return -int.from_bytes(blake2b(pmid.encode(), digest_size=7).digest()) - 1


def _superseded(pmids: np.ndarray, versions: np.ndarray, records: np.ndarray) -> np.ndarray:
    """Return pairs, (lost, 2) int64: a record that does not hold, and the one that does, or ~file of a deletion."""
    order = np.argsort(pmids, kind="stable")
    same = np.flatnonzero(np.diff(pmids[order]) == 0)
    often = order[np.union1d(same, same + 1)]  # most numbers are mentioned once
    lost: list[tuple[int, int]] = []
    pmid, live, highest = None, None, 0
    for code, version, record in zip(pmids[often], versions[often], records[often], strict=True):
        if code != pmid:
            pmid, live = code, None
        if live is None or version >= highest:
            if live is not None:
                lost.append((live, record))
            live, highest = (None if record < 0 else record), version
        elif record >= 0:
            lost.append((record, live))
    return np.array(lost, np.int64).reshape(-1, 2)


def read(
    stream: IO[bytes],
    where: str,
    columns: Sequence[str],
    rows: Literal["sections", "abstracts"],
    updates: Updates | None = None,
) -> Iterator[Record]:
    """Yield the records of a citation file: those of `FIELDS` that `columns` names (str or None).

    `sections`: one record for each section of an abstract that has headings or categories; its key is `pmid:index`.
    `abstracts`: one record for each abstract without any, its paragraphs joined by a line end; its key is the PMID.
    `text` is the markup inside the element as it stands, tags and escapes included. `published` is the electronic date,
    else the journal's; a missing month or day counts as 1. `mesh` is a JSON list of the descriptors by which NLM's
    indexers describe the whole paper, as they stand, without qualifiers; None of a paper that has none.

    Args:
        updates: what holds of the file; a citation that does not is one record with the reason.

    Raises:
        UserError: a column is not one of `FIELDS`, or the XML is truncated, damaged or has entities of its own.
    """
    check_columns(where, columns, FIELDS)
    updates = updates or Updates(())
    for number, article in enumerate(_elements(stream, where, ARTICLE)):
        place, gone = f"{where}, record {number + 1}", updates.why_not(where, number)
        for values in _sections(article) if rows == "sections" else _abstracts(article):
            if gone:
                yield Record(place, (), f"PMID {values['pmid']}: {gone[1]}", gone[0])
                break
            yield Record(place, [values[name] for name in columns])


def _elements(stream: IO[bytes], where: str, *tags: str) -> Iterator[etree._Element]:
    """Yield the elements of these names; each is emptied when the next one is asked for.

    Raises:
        UserError: the XML is truncated, damaged or has entities of its own.
    """
    parser = etree.iterparse(
        stream,
        tag=tags,
        # An abstract needs no network, no DTD and no entities of its own; each is a way to attack a reader of XML.
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    is_checked = False
    try:
        for _, element in parser:
            if not is_checked:
                _refuse_entities(element, where)
                is_checked = True
            yield element
            # Without this the parsed part of the file stays in memory.
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise damaged(where, error.msg) from None


def _refuse_entities(element: etree._Element, where: str) -> None:
    declared = element.getroottree().docinfo.internalDTD
    names = [] if declared is None else [entity.name for entity in declared.iterentities()]
    if names:
        raise UserError(
            f"{where}: it declares an entity of its own, '{names[0]}', which is not resolved, and its text would be "
            f"lost; write the characters themselves"
        )


def _sections(article: etree._Element) -> Iterator[dict[str, str | None]]:
    sections = _abstract_texts(article)
    if not any(map(_is_labelled, sections)):
        return
    common = _common(sections[0])
    for index, section in enumerate(sections):
        yield common | {
            "key": f"{common['pmid']}:{index}" if common["pmid"] else None,
            "text": _inner_markup(section),
            "category": section.get("NlmCategory"),
            "heading": section.get("Label"),
        }


def _abstracts(article: etree._Element) -> Iterator[dict[str, str | None]]:
    paragraphs = _abstract_texts(article)
    if not paragraphs or any(map(_is_labelled, paragraphs)):
        return
    common = _common(paragraphs[0])
    text = "\n".join(map(_inner_markup, paragraphs))
    yield common | {"key": common["pmid"], "text": text, "category": None, "heading": None}


def _abstract_texts(article: etree._Element) -> list[etree._Element]:
    return article.findall("MedlineCitation/Article/Abstract/AbstractText")


def _is_labelled(section: etree._Element) -> bool:
    return bool(section.get("Label") or section.get("NlmCategory"))


def _inner_markup(element: etree._Element) -> str:
    return escape(element.text or "") + "".join(etree.tostring(child, encoding="unicode") for child in element)


def _common(section: etree._Element) -> dict[str, str | None]:
    paper = section.getparent().getparent()
    citation = paper.getparent()
    title = paper.find("ArticleTitle")
    types = [element.text or "" for element in paper.iterfind("PublicationTypeList/PublicationType")]
    described = [element.text or "" for element in citation.iterfind("MeshHeadingList/MeshHeading/DescriptorName")]
    return {
        "pmid": citation.findtext("PMID"),
        "title": None if title is None else "".join(title.itertext()),
        "journal": paper.findtext("Journal/Title"),
        "language": ",".join(element.text or "" for element in paper.iterfind("Language")),
        "copyright": paper.findtext("Abstract/CopyrightInformation"),
        "published": _date(paper.find("ArticleDate")) or _date(paper.find("Journal/JournalIssue/PubDate")),
        "mesh": json.dumps(described, ensure_ascii=False) if described else None,
        "publication_type": next((type_ for type_ in types if not UNTELLING.fullmatch(type_)), "Journal Article"),
    }


def _date(element: etree._Element | None) -> str | None:
    """Return an ISO date; `MedlineDate` ("1979 Jan-Feb", "2020 Winter") counts from its first year and month."""
    if element is None:
        return None
    year, month, day = (element.findtext(name) for name in ("Year", "Month", "Day"))
    if not year:
        match = re.match(r"(\d{4})(?: ([A-Z][a-z]{2}))?", element.findtext("MedlineDate") or "")
        if not match:
            return None
        year, month = match.groups()
    month = (month or "1").lower()
    number = MONTHS.index(month[:3]) + 1 if month[:3] in MONTHS else month
    try:
        return datetime.date(int(year), int(number), int(day or 1)).isoformat()
    except (ValueError, OverflowError):
        # A season, or a day that the month lacks: the year is what is sure.
        return f"{year}-01-01" if re.fullmatch(r"[1-9]\d{3}", year) else None
