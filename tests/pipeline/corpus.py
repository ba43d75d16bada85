"""A small corpus in our own words, with the faults of a real one: 60 invented reports of five sections each."""

import json
import random
from pathlib import Path

TOPICS = (
    "basalt erosion, kelp growth, owl migration, glass bottles, harbour tides, moss gardens, wind turbines, "
    "clay ovens, river gravel, honey bees, paper folding, night trains, salt marshes, wool dyes, alpine lakes"
).split(", ")
PLACES = "the northern coast, a dry valley, three small islands, an old orchard, the upper river".split(", ")
WORDS = (
    "amber bracket cinder dapple ember fathom gable hollow isthmus jetty kiln lattice meadow nettle osprey pebble "
    "quarry ridge saddle thicket upland vessel willow yonder zephyr anchor barley copper drift elbow flint grove"
).split()
SENTENCES = {
    "BACKGROUND": ("Little is known about {topic} in {place}.", "For decades {topic} drew attention near {words}."),
    "OBJECTIVE": ("We wanted to learn how {topic} depends on {words}.", "The aim was to describe {topic} in {place}."),
    "METHODS": (
        "We measured {topic} twice a week with {words}.",
        "Samples from {place} were weighed and sorted by {words}.",
    ),
    "RESULTS": ("In {number} of 90 samples {topic} exceeded {words}.", "Values rose by {number} percent in {place}."),
    "CONCLUSIONS": (
        "These findings suggest that {topic} follows {words}.",
        "Care for {topic} should begin in {place}.",
    ),
}
SOURCE = {"kind": "file", "format": "jsonl", "licence": "CC0-1.0"}  # what all entries of collect.sources say
TEXTS = SOURCE | {"name": "texts", "path": "texts.jsonl", "purpose": "text", "columns": {"key": "key", "text": "body"}}
HEADINGS = {"BACKGROUND": "Introduction", "METHODS": "Methods"}


def _passage(label: str, draw: random.Random, topic: str) -> str:
    parts = [
        sentence.format(
            topic=topic,
            place=draw.choice(PLACES),
            words=" and ".join(draw.sample(WORDS, 4)),
            number=draw.randint(3, 80),
        )
        for sentence in SENTENCES[label]
    ]
    return " ".join(parts)


def sections() -> list[dict]:
    """Return the labelled sections, with one fault of each kind that the pipeline must survive."""
    draw = random.Random(1)
    rows = []
    for report in range(60):
        topic = TOPICS[report % len(TOPICS)]
        for label in SENTENCES:
            text, given, heading = _passage(label, draw, topic), label, HEADINGS.get(label, label.title())
            if report % 9 == 4 and label == "METHODS":
                given = "UNASSIGNED"  # no label, but a telling heading: for the labelling rule
            if report % 13 == 5 and label in ("RESULTS", "CONCLUSIONS"):
                given = "RESULTS" if label == "CONCLUSIONS" else "CONCLUSIONS"  # wrong labels, for the queue
                heading = given.title()
            if report % 6 == 2:
                text = f"<p>{text.replace(' and ', ' &amp; ', 1)}</p>"
            rows.append({"key": f"{report}-{label}", "report": f"report-{report}", "body": text, "role": given})
            rows[-1] |= {"heading": heading, "date": f"2020-01-{report % 28 + 1:02d}", "kind": "survey"}
    rows.append(rows[7] | {"key": "copy", "report": "report-copy"})  # an exact duplicate in another report
    rows.append(rows[11] | {"key": "near", "report": "report-near", "body": rows[11]["body"] + " Indeed."})
    rows.append(rows[0] | {"key": "empty", "report": "report-empty", "body": "<p> </p>"})
    rows.append(rows[0] | {"key": "brief", "report": "report-brief", "body": "Too short."})
    return rows


def texts() -> list[dict]:
    """Return unlabelled texts, for adaptation."""
    draw = random.Random(2)
    return [
        {"key": f"text-{number}", "body": " ".join(_passage(label, draw, draw.choice(TOPICS)) for label in SENTENCES)}
        for number in range(40)
    ]


def vocabulary() -> list[str]:
    """Return word pieces that spell any ASCII word, and the corpus's words whole."""
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    words = sorted({word.strip(".,").lower() for row in sections() + texts() for word in row["body"].split()})
    return [*letters, *(f"##{letter}" for letter in letters), *words]


def write_lines(folder: Path, **sources: list[dict]) -> None:
    """Write each source's rows, and those of `TEXTS`, as JSON Lines into a file of its name."""
    for name, rows in (sources | {"texts": texts()}).items():
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write(folder: Path) -> None:
    """Write sections.jsonl and texts.jsonl."""
    write_lines(folder, sections=sections())
