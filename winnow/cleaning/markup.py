"""Rules on markup: tags, scripts, comments and entities of HTML and XML fragments, by a real parser (lexbor).

Fragments are not pages: "p<0.05" and "p <a and b> c" are text, and so is a tag of an unknown name that nothing closes.
What is no tag is escaped before the parser sees it, so that the parser cannot swallow it. Dropped, because a browser
does not show it: comments, scripts, styles, `template`, `noscript`, the fallbacks of media elements, TeX annotations
of formulas, a page's title, `hidden` elements and those with `display: none`. Attributes (`alt`, `title`) are no text.
"""

import html
import re
from html.entities import html5

from selectolax.lexbor import LexborHTMLParser

ENTITY = r"&#?\w"
MARKUP = rf"<[A-Za-z/!?]|{ENTITY}"
SCRIPT = r"(?i)</(?:script|style)"

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
_UNSEEN = (
    "template, noscript, noframes, iframe, object, canvas, audio, video, datalist, rp, annotation, annotation-xml, "
    'svg title, [hidden], [style*="display:none" i], [style*="display: none" i]'
)
_MAYBE_UNSEEN = re.compile(
    r"<(?:script|style|template|noscript|noframes|iframe|object|canvas|audio|video|datalist|rp\b|annotation|svg|head)"
    r"|\bhidden\b|display:",
    re.I,
)

# A tag in the strict sense, so that "p<0.05" stays text; possessive, so that it never backtracks.
_VALUE = r"""(?:\s*+=\s*+(?:"[^"]{0,2000}+"|'[^']{0,2000}+'|[^\s<>"']++))?+"""
_ATTRIBUTES = rf"""(?:(?:[\s/]++|(?<=["']))[^\s=<>"'/]++{_VALUE})*+"""
_TAG = re.compile(rf"<(/?)([A-Za-z][\w:.-]*+)({_ATTRIBUTES})\s*+(/?)>|</>|<\?[a-z][^<>]*>|<!(?!--|\[CD)[^<>]*>|<", re.I)
_BOOLEAN = re.compile(
    r"\b(?:async|autoplay|checked|compact|controls|defer|disabled|hidden|inert|itemscope|loop|multiple|muted|noshade|"
    r"nowrap|open|readonly|required|reversed|selected)\b",
    re.I,
)
_COMMENT_END = re.compile(r"(?<=<!--)-?>|--!?>")
_CLOSED = re.compile(r"</([A-Za-z][\w:.-]*+)\s*+>")
_CDATA = re.compile(r"<!\[CDATA\[((?:(?!<!\[).)*?)\]\]>", re.S)
# A comment at its start may hold another script, as browsers read it.
_SCRIPT = re.compile(r"<(script|style)\b[^<>]*+>(?:\s*+<!--.*?-->)?.*?</\1\s*+>", re.I | re.S)
# A tag with attributes that the end of a cut text broke off.
_CUT_TAG = re.compile(rf"<(?:{'|'.join(sorted(_ALONE | _INLINE | _BLOCKS))})\s[^<>=]*+=[^<>]*+\Z", re.I)

# Tags without any doubt: the fast way, for which no parser is needed.
_SIMPLE = re.compile(r"""</?([a-z][a-z0-9]*)(?:\s[a-zA-Z-]+="[^"<>]*")*+\s?/?>""")
_SIMPLE_NAMES = (_ALONE | _INLINE | _BLOCKS) - {"head", "pre", "table", "title"}
_BLOCK_TAG = re.compile(rf"</?(?:[\w.-]++:)?(?:{'|'.join(sorted(_BLOCKS))})(?![\w-])[^<>]*+>", re.I)
_CELL_TAG = re.compile(r"<(?:button|td|th)\b[^<>]*+>")


def decode_entities(text: str) -> str:
    """Decode each known entity once; `&copy=1` of a link and `R&D` stay as they are."""
    return _ENTITY.sub(lambda match: _entity(match) or match[0], text) if "&" in text else text


def _entity(match: re.Match) -> str | None:
    number, name, old = match.groups()
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
    simple = _strip_simple(text)
    return decode_entities(simple) if simple is not None else _parse(text, scripts)


def _strip_simple(text: str) -> str | None:
    """Return what the parser would, if every `<` begins a plain tag of HTML that hides nothing; else None."""
    found = _SIMPLE.findall(text)
    if len(found) != text.count("<") or "\r" in text or "hidden" in text or "display:" in text:
        return None
    names = set(found)
    if not names <= _SIMPLE_NAMES or any(f"</{name}" not in text for name in names - _ALONE):
        return None
    if names & _BLOCKS:
        text = _BLOCK_TAG.sub("\n", text.replace("\n", " "))
    if names & _CELLS:
        text = _CELL_TAG.sub("\t", text)
    return _SIMPLE.sub("", text)


def _parse(text: str, scripts: bool) -> str:
    if scripts:
        text = strip_scripts(text)
    text = _CDATA.sub(lambda match: html.escape(match[1], quote=False), text)
    text = _strip_cut_tags(_strip_comments(text))
    closed = {name.lower() for name in _CLOSED.findall(text)}
    if "pre" not in closed and _BLOCK_TAG.search(text):
        text = text.replace("\n", " ")

    def guard(match: re.Match) -> str:
        """Escape what is no tag; mark where words part."""
        closing, name, self_closing = match[1], (match[2] or "").lower(), match[4]
        if not name:
            return "&lt;" if match[0] == "<" else ""
        if not (closing or self_closing or name in _SURE or name in closed) or _compares(match, closed):
            return "&lt;" + match[0][1:]
        local = name.rpartition(":")[2]
        if local in _CELLS:
            return match[0] if closing else "\t" + match[0]
        return "\n" + match[0] if local in _BLOCKS else match[0]

    guarded = _TAG.sub(guard, text)
    if "&" in guarded:
        guarded = _ENTITY.sub(_protect, guarded)
    tree = LexborHTMLParser(guarded.encode("utf-8", "replace"), is_fragment=True)
    if _MAYBE_UNSEEN.search(text):
        unseen = _UNSEEN + (", script, style" if scripts else "") + (", title" if "head" in closed else "")
        for node in tree.css(unseen):
            node.decompose()
    return tree.text()


def _compares(match: re.Match, closed: set[str]) -> bool:
    """Return whether what looks like a tag is rather text: "p <a and b> c", "x<b>y", "<code here>"."""
    closing, name, attributes, self_closing = match.groups()
    if closing or self_closing or (len(name) > 1 and name.lower() in closed):
        return False
    if attributes.strip(" /"):
        return "=" not in attributes and not _BOOLEAN.search(attributes)
    before = match.string[max(0, match.start() - 1) : match.start()]
    return len(name) == 1 and before.isalnum() and name.lower() not in closed


def _protect(match: re.Match) -> str:
    """Leave to the parser what is an entity, and escape what is none."""
    if _entity(match) is None:
        return "&amp;" + match[0][1:]
    return match[0] if match[0].endswith(";") else match[0] + ";"


def _strip_cut_tags(text: str) -> str:
    while (start := text.rfind("<")) >= 0 and _CUT_TAG.match(text, start):
        text = text[:start]
    return text


def _strip_comments(text: str) -> str:
    parts, position = [], 0
    while (start := text.find("<!--", position)) >= 0 and (end := _COMMENT_END.search(text, start + 4)):
        parts.append(text[position:start])
        position = end.end()
    return "".join([*parts, text[position:]])
