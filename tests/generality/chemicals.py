"""A wheel with invented records of PubMed that speak of chemicals, and a person who reads what the lists mark."""

import csv
import random
import re
from pathlib import Path

from tests.generality.mesh import packed
from winnow.kinds.token_classification.labels import canonical
from winnow.people import decisions

PAPERS = 200
LISTED = ("glucose", "calcium", "testosterone", "sucrose", "zinc", "histamine", "morphine", "ATP", "EDTA", "Ca2+")
UNLISTED = ("gannetol", "puffinate")
PLACES = ("the lead mine", "a quiet bay", "the old pier", "an open field", "the north shore", "a walled garden")
NAMES = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in (*LISTED, *UNLISTED)))


def papers() -> list[str]:
    """The abstracts; each names some chemicals, one in six of them one that is in no list."""
    draw, made = random.Random(5), []
    for number in range(PAPERS):
        said = draw.sample(LISTED, draw.randint(1, 4)) + draw.sample(UNLISTED, number % 6 == 0)
        draw.shuffle(said)
        told = " ".join(f"Birds of {draw.choice(PLACES)} had {name} in week {draw.randint(1, 99)}." for name in said)
        made.append(f"Report {number} is on birds. {told}")
    return made


def truth(text: str) -> str:
    """The right label of a text."""
    return canonical((*match.span(), "chemical") for match in NAMES.finditer(text))


def wheel(source: dict, folder: Path) -> dict:
    """Write the wheel of a source with such papers, and return what pins it."""
    records = (
        f"<PubmedArticle><MedlineCitation><PMID>{number}</PMID><Article><Journal><JournalIssue><PubDate>"
        f"<Year>{1970 + number % 9}</Year></PubDate></JournalIssue><Title>Walks</Title></Journal>"
        f"<ArticleTitle>On walks</ArticleTitle><Abstract><AbstractText>{text}</AbstractText></Abstract></Article>"
        "</MedlineCitation></PubmedArticle>"
        for number, text in enumerate(papers(), 1)
    )
    return packed("".join(records), source, folder)


def judge(queue: Path, table: Path) -> int:
    """Decide on every row of a queue as a person does who reads it; return how many labels are wrong."""
    with queue.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        right = truth(row["text"])
        row |= {"verdict": "keep"} if right == row["given_label"] else {"verdict": "relabel", "new_label": right}
        row |= {"reviewer": "test", "decided_on": "2026-01-01"}
    with table.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, decisions.ALL_COLUMNS, extrasaction="ignore")
        out.writeheader()
        out.writerows(rows)
    return sum(row["verdict"] == "relabel" for row in rows)
