import pytest

from stages.clean.links import drop_links, replace_links


@pytest.mark.parametrize(
    ("raw", "replaced", "dropped"),
    [
        ("see https://example.org/a?b=1&c=2.", "see [URL].", "see ."),
        ("at www.example.org, or there", "at [URL], or there", "at , or there"),
        ("here (http://x.org/a_(b)) too", "here ([URL]) too", "here  too"),
        ("<ftp://x.org/file> ends", "[URL] ends", " ends"),
        ("HTTPS://X.ORG and 10.1000/xyz stay", "[URL] and 10.1000/xyz stay", " and 10.1000/xyz stay"),
        ("no link: www, http: and ://", "no link: www, http: and ://", "no link: www, http: and ://"),
    ],
)
def test_web_addresses_are_replaced_or_dropped(raw, replaced, dropped):
    assert replace_links(raw) == replaced
    assert drop_links(raw) == dropped
