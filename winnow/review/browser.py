"""A browser is sent to an address that other accounts of this machine must not read.

What a process is started with, every account can list. So the browser is given a file that its owner alone can read,
and the file sends it on to the address (as Jupyter does).
"""

import html
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = """<!DOCTYPE html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>winnow review</title>
<a href="{address}">Go to the review page</a>
"""


@contextmanager
def opened(address: str) -> Iterator[None]:
    """Open an address in the user's browser; the file that sends it there is gone when the context ends."""
    # mkdtemp makes a folder that nobody else may enter, so that the file is never open to others.
    with tempfile.TemporaryDirectory(prefix="winnow-review-") as folder:
        page = Path(folder) / "open.html"
        page.touch(mode=0o600)
        page.write_text(PAGE.format(address=html.escape(address)), encoding="utf-8")
        webbrowser.open(page.as_uri())
        yield
