"""What markup says by place alone, told in plain text: raised and lowered text, MathML, ruby.

Without its place, 10<sup>6</sup> would be another number. A `^` stands before what is raised if it would run together
with a number, or is a number itself behind a letter, a bracket or a full stop: 10^6, m^2, e^-x, x^(n+1). It is not
needed in Ca2+, CD4+, 1st, 13C. A `_` stands between two numbers only: P2_1, but H2O. A fraction is 1/2 and stands apart
from a whole number before it; a root is √x. The reading of a character follows it in brackets, as browsers without ruby
show it: 漢(かん).
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from winnow.text.cleaning.entities import decode_entities

_DEEPEST = 3  # raised texts in one another
_NEAR, _FAR = 40, 16  # characters, and parts of markup, around a raised text that are looked at

_VARIANT = re.compile(r"<(/?)(?:[a-z]\w{0,11}:)?(su[pb])(?:\s(?![^<>]*(?:hidden|display))[^<>]*)?>", re.I)
_FRACTIONS = frozenset("/⁄&")  # may follow the upper number of one
_MARKED = frozenset(")]}.,;:!?%’'”\"")  # a number behind them is raised: an exponent, or a note's
_SIGN = "-−–+±"
_CHARGE = re.compile(rf"[{_SIGN}\d.,/]*[{_SIGN}]")
_NUMBER_BEFORE = re.compile(r"(?:^|[\s(\[{=<>~≈≤≥×·*+])\d[\d.,]*\Z")
# Raised letters behind a number that are no exponent: 1st, 2e, 3º, 37°, 5h.
_ORDINAL = frozenset("st nd rd th er re e è ème eme nde ère a o os as º ª de h ° tm sm".split())
_OPERATOR = re.compile(r"[\w)\]}′'] ?[-+−–±*×·/=] ?[\w(\[{]")
_REFERENCES = re.compile(r"\d[\d,–-]*")
# What needs no brackets around it.
_ONE = re.compile(rf"[{_SIGN}]?(?:[\d.,]*['′*]*|[^\W\d_]*|.|√\w|\([^()]*\))")


def flatten(text: str) -> str:
    """Return markup in which formulas and readings are characters, and raised text stands in plain `sup` and `sub`."""
    text = _replaced(text, _FORMULA, _formula)
    text = _replaced(text, _RUBY, _with_readings)
    return _VARIANT.sub(lambda match: f"<{match[1]}{match[2].lower()}>", text)


def mark_places(parts: list[str], marks: list[str | None]) -> None:
    """Put into a text in parts the marks that its raised and lowered parts need.

    Args:
        parts: texts and tags by turns, a text first; texts change.
        marks: what takes each tag's place in the text; None: it is text itself.
    """
    done, opening, last = 0, "", len(parts) - 4  # the first two of the last place that was looked around at
    for place in range(1, len(parts), 2):
        tag = parts[place]
        if tag != "<sub>" and tag != "<sup>":
            continue
        if place <= last and parts[place + 2] in _CLOSING:
            near = parts[place - 1][-3:]
            if not near and place > 2 and marks[place // 2 - 1] == "":
                near = parts[place - 3][-3:]  # "<i>x</i><sup>2</sup>"
            after = parts[place + 3][:1]
            if tag == "<sub>":
                if near and not near[-1].isdigit() and near[-1] != ";" and not after.isdigit():
                    continue
            elif near and (after or place == last or parts[place + 4] != tag):
                mark = _plain(near, parts[place + 1], after)
                if mark is not None:
                    if mark:
                        parts[place + 1] = mark + parts[place + 1]
                    continue
        if place >= done or tag != opening:
            done, opening = _mark(_Place(parts, marks, place)), tag


_CLOSING = frozenset(["</sub>", "</sup>"])


def _plain(near: str, inner: str, after: str) -> str | None:
    """Return the mark of raised text for which no further look around is needed; None where it is.

    Args:
        near: up to three characters before it.
        inner: what is raised, as it stands in markup.
        after: the character behind it.
    """
    base = near[-1]
    number = inner.isdigit() or (inner[:1] == "-" and inner[1:].isdigit())
    if base == ";" or (number and (after.isdigit() or after in _FRACTIONS)):
        return None
    if base.isalpha():
        return "^" if number else "" if _CHARGE.fullmatch(inner) or (inner.isalpha() and len(inner) > 1) else None
    if base.isdigit():
        return "^" if number else "" if inner in _SIGN or (inner.isalpha() and near[0].isalpha()) else None
    if number and (base in "([/-" or (base == " " and near[-2:-1].isalpha() and inner.isdigit())):
        return ""
    return "" if inner in _SIGN else None


class _Place:
    """A raised or lowered text, and what stands around it; plain text.

    Attributes:
        end: the number of its closing tag; 0 where none closes it.
        content: of all its pieces, as of <sup>-</sup><sup>3</sup>.
        nested: whether another one is in it.
    """

    def __init__(self, parts: list[str], marks: list[str | None], start: int) -> None:
        self.parts, self.marks, self.start = parts, marks, start
        self.end, self.content, self.nested = 0, "", False
        opening = parts[start]
        closing, depth = f"</{opening[1:]}", 0
        for number in range(start, min(start + _FAR, len(parts))):
            if number % 2 == 0:
                self.content += parts[number][: _NEAR + 1]
            elif parts[number] == opening:
                depth += 1
                self.nested = self.nested or depth > 1
                if depth > _DEEPEST:
                    break
            elif parts[number] == closing:
                depth -= 1
                if not depth:
                    self.end = number
                    if not self._in_pieces(opening):
                        break
        if "&" in self.content:
            self.content = decode_entities(self.content)
        self.content = self.content.strip()

    def _in_pieces(self, opening: str) -> bool:
        """Return whether a piece follows right behind the end: one of both has a sign where they meet."""
        between, following, piece = (*self.parts[self.end + 1 : self.end + 4], "", "", "")[:3]
        meet = self.content[-1:] + piece[:1]
        return not between and following == opening and len(meet) == 2 and not meet.isalnum() and not meet.isspace()

    def before(self) -> str:
        """Return what stands before it, without tags; of another block, its end."""
        found = ""
        for number in range(self.start - 1, max(-1, self.start - _FAR), -1):
            mark = self.marks[number // 2] if number % 2 else None
            found = (self.parts[number][-_NEAR:] if mark is None else mark) + found
            if len(found) >= _NEAR or (found and not found.isalnum()):
                break
        return decode_entities(found) if found[-1:] == ";" else found

    def after(self) -> str:
        """Return the part that follows it."""
        return self.parts[self.end + 1]

    def is_over_a_number(self) -> bool:
        """Return whether a slash and something lowered follow, as in <sup>1</sup>/<sub>2</sub>."""
        return self.after() in ("/", "⁄", "&frasl;") and self.parts[self.end + 2 : self.end + 3] == ["<sub>"]


def _mark(place: _Place) -> int:
    """Put the marks of a raised or lowered text into the parts; return the number of its last tag."""
    if not place.end or not place.content:
        return place.start
    before, content, parts = place.before(), place.content, place.parts
    if parts[place.start] == "<sub>":
        mark = "_" if content[0].isdigit() and before[-1:].isdigit() else ""
    elif content.isdigit() and place.is_over_a_number():
        mark = " " if before[-1:].isdigit() else ""
    else:
        isotope = before[-1:] in ".,;:" and place.after()[:1].isalpha()  # "<sup>1</sup>H,<sup>13</sup>C"
        mark = "^" if not isotope and _needs_mark(before, content) else ""
    if mark == "^" and (place.nested or _is_several(content, before[-1:])):
        mark = "^("
        parts[place.end - 1] += ")"
    parts[place.start + 1] = mark + parts[place.start + 1]
    if content[-1].isdigit() and place.after()[:1].isdigit():
        parts[place.end - 1] += " "
    return place.end


def _is_several(content: str, base: str) -> bool:
    """Return whether raised text needs brackets: x^(n+1), 10^(2n); but text^1-3 refers to notes."""
    if _ONE.fullmatch(content) or _CHARGE.fullmatch(content):
        return False
    if not base.isdigit() and _REFERENCES.fullmatch(content):
        return False
    return content[0].isdigit() or bool(_OPERATOR.search(content))


def _needs_mark(before: str, content: str) -> bool:
    """Return whether raised text would read as something else without a mark."""
    base, first = before[-1:], content[:1]
    if not base or not any(char.isalnum() for char in content):
        return False
    signed = first in _SIGN and content[1:2].isalnum()
    number = first.isdigit() or (signed and content[1:2].isdigit())
    if base.isspace():  # "10 <sup>6</sup>", but "the <sup>18</sup>F"
        word = (before.split() or [""])[-1]
        return number and (word.endswith("10") or (signed and word[-1:].isalnum()))
    if base.isdigit():
        if number or signed or first == "(":
            return True
        return content.lower() not in _ORDINAL and bool(_NUMBER_BEFORE.search(before))
    if base.isalpha() or base in ")]}":
        if number:
            return not _CHARGE.fullmatch(content)
        alone = not (base + before[-2:-1]).isalpha() or len(before) < 2
        return signed or (alone and _is_algebra(content))
    return base in _MARKED and number and not _CHARGE.fullmatch(content)


def _is_algebra(content: str) -> bool:
    if len(content) == 1:
        return content.islower() and content not in _ORDINAL
    return bool(_OPERATOR.search(content)) and not re.search(r"[^\W\d_]{2}", content)


# Names of elements, but for prefixes: which `mark_places` reads, and which `flatten` does.
PLACED, FLAT = frozenset(["sub", "sup"]), frozenset(["math", "mfrac", "ruby"])
_FORMULA = re.compile(r"<((?:[a-z]\w{0,11}:)?(?:math|mfrac))\b[^<>]*>", re.I)
_RUBY = re.compile(r"<(ruby)\b[^<>]*>", re.I)
_MOST_UNCLOSED = 8  # names of elements that nothing closes; of more, a hostile text has any number


def _replaced(text: str, opening: re.Pattern, told: Callable[[str], str]) -> str:
    """Return a text in which each whole element that begins with `opening` is replaced by what `told` makes of it."""
    parts, position, unclosed = [], 0, set()
    while len(unclosed) < _MOST_UNCLOSED and (match := opening.search(text, position)):
        name = match[1].lower()
        end = None if name in unclosed else _end(text, match.end(), name)
        if end is None:
            unclosed.add(name)
            parts.append(text[position : match.end()])
            position = match.end()
        else:
            parts += [text[position : match.start()], told(text[match.start() : end])]
            position = end
    return "".join([*parts, text[position:]])


def _end(text: str, position: int, name: str) -> int | None:
    """Return where an element ends whose opening tag ends at `position`; None if nothing closes it."""
    depth = 1
    for match in re.compile(rf"<(/?){re.escape(name)}(?:\s[^<>]*)?>", re.I).finditer(text, position):
        if not match[0].endswith("/>"):
            depth += -1 if match[1] else 1
        if not depth:
            return match.end()
    return None


def _with_readings(ruby: str) -> str:
    told: list[str] = []
    reading: list[str] | None = None  # of what stands before it
    fallback = False  # in the brackets of a browser that knows no ruby

    def end_reading() -> None:
        nonlocal reading
        if reading is not None and (whole := "".join(reading)).strip():
            while told and not told[-1].strip():
                told.pop()
            told[-1:] = [told[-1].rstrip()] if told else []
            told.append(f"({whole.strip()})")
        reading = None

    for part in re.split(r"(<[^<>]*>)", ruby):
        tag = re.match(r"<(/?)(rt|rp|rb|rtc|rbc|ruby)\b", part, re.I)
        if not tag:
            if not fallback:
                (told if reading is None else reading).append(part)
            continue
        end_reading()
        fallback = not tag[1] and tag[2].lower() == "rp"
        reading = [] if not tag[1] and tag[2].lower() == "rt" else None
    end_reading()
    return "".join(told)


@dataclass
class _Element:
    """An element of MathML that is being read: its name, its opening tag, and what its children are in plain text."""

    name: str
    tag: str = ""
    children: list[str] = field(default_factory=list)


_TOKENS = frozenset("mi mn mo mtext ms".split())
_UNSEEN = frozenset(["annotation", "annotation-xml", "mphantom"])


def _formula(markup: str) -> str:
    """Return a formula of MathML, as markup without tags."""
    stack = [_Element("")]
    opened: dict[str, int] = {}  # how many are open, by name

    def close() -> None:
        element = stack.pop()
        opened[element.name] -= 1
        if element.name not in _UNSEEN:
            stack[-1].children.append(_told(element))

    for part in re.split(r"(<[^<>]*>)", markup):
        if not part.startswith("<") or not part.endswith(">"):
            if part.strip():
                text = decode_entities(part)
                stack[-1].children.append(text if stack[-1].name in ("mtext", "ms") else text.strip())
            continue
        name = re.match(r"</?(?:[\w.-]*:)?([\w-]*)", part)[1].lower()
        if part.startswith("</"):
            while opened.get(name):
                last = stack[-1].name
                close()
                if last == name:
                    break
        elif name:
            stack.append(_Element(name, part))
            opened[name] = opened.get(name, 0) + 1
            if part.endswith("/>"):
                close()
    while len(stack) > 1:
        close()
    return html.escape(_row(stack[0].children), quote=False)


def _row(children: list[str]) -> str:
    """Return children side by side; two numbers do not become one, and a space stays behind a number."""
    whole = ""
    for child in children:
        number = whole[-1:].isdigit()
        whole += f" {child}" if number and child[:1].isdigit() else child if number or child != " " else ""
    return whole


def _one(text: str) -> str:
    """Return a text in brackets, if it is not one number, name or bracket."""
    return text if _ONE.fullmatch(text) else f"({text.strip()})"


def _over(base: str, script: str) -> str:
    charge = _CHARGE.fullmatch(script) and not base[-1:].isdigit()
    known = charge or not any(char.isalnum() for char in script)
    return base + script if known else f"{base}^{_one(script)}"


def _under(base: str, script: str) -> str:
    if base[-1:].isdigit() and script[:1].isdigit():
        return f"{base}_{script}"
    return base + script if _one(script) == script else f"{base}_({script})"


_MOST = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mroot": 2}


def _told(element: _Element) -> str:
    """Return what an element of MathML is in plain text."""
    name, children = element.name, element.children
    if len(children) > _MOST.get(name, len(children)):  # invalid: browsers put them side by side
        return _row(children)
    first, second, third = (*children[:3], "", "", "")[:3]
    match name:
        case "mfrac":
            return f"{_one(first)}/{_one(second)}"
        case "msup":
            return _over(first, second)
        case "msub":
            return _under(first, second)
        case "msubsup":
            return _over(_under(first, second), third)
        case "munder" | "mover" | "munderover":
            return _limits(name, children)
        case "msqrt":
            return f"√{_one(_row(children))}"
        case "mroot":
            return f"{_one(first)}^(1/{_one(second)})"
        case "mfenced":
            return _fenced(element)
        case "mspace":
            return " "
        case "mtr" | "mlabeledtr":
            return " ".join(children)
        case "mtable":
            return "; ".join(children)
        case "semantics" | "maction":
            return first
        case _:
            return "".join(children) if name in _TOKENS else _row(children)


def _limits(name: str, children: list[str]) -> str:
    """Return a sum with its limits, ∑_(i=1)^n; an accent follows its letter."""
    base, *scripts = (*children[:3], "", "")[:3]
    if not any(char.isalnum() for script in scripts for char in script):
        return base + "".join(scripts)
    low, high = {"munder": (scripts[0], ""), "mover": ("", scripts[0])}.get(name, scripts)
    return base + (f"_{_one(low)}" if low else "") + (f"^{_one(high)}" if high else "") + " "


def _fenced(element: _Element) -> str:
    found = {key: html.unescape(value) for key, value in re.findall(r'(\w+)\s*=\s*["\']([^"\']*)', element.tag)}
    separators = "".join(found.get("separators", ",").split())
    inside = ""
    for number, child in enumerate(element.children):
        inside += (separators[min(number, len(separators)) - 1] if number and separators else "") + child
    return found.get("open", "(") + inside + found.get("close", ")")
