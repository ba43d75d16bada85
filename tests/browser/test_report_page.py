"""The report in a real Chromium: nothing that axe objects to, a story of two screens, plots that fit and follow."""

import contextlib
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bench import page_images
from stages.report import __main__ as report
from tests import review_project
from tests.conftest import ROOT
from tests.stages.report.project import ARGV, COMPARE, EVIL, LABELS, Shape, write_inputs
from winnow.base.errors import UserError
from winnow.review import page as pages
from winnow.rows import tables

SCREENS = 2000  # pixels: about two and a half windows of 800
MOST_BYTES = 3_000_000
SIX = {"transfer": 0.7, "dapt": 0.75, "few_shot": 0.62, "dapt_few_shot": 0.6, "large": 0.8}
LONG = "a class whose name goes on for longer than any axis has room for, with <b>markup</b> & “quotes”"
SHAPES = {
    "2 classes, one arm": Shape(["yes", "no"], {"transfer": 0.8}, 0, COMPARE | {"pairs": []}),
    "3 classes, two arms": Shape(),
    "5 classes, six arms": Shape([*LABELS, "a/b c", LONG], SIX, 4321),
    "77 classes": Shape([f"class number {n}" for n in range(76)] + [LONG]),
    "hostile classes": Shape(
        [EVIL, "<img src=x onerror=alert(1)>", "</svg></script><svg onload=alert(2)>{{ 7 * 7 }}$x$"]
    ),
    "1,000 classes": Shape([f"c{n:03d}" for n in range(1000)]),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a function that makes the page of a shape, once."""
    default_params = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))

    @cache
    def call(name: str) -> Path:
        folder = tmp_path_factory.mktemp("page")
        with contextlib.chdir(folder):
            write_inputs(folder, default_params, SHAPES[name])
            report.main(ARGV)
        return folder / "out/report.html"

    return call


def violations(page) -> list[str]:
    """Return what axe objects to, in its words."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def overflowing(page) -> list[str]:
    """Return what is wider than the window, but for what its own scroller holds."""
    return page.evaluate("""() => [...document.querySelectorAll("body *")]
        .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
        .filter((element) => element.checkVisibility() && !element.closest(".scroll, pre"))
        .map((element) => element.outerHTML.slice(0, 90))""")


@pytest.mark.parametrize("name", SHAPES)
def test_the_story_stands_on_two_screens_and_the_page_is_small_and_fast(page, made, name):
    file = made(name)
    began = time.perf_counter()
    page.goto(file.as_uri())
    assert time.perf_counter() - began < 5
    assert page.evaluate("document.getElementById('more').getBoundingClientRect().top") <= SCREENS
    assert file.stat().st_size < MOST_BYTES
    assert page.locator("main > details[open]").count() == 0


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("2 classes, one arm", 400, "dark"),
        ("5 classes, six arms", 400, "light"),
        ("5 classes, six arms", 1280, "dark"),
        ("77 classes", 400, "dark"),
        ("77 classes", 1280, "light"),
    ],
)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(page, made, name, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(made(name).as_uri())
    assert overflowing(page) == []
    page.click("#open-all")
    assert overflowing(page) == []
    assert violations(page) == []


def test_plots_follow_the_colour_scheme(page, made):
    page.goto(made("5 classes, six arms").as_uri())
    page.click("#open-all")
    inks = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        inks.append(
            page.eval_on_selector_all(
                ".plot svg path, .plot svg text, .flow svg rect, .flow svg text, .bar .range",
                "found => found.flatMap((one) => [getComputedStyle(one).fill, getComputedStyle(one).stroke])",
            )
        )
    light, dark = (set(ink) - {"none"} for ink in inks)
    assert len(light) > 5
    assert light & dark == set()


def test_links_open_what_is_folded_and_printing_opens_all_or_a_part(page, made):
    page.goto(made("3 classes, two arms").as_uri() + "#reviewers")
    opened = page.locator("main > details[open]")
    assert [*opened.locator("h2").all_inner_texts()] == ["Reviewers"]
    page.click("#doubt ~ ul a >> nth=0")
    assert opened.count() == 2
    page.click("#close-all")
    assert opened.count() == 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.count() == page.locator("main > details").count()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.count() == 0
    page.evaluate("window.print = () => {}")
    page.locator("summary:has-text('Sources')").first.click()
    page.locator("#sources > .print").click()
    page.emulate_media(media="print")
    shown = page.locator("main > *").evaluate_all("all => all.filter((one) => one.checkVisibility()).length")
    assert shown == 1


def test_no_name_of_a_class_runs_or_becomes_markup(page, made):
    shown: list[str] = []
    page.on("dialog", lambda dialog: (shown.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda said: shown.append(said.text))  # what the policy had to refuse
    page.on("pageerror", lambda error: shown.append(str(error)))
    page.on("request", lambda request: shown.append(request.url) if "report.html" not in request.url else None)
    page.goto(made("hostile classes").as_uri())
    page.get_by_role("button", name="Open all").click()
    assert [url for url in shown if not url.startswith("data:")] == []
    assert page.locator("script").count() == 1
    assert page.locator("img, [onerror], [onload]").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.locator("main").inner_text()
    assert "49$x$" not in page.locator("main").inner_text()


def test_without_a_script_all_is_there_folded_and_printed(browser, made):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(made("5 classes, six arms").as_uri() + "#comparison")
    assert page.locator("#comparison table").first.is_visible()
    assert page.locator("#sources table").first.is_hidden()
    assert page.locator("button:visible").count() == 0
    page.emulate_media(media="print")
    assert page.locator("#sources table").first.bounding_box()["height"] > 20
    context.close()


def test_long_tables_are_searched_and_sorted(page, made):
    page.goto(made("1,000 classes").as_uri() + "#classes")
    rows = page.locator(".classes tbody tr:visible")
    assert rows.count() == 1000
    page.get_by_label("Find among 1,000 lines").fill("c99")
    texts = rows.all_inner_texts()
    assert 10 <= len(texts) < 100
    assert all("c99" in text for text in texts)
    head = page.locator(".classes th").nth(1)
    for order in ("descending", "ascending"):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == order
        told = [float(text) for text in page.locator(".classes tbody tr:visible td:nth-child(2)").all_inner_texts()]
        assert told == sorted(told, reverse=order == "descending")
    page.get_by_label("Find among 1,000 lines").fill("nothing of the kind")
    assert rows.count() == 0


def test_texts_of_plots_are_of_one_readable_size_on_a_narrow_page(page, made):
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(made("77 classes").as_uri())
    page.click("#open-all")
    sizes = page.eval_on_selector_all(
        ".plot svg text, .flow svg text",
        """texts => texts.map((text) => {
          const { a, b } = text.getScreenCTM();
          return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(a, b);
        })""",
    )
    assert min(sizes) > 8.5
    overlapping = page.eval_on_selector_all(
        ".plot svg",
        """plots => plots.flatMap((plot) => {
          const boxes = [...plot.querySelectorAll("text")].map((text) => text.getBoundingClientRect());
          return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
            Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4).map(() => plot.closest("figure").innerText));
        })""",
    )
    assert overlapping == []


def test_the_images_of_docs_are_made_of_the_pages(made, tmp_path):
    project = review_project.make(tmp_path)
    queue = tmp_path / "queue.html"
    queue.write_text(pages.offline(tables.read(project.queue), project.task, "Queue"), encoding="utf-8")
    out = tmp_path / "images"
    # A process of its own: this one has a browser already.
    command = [sys.executable, "-m", "bench.page_images", "--queue", str(queue), "--out", str(out)]
    subprocess.run([*command, "--report", str(made("3 classes, two arms"))], check=True, cwd=ROOT)
    assert {file.name for file in out.iterdir()} == {"report.png", "review.png"}
    with pytest.raises(UserError, match=r"none\.html: no such page"):
        page_images.main(["--report", "none.html", "--queue", str(queue), "--out", str(out)])
