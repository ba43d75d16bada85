"""The page as a file: what it holds, what it may do, and that no text can be more than text."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

import winnow
from tests import review_project
from tests.other_tasks import NUMBERS
from winnow import kinds
from winnow.kinds import widget
from winnow.kinds.classification.labels import Task
from winnow.people import queue
from winnow.review import page

TEMPLATES = Path(winnow.__file__).parent / "review/templates"
KINDS = Path(winnow.__file__).parent / "kinds"
NASTY = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> ]]> \u2028 & &amp;"


def task(*labels: str) -> Task:
    return Task.model_construct(kind="classification", labels=list(labels))


TASK = task(*review_project.LABELS)


def embedded(html: str) -> dict:
    return json.loads(LexborHTMLParser(html).css_first("script#data").text())


def policy(html: str) -> dict[str, str]:
    content = LexborHTMLParser(html).css_first("meta[http-equiv=Content-Security-Policy]").attributes["content"]
    return dict(part.strip().partition(" ")[::2] for part in content.split(";"))


@given(text=st.text(alphabet=st.sampled_from("<>&/!-script'\"\u2028 ") | st.characters(codec="utf-8")))
def test_an_offline_page_holds_any_text_as_it_is(text):
    rows = [{"id": "aa", "text": text, "given_label": text, "reasons": [text]}]
    html = page.offline(queue.table(rows), task(text, "B"), text)
    assert len(LexborHTMLParser(html).css("script")) == 2
    data = embedded(html)
    assert data["entries"][0]["text"] == data["title"] == data["labels"][0] == text


def test_a_page_runs_its_own_script_and_style_and_speaks_to_its_own_server_alone():
    for html, network in (
        (page.served(NASTY, TASK), "'self'"),
        (page.offline(queue.table([{"id": "aa", "text": NASTY}]), task("A", NASTY), NASTY), "'none'"),
    ):
        rules = policy(html)
        assert rules["default-src"] == "'none'"
        assert rules["connect-src"] == network
        assert rules["require-trusted-types-for"] == "'script'"
        tree = LexborHTMLParser(html)
        for rule, element in (("script-src", "script[type=module]"), ("style-src", "style")):
            [found] = tree.css(element)
            digest = base64.b64encode(hashlib.sha256(found.text().encode()).digest()).decode()
            assert rules[rule] == f"'sha256-{digest}'"
        assert not re.search(r"""(src|href)=["']?(https?:|//)""", html)


def scripts() -> list[Path]:
    return [*sorted(TEMPLATES.glob("*.js")), *sorted(KINDS.glob("*/templates/*.js"))]


def test_the_templates_are_shown_as_they_are_written():
    html = page.served("Queue", TASK)
    shown = []
    for name in ("stores.js", "style.css", "view.js"):
        shown += re.split(r"\{% (?:end)?block.*?%\}\n", (TEMPLATES / name).read_text(encoding="utf-8"))
    choose = (KINDS / "classification/templates/choose.js").read_text(encoding="utf-8")
    shown += re.split(r"\{% (?:end)?block.*?%\}\n", choose)[1:]
    acts = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    shown += re.split(r"\{% block \w+ %\}\n.*?\{% endblock %\}\n", acts, flags=re.DOTALL)
    assert len(shown) == 5 + 3 + 11 + 10 + 7
    for part in shown:
        assert part in html


def test_a_kind_without_a_list_has_a_field_to_write_in(monkeypatch):
    monkeypatch.setattr(kinds, "load", lambda task, concern: widget)
    html = page.served("Queue", NUMBERS)
    assert LexborHTMLParser(html).css_first("dialog#chooser input#written") is not None
    assert '$("options")' not in html
    assert "{%" not in html
    assert embedded(page.offline(queue.table([]), NUMBERS, "Queue"))["labels"] == []


def test_no_script_makes_html_of_text():
    code = "".join(path.read_text(encoding="utf-8") for path in scripts())
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|srcdoc", code)


def test_an_offline_page_has_the_first_rows_in_their_order_and_says_how_many_there_are(monkeypatch):
    monkeypatch.setattr(page, "MOST_ROWS", 3)
    rows = review_project.entries(8)[::-1]
    data = embedded(page.offline(queue.table(rows), TASK, "Queue"))
    assert [entry["id"] for entry in data["entries"]] == ["row-007", "row-006", "row-005"]
    assert data["rows_in_queue"] == 8


def test_equal_queues_are_equal_pages_and_others_have_another_key():
    table = queue.table(review_project.entries(4))
    first = page.offline(table, TASK, "Queue")
    assert first == page.offline(table, TASK, "Queue")
    other = page.offline(table.slice(1), TASK, "Queue")
    assert embedded(first)["queue"] != embedded(other)["queue"]


def test_long_texts_are_shortened_and_numbers_are_short():
    near = {"id": "bb", "label": "A", "similarity": 0.123456, "text": "x" * 5000}
    row = {"id": "aa", "text": "y" * 100_000, "p_error": 1 / 3, "neighbours": [near]}
    [entry] = embedded(page.offline(queue.table([row]), TASK, "Queue"))["entries"]
    assert len(entry["text"]) < 31_000
    assert len(entry["neighbours"][0]["text"]) < 700
    assert (entry["p_error"], entry["neighbours"][0]["similarity"]) == (0.3333, 0.1235)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "grounds"),
    [
        ("ink", ["paper", "card", "track", "warning", "given-tint", "suggested-tint"]),
        ("soft", ["paper", "card", "track", "given-tint", "suggested-tint"]),
        ("given", ["card", "given-tint"]),
        ("suggested", ["card", "suggested-tint"]),
        ("more", ["card", "more-tint", "suggested-tint"]),
        ("less", ["card", "less-tint", "suggested-tint"]),
        ("card", ["more", "less"]),
        *((f"type-{hue}", ["card"]) for hue in range(8)),
        ("ink", ["pick", "more-tint", "less-tint", *(f"type-{hue}-tint" for hue in range(8))]),
    ],
)
def test_every_text_stands_out_from_its_ground(theme, ink, grounds):
    colours = {}
    for file in (TEMPLATES / "style.css", KINDS / "token_classification/templates/spans.css"):
        grounded = re.findall(r":root \{(.*?)\}", file.read_text(encoding="utf-8"), re.DOTALL)[theme]
        colours |= dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", grounded))
    for ground in grounds:
        lighter, darker = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, ground
