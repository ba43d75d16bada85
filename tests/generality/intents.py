"""A CSV of short messages to an invented town library: fourteen intents, the largest six times the smallest.

It has what such exports have: names of classes that changed on the way, rows without a label, empty cells, copies, one
text under two labels, quoted commas and line ends, and some wrong labels.
"""

import csv
import random
from pathlib import Path

from ruamel.yaml import YAML

INTENTS = YAML(typ="safe").load(Path(__file__).with_name("phrases.yaml").read_text(encoding="utf-8"))
OPENINGS = (
    "I want to, I would like to, how do I, can I, please help me to, hello I need to, is it possible to, "
    "my aunt wants to, we tried to, good morning I wish to, where can I, could somebody help me to"
).split(", ")
ENDINGS = ", thank you, please, as soon as possible, by tomorrow, without queueing, by telephone, online".split(",")
ITEMS = "the blue atlas, a cookery book, two crime novels, the whale film, that chess manual".split(", ")
BRANCHES = "the harbour branch, the old mill branch, the main library, the bus library".split(", ")
DAYS = "on Monday, on Saturday afternoon, next week, over Easter, today, this evening".split(", ")
OLD_NAMES = {"lost_card": "LostCard", "opening_hours": "Opening hours"}


def rows() -> list[tuple[str, str]]:
    """Return (text, label) of each row, as the export has them."""
    draw = random.Random(11)
    made: dict[str, str] = {}
    for intent, about in INTENTS.items():
        wanted = len(made) + about["rows"]
        while len(made) < wanted:
            made.setdefault(_text(about["phrases"], draw), intent)
    texts = list(made.items())
    draw.shuffle(texts)
    result = []
    for number, (text, intent) in enumerate(texts):
        label = wrong(text, intent) or intent
        if number % 6 == 0:
            label = OLD_NAMES.get(label, label)
        result.append((text, "" if number % 41 == 7 else label))
    result.append((texts[0][0].upper(), texts[0][1]))  # a copy but for the case
    result.append((texts[1][0], "printing" if texts[1][1] != "printing" else "wifi_help"))  # one text, two labels
    result.append(("", "renew_loan"))
    result.append(('He said: "renew my loan, please",\nand hung up', "renew_loan"))
    return result


def wrong(text: str, intent: str) -> str | None:
    """Return the wrong label of a row that has one: some renewals stand as reservations and the other way round."""
    swapped = {"renew_loan": "reserve_item", "reserve_item": "renew_loan"}
    return swapped.get(intent) if sum(text.encode()) % 14 == 0 else None


def _text(phrases: list[str], draw: random.Random) -> str:
    words = draw.choice(phrases).format(
        item=draw.choice(ITEMS),
        branch=draw.choice(BRANCHES),
        day=draw.choice(DAYS),
        number=draw.randint(2, 60),
        weeks=draw.choice(["week", "fortnight", "month"]),
    )
    return f"{draw.choice(OPENINGS)} {words}{draw.choice(ENDINGS)}"


def write(folder: Path) -> None:
    """Write intents.csv."""
    with (folder / "intents.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "message", "intent"])
        writer.writerows([number, text, label] for number, (text, label) in enumerate(rows(), 1))
