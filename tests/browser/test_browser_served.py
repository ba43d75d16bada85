"""A person's way through `winnow review` in a real Chromium, by keyboard alone, and what may go wrong on it."""

import subprocess
from dataclasses import replace

import pytest

from tests import review_project
from tests.browser.conftest import opened, press, serving, settled, without_a_name
from tests.other_tasks import NUMBERS
from winnow import kinds
from winnow.base import hashing
from winnow.kinds import widget
from winnow.people import decisions
from winnow.review import browser, journal

NASTY = "<img src=x onerror=alert(1)></p><script>alert(2)</script>{{ 7 * 7 }}${alert(3)}\u202egnp.exe & &lt;b&gt;"


@pytest.fixture
def project(tmp_path):
    return review_project.make(tmp_path, review_project.entries(11))


@pytest.fixture
def server(project):
    with serving(project) as server:
        yield server


@pytest.fixture
def shown(page, server):
    return opened(page, server.address)


def lines(project) -> list[tuple[str, str, str, str]]:
    return [(made.id, made.verdict, made.new_label, made.note) for made in decisions.read(project.decisions)]


def where(page) -> str:
    return page.locator("#where").inner_text().split("\n")[0].split("train")[0].strip()


def test_ten_decisions_by_keyboard_alone_are_committed(shown, project):
    said, focus, began = shown.locator("#said"), "document.activeElement.id", decisions.now()
    assert "Row 1 of 11. Given FRUIT. Suggested STONE." in said.inner_text()
    press(shown, "k")
    assert said.inner_text() == "Saved: keep. Row 2 of 11. Given no label. Suggested STONE."
    press(shown, "k")
    assert said.inner_text() == "This row has no label to keep. Choose one."
    press(shown, "2")
    press(shown, "r", "Enter")  # the suggestion stands first
    press(shown, "r", "p", "l", "a", "Enter")
    press(shown, "a", "o")
    press(shown, "s")
    assert said.inner_text().startswith("Skipped. Row 8 of 11.")
    press(shown, "n", *"Both, k or a", "Enter", "3")
    press(shown, "k", "u")
    assert said.inner_text().startswith("Undone. Row 9 of 11.")
    press(shown, "1")  # the given label: as good as keep
    press(shown, "n", *"twice", "Enter", "1", "u")
    assert shown.locator("#note").input_value() == "twice"
    press(shown, "1", "2")
    assert where(shown) == "Row 7 of 11"  # that was skipped
    assert shown.evaluate(focus) == "row"
    press(shown, "k")
    assert said.inner_text() == "Saved: keep. All 11 rows are decided."
    assert shown.evaluate(focus) == "row"

    assert lines(project) == [
        ("row-000", "keep", "", ""),
        ("row-001", "relabel", "STONE", ""),
        ("row-002", "relabel", "STONE", ""),
        ("row-003", "relabel", "PLANT", ""),
        ("row-004", "ambiguous", "", ""),
        ("row-005", "out_of_scope", "", ""),
        ("row-007", "relabel", "PLANT", "Both, k or a"),
        ("row-008", "keep", "", ""),
        ("row-009", "relabel", "FRUIT", "twice"),
        ("row-010", "relabel", "STONE", ""),
        ("row-006", "keep", "", ""),
    ]
    made = decisions.read(project.decisions)
    assert {decision.reviewer for decision in made} == {"ana"}
    moments = [decision.decided_on for decision in made]
    assert began <= moments[0] <= moments[-1] <= decisions.now()
    assert moments == sorted(moments)
    assert all(0 <= decision.seconds < 60 for decision in made)

    git = ["git", "-C", project.decisions.parent, "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["init", "-q"], ["add", "decisions.csv"], ["commit", "-qm", "Review"]):
        subprocess.run([*git, *arguments], check=True)
    press(shown, "u")
    assert "is committed; decide again: a" in shown.locator("#warning").inner_text()
    assert len(lines(project)) == 11


def test_looking_around_and_deciding_again(shown, project):
    press(shown, "k", "ArrowLeft")
    assert shown.locator("#decided").inner_text() == "You decided: keep"
    assert shown.locator(".keep").get_attribute("aria-pressed") == "true"
    press(shown, "ArrowLeft")
    assert shown.locator("#said").inner_text() == "This is the first row."
    press(shown, "a", "ArrowRight", "j")
    assert where(shown) == "Row 4 of 11"
    shown.reload()
    shown.wait_for_selector("#card:not([hidden])")
    assert where(shown) == "Row 2 of 11"
    assert "1 of 11 decided" in shown.locator("#counts").inner_text()
    press(shown, "u")
    assert [line[1] for line in lines(project)] == ["keep"]


def test_by_mouse_the_focus_stays_on_the_button(shown, project):
    for name in ("Keep FRUIT", "STONE, suggested", "Ambiguous", "Skip"):
        shown.get_by_role("button", name=name).click()
        settled(shown)
        assert shown.evaluate("document.activeElement.tagName") == "BUTTON"
    assert [line[1] for line in lines(project)] == ["keep", "relabel", "ambiguous"]


def test_a_key_held_down_or_typed_elsewhere_decides_nothing(shown, project):
    shown.keyboard.down("a")
    for _ in range(5):
        shown.keyboard.down("a")
    shown.keyboard.up("a")
    settled(shown)
    press(shown, "n", *"koas123u", "Escape", "Control+a", "?", "k", "Escape")
    assert [line[1] for line in lines(project)] == ["ambiguous"]
    press(shown, "?")
    shown.get_by_role("checkbox").uncheck()
    press(shown, "Escape", "k", "1")
    assert len(lines(project)) == 1


def test_text_that_tries_to_be_html_stays_text(page, tmp_path):
    near = {"id": "n", "label": NASTY, "similarity": 0.9, "text": NASTY}
    row = {"id": "nasty", "text": NASTY, "given_label": NASTY, "suggested_label": "B", "split": NASTY, "tier": NASTY}
    row |= {"p_error": 0.5, "reasons": [NASTY], "votes": [{"rule": NASTY, "label": NASTY}], "neighbours": [near]}
    row |= {"probabilities": [{"label": NASTY, "p": 0.7}, {"label": "B", "p": 0.3}]}
    project = review_project.make(tmp_path, [row, review_project.entries(1)[0] | {"given_label": "B"}], [NASTY, "B"])
    with serving(project) as server:
        opened(page, server.address)
        assert page.locator("#text").evaluate("element => element.textContent") == NASTY
        press(page, "r", "Escape", "k")
        assert where(page) == "Row 2 of 2"
        press(page, "ArrowLeft")
        assert page.locator("img, iframe, script:not([type=module])").count() == 0
        assert page.locator("script").count() == 1
    assert lines(project) == [("nasty", "keep", "", "")]


def test_a_screen_reader_finds_a_name_on_everything(shown):
    assert without_a_name(shown) == []
    press(shown, "r")
    assert without_a_name(shown) == []
    assert shown.get_by_role("option", selected=True).inner_text().split() == ["2", "STONE", "suggested"]
    press(shown, "Escape", "?")
    assert without_a_name(shown) == []
    press(shown, "Escape", *"kaa")
    assert shown.get_by_role("progressbar", name="Decided").get_attribute("aria-valuenow") == "3"
    assert shown.get_by_role("status").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_scrolls_down_only(page, server, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 400, "height": 700})
    opened(page, server.address)
    press(page, "k", "a")
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.get_by_role("button", name="Relabel …").click()
    page.get_by_role("option", name="PLANT").click()
    settled(page)
    assert where(page) == "Row 4 of 11"
    assert page.locator(".progress span").evaluate("element => getComputedStyle(element).transitionDuration") == "0s"


