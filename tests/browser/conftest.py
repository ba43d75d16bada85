"""A real Chromium, and pages in it that may do nothing wrong unnoticed."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from winnow.review.server import Review
from winnow.review.session import Project

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
UNREACHABLE = "net::ERR_"  # the browser logs each request that fails, as a test may want it to


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium; .ci/run installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def context(browser) -> Iterator[BrowserContext]:
    """A window whose pages raise no dialog, log no error, break no policy and ask no other machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(5000)
    faults: list[str] = []
    context.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    context.on("weberror", lambda error: faults.append(f"error: {error.error}"))
    context.on("console", lambda said: _is_fault(said) and faults.append(f"console: {said.text}"))
    context.on("request", lambda request: _is_elsewhere(request.url) and faults.append(f"request: {request.url}"))
    yield context
    context.close()
    assert faults == []


def _is_fault(said) -> bool:
    refused = "the server responded with a status of" in said.text  # the page says so itself
    return said.type in ("error", "warning") and not refused and UNREACHABLE not in said.text


def _is_elsewhere(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:"))


@pytest.fixture
def page(context) -> Page:
    return context.new_page()


@contextmanager
def serving(project: Project, port: int = 0) -> Iterator[Review]:
    """Serve a project's queue while the block runs."""
    with Review(project, "Suspected label errors", port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def opened(page: Page, address: str) -> Page:
    """Open the review page, and wait for its first row or its end."""
    page.goto(address)
    page.wait_for_selector("#card:not([hidden]), #end:not([hidden])")
    return page


def press(page: Page, *keys: str) -> None:
    """Press keys, each when the page has done what the last one asked for."""
    for key in keys:
        page.keyboard.press(key)
        settled(page)


def settled(page: Page) -> None:
    """Wait until the page has done what it was asked for."""
    page.wait_for_selector("#row[aria-busy=false], #row:not([aria-busy])")


def without_a_name(page: Page) -> list[str]:
    """Return the roles of what a screen reader would find without a name, as Chromium's accessibility tree has it."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    named = {"button", "textbox", "combobox", "checkbox", "option", "listbox", "progressbar", "dialog", "main", "group"}
    named |= {"complementary", "heading"}
    found = [(node.get("role", {}).get("value"), node.get("name", {}).get("value")) for node in nodes]
    return [role for role, name in found if role in named and not name]
