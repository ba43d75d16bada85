"""Days as people and programs write them. Without a form, only what can be read in one way is a day.

A day is that of its own zone, as it stands: 2021-03-05T23:30:00-05:00 is the fifth of March. Numbers that count from a
day on (`FORMS`) are in UTC.
"""

import datetime
import re
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from functools import partial

LONGEST = 100  # characters; what is longer is no date
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EPOCH = datetime.date(1970, 1, 1)
DAY = 86_400  # seconds
UNITS = {"unix_ms": 1e3, "unix_us": 1e6, "unix_ns": 1e9}  # in a second
# A larger number of seconds is beyond the year 5000: it counts thousandths, and so on.
LIMITS = ((1e11, 1), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))

TIME = r"(?:[01]\d|2[0-4])(?::?[0-5]\d(?::?(?:[0-5]\d|60)(?:[.,]\d{1,9})?)?)?"
ZONE = r" ?(?:Z|UTC|GMT|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)"
ISO = re.compile(
    rf"(\d{{4}}-\d\d-\d\d|\d{{8}}|\d{{4}}-W\d\d-\d|\d{{4}}W\d{{3}})"
    rf"(?:[Tt ]{TIME}(?:{ZONE})?(?:\[[A-Za-z0-9/_+-]{{1,40}}\])?)?",
    re.ASCII,
)
MAIL = re.compile(
    rf"(?:(?:mon|tue|wed|thu|fri|sat|sun),? )?(\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})"
    rf"(?: \d\d:\d\d(?::\d\d)?(?: (?:[+-]\d{{4}}|[A-Z]{{1,5}}))?(?: \([^()]{{0,40}}\))?)?",
    re.ASCII | re.IGNORECASE,
)
QUARTER = re.compile(r"(\d{4})[-/ ]?Q([1-4])|Q([1-4])[-/ ]?(\d{4})", re.ASCII | re.IGNORECASE)
NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,2})?", re.ASCII)

# What a value may be that is no day by itself, and what to write for it; the first that fits.
HINTS = {
    r"\d{1,2}/\d{1,2}/\d{4}\b.*": "'%d/%m/%Y' or '%m/%d/%Y'",
    r"\d{1,2}-\d{1,2}-\d{4}\b.*": "'%d-%m-%Y' or '%m-%d-%Y'",
    r"\d{1,2}\.\d{1,2}\.\d{4}\b.*": "'%d.%m.%Y'",
    r"\d{1,2}([/.-])\d{1,2}\1\d\d\b.*": "'%d/%m/%y' or '%m/%d/%y', with the signs between the numbers",
    r"\d{4}([/.])\d{1,2}\1\d{1,2}\b.*": "'%Y/%m/%d', with the signs between the numbers",
    r"\d{4}": "'%Y'",
    r"\d{4}-\d\d": "'%Y-%m'",
    r"\d{4}[-/ ]?[Qq][1-4]|[Qq][1-4][-/ ]?\d{4}": "quarter",
    r"\d{5}(\.\d+)?": "excel",
    r"-?\d{9,10}(\.\d+)?": "unix",
    r"-?\d{12,13}(\.\d+)?": "unix_ms",
    r"-?\d{15,16}": "unix_us",
    r"-?\d{18,19}": "unix_ns",
    r"[A-Za-z]{3} \d{4}": "'%b %Y'",
    r"[A-Za-z]{4,9} \d{4}": "'%B %Y'",
    r"[A-Za-z]{3,9} \d{1,2},? \d{4}": "'%b %d, %Y' or '%B %d, %Y'",
}
HINT = [(re.compile(pattern, re.ASCII), told) for pattern, told in HINTS.items()]


def read(value: str, forms: Sequence[str]) -> datetime.date | None:
    """Return the day that a value is, by the first form that fits; None where none does.

    Args:
        forms: names of `FORMS`, or as Python's strptime has it.
    """
    value = value.strip()
    if len(value) > LONGEST:
        return None
    for form in forms:
        try:
            day = FORMS[form](value) if form in FORMS else datetime.datetime.strptime(value, form).date()
        except (ValueError, OverflowError):
            continue
        if day is not None:
            return day
    return None


def check(form: str) -> str:
    """Return a form; raise `ValueError` if it is none, or leaves the year open."""
    if form in FORMS:
        return form
    day = datetime.datetime(2021, 11, 25, 13, 14, 15, tzinfo=datetime.UTC)
    try:
        is_read = datetime.datetime.strptime(day.strftime(form), form).year == day.year
    except (ValueError, re.error):  # a part that stands twice
        is_read = False
    if not is_read:
        raise ValueError(
            f"'{form}' is no form of dates with a year: write it as Python's strptime has it, such as %d.%m.%Y, or one "
            f"of {', '.join(FORMS)}"
        )
    return form


def hint(value: str) -> str:
    """Return which forms a value may have, in words; empty where nothing is known."""
    value = value.strip()
    return next((told for pattern, told in HINT if pattern.fullmatch(value)), "") if len(value) <= LONGEST else ""


def _iso(value: str) -> datetime.date | None:
    found = ISO.fullmatch(value)
    return datetime.date.fromisoformat(found[1]) if found else None


def _mail(value: str) -> datetime.date | None:
    found = MAIL.fullmatch(value)
    return datetime.date(int(found[3]), MONTHS.index(found[2].lower()) + 1, int(found[1])) if found else None


def _quarter(value: str) -> datetime.date | None:
    found = QUARTER.fullmatch(value)
    return datetime.date(int(found[1] or found[4]), 3 * int(found[2] or found[3]) - 2, 1) if found else None


def _since(value: str, unit: float | None) -> datetime.date | None:
    """Return the day of a number of units since 1970; without a unit, its size says which."""
    if not NUMBER.fullmatch(value):
        return None
    number = Decimal(value)
    if unit is None:
        unit = next((unit for limit, unit in LIMITS if abs(number) < limit), None)
    return None if unit is None else EPOCH + datetime.timedelta(_floor(number / Decimal(DAY * unit)))


def _excel(value: str, first: datetime.date) -> datetime.date | None:
    """Return the day of a serial number of a spreadsheet.

    Args:
        first: the day of number 0.
    """
    if not NUMBER.fullmatch(value):
        return None
    number = _floor(Decimal(value))
    if first.year == 1899 and number < 61:  # Excel's year 1900 has a 29 February, number 60
        return None if number in (0, 60) or number < 0 else first + datetime.timedelta(number + 1)
    return first + datetime.timedelta(number) if number >= 0 else None


def _floor(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_FLOOR))


FORMS = {"iso": _iso, "mail": _mail, "quarter": _quarter, "unix": partial(_since, unit=None)}
FORMS |= {name: partial(_since, unit=unit) for name, unit in UNITS.items()}
FORMS |= {"excel": partial(_excel, first=datetime.date(1899, 12, 30))}
FORMS |= {"excel_1904": partial(_excel, first=datetime.date(1904, 1, 1))}
PLAIN = ("iso", "mail")  # without a form: what can be read in one way
