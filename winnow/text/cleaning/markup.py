"""Rules on markup: tags, scripts, comments and entities of HTML and XML fragments.

Fragments are not pages: "p<0.05" and "p <a and b> c" are text, and so is a tag of an unknown name that nothing closes.
Where tags only mark what stands in the text, as in most fragments, they are taken out. Where an element has rules of
its own (a table, a template, `hidden`), a real parser (lexbor) reads the text; what is no tag is escaped before the
parser sees it, so that it cannot be swallowed. Dropped, because a browser does not show it: comments, scripts, styles,
`template`, `noscript`, the fallbacks of media elements, TeX annotations of formulas, a page's title, `hidden` elements
and those with `display: none`. Attributes (`alt`, `title`) are no text.
"""

import html
import re
import threading
from dataclasses import dataclass

import regex
from selectolax.lexbor import LexborHTMLParser, LexborNode

from winnow.text.cleaning.entities import ENTITY, decode_entities, protect_entities
from winnow.text.cleaning.formulas import FLAT, PLACED, flatten, mark_places

MARKUP = rf"<[A-Za-z/!?]|{ENTITY}"
SCRIPT = r"(?i)</(?:script|style)"

# So many tags are kept as they were read, but none that is longer.
_KEPT, _LONGEST = 4096, 200

# Tags that stand without a closing tag; a name not in these lists is a tag only if the text also closes it.
_ALONE = frozenset(
    "area base br col dd dt hr img input li link meta option p source tbody td tfoot th thead tr wbr".split()
)
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark q s samp small span strike strong "
    "sub sup time tt u var".split()
)
_SURE = _ALONE | _INLINE | frozenset("blockquote center div dl h1 h2 h3 h4 h5 h6 ol section table ul".split())
# Words on both sides of these are different words; all other tags stand within a word, as in <b>R</b>&amp;D.
_BLOCKS = frozenset(
    "address article aside blockquote body br caption dd details dialog div dl dt fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 head header hr html legend li list list-item main nav ol optgroup option p pre sec section "
    "summary table tbody tfoot thead title tr ul".split()
)
_CELLS = frozenset(["button", "td", "th"])
_UNSEEN = frozenset(
    "annotation annotation-xml audio canvas datalist iframe noframes noscript object rp template video".split()
)
# Read by rules of their own: what stands loose in a table moves before it, tags in a textarea are text.
_PARSED = _UNSEEN | frozenset(
    "frameset head listing noembed plaintext pre script style svg table textarea title xmp".split()
)
_HIDDEN = re.compile(r"\bhidden\b|display:", re.I)
_HIDDEN_ELEMENTS = ("[hidden]", '[style*="display:none" i]', '[style*="display: none" i]')

# A tag in the strict sense, so that "p<0.05" stays text; possessive, so that it never backtracks.
_VALUE = r"""(?:\s*+=\s*+(?:"[^"<>]*+"|"[^"]{0,2000}+"|'[^'<>]*+'|'[^']{0,2000}+'|[^\s<>"']++))?+"""
_ATTRIBUTES = rf"""(?:(?:[\s/]++|(?<=["']))[^\s=<>"'/]++{_VALUE})*+"""
_NAME = r"[A-Za-z][\w:.-]*+"
# By `regex`: `re` errs in possessive groups before Python 3.11.5.
_TAG = regex.compile(rf"<(/?)({_NAME})({_ATTRIBUTES})\s*+(/?)>")
_TOKEN = regex.compile(  # one group, for `split`
    rf"(</?{_NAME}(?:>|{_ATTRIBUTES}\s*+/?>)|</>|<\?[A-Za-z][^<>]*>|<!(?!--|\[[Cc][Dd])[^<>]*>|<)"
)
_BOOLEAN = re.compile(
    r"\b(?:async|autoplay|checked|compact|controls|defer|disabled|hidden|inert|itemscope|loop|multiple|muted|noshade|"
    r"nowrap|open|readonly|required|reversed|selected)\b",
    re.I,
)
_COMMENT_END = re.compile(r"(?<=<!--)-?>|--!?>")
_CDATA = re.compile(r"<!\[CDATA\[((?:(?!<!\[).)*?)\]\]>", re.S)
# A comment at its start may hold another script, as browsers read it.
_SCRIPT = re.compile(r"<(script|style)\b[^<>]*+>(?:\s*+<!--.*?-->)?.*?</\1\s*+>", re.I | re.S)
# A tag with attributes that the end of a cut text broke off.
_CUT_TAG = re.compile(rf"<(?:{'|'.join(sorted(_ALONE | _INLINE | _BLOCKS))})\s[^<>=]*+=[^<>]*+\Z", re.I)


