"""Lines of a signature: names, titles, companies, addresses; as against lines in which the author says something."""

import re

from winnow.text.cleaning.mail.folding import Literals, folded
from winnow.text.cleaning.mail.headers import ADDRESS

MAX_NAME_LINE = 60  # characters; longer ones are sentences
LINK = re.compile(r"https?://|www\.|\b[\w-]+\.(?:org|com|net|de|eu|io|co|fr|uk)\b", re.I)
_PHONE = re.compile(
    r"(?:\+|[-–|·,]\s|(?:^|[\s|·,])(?:t|m|p|f|tel|telefon|phone|ph|mob|mobil|mobile|cell|fax|direct|office|тел|電話|电话|전화)"
    r"[.:]{0,2}\s?|^\s*\(?)\d[\d ()/.\-]{5,}",
    re.I,
)
_DIGIT = re.compile(r"\d")
COMPANY = re.compile(
    r"\b(?:gmbh|ag|kg|e\.v\.|ltd|llp|llc|inc|plc|corp|s\.a\.|sarl|sas|s\.r\.l\.|spa|b\.?v|n\.?v|ab|oy|a/s|aps|s\.r\.o|"
    r"sp\. z o\.o|kft|зао|ооо)\b|株式会社|有限公司|주식회사",
    re.I,
)
_REFERENCE_WORDS = (
    "order|booking|reference|ref|invoice|ticket|customer|client|account|contract|case|room|parcel|tracking|serial|"
    "commande|facture|dossier|réservation|pedido|factura|reserva|ordine|fattura|prenotazione|encomenda|bestelling|"
    "klantnummer|factuur|beställning|ordrenummer|sipariş"
)
_REFERENCE_STEMS = "bestell|auftrag|kunden|rechnung|vertrag|zamówieni|objednávk|заказ|договор"
_REFERENCE_PATTERN = rf"(?<!\w)(?:{_REFERENCE_WORDS}|(?:{_REFERENCE_STEMS})\w*)(?!\w)|订单|注文|주문"
_REFERENCE, _MAY_REFER = re.compile(_REFERENCE_PATTERN, re.I), re.compile(folded(_REFERENCE_PATTERN))
_ON_BEHALF = re.compile(r"(?:i\. ?[av]\.|ppa?\.|p\. ?p\.)\s*", re.I)
_OPTION = re.compile(r"\s[A-Z]\Z")  # "Option B"
_PARTS = re.compile(r"[|·•]")
_PARTICLES = frozenset(
    "of de der den von van la le da do dos das di du del y e et and und the al el bin ibn zu zum für for & i och og at "
    "à au ja en i a v p med phil rer nat jur habil ing".split()
)
# Who says so writes a sentence.
_SAYING_WORDS = (
    "you we my your our me it is are was were have has had will would can could please this that not no yes ich du sie "
    "wir mein ihr bitte ist sind war hat haben nicht je vous nous est pas yo por está non è sono não ik u niet jag jeg "
    "inte ikke nie jest я вы мы не нет"
).split()
_SAYING = re.compile(
    rf"(?<!\w)(?:I(?!\.)|{'|'.join(_SAYING_WORDS)})(?!\w)|^(?:{'|'.join(map(str.title, _SAYING_WORDS))})(?![\w.])|"
    "请|我|你|您|です|ます|입니다|습니다"
)
# One of these stands in a line of ASCII that says something.
_WORDS = re.compile(r"\w+")
_TELLING_WORDS = frozenset(["i", *_SAYING_WORDS, *_REFERENCE_WORDS.split("|")])
_TELLING_STEMS = Literals(f"(?:{_REFERENCE_STEMS})")
ENDED = (".", "!", "?", "…", "。", "！", "？")
SENTENCE_END = (*ENDED, ":", "：", ";")
_ABBREVIATED = re.compile(r"(?:^|[\s.])(?:[^\W\d_]{1,4}|[A-Z][a-z]?)\.\Z")


def is_name(line: str) -> bool:
    """Tell whether a line may be a name: few words, each with a capital or of a script that has none."""
    line = line.strip(" \t,-–—*_")
    if "." in line:
        line = _ON_BEHALF.sub("", line)
    words = line.split()
    if not (0 < len(words) <= 5) or len(line) > 40 or (line.endswith(SENTENCE_END) and not _ABBREVIATED.search(line)):
        return False
    if _OPTION.search(line):
        return False
    if len(words) == 1 and not line.isascii() and not line[0].isupper() and len(line) > 12:
        return False
    if any(word.strip("(\"'“„")[:1].islower() and word.strip(".") not in _PARTICLES for word in words):
        return False
    return not any(map(str.isdigit, line)) and not _says(line)


def is_contact(line: str) -> bool:
    """Tell whether a line holds an address, a link or a number to call, and little else."""
    if len(line) > 2 * MAX_NAME_LINE or len(line.split()) > 10:
        return False
    # One character tells of most lines that no pattern matches.
    found = (
        ("@" in line and ADDRESS.search(line))
        or (("." in line or "://" in line) and LINK.search(line))
        or (_DIGIT.search(line) and _PHONE.search(line))
    )
    return bool(found) and not _says(line)


def is_detail(line: str) -> bool:
    """Tell whether a line may stand below a name: a title, a company, an address."""
    line = line.strip()
    if is_contact(line):
        return True
    if (
        len(line) > MAX_NAME_LINE
        or line[0].islower()
        or (line.endswith(SENTENCE_END) and not _ABBREVIATED.search(line))
    ):
        return False
    return max(len(part.split()) for part in _PARTS.split(line)) <= 8 and not _says(line)


def _says(line: str) -> bool:
    """Tell whether a line says something: it has a sentence's words, or tells the number of an order."""
    if line.isascii():
        lower = line.lower()
        if _TELLING_WORDS.isdisjoint(_WORDS.findall(lower)) and not _TELLING_STEMS.stand_in(lower):
            return False
    return bool(_SAYING.search(line) or (_MAY_REFER.search(folded(line)) and _REFERENCE.search(line)))
