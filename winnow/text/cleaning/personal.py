"""Personal data in texts: found, counted and masked.

E-mail and public IP addresses, phone numbers (phonenumbers, a port of Google's libphonenumber), payment cards (ISO/IEC
7812 ranges and Luhn's check digit), IBANs (length and check digits of each country, python-stdnum), and names of
people if a model is given. Scientific text is full of numbers and of `@`, so every finder checks more than the form.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import regex
from pydantic import Field, model_validator

from winnow.base import params
from winnow.base.errors import UserError
from winnow.base.files import sha256
from winnow.text.words import JOINED_LETTERS

if TYPE_CHECKING:
    from phonenumbers import PhoneNumberMatch

Kind = Literal["email", "iban", "card", "ip", "phone", "name"]
Span = tuple[int, int]


class Names(params.Section):
    """A transformers token-classification model in a folder: safetensors, config and a fast tokenizer."""

    folder: str = Field(min_length=1)
    """The model's folder: safetensors, config and a fast tokenizer."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of its `model.safetensors`: another model finds other names."""

    labels: list[str] = Field(min_length=1)
    """The model's entity groups that are people, such as `PER`."""


class PersonalData(params.Section):
    """Section `clean.personal_data` of params.yaml."""

    action: Literal["off", "report", "mask", "drop"]
    """What happens to personal data: nothing, a count by kind, a mask such as `[EMAIL]`, or the row is dropped."""

    kinds: list[Kind] = Field(["email", "iban", "card", "ip", "phone"])
    """What is looked for; `name` needs a model in `names`."""

    regions: list[str] = Field(default_factory=list)
    """ISO 3166 countries whose phone numbers may stand without +, such as `[US, GB]`; each costs time and precision."""

    names: Names | None = None
    """A model that finds names of people, for the kind `name`."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.action == "off":
            return self
        if not self.kinds:
            raise ValueError("kinds names no kind; name one, or switch off by action: off")
        if ("name" in self.kinds) != (self.names is not None):
            raise ValueError("kind 'name' and a model in `names` need each other; give both or neither")
        if self.regions and (unknown := sorted(set(self.regions) - _regions())):
            raise ValueError(f"regions: '{unknown[0]}' is no ISO 3166 country code; Great Britain is GB")
        return self


def mask(
    text: str, kinds: Collection[Kind], regions: Collection[str] = (), names: Names | None = None
) -> tuple[str, dict[str, int]]:
    """Return the text with each finding replaced by its kind, as [EMAIL], and the number of findings by kind.

    Masking a masked text changes nothing.

    Raises:
        UserError: the model of `names` is missing, is another one or cannot be loaded.
    """
    counts: Counter = Counter()
    # A mask may uncover a neighbour that stood too close to it; each pass leaves fewer digits, @ or letters.
    while found := find(text, kinds, regions, names):
        for start, end, kind in reversed(found):
            text = f"{text[:start]}[{kind.upper()}]{text[end:]}"
            counts[kind] += 1
    return text, dict(sorted(counts.items()))


def find(
    text: str, kinds: Collection[Kind], regions: Collection[str] = (), names: Names | None = None
) -> list[tuple[int, int, Kind]]:
    """Return start, end and kind of each finding, in order, without overlap; raises `UserError` as `mask`."""
    finders: dict[Kind, Callable[[str], Iterator[Span]]] = {
        "email": _emails,
        "iban": _ibans,
        "card": _cards,
        "ip": _addresses,
        "phone": lambda text: _phones(text, regions),
    }
    if names is not None:
        finders["name"] = lambda _: _names(text, names)
    apart = text if text.isascii() else _JOINED.sub("。", text)
    found: list[tuple[int, int, Kind]] = []
    for kind, finder in finders.items():
        if kind in kinds:
            # The surer kinds come first: a part of a card's number may look like a phone's.
            found += [(*span, kind) for span in finder(apart) if all(span[1] <= f[0] or f[1] <= span[0] for f in found)]
    return sorted(found)


# 请联系ann@example.org谢谢: these letters belong to the sentence, not to the address.
_JOINED = regex.compile(rf"(?V1)[{JOINED_LETTERS}]")
# What a text must hold for a finding, in RE2 syntax for `pyarrow.compute`.
_NEEDS: dict[Kind, str] = {
    "email": "@",
    "iban": "[A-Z]{2}[0-9]{2}[ -]?[A-Z0-9]{4}",
    "card": "[2-6][0-9]{3}[ -]?[0-9]{4}",
    "ip": r"[0-9]\.[0-9]{1,3}\.[0-9]|[23][0-9a-fA-F]{3}:",
    "phone": r"\p{Nd}[\p{Nd}\s\x{0b}\x{1c}-\x{1f}\x{85}\pZ().\-/\x{2010}-\x{2015}\x{2212}]{6}",
    "name": "",
}


def suspects(settings: PersonalData) -> str:
    """Return a pattern (RE2 syntax) that matches every text in which `find` may find something, and few others."""
    # The library takes a number of any country by its plus.
    needs = _NEEDS if settings.regions else _NEEDS | {"phone": "[+]"}
    return "|".join(needs[kind] for kind in settings.kinds)


_EMAIL = re.compile(
    r"(?<![\w.+%'@-])(?=[\w+])([\w.+%'-]{1,64}+)@((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+)([^\W\d_]{2,24}|xn--[\w-]{2,59})"
    r"(?![\w@])"
)
_GENERIC = frozenset("com org net edu gov mil int info biz eu uk".split())


def _emails(text: str) -> Iterator[Span]:
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        local, domain, top = match[1], match[2], match[3]
        known = top.lower() in _GENERIC or top.upper() in _regions()
        # Au@SiO2.The: materials are written with @, and a full stop may lack its space.
        plain = match[0].islower() and len(top) > 2 and any(map(str.isalpha, domain))
        if (known or plain) and (top.islower() or match[0].isupper()) and local[-1] != "." and ".." not in local:
            yield match.span()


# Here and below the look behind comes second: a pattern that begins with a set of characters is searched three times as
# fast.
_IBAN = re.compile(r"[A-Z](?<!\w.)[A-Z]\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?!\w)")
_IBAN_ENDS = re.compile(r"[A-Z0-9](?![A-Z0-9])")


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        from stdnum import iban

        # A word in capitals may follow: the longest part that is valid.
        ends = [match.start() + end.end() for end in _IBAN_ENDS.finditer(match[0])]
        for end in reversed(ends):
            if iban.is_valid(text[match.start() : end]):
                yield match.start(), end
                break


# Groups as they are printed on cards, with one separator throughout; more groups beside them are a table's row.
_CARD = re.compile(
    r"[2-6](?<![\w./].)(?<![0-9][ -].)[0-9]{3}"
    r"(?:([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?|([ -]?)[0-9]{6}\2[0-9]{4,5})"
    r"(?![\w/]|[ -][0-9]|\.[0-9])"
)
_ISSUERS = re.compile(
    r"4\d{15}(?:\d{3})?"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|(?:6011|64[4-9]\d|65\d\d|35(?:2[89]|[3-8]\d))\d{12}"  # Discover, JCB
    r"|62\d{14}(?:\d{3})?"  # UnionPay
)


def _cards(text: str) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        from stdnum import luhn

        digits = re.sub("[ -]", "", match[0])
        if _ISSUERS.fullmatch(digits) and luhn.is_valid(digits):
            yield match.span()


_IPV4 = re.compile(r"[0-9](?<![\w.].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\w|\.\w)")
_IPV6 = re.compile(r"[23](?<![\w:.].)[0-9a-fA-F]{3}:[0-9a-fA-F:]{0,34}[0-9a-fA-F](?![\w:]*\w|::)")
_HOST = re.compile(r"(?:\bIP(?:v4)?\b|\baddress|\bhost|\bserver|://|@)[^.;]{0,20}$", re.I)
_NO_HOST = re.compile(r"\b(?:E\.?C\.?|v|ver|version|release|build|section|chapter|table|fig|figure)[.:]?\s*$", re.I)


def _addresses(text: str) -> Iterator[Span]:
    """Yield addresses of the public Internet; those of private networks name nobody."""
    for match in _IPV4.finditer(text):
        before = text[max(0, match.start() - 40) : match.start()]
        # An enzyme (EC 3.4.21.4), a section or a version, unless the text says that it is a host.
        first, second, third, _ = map(int, match[0].split("."))
        numbering = first < 8 and second < 100 and third < 100
        if _public(match[0]) and not _NO_HOST.search(before) and (not numbering or _HOST.search(before)):
            yield match.span()
    for match in _IPV6.finditer(text):
        # Gad2::CreERT2, 2:4:4: genes and ratios have fewer parts.
        if sum(map(bool, match[0].split(":"))) > 2 and _public(match[0]):
            yield match.span()


def _public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


_BETWEEN = r"\s().\-/\u2010-\u2015\u2212"
_PHONE = re.compile(rf"\d[\d{_BETWEEN}]{{6,60}}+")
_CALL = re.compile(
    r"(?:\b(?:tele)?phone|\btel|\bfax|\bmobile|\bcell|\bcall|\bcontact|\bwhatsapp|☎)\W[^.;]{0,20}$", re.I
)
# Characters around a run of digits that the library sees: a plus or a letter before, an extension after, or the other
# part of a number that a long run was cut in.
_CONTEXT = 30
_BRACKETS = str.maketrans("[]", "||")


def _phones(text: str, regions: Collection[str]) -> Iterator[Span]:
    """Yield international numbers that are valid, and national ones that are also grouped or announced as phones do."""
    taken = 0
    for match in _PHONE.finditer(text):
        if sum(map(str.isdigit, match[0])) < 7:
            continue
        start = max(0, match.start() - _CONTEXT)
        # Square brackets hold references and masks, and the library would read on into them.
        window = text[start : match.end() + _CONTEXT].translate(_BRACKETS)
        for first, last in sorted(set(_phones_in(window, regions))):
            if start + first >= taken:
                taken = start + last
                yield start + first, taken


def _phones_in(window: str, regions: Collection[str]) -> Iterator[Span]:
    from phonenumbers import Leniency, PhoneNumberMatcher

    if "+" in window:
        yield from map(_unbracketed, PhoneNumberMatcher(window, None))
    for region in regions:
        # 31.0-167.1, 3/2020-8/2020, 1687: valid numbers all of them, and no phone's.
        for found in PhoneNumberMatcher(window, region, Leniency.STRICT_GROUPING):
            grouped = re.search(r"\d\D+\d", found.raw_string) and sum(map(str.isdigit, found.raw_string)) >= 7
            if grouped or _CALL.search(window[: found.start]):
                yield _unbracketed(found)


def _unbracketed(found: "PhoneNumberMatch") -> Span:
    """Return where a number stands, without an opening bracket that closes after it."""
    return found.start + (found.raw_string[0] == "(" and ")" not in found.raw_string), found.end


@cache
def _regions() -> frozenset[str]:
    from phonenumbers import SUPPORTED_REGIONS

    return frozenset(SUPPORTED_REGIONS)


_MASK = re.compile(r"\[(?:EMAIL|IBAN|CARD|IP|PHONE|NAME)\]")
_OVERLAP = 64  # word pieces that two windows of a long text share


def _names(text: str, names: Names) -> Iterator[Span]:
    masks = [match.span() for match in _MASK.finditer(text)]
    # One text at a time: padding beside others would change the last bits of its scores.
    for found in _tagger(names.folder, names.sha256)(text) if text.strip() else ():
        start, end = found["start"], found["end"]
        free = all(end <= mask_start or mask_end <= start for mask_start, mask_end in masks)
        if found["entity_group"] in names.labels and free and start < end:
            yield start, end


@cache
def _tagger(folder: str, expected: str) -> Callable[[str], list[dict]]:
    weights = Path(folder) / "model.safetensors"
    if not weights.is_file():
        raise UserError(f"params.yaml: clean.personal_data.names.folder: {weights} not found; put the model there")
    if (actual := sha256(weights)) != expected:
        raise UserError(f"params.yaml: clean.personal_data.names.sha256: {weights} has {actual}, not {expected}")
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

    safe = {"trust_remote_code": False, "local_files_only": True}
    try:
        model = AutoModelForTokenClassification.from_pretrained(folder, use_safetensors=True, **safe).eval()
        tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
    # A configuration of odd values breaks transformers wherever it first reads them.
    except Exception as error:
        raise UserError(f"{folder}: no token-classification model that transformers can load: {error}") from None
    # Two fewer than the positions: RoBERTa's begin at two.
    tokenizer.model_max_length = getattr(model.config, "max_position_embeddings", 512) - 2
    return pipeline(
        "token-classification",
        model=model,
        tokenizer=tokenizer,
        aggregation_strategy="first",
        stride=min(_OVERLAP, tokenizer.model_max_length // 4),
        device="cpu",
    )