@dataclass(frozen=True, slots=True, eq=False)
class _Tag:
    """What a tag, or a "<" that begins none, tells by itself."""

    name: str = ""  # in lower case; empty for what is no element's, as `<!…>`
    mark: str | None = ""  # takes its place in the text, so that words stay apart; None: it is text itself
    closing: bool = False
    condition: str = ""  # on which it is a tag
    hidden: bool = False  # by an attribute
    care: int = 0  # what a text needs in which it stands: flags, as follow


# Look at what stands around; look at what else the text holds; take the parser; before all else, `flatten`.
_PLACED_TAG, _DOUBTFUL_TAG, _PARSED_TAG, _FLAT_TAG = 1, 2, 4, 8


# When a tag is one, by what else the text holds.
_ALWAYS, _IF_CLOSED, _IF_APART, _NEVER = "always", "if closed", "if closed, or not within a word", "never"
_TEXT = _Tag(mark=None, condition=_NEVER, care=_DOUBTFUL_TAG)


def strip_scripts(text: str) -> str:
    """Remove scripts and style sheets with their content, up to the first closing tag, as a browser reads them."""
    if "</s" not in text and "</S" not in text:
        return text
    return _SCRIPT.sub("", text)


def strip_markup(text: str, scripts: bool = True, escaped: bool = False) -> str:
    """Return the text of an HTML or XML fragment: tags gone, entities decoded once, what is not shown dropped.

    A block's tags become a line break, those of a table's cell a tab, inline tags nothing. With block tags in a text
    its own line breaks are white space as any other, unless it has a `pre`. A `<` that begins no tag is text.

    Args:
        text: any text.
        scripts: drop the content of scripts and style sheets too.
        escaped: all markup may be escaped once more, which is undone first: entities are decoded, and CDATA sections
            become what they hold.
    """
    if escaped:
        text = decode_entities(_without_cdata(text) if "<![" in text else text)
    if "<" not in text:
        return decode_entities(text)
    if "!" in text and "<!" in text:  # a single character is looked for much faster than two
        text = _without_comments(strip_scripts(text) if scripts else text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _strip_cut_tags(text)
    parts, tags, care = _split(text)
    if care & _PARSED_TAG:
        shorter = _strip_cut_tags(strip_scripts(text)) if scripts else text
        shorter = flatten(shorter) if care & _FLAT_TAG else shorter
        if shorter != text:
            text = shorter
            parts, tags, care = _split(text)
    if care & _DOUBTFUL_TAG:
        _settle(tags, parts)
    marks = [tag.mark for tag in tags]
    if care & _PLACED_TAG:
        mark_places(parts, marks)
    parsed = care & _PARSED_TAG
    if "\n" in text and "\n" in marks and not (parsed and any(tag.name == "pre" and tag.closing for tag in tags)):
        parts[0::2] = [part.replace("\n", " ") for part in parts[0::2]]
    if parsed and any(tag.care & _PARSED_TAG for tag in tags):
        return _parse(parts, tags, scripts)
    if None in marks:
        marks = [part if mark is None else mark for part, mark in zip(parts[1::2], marks, strict=True)]
    parts[1::2] = marks
    return "".join([decode_entities(part) if "&" in part else part for part in parts] if "&" in text else parts)


def _without_comments(text: str) -> str:
    return _strip_comments(_without_cdata(text))


def _without_cdata(text: str) -> str:
    return _CDATA.sub(lambda match: html.escape(match[1], quote=False), text)


def _split(text: str) -> tuple[list[str], list[_Tag], int]:
    """Return a text in parts, every second of which may be a tag, what these tell by themselves, and their `care`."""
    parts = _TOKEN.split(text)
    tags = [_known[part] for part in parts[1::2]]
    care = 0
    for tag in set(tags):
        care |= tag.care
    return parts, tags, care


def _settle(tags: list[_Tag], parts: list[str]) -> None:
    """Replace the tags that rather are text by `_TEXT`."""
    doubtful = [number for number, tag in enumerate(tags) if tag.condition is not _ALWAYS]
    closed = {tag.name for tag in tags if tag.closing} if doubtful else ()
    for number in doubtful:
        tag = tags[number]
        if tag.name in closed and tag.condition is not _NEVER:
            continue
        if tag.condition is not _IF_APART or parts[2 * number][-1:].isalnum():
            tags[number] = _TEXT


def _tag(part: str) -> _Tag:
    match = _TAG.fullmatch(part)
    if not match:
        return _TEXT if part == "<" else _Tag(condition=_ALWAYS)
    closing, name, attributes, self_closing = match.groups()
    name = name.lower()
    local = name.rpartition(":")[2]
    mark = "\n" if local in _BLOCKS else "\t" if local in _CELLS and not closing else ""
    if name == "q":
        mark = "”" if closing else "“"
    condition = _ALWAYS if closing or self_closing else _condition(name, attributes)
    hidden = bool(_HIDDEN.search(attributes))
    flat = local in FLAT or (local in PLACED and not hidden and part[1 + len(closing) : -1] not in PLACED)
    parsed = hidden or flat or name in _PARSED
    care = _PLACED_TAG * (not closing and part[1:-1] in PLACED) | _DOUBTFUL_TAG * (condition is not _ALWAYS)
    care |= _PARSED_TAG * parsed | _FLAT_TAG * flat
    return _Tag(name, mark, bool(closing), condition, hidden, care)


class _Known(dict[str, _Tag]):
    """What tags tell: most come again and again, so those that were read are kept, but for long ones."""

    def __missing__(self, part: str) -> _Tag:
        tag = _tag(part)
        if len(part) < _LONGEST:
            if len(self) >= _KEPT:
                self.clear()
            self[part] = tag
        return tag


_known = _Known()


def _condition(name: str, attributes: str) -> str:
    """Return when an opening tag is one: "p <a and b> c", "x<b>y" and "<code here>" are rather text."""
    if not attributes.strip(" /"):
        return _IF_CLOSED if name not in _SURE else _ALWAYS if len(name) > 1 or name in _ALONE else _IF_APART
    if "=" in attributes or _BOOLEAN.search(attributes):
        return _ALWAYS if name in _SURE else _IF_CLOSED
    return _IF_CLOSED if len(name) > 1 else _NEVER


def _parse(parts: list[str], tags: list[_Tag], scripts: bool) -> str:
    for number, tag in enumerate(tags):
        part = parts[2 * number + 1]
        if tag is _TEXT:
            parts[2 * number + 1] = "&lt;" + part[1:]
        else:
            parts[2 * number + 1] = tag.mark + part if tag.name else ""
    root = _reader.read(protect_entities("".join(parts)))
    if unseen := _unseen(tags, scripts):
        for node in root.css(", ".join(unseen)):
            node.decompose()
    return root.text()


class _Reader(threading.local):
    """A parser that reads fragment after fragment: to set one up takes ten times as long as to read a short one."""

    kept = 100_000  # characters; what was read, and the names of its tags, stay in the parser's memory
    left = 0

    def read(self, fragment: str) -> LexborNode:
        """Return an element with the fragment in it, good until the next is read."""
        if self.left < len(fragment):
            self.root = LexborHTMLParser("<div></div>", is_fragment=True).css_first("div")
            self.left = self.kept
        self.left -= len(fragment)
        self.root.inner_html = fragment.encode("utf-8", "replace").decode()
        return self.root


_reader = _Reader()


def _unseen(tags: list[_Tag], scripts: bool) -> list[str]:
    """Return the selectors of the elements in a text that are not shown."""
    parsed = [tag for tag in tags if tag.care & _PARSED_TAG]
    names = {tag.name for tag in parsed}
    unseen = sorted(names & (_UNSEEN | {"script", "style"} if scripts else _UNSEEN))
    if "svg" in names:
        unseen.append("svg title")
    if "head" in names and any(tag.closing for tag in parsed if tag.name == "head"):
        unseen.append("title")
    return [*unseen, *_HIDDEN_ELEMENTS] if any(tag.hidden for tag in parsed) else unseen


def _strip_cut_tags(text: str) -> str:
    end, last = len(text), text.rfind(">")
    while (start := text.rfind("<", 0, end)) > last and _CUT_TAG.match(text, start, end):
        end = start
    return text[:end]


def _strip_comments(text: str) -> str:
    parts, position = [], 0
    while (start := text.find("<!--", position)) >= 0 and (end := _COMMENT_END.search(text, start + 4)):
        parts.append(text[position:start])
        position = end.end()
    return "".join([*parts, text[position:]])
