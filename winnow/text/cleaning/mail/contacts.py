"""Lines of a signature: names, titles, companies, addresses; as against lines in which the author says something."""

import re

from winnow.text.cleaning.mail.headers import ADDRESS

MAX_NAME_LINE = 60  # characters; longer ones are sentences
LINK = re.compile(r"https?://|www\.|\b[\w-]+\.(?:org|com|net|de|eu|io|co|fr|uk)\b", re.I)
_PHONE = re.compile(
    r"(?:\+|[-–|·,]\s|(?:^|[\s|·,])(?:t|m|p|f|tel|telefon|phone|ph|mob|mobil|mobile|cell|fax|direct|office|тел|電話|电话|전화)"
    r"[.:]{0,2}\s?|^\s*\(?)\d[\d ()/.\-]{5,}",
    re.I,
)
COMPANY = re.compile(
    r"\b(?:gmbh|ag|kg|e\.v\.|ltd|llp|llc|inc|plc|corp|s\.a\.|sarl|sas|s\.r\.l\.|spa|b\.?v|n\.?v|ab|oy|a/s|aps|s\.r\.o|"
    r"sp\. z o\.o|kft|зао|ооо)\b|株式会社|有限公司|주식회사",
    re.I,
)
_REFERENCE = re.compile(
    r"(?<!\w)(?:order|booking|reference|ref|invoice|ticket|customer|client|account|contract|case|room|parcel|tracking|"
    r"serial|bestell\w*|auftrag\w*|kunden\w*|rechnung\w*|vertrag\w*|commande|facture|dossier|réservation|pedido|"
    r"factura|reserva|ordine|fattura|prenotazione|encomenda|bestelling|klantnummer|factuur|beställning|ordrenummer|"
    r"zamówieni\w*|objednávk\w*|заказ\w*|договор\w*|sipariş)(?!\w)|订单|注文|주문",
    re.I,
)
_ON_BEHALF = re.compile(r"(?:i\. ?[av]\.|ppa?\.|p\. ?p\.)\s*", re.I)
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
ENDED = (".", "!", "?", "…", "。", "！", "？")
SENTENCE_END = (*ENDED, ":", "：", ";")
_ABBREVIATED = re.compile(r"(?:^|[\s.])(?:[^\W\d_]{1,4}|[A-Z][a-z]?)\.\Z")


def is_name(line: str) -> bool:
    """Tell whether a line may be a name: few words, each with a capital or of a script that has none."""
    line = _ON_BEHALF.sub("", line.strip(" \t,-–—*_"))
    words = line.split()
    if not (0 < len(words) <= 5) or len(line) > 40 or any(map(str.isdigit, line)) or _says(line):
        return False
    if line.endswith(SENTENCE_END) and not _ABBREVIATED.search(line):
        return False
    if re.search(r"\s[A-Z]\Z", line):  # "Option B"
        return False
    if len(words) == 1 and not line.isascii() and not line[0].isupper() and len(line) > 12:
        return False
    return all(word.strip(".") in _PARTICLES or not word.strip("(\"'“„")[:1].islower() for word in words)


def is_contact(line: str) -> bool:
    """Tell whether a line holds an address, a link or a number to call, and little else."""
    found = ADDRESS.search(line) or LINK.search(line) or _PHONE.search(line)
    return bool(found) and len(line) <= 2 * MAX_NAME_LINE and len(line.split()) <= 10 and not _says(line)


def is_detail(line: str) -> bool:
    """Tell whether a line may stand below a name: a title, a company, an address."""
    line = line.strip()
    if is_contact(line):
        return True
    parts = _PARTS.split(line)
    if len(line) > MAX_NAME_LINE or max(len(part.split()) for part in parts) > 8 or _says(line):
        return False
    return not (line.endswith(SENTENCE_END) and not _ABBREVIATED.search(line)) and not line[0].islower()


def _says(line: str) -> bool:
    """Tell whether a line says something: it has a sentence's words, or tells the number of an order."""
    return bool(_SAYING.search(line) or _REFERENCE.search(line))