def test_of_many_labels_the_likeliest_come_first_and_a_part_of_the_name_finds_one(page, tmp_path):
    labels = [f"label {number}" for number in range(40)]
    row = {"id": "aa", "text": "text", "given_label": "label 0", "suggested_label": "label 30"}
    row |= {"probabilities": [{"label": label, "p": 1 / 40 + (label == "label 20") / 100} for label in labels]}
    project = review_project.make(tmp_path, [row], labels)
    with serving(project) as server:
        opened(page, server.address)
        press(page, "1", "r")
        options = page.get_by_role("option")
        assert [options.nth(place).get_attribute("data-label") for place in (0, 1)] == ["label 30", "label 20"]
        press(page, *"LABEL 2", "ArrowDown", "ArrowDown", "ArrowUp", "Enter")
    assert [line[2] for line in lines(project)] == ["label 2"]


def test_of_many_labels_the_given_and_the_suggested_have_a_bar_and_a_line_tells_of_the_others(page, tmp_path):
    labels = [f"label {number}" for number in range(12)]
    chances = {label: 0.1 - number / 1000 for number, label in enumerate(labels)} | {"label 0": 0.005, "label 1": 0.007}
    row = {"id": "aa", "text": "text", "given_label": "label 0", "suggested_label": "label 1"}
    row |= {"probabilities": [{"label": label, "p": p} for label, p in chances.items()]}
    with serving(review_project.make(tmp_path, [row], labels)) as server:
        opened(page, server.address)
        bars = page.locator(".bars li").all_inner_texts()
        names = [" ".join(bar.split()) for bar in bars]
        assert names[0] == "label 2 10 %"
        assert names[7:] == ["label 1 suggested 1 %", "label 0 given 1 %", "3 more labels, together 27 %"]
        press(page, "?")
        assert "1…9" not in page.locator("#help").inner_text().replace(" ", "")  # no digit chooses one of so many


def test_the_counter_is_wide_enough_to_break_between_words(page, server):
    page.set_viewport_size({"width": 400, "height": 700})
    opened(page, server.address)
    assert page.locator("#counts").inner_text() == "0 of 11 decided"
    assert page.locator("#counts").evaluate("element => element.getClientRects()[0].height") < 30  # one line


