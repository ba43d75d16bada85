"""The images of docs: the first screens of the report and of the review page, as Chromium shows them.

python -m bench.page_images --report reports/report.html --queue reports/review/queue.html --out docs/images
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.base.errors import UserError

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH = 1280  # pixels
STORY, ROW = 1300, 800  # pixels: the report's story up to what steps are worth; one row of the queue
SHORTEST, ROWS = 200, 100  # characters of the text that the review page shows, and rows that are looked at for it


def opened(window: "Page", page: Path, height: int) -> None:
    """Open a page in a window of this height."""
    window.set_viewport_size({"width": WIDTH, "height": height})
    window.goto(page.resolve().as_uri())


def turn(window: "Page") -> None:
    """Go to a row of the queue that has a text to read and another label suggested; else stay at the last."""
    before = ""
    for _ in range(ROWS):
        where, text, labels = (window.inner_text(f"#{part}") for part in ("where", "text", "labels"))
        if where == before or (len(text) > SHORTEST and "Suggested" in labels):
            return
        before = where
        window.keyboard.press("ArrowRight")


def main(argv: list[str] | None = None) -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("report", "queue", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(argv)
    for page in (args.report, args.queue):
        if not page.exists():
            raise UserError(f"{page}: no such page; run `dvc repro`")
    args.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        window = playwright.chromium.launch(executable_path=found).new_page(color_scheme="light")
        opened(window, args.report, STORY)
        window.screenshot(path=args.out / "report.png")
        opened(window, args.queue, ROW)
        turn(window)
        window.screenshot(path=args.out / "review.png")
        window.context.browser.close()


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
