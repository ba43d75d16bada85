"""A wheel with invented records of PubMed: papers whose title says again what their abstract tells."""

from pathlib import Path

from tests.generality import mesh
from tests.pipeline import corpus

PAPERS = 60
THINGS = ("gannets", "heather", "kelp", "lichen", "otters", "peat")


def papers() -> list[tuple[str, str]]:
    """Return abstract and title of each paper; one in twenty has the title of the next."""
    made = []
    for number in range(PAPERS):
        words = [corpus.WORDS[(number * 7 + place * 3) % len(corpus.WORDS)] for place in range(8)]
        thing = THINGS[number % len(THINGS)]
        text = f"We counted {thing} near the {words[0]} in year {number}. There were {', '.join(words[1:])}."
        made.append((text, f"{thing.capitalize()} near the {words[0]}, {number}."))
    return [
        (text, made[(number + 1) % PAPERS][1] if number % 20 == 7 else title)
        for number, (text, title) in enumerate(made)
    ]


def wheel(source: dict, folder: Path) -> dict:
    """Write the wheel of a source with such papers, and return what pins it."""
    records = "".join(
        f"<PubmedArticle><MedlineCitation><PMID>{number}</PMID><Article><Journal><JournalIssue><PubDate>"
        f"<Year>{2000 + number % 20}</Year></PubDate></JournalIssue><Title>Shores</Title></Journal>"
        f"<ArticleTitle>{title}</ArticleTitle><Abstract><AbstractText>{text}</AbstractText></Abstract></Article>"
        f"</MedlineCitation></PubmedArticle>"
        for number, (text, title) in enumerate(papers(), 1)
    )
    return mesh.packed(records, source, folder)
