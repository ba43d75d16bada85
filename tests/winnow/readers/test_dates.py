import datetime
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.readers import dates

READ_WITHOUT_A_FORM = {
    "2021-03-05": "2021-03-05",
    " 2021-03-05\t": "2021-03-05",
    "20210305": "2021-03-05",
    "2021-W09-5": "2021-03-05",
    "2021W095": "2021-03-05",
    "2021-03-05T10:15": "2021-03-05",
    "2021-03-05 10:15:30": "2021-03-05",
    "2021-03-05t10:15:30z": None,
    "2021-03-05T10:15:30Z": "2021-03-05",
    "2021-03-05T10:15:30.123456789Z": "2021-03-05",
    "2021-03-05T10:15:30,5": "2021-03-05",
    "20210305T101530Z": "2021-03-05",
    "2021-03-05 10:15:30 UTC": "2021-03-05",
    "2021-03-05 10:15:30 GMT": "2021-03-05",
    "2021-03-05 10:15:30 +0100": "2021-03-05",
    "2021-03-05T10:15:30+01:00[Europe/Paris]": "2021-03-05",
    "2021-03-05T24:00:00": "2021-03-05",
    "2021-12-31T23:59:60Z": "2021-12-31",
    # The day of its own zone, also where it is another one in UTC.
    "2021-03-05T23:30:00-05:00": "2021-03-05",
    "2021-03-06T00:30:00+09:00": "2021-03-06",
    "0001-01-01T00:00:00+14:00": "0001-01-01",
    "9999-12-31T23:59:59-12:00": "9999-12-31",
    "Fri, 05 Mar 2021 23:30:00 -0500": "2021-03-05",
    "Fri, 5 Mar 2021 10:00:00 GMT": "2021-03-05",
    "5 Mar 2021 10:00 +0100 (CET)": "2021-03-05",
    "05 mar 2021": "2021-03-05",
    # What may be read in two ways, or in none.
    "03/04/2021": None,
    "3/4/21": None,
    "13/04/2021": None,
    "03-04-2021": None,
    "05.03.2021": None,
    "2021/03/05": None,
    "2021-3-5": None,
    "2021": None,
    "2021-03": None,
    "202103": None,
    "2021-064": None,
    "2021-W09": None,
    "21-03-05": None,
    "210305": None,
    "Jan 2021": None,
    "March 5, 2021": None,
    "5. M\u00e4rz 2021": None,
    "2021-Q1": None,
    "44197": None,
    "1614902400": None,
    "1614902400000": None,
    "1614902400.5": None,
    "20210305101530": None,
    "2021030510": None,
    "16149024001015": None,
    "2021030512345": None,
    "20211399": None,
    "2021-02-29": None,
    "2020-02-29": "2020-02-29",
    "2021-02-30T10:00": None,
    "2021-03-05T25:00": None,
    "2021-03-05 in the morning": None,
    "2021-03-05T10:15:30+15:00": None,
    "0000-00-00": None,
    "0000-01-01": None,
    "-2021-03-05": None,
    "12021-03-05": None,
    "30 Feb 2021": None,
    "5 Mar 21": None,
    "\u0662\u0660\u0662\u0661-\u0660\u0663-\u0660\u0665": None,
    "today": None,
    "": None,
    "5" * 1_000_000: None,
    "2021-03-05T" + "1" * 1_000_000: None,
}


def day(text: str | None) -> datetime.date | None:
    return None if text is None else datetime.date.fromisoformat(text)


