"""MEDLINE/PubMed citations in NLM's XML (DTD pubmed_190101): abstracts, or the sections of structured abstracts."""

import datetime
import re
from collections.abc import Iterator, Sequence
from typing import IO, Literal
from xml.sax.saxutils import escape

from lxml import etree

from stages.collect.readers import Record, check_columns, damaged

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
)
# What a source of this format maps where it names no columns.
COMMON = {"key": "key", "text": "text", "group": "pmid", "published": "published"}
COMMON |= {"aux": {"publication_type": "publication_type"}}
META = ["title", "journal", "language", "copyright", "pmid"]
COLUMNS = {
    "sections": {**COMMON, "label": "category", "meta": ["heading", *META]},
    "abstracts": {**COMMON, "meta": META},
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# MeSH lists a record's types by alphabet. These tell of form, language or funding, not of the kind of paper.
UNTELLING = re.compile(r"Journal Article|English Abstract|Video-Audio Media|Portrait|Research Support.*")


def read(
    stream: IO[bytes], where: str, columns: Sequence[str], rows: Literal["sections", "abstracts"]
) -> Iterator[Record]:
    """Yield the records of a citation file: those of `FIELDS` that `columns` names (str or None).

    `sections`: one record for each section of an abstract that has headings or categories; its key is `pmid:index`.
    `abstracts`: one record for each abstract without any, its paragraphs joined by a line end; its key is the PMID.
    `text` is the markup inside the element as it stands, tags and escapes included. `published` is the electronic date,
    else the journal's; a missing month or day counts as 1.

    Raises:
        UserError: a column is not one of `FIELDS`, or the XML is truncated or damaged.
    """
    check_columns(where, columns, FIELDS)
    parser = etree.iterparse(
        stream,
        tag="PubmedArticle",
        # An abstract needs no network, no DTD and no entities of its own; each is a way to attack a reader of XML.
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        for number, (_, article) in enumerate(parser, 1):
            for values in _sections(article) if rows == "sections" else _abstracts(article):
                yield Record(f"{where}, record {number}", [values[name] for name in columns])
            # Without this the parsed part of the file stays in memory.
            article.clear()
            while article.getprevious() is not None:
                del article.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise damaged(where, error.msg) from None


def _sections(article: etree._Element) -> Iterator[dict[str, str | None]]:
    sections = _abstract_texts(article)
    if not any(map(_is_labelled, sections)):
        return
    common = _common(article)
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
    common = _common(article)
    text = "\n".join(map(_inner_markup, paragraphs))
    yield common | {"key": common["pmid"], "text": text, "category": None, "heading": None}


def _abstract_texts(article: etree._Element) -> list[etree._Element]:
    return article.findall("MedlineCitation/Article/Abstract/AbstractText")


def _is_labelled(section: etree._Element) -> bool:
    return bool(section.get("Label") or section.get("NlmCategory"))


def _inner_markup(element: etree._Element) -> str:
    return escape(element.text or "") + "".join(etree.tostring(child, encoding="unicode") for child in element)


def _common(article: etree._Element) -> dict[str, str | None]:
    citation = article.find("MedlineCitation")
    paper = citation.find("Article")
    title = paper.find("ArticleTitle")
    types = [element.text or "" for element in paper.iterfind("PublicationTypeList/PublicationType")]
    return {
        "pmid": citation.findtext("PMID"),
        "title": None if title is None else "".join(title.itertext()),
        "journal": paper.findtext("Journal/Title"),
        "language": ",".join(element.text or "" for element in paper.iterfind("Language")),
        "copyright": paper.findtext("Abstract/CopyrightInformation"),
        "published": _date(paper.find("ArticleDate")) or _date(paper.find("Journal/JournalIssue/PubDate")),
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
    except ValueError:
        # A season, or a day that the month lacks: the year is what is sure.
        return f"{year}-01-01" if re.fullmatch(r"[1-9]\d{3}", year) else None
