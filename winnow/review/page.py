"""The review page: one HTML file with its style and script inside, for `winnow review` and for offline use.

The script asks a server for rows, or finds them in the page itself (`offline`). The kind's widget fills the part in
which people give a label (`winnow.kinds.widget.parts`). A content security policy lets in that one style and script, by
hash, and no network but the page's own server.
"""

import json
from collections.abc import Mapping
from types import ModuleType

import pyarrow as pa

from winnow import kinds
from winnow.base import hashing, page
from winnow.kinds.task import Task

MOST_ROWS = 2000  # of an offline page: about 6 MB, which a browser reads in a fraction of a second
LONGEST_NEIGHBOUR = 600  # characters
DIGITS = 4


def served(title: str, task: Task) -> str:
    """Return the page that asks its own server for rows."""
    return _render(title, kinds.load(task, "widget"), "'self'", None)


def offline(queue: pa.Table, task: Task, title: str) -> str:
    """Return a page that holds a queue's first 2,000 rows; what is decided in it is downloaded as a CSV file.

    Args:
        queue: of schema `winnow.people.queue.ENTRY`.
    """
    widget = kinds.load(task, "widget")
    rows = sorted(queue.to_pylist(), key=lambda entry: entry["rank"])
    shown = rows[:MOST_ROWS]
    data = {
        "entries": [entry(row, widget) | _told(row["given_label"] or "", task) for row in shown],
        "labels": widget.labels(task),
        # What decisions are kept under in the browser, so that another queue does not meet them.
        "queue": hashing.digest(*(row["id"] + row["text_sha"] for row in shown))[:16],
        "rows_in_queue": len(rows),
        "title": title,
    }
    return _render(title, widget, "'none'", data)


def _told(given_label: str, task: Task) -> dict[str, str]:
    """Return what a page that writes decisions itself needs to know of a label that they tell in another form."""
    told = task.told_given(given_label)
    return {} if told == given_label else {"given_told": told}


def entry(row: Mapping, widget: ModuleType) -> dict:
    """Return a row of a queue as the page takes it: texts of bearable length, numbers of four digits.

    Args:
        widget: the kind's, whose `LONGEST_TEXT` and `LONGEST_LABEL` say what is shown.
    """
    most = widget.LONGEST_LABEL
    return {
        **{
            name: row[name]
            for name in ("id", "text_sha", "split", "given_label", "suggested_label", "tier", "drawn_for")
        },
        "p_error": _rounded(row["p_error"]),
        "seconds": _rounded(row["seconds"]),
        "reasons": row["reasons"],
        "probabilities": [{"label": of["label"], "p": _rounded(of["p"])} for of in row["probabilities"]],
        "votes": [{**vote, "label": _shortened(vote["label"], most)} for vote in row["votes"]],
        "neighbours": [
            {
                "label": _shortened(near["label"], most),
                "similarity": _rounded(near["similarity"]),
                "text": _shortened(near["text"] or "", LONGEST_NEIGHBOUR),
            }
            for near in row["neighbours"]
        ],
        "text": _shortened(row["text"], widget.LONGEST_TEXT),
    }


def _render(title: str, widget: ModuleType, network: str, data: dict | None) -> str:
    environment = page.environment("winnow.review")
    own = widget.parts(environment)

    def rendered(name: str, **values: object) -> str:
        shared = environment.get_template(name)
        return own.get(name, shared).render(page=shared, **values)

    style = rendered("style.css")
    script = "".join(map(rendered, ("stores.js", "view.js", "page.js")))
    return rendered(
        "page.html",
        title=title,
        policy=page.policy(style, script, network),
        style=style,
        script=script,
        data=None if data is None else _json(data),
    )


def _json(data: dict) -> str:
    """Return JSON that ends no `<script>` element and begins no comment in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DIGITS)


def _shortened(text: str | None, most: int | None) -> str | None:
    return text if text is None or most is None or len(text) <= most else text[:most] + " …"
