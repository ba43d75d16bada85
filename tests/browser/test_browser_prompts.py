"""Prompts on the review page: every turn is edited in its place, by keys alone, and saved with the response."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import nasty, review_project
from tests.browser.conftest import opened, press, serving, without_a_name
from tests.browser.test_browser_responses import GIVEN, PROMPT, TASK, functions, project  # noqa: F401
from tests.browser.test_hostile_texts import INERT
from winnow.people import decisions
from winnow.review import importing
from winnow.review import page as pages
from winnow.rows import tables
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

CONTENTS = st.lists(
    st.sampled_from(["<|user|>", "\\<|tool {}|>", "a", "\n", "\r", "\u2028", "<|calls|>", "é"]), max_size=6
)


def edited(turn: int, content: str) -> str:
    """Return `PROMPT` with another content of a turn."""
    before = dialogue.read(PROMPT)
    messages = [
        replace(message, content=content) if place == turn else message for place, message in enumerate(before.messages)
    ]
    return dialogue.written(Dialogue(messages, before.tools))


def made(review) -> list[tuple[str, str, str, str]]:
    found = decisions.read(review.decisions)
    return [(of.id, of.verdict, TASK.meant(of.new_label), TASK.meant_text(of.new_text)) for of in found]


def contents(page, selector: str) -> list[str]:
    return page.locator(selector).evaluate_all("all => all.map((one) => one.textContent)")


def test_the_user_s_last_turn_is_edited_by_keys_alone(page, project):  # noqa: F811
    with serving(project) as server:
        opened(page, server.address)
        press(page, "q")
        assert page.evaluate("document.activeElement.ariaLabel") == "What the user says"
        assert page.locator(".asked").count() == 4
        page.keyboard.type(" kas")  # letters are no verdicts here
        press(page, "Enter")
        page.keyboard.type("Today?")
        page.wait_for_selector(".user .changes ins")
        assert contents(page, ".changes ins") == [" kas\nToday?"]
        assert without_a_name(page) == []
        press(page, "Escape")
        assert page.evaluate("document.activeElement.id") == "row"
        assert contents(page, ".turn .role")[2] == "user, edited"
        press(page, "j", "p")  # it waits
        assert contents(page, ".turn ins") == [" kas\nToday?"]
        press(page, "u")
        assert page.locator(".turn ins").count() == 0
        press(page, "q")
        page.keyboard.type(" Today?")
        press(page, "Control+Enter")
        assert page.locator("#where").inner_text().startswith("Row 2")
    assert made(project) == [("row-000", "relabel", "", edited(1, "Which books\nare due? Today?"))]
    assert len(project.decisions.read_bytes().splitlines()) == 2


def test_every_turn_and_the_response_are_one_decision(page, project):  # noqa: F811
    with serving(project) as server:
        opened(page, server.address)
        press(page, "q")
        page.locator(".system .asked").fill("Be kind.\n<|user|>\nNo turn.")
        press(page, "Escape", "e", "End")
        page.keyboard.type(" Yes.")
        press(page, "Control+Enter", "p")
        assert (
            page.locator("#decided")
            .inner_text()
            .startswith("You decided: relabel It is Emma, due on 7 May 1969. Yes., ed")
        )
        assert contents(page, ".turn .role")[1] == "system, edited"
        assert page.locator("#shown ins").count() == 1
    assert made(project) == [("row-000", "relabel", f"{GIVEN} Yes.", edited(0, "Be kind.\n<|user|>\nNo turn."))]


def test_what_stays_or_lacks_is_told_and_an_edit_is_taken_back(page, project):  # noqa: F811
    with serving(project) as server:
        opened(page, server.address)
        press(page, "q")
        page.keyboard.type("x")
        press(page, "Backspace", "Control+Enter")
        assert page.locator("#said").inner_text().startswith("Nothing is edited.")
        press(page, "Escape", "j", "q")
        page.keyboard.type(" More.")
        press(page, "Control+Enter")
        assert page.locator("#said").inner_text().startswith("This row has no response.")
        page.locator(".asked").fill(" ")
        press(page, "Control+Enter", "Escape", "e")
        page.keyboard.type("Written")
        press(page, "Control+Enter")
        assert page.locator("#said").inner_text().startswith("The prompt is empty.")
        press(page, "Escape", "u", "j", "j", "j", "q", "Control+End")
        page.keyboard.type(" So.")
        press(page, "Control+Enter")
        assert page.locator("#where").inner_text().startswith("Row 1")
        press(page, "p")
        assert made(project) == [("row-004", "relabel", "", "Lines? So.")]
        press(page, "u")
    assert made(project) == []


def test_a_file_keeps_and_tells_edits_of_prompts(page, project, tmp_path):  # noqa: F811
    file = tmp_path / "queue.html"
    file.write_text(pages.offline(tables.read(project.queue), TASK, "Queue"), encoding="utf-8")
    opened(page, file.as_uri())
    page.locator("#reviewer").fill("ana")
    page.locator("#reviewer").press("Enter")
    press(page, "q")
    page.keyboard.type(' "so"\n\u2028')
    press(page, "Escape", "j", "p", "Enter", "p")  # the draft waits, and what is saved is shown
    assert contents(page, ".turn ins") == [' "so"\n\u2028']
    press(page, "j", "a", "k")
    with page.expect_download() as download:
        press(page, "d")
    path = tmp_path / "downloaded.csv"
    path.write_bytes(download.value.path().read_bytes())
    assert len(path.read_bytes().split(b"\n")) == 5
    assert importing.run(path, review_project.target(project, TASK)).added == 3
    assert made(project) == [
        ("row-000", "relabel", "", edited(1, 'Which books\nare due? "so"\n\u2028')),
        ("row-001", "ambiguous", "", ""),
        ("row-002", "keep", "", ""),
    ]


def test_hostile_turns_stay_text(page, tmp_path):
    texts = [
        "</textarea><script>document.title='x'</script>",
        "<|user|>\n</span><img src=x onerror=alert(1)>\n<|tools|>",
    ]
    own = [{"id": f"row-{place:03}", "text": text, "given_label": "a"} for place, text in enumerate(texts)]
    review = replace(review_project.make(tmp_path, own), task=TASK)
    with serving(review) as server:
        opened(page, server.address)
        for text in texts:
            press(page, "q")
            assert page.locator(".asked").input_value() == text
            page.keyboard.type("<b>!</b>")
            page.wait_for_selector(".changes ins")
            assert page.locator(INERT).count() == 0
            press(page, "Control+Enter")
        assert page.locator("#end").is_visible()
    assert len(decisions.read(review.decisions)) == 2


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(nasty.TEXTS, CONTENTS.map("".join)), st.one_of(nasty.TEXTS, CONTENTS.map("".join)), st.booleans())
def test_the_script_writes_dialogues_as_winnow_does(functions, one, other, is_only):  # noqa: F811
    turns = [Message("user", one)]
    if not is_only:
        turns += [Message("assistant", other, '[{"name":"due"}]'), Message("tool", one, "", {"name": "é\u2028"})]
    text = dialogue.written(Dialogue(turns, "" if is_only else "[{}]"))
    assert functions.evaluate("text => own.writtenOf(own.turnsOf(text))", text) == text


@pytest.mark.parametrize("content", ["", "a\r\nb", "<|user|>", "\\\\<|calls|>"])
def test_a_turn_of_any_content_comes_back(functions, content):  # noqa: F811
    script = "content => own.writtenOf([{ role: 'user', content, calls: '', attributes: {} }])"
    assert functions.evaluate(script, content) == dialogue.written(Dialogue([Message("user", content)]))