@pytest.mark.parametrize(("value", "expected"), READ_WITHOUT_A_FORM.items(), ids=lambda value: str(value)[:40])
def test_only_what_can_be_read_in_one_way_is_a_day(value, expected):
    start = time.perf_counter()
    assert dates.read(value, dates.PLAIN) == day(expected)
    assert time.perf_counter() - start < 0.2


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        ("31.01.2026", "%d.%m.%Y", "2026-01-31"),
        (" 1/31/26 ", "%m/%d/%y", "2026-01-31"),
        ("31.02.2026", "%d.%m.%Y", None),
        ("31.01.2026 10:00", "%d.%m.%Y", None),
        ("31.01.2026 10:00", "%d.%m.%Y %H:%M", "2026-01-31"),
        ("03/04/2021", "%d/%m/%Y", "2021-04-03"),
        ("03/04/2021", "%m/%d/%Y", "2021-03-04"),
        ("03/25/2021", "%d/%m/%Y", None),
        ("2021-03-05", "%d.%m.%Y", None),  # a form that is named is the only one
        ("20211105", "%d%m%Y", None),
        ("2021", "%Y", "2021-01-01"),
        ("2021-03", "%Y-%m", "2021-03-01"),
        ("Jan 2021", "%b %Y", "2021-01-01"),
        ("March 5, 2021", "%B %d, %Y", "2021-03-05"),
        ("68", "%y", "2068-01-01"),  # as POSIX has it; collect.years sorts out what is too late
        ("69", "%y", "1969-01-01"),
        ("2021-W09-5", "%G-W%V-%u", "2021-03-05"),
        ("2021\u5e743\u67085\u65e5", "%Y\u5e74%m\u6708%d\u65e5", "2021-03-05"),
        ("2021-03-05T23:30:00-0500", "%Y-%m-%dT%H:%M:%S%z", "2021-03-05"),
        ("2021-Q1", "quarter", "2021-01-01"),
        ("Q4 2021", "quarter", "2021-10-01"),
        ("2021q3", "quarter", "2021-07-01"),
        ("2021-Q5", "quarter", None),
        ("0000-Q1", "quarter", None),
        ("1769817600", "unix", "2026-01-31"),
        ("1769817600.999", "unix", "2026-01-31"),
        ("1.7698176e9", "unix", "2026-01-31"),
        ("1769817600000", "unix", "2026-01-31"),
        ("1769817600000000", "unix", "2026-01-31"),
        ("1769817600000000000", "unix", "2026-01-31"),
        ("1769817599", "unix", "2026-01-30"),
        ("-1", "unix", "1969-12-31"),
        ("-86400", "unix", "1969-12-31"),
        ("-86401", "unix", "1969-12-30"),
        ("-0.5", "unix", "1969-12-31"),
        ("0", "unix", "1970-01-01"),
        ("20210305", "unix", "1970-08-22"),
        ("1e300", "unix", None),
        ("1e20", "unix", None),
        ("99999999999", "unix", "5138-11-16"),
        ("nan", "unix", None),
        ("inf", "unix", None),
        ("1_000", "unix", None),
        ("soon", "unix", None),
        ("86400000", "unix_ms", "1970-01-02"),
        ("86400000", "unix", "1972-09-27"),
        ("86399999999", "unix_us", "1970-01-01"),
        ("1769817600000000000", "unix_ns", "2026-01-31"),
        ("1769817599999999999", "unix_ns", "2026-01-30"),
        ("44197", "excel", "2021-01-01"),
        ("44197.99999", "excel", "2021-01-01"),
        ("61", "excel", "1900-03-01"),
        ("60", "excel", None),  # 29 February 1900, which was none
        ("59", "excel", "1900-02-28"),
        ("1", "excel", "1900-01-01"),
        ("0", "excel", None),
        ("-1", "excel", None),
        ("2958465", "excel", "9999-12-31"),
        ("2958466", "excel", None),
        ("42735", "excel_1904", "2021-01-01"),
        ("0", "excel_1904", "1904-01-01"),
        ("-1", "excel_1904", None),
        ("2021-03-05", "iso", "2021-03-05"),
        ("5 Mar 2021", "mail", "2021-03-05"),
    ],
)
def test_days_of_a_form(value, form, expected):
    assert dates.check(form) == form
    assert dates.read(value, [form]) == day(expected)


def test_of_several_forms_the_first_that_fits_counts():
    forms = ["%d/%m/%Y", "%m/%d/%Y", "%Y", "iso"]
    found = [str(dates.read(value, forms)) for value in ("03/04/2021", "03/25/2021", "2021", "2021-03-05", "x")]
    assert found == ["2021-04-03", "2021-03-25", "2021-01-01", "2021-03-05", "None"]


@pytest.mark.parametrize(
    "form", ["", "%", "%q", "%d.%m.", "%H:%M", "YYYY-MM-DD", "dd.mm.yyyy", "2021", "Unix", "%s", "%Y %Y", "\ud800"]
)
def test_what_is_no_form_with_a_year_is_refused(form):
    with pytest.raises(ValueError, match="is no form of dates with a year: write it as Python's strptime"):
        dates.check(form)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("03/04/2021 10:00", "'%d/%m/%Y' or '%m/%d/%Y'"),
        ("3-4-2021", "'%d-%m-%Y' or '%m-%d-%Y'"),
        ("3.4.21", "'%d/%m/%y' or '%m/%d/%y', with the signs between the numbers"),
        ("2021/3/4", "'%Y/%m/%d', with the signs between the numbers"),
        ("1614902400", "unix"),
        ("1614902400000", "unix_ms"),
        ("44197", "excel"),
        ("2021", "'%Y'"),
        ("2021 Q1", "quarter"),
        ("spring", ""),
        ("1" * 1_000_000, ""),
    ],
)
def test_a_hint_says_what_a_value_may_be(value, told):
    assert dates.hint(value) == told


@given(st.dates())
def test_every_day_is_read_in_every_form_of_numbers(date):
    days = (date - dates.EPOCH).days
    assert dates.read(date.isoformat(), dates.PLAIN) == date
    assert dates.read(date.isoformat().replace("-", ""), dates.PLAIN) == date
    for form, unit in {"unix_ms": 10**3, "unix_us": 10**6, "unix_ns": 10**9}.items():
        for second in (0, 86_400 * unit - 1):
            number = days * 86_400 * unit + second
            assert dates.read(str(number), [form]) == (date if abs(number) < 10**20 else None)


@given(st.text(max_size=30) | st.from_regex(r"[0-9TZ:+. -]{1,40}"), st.sampled_from([*dates.FORMS, "%d.%m.%Y", "%c"]))
def test_no_value_breaks_a_form(value, form):
    assert isinstance(dates.read(value, [form]), datetime.date | None)
    assert isinstance(dates.hint(value), str)
