"""Texts and labels that are anybody's, in a real Chromium: on the review page, served and as a file, in the report, and
in datasheet and model card as a hub shows them. They are shown as what they are, run nothing, and break no page.
"""

import contextlib

import pytest
from markdown_it import MarkdownIt

from stages.report import __main__ as report
from tests import review_project
from tests.browser.conftest import opened, press, serving
from tests.stages.report.project import ARGV, Shape, write_inputs
from winnow.review import page as pages
from winnow.rows import tables

TEXTS = {
    "script": "</script></style></textarea></title><script>alert(1)</script><!--<script>",
    "image": "<img src=x onerror=alert(2)><svg/onload=alert(3)><iframe srcdoc='<script>alert(4)</script>'>",
    "templates": "{{7*7}} {% raw %} ${7*7} #{7*7} <%= 7*7 %> __proto__ $& $1",
    "right to left": "\u202egnp.exe\u2066 \u2067left\u2069 \u200f\u061c end",
    "a word of 1 MB": "x" * 1_000_000,
    "NULs": "before\0after \x1b[2J \x08 \ufffe \ufeff \x85",
    "links": "[a](javascript:alert(5)) ![b](https://tracker.example/p.png) <https://tracker.example> `` ` `` | a | b |",
}
LABELS = [text for name, text in TEXTS.items() if name not in ("a word of 1 MB", "NULs")] + ["y" * 2000]
READ = 20_000  # characters of a text that the page shows at least
INERT = "img, iframe, object, embed, svg [onload], [onerror], [onload], a[href^='javascript']"


def shown(page) -> str:
    return page.locator("#text").evaluate("element => element.textContent")


@pytest.fixture
def project(tmp_path):
    rows = [
        entry | {"text": text} for entry, text in zip(review_project.entries(len(TEXTS)), TEXTS.values(), strict=True)
    ]
    return review_project.make(tmp_path, rows)


def check_all(page) -> None:
    """Go through the queue, and decide the last row."""
    for text in TEXTS.values():
        assert shown(page)[:READ] == text[:READ]
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert page.locator(INERT).count() == 0
        press(page, "2")
    assert page.locator("#end").is_visible()


def test_a_served_queue(page, project):
    with serving(project) as server:
        opened(page, server.address)
        check_all(page)
    assert len((project.decisions).read_text(encoding="utf-8").splitlines()) == 1 + len(TEXTS)


def test_a_queue_as_a_file(page, project, tmp_path):
    file = tmp_path / "queue.html"
    file.write_text(pages.offline(tables.read(project.queue), project.task, TEXTS["script"]), encoding="utf-8")
    opened(page, file.as_uri())
    page.locator("#reviewer").fill("ana")
    page.locator("#reviewer").press("Enter")
    check_all(page)


def test_the_report_and_the_cards(page, default_params, tmp_path):
    with contextlib.chdir(tmp_path):
        about = {"title": TEXTS["script"], "description": f"{TEXTS['image']} {TEXTS['templates']} {TEXTS['links']}"}
        told = {"report": default_params["report"] | about}
        write_inputs(tmp_path, default_params, Shape(LABELS), **told)
        report.main(ARGV)
    page.goto((tmp_path / "out/report.html").as_uri())
    page.get_by_role("button", name="Open all").click()
    assert page.locator("script").count() == 1
    assert page.locator(INERT).count() == 0
    assert "{{7*7}} {% raw %} ${7*7} #{7*7} <%= 7*7 %>" in " ".join(page.locator("main").inner_text().split())
    for name in ("DATASHEET", "MODEL_CARD"):
        card = (tmp_path / f"out/{name}.md").read_text(encoding="utf-8")
        (tmp_path / f"{name}.html").write_text(MarkdownIt("commonmark").enable("table").render(card), encoding="utf-8")
        page.goto((tmp_path / f"{name}.html").as_uri())
        assert page.locator("script, " + INERT).count() == 0, name