def test_a_second_tab_is_told_what_the_first_decided(shown, context, server, project):
    other = opened(context.new_page(), server.address)
    press(shown, "k")
    press(other, "a")
    assert "decided elsewhere in the meantime" in other.locator("#warning").inner_text()
    assert other.locator("#decided").inner_text() == "You decided: keep"
    press(other, "ArrowRight", "o")
    assert not other.locator("#warning").is_visible()
    assert [line[:2] for line in lines(project)] == [("row-000", "keep"), ("row-001", "out_of_scope")]


def test_another_reviewer_s_decision_is_passed_over(shown, project):
    for number in (1, 2):
        row = {"id": f"row-{number:03}", "text_sha": hashing.text_sha(f"the text of row {number}")}
        given = {} if number % 2 else {"given_label": "FRUIT"}
        done = {"verdict": "ambiguous", "reviewer": "bo", "decided_on": "2026-01-31"}
        journal.append(project.decisions, [row | given | done])
    press(shown, "k")
    assert where(shown) == "Row 4 of 11"
    press(shown, "ArrowLeft")
    assert shown.locator("#decided").inner_text() == "Decided by bo"


def test_a_server_out_of_reach_loses_no_verdict(shown, context, project):
    context.set_offline(True)
    press(shown, "n", *"kept", "Enter", "2")
    assert "Not saved yet: the server does not answer" in shown.locator("#warning").inner_text()
    press(shown, "a")  # the first verdict stands
    context.set_offline(False)
    shown.wait_for_selector("#warning", state="hidden")
    settled(shown)
    assert lines(project) == [("row-000", "relabel", "STONE", "kept")]
    context.set_offline(True)
    press(shown, "a", "u")
    context.set_offline(False)
    press(shown, "3")
    assert [line[1:3] for line in lines(project)] == [("relabel", "STONE"), ("relabel", "PLANT")]


def test_a_broken_decisions_file_holds_the_verdict_until_it_is_mended(shown, project):
    whole = project.decisions.read_bytes()
    project.decisions.write_bytes(whole + b"<<<<<<< HEAD\n")
    press(shown, "k")
    assert "Git conflict marker" in shown.locator("#warning").inner_text()
    project.decisions.write_bytes(whole)
    shown.wait_for_selector("#warning", state="hidden")
    assert lines(project) == [("row-000", "keep", "", "")]


def test_a_queue_made_anew_is_read_and_the_row_in_view_stays(shown, project, tmp_path):
    press(shown, "k", "a", "ArrowRight")
    review_project.write_queue(tmp_path, review_project.entries(11)[::-1])
    press(shown, "2")
    warning = shown.locator("#warning").inner_text()
    assert "was read anew: 9 rows to decide; relabel STONE is not saved, decide again" in warning
    assert shown.locator("#text").inner_text() == "the text of row 3"
    press(shown, "2")
    assert [line[0] for line in lines(project)] == ["row-000", "row-001", "row-003"]


@pytest.mark.parametrize("token", ["", "#of-an-earlier-run"])
def test_a_page_without_this_run_s_token_shows_no_row(page, server, token):
    page.goto(server.address.partition("#")[0] + token)
    page.wait_for_selector("#warning:not([hidden])")
    assert "open the address that `winnow review` printed" in page.locator("#warning").inner_text()
    assert "the text of row" not in page.content()


def test_a_label_of_an_open_set_is_written(page, tmp_path, monkeypatch):
    monkeypatch.setattr(kinds, "load", lambda task, concern: widget)
    rows = [row | {"given_label": "2.5", "suggested_label": "3"} for row in review_project.entries(3)]
    project = replace(review_project.make(tmp_path, rows), task=NUMBERS)
    with serving(project) as server:
        shown = opened(page, server.address)
        press(shown, "2")  # no digit chooses a label
        press(shown, "r")
        assert without_a_name(shown) == []
        assert shown.locator("#written").input_value() == "3"
        press(shown, "7", "Enter")
        assert "Row 2 of 3" in shown.locator("#said").inner_text()
        press(shown, "r", "2", ".", "5", "Enter")  # the given label: as good as keep
        press(shown, "r", "x", "Enter")
        assert "label 'x' is no number" in shown.locator("#warning").inner_text()
        press(shown, "r", "Escape", "k")
        assert "All 3 rows are decided" in shown.locator("#end").inner_text()
    assert [line[1:3] for line in lines(project)] == [("relabel", "7"), ("keep", ""), ("keep", "")]


def test_the_private_file_leads_to_the_page_with_its_token(project, page, monkeypatch):
    def browse(address: str) -> None:
        opened(page, address)

    monkeypatch.setattr(browser.webbrowser, "open", browse)
    with serving(project) as server, browser.opened(server.address):
        assert page.url == server.address
        assert "the text of row 0" in page.inner_text("#card")
