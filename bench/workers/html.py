"""HTML fragments to text, by each tool in the way that suits fragments best."""

import json
import time
from collections.abc import Callable
from pathlib import Path

# trafilatura takes a bare fragment for no page and returns nothing.
PAGE = "<html><body>{}</body></html>"


def winnow() -> Callable[[str], str]:
    from winnow.text.cleaning.markup import strip_markup

    return strip_markup


def beautifulsoup(parser: str) -> Callable[[str], str]:
    import warnings

    from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning

    warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
    warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)

    def convert(html: str) -> str:
        soup = BeautifulSoup(html, parser)
        for tag in soup(["script", "style", "template"]):
            tag.decompose()
        return soup.get_text(" ")  # without the space, paragraphs run together: fewer fragments come out right

    return convert


def trafilatura_extract() -> Callable[[str], str]:
    from trafilatura import extract

    return lambda html: extract(PAGE.format(html), favor_recall=True, include_comments=True) or ""


def trafilatura_html2txt() -> Callable[[str], str]:
    from trafilatura import html2txt

    return lambda html: html2txt(PAGE.format(html))


def datatrove() -> Callable[[str], str]:
    from datatrove.pipeline.extractors import Trafilatura

    # Straight to the function: in a pipeline, datatrove sends every text through a pipe to a child process.
    extractor = Trafilatura(favour_precision=False, deduplicate=False)
    return lambda html: extractor.extract(PAGE.format(html)) or ""


def data_juicer() -> Callable[[str], str]:
    from data_juicer.ops.mapper import CleanHtmlMapper

    mapper = CleanHtmlMapper()
    return lambda html: mapper.process_batched({"text": [html]})["text"][0]


def resiliparse() -> Callable[[str], str]:
    from resiliparse.extract.html2text import extract_plain_text

    options = {"main_content": False, "list_bullets": False, "alt_texts": False, "links": False, "noscript": False}
    return lambda html: extract_plain_text(html, **options)


def inscriptis() -> Callable[[str], str]:
    from inscriptis import get_text

    return get_text


def convert(tool: str, argument: str | None, texts: str) -> dict:
    """Return `seconds` for the texts to time and what the tool makes of the fragments to judge.

    Args:
        tool: name of a function of this module.
        argument: what it is called with, if anything.
        texts: a JSON file: {"time": [str], "judge": [str]}.
    """
    lists = json.loads(Path(texts).read_text(encoding="utf-8"))
    function = globals()[tool](*([argument] if argument else []))

    def judged(html: str) -> str:
        try:
            return function(html)
        except Exception:  # a crash is a fragment lost, not the end of the bench
            return ""

    made = [judged(html) for html in lists["judge"]]  # warms the tool up, too
    start = time.perf_counter()
    for html in lists["time"]:
        judged(html)
    return {"seconds": time.perf_counter() - start, "texts": made}
