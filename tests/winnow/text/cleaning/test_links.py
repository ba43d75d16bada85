import time

import pytest

from winnow.text.cleaning.links import drop_links, replace_links


@pytest.mark.parametrize(
    ("raw", "replaced", "dropped"),
    [
        ("see https://example.org/a?b=1&c=2.", "see [URL].", "see ."),
        ("at www.example.org, or there", "at [URL], or there", "at , or there"),
        ("here (http://x.org/a_(b)) too", "here ([URL]) too", "here  too"),
        ("<ftp://x.org/file> ends", "[URL] ends", " ends"),
        ("HTTPS://X.ORG and 10.1000/xyz stay", "[URL] and 10.1000/xyz stay", " and 10.1000/xyz stay"),
        ("请看http://x.org/a。谢谢你们", "请看[URL]。谢谢你们", "请看。谢谢你们"),
        ("请看 http://x.org/a，然后回复", "请看 [URL]，然后回复", "请看 ，然后回复"),
        ("詳細はhttps://x.org/をご覧ください", "詳細は[URL]をご覧ください", "詳細はをご覧ください"),
        ("地図（http://x.org/b）です", "地図（[URL]）です", "地図です"),
        ("ดูที่ https://x.org/aครับ", "ดูที่ [URL]ครับ", "ดูที่ ครับ"),
        ("https://x.org/a에서 봤어요", "[URL]에서 봤어요", "에서 봤어요"),
        ("देखें https://x.org/a। धन्यवाद", "देखें [URL]। धन्यवाद", "देखें । धन्यवाद"),
        ("انظر https://x.org/a، شكرا", "انظر [URL]، شكرا", "انظر ، شكرا"),
        ("“www.x.org” – https://x.org/a… ja", "“[URL]” – [URL]… ja", "“” – … ja"),
        ("auf https://grün.org/Größe und https://пример.рф/путь", "auf [URL] und [URL]", "auf  und "),
        ("见 https://x.org/wiki/北京 谢谢", "见 [URL]北京 谢谢", "见 北京 谢谢"),
        ("no link: www, http: and ://", "no link: www, http: and ://", "no link: www, http: and ://"),
    ],
)
def test_web_addresses_are_replaced_or_dropped(raw, replaced, dropped):
    assert replace_links(raw) == replaced
    assert drop_links(raw) == dropped


@pytest.mark.parametrize(
    "hostile", ["http://", "www.", "http://a.,;", "www.x.org/(", "<www.", "请看http://x", "a" * 50]
)
def test_a_megabyte_of_one_thing_is_soon_read(hostile):
    start = time.process_time()
    replace_links(hostile * (1_000_000 // len(hostile)))
    assert time.process_time() - start < 2
