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
from functools import lru_cache
from html.entities import html5
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

ENTITY = r"&#?\w"
MARKUP = rf"<[A-Za-z/!?]|{ENTITY}"
SCRIPT = r"(?i)</(?:script|style)"

# Most tags and entities come again and again: so many are kept as they were read, but none that is longer.
_KEPT, _LONGEST = 4096, 200

# Well-formed; or one of the old names and numbers that HTML knows without a semicolon, before a space or punctuation.
_ENTITY = re.compile(
    r"&(?:(#[0-9]{1,7}+|#[xX][0-9a-fA-F]{1,6}+);?|([A-Za-z][A-Za-z0-9]{1,31}+);|([A-Za-z]{2,6}+[1-4]{0,2}+)(?![\w=;]))?"
)
# Tags that stand without a closing tag; a name not in these lists is a tag only if the text also closes it.
_ALONE = frozenset(
    "area base br col dd dt hr img input li link meta option p source tbody td tfoot th thead tr wbr".split()
)
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark q s samp small span strike strong "
    "sub sup time tt u var".split()
)
_SURE = _ALONE | _INLINE | frozenset("blockquote center div dl h1 h2 h3 h4 h5 h6 ol section table ul".split())
# Words on both sides of these are different words; all other tags stand within a word, as in H<sub>2</sub>O.
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
_TAG = re.compile(rf"<(/?)({_NAME})({_ATTRIBUTES})\s*+(/?)>")
_TOKEN = re.compile(  # one group, for `split`
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


class _Tag(NamedTuple):
    """What a tag, or a "<" that begins none, tells by itself."""

    name: str = ""  # in lower case; empty for what is no element's, as `<!…>`
    mark: str | None = ""  # takes its place in the text, so that words stay apart; None: it is text itself
    closing: bool = False
    condition: str = ""  # on which it is a tag
    parsed: bool = False  # its element is one for the parser
    hidden: bool = False  # by an attribute


# When a tag is one, by what else the text holds.
_ALWAYS, _IF_CLOSED, _IF_APART, _NEVER = "always", "if closed", "if closed, or not within a word", "never"
_TEXT = _Tag(mark=None, condition=_NEVER)


def decode_entities(text: str) -> str:
    """Decode each known entity once; `&copy=1` of a link and `R&D` stay as they are."""
    return _ENTITY.sub(lambda match: _entity(*match.groups()) or match[0], text) if "&" in text else text


@lru_cache(maxsize=_KEPT)
def _entity(number: str | None, name: str | None, old: str | None) -> str | None:
    """Return the character of an entity, given the groups of `_ENTITY`; None if it is none."""
    if number or (name and f"{name};" in html5) or (old and old in html5):
        return html.unescape(f"&{number or name or old};")
    return None


def unescape_entities(text: str) -> str:
    """Decode entities until none is left, however often they were escaped: `&amp;#x3b2;` becomes β."""
    while (decoded := decode_entities(text)) != text:
        text = decoded
    return text


def strip_scripts(text: str) -> str:
    """Remove scripts and style sheets with their content, up to the first closing tag, as a browser reads them."""
    if "</s" not in text and "</S" not in text:
        return text
    return _SCRIPT.sub("", text)


def strip_markup(text: str, scripts: bool = True) -> str:
    """Return the text of an HTML or XML fragment: tags gone, entities decoded once, what is not shown dropped.

    A block's tags become a line break, those of a table's cell a tab, inline tags nothing. With block tags in a text
    its own line breaks are white space as any other, unless it has a `pre`. A `<` that begins no tag is text.

    Args:
        text: any text.
        scripts: drop the content of scripts and style sheets too.
    """
    if "<" not in text:
        return decode_entities(text)
    if "!" in text and "<!" in text:  # a single character is looked for much faster than two
        text = _without_comments(strip_scripts(text) if scripts else text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _strip_cut_tags(text)
    parts, tags = _split(text)
    parsed = True in [tag.parsed for tag in tags]
    if parsed and scripts and (shorter := strip_scripts(text)) != text:
        parts, tags = _split(_strip_cut_tags(shorter))
    _settle(tags, parts)
    marks = [tag.mark for tag in tags]
    if "\n" in text and "\n" in marks and not (parsed and any(tag.name == "pre" and tag.closing for tag in tags)):
        parts[0::2] = [part.replace("\n", " ") for part in parts[0::2]]
    if parsed and True in [tag.parsed for tag in tags]:
        return _parse(parts, tags, scripts)
    if None in marks:
        marks = [part if mark is None else mark for part, mark in zip(parts[1::2], marks, strict=True)]
    parts[1::2] = marks
    return "".join(map(decode_entities, parts) if "&" in text else parts)


def _without_comments(text: str) -> str:
    return _strip_comments(_CDATA.sub(lambda match: html.escape(match[1], quote=False), text))


def _split(text: str) -> tuple[list[str], list[_Tag]]:
    """Return a text in parts, every second of which may be a tag, and what these tell by themselves."""
    parts = _TOKEN.split(text)
    return parts, [_kept_tag(part) if len(part) < _LONGEST else _tag(part) for part in parts[1::2]]


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
    condition = _ALWAYS if closing or self_closing else _condition(name, attributes)
    hidden = bool(_HIDDEN.search(attributes))
    return _Tag(name, mark, bool(closing), condition, hidden or name in _PARSED, hidden)


_kept_tag = lru_cache(maxsize=_KEPT)(_tag)


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
    guarded = "".join(parts)
    if "&" in guarded:
        guarded = _ENTITY.sub(_protect, guarded)
    root = _reader.read(guarded)
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
    parsed = [tag for tag in tags if tag.parsed]
    names = {tag.name for tag in parsed}
    unseen = sorted(names & (_UNSEEN | {"script", "style"} if scripts else _UNSEEN))
    if "svg" in names:
        unseen.append("svg title")
    if "head" in names and any(tag.closing for tag in parsed if tag.name == "head"):
        unseen.append("title")
    return [*unseen, *_HIDDEN_ELEMENTS] if any(tag.hidden for tag in parsed) else unseen


def _protect(match: re.Match) -> str:
    """Leave to the parser what is an entity, and escape what is none."""
    if _entity(*match.groups()) is None:
        return "&amp;" + match[0][1:]
    return match[0] if match[0].endswith(";") else match[0] + ";"


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
