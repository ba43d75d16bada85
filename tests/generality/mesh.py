"""A wheel with invented records of PubMed: papers on animals and people, each with any number of headings."""

import gzip
import random
import zipfile
from pathlib import Path

from tests.pipeline import corpus
from winnow.base.files import sha256

PAPERS = 260
UNLISTED = ("Moss", "Ferries", "Harbours")
WORDS = "gannet auk tern rail / heron crane stork ibis / oak elm ash fir / salt lime silt clay / reed fern sedge moss"
WORDS += " / lead zinc tin iron / silk wool hemp flax / rye oats barley corn / hut barn shed mill / bell drum fife harp"
WORDS += " / mast keel oar sail / dew hail frost snow"


def papers(labels: list[str]) -> list[tuple[str, list[str] | None]]:
    """Return text and headings of each paper; one in twenty lacks a heading that its text tells of."""
    draw, words = random.Random(3), [part.split() for part in WORDS.split(" / ")]
    made = []
    for number in range(PAPERS):
        told = draw.sample(range(len(labels)), draw.choice([0, 1, 2, 2, 3]))
        said = [word for label in told for word in draw.sample(words[label], 3)]
        given = told[1:] if number % 20 == 7 and told else told
        text = f"Paper {number} tells of {' '.join([*said, *draw.sample(corpus.WORDS, 6)])}."
        headings = [labels[label] for label in given] + [draw.choice(UNLISTED)]
        made.append((text, None if number % 26 == 25 else headings))
    return made


def wheel(labels: list[str], source: dict, folder: Path) -> dict:
    """Write the wheel of a source with such papers, and return what pins it."""
    records = "".join(_record(number, text, names) for number, (text, names) in enumerate(papers(labels), 1))
    return packed(records, source, folder)


def packed(records: str, source: dict, folder: Path) -> dict:
    """Write the wheel of a source with such records, and return what pins it."""
    content = f"<?xml version='1.0'?><PubmedArticleSet>{records}</PubmedArticleSet>".encode()
    name, version = source["package"].replace("-", "_"), source["version"]
    path, about = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(source["member"], gzip.compress(content, mtime=0))
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return {"sha256": sha256(path)}


def _record(number: int, text: str, names: list[str] | None) -> str:
    listed = "".join(
        f"<MeshHeading><DescriptorName>{name}</DescriptorName><QualifierName>use</QualifierName></MeshHeading>"
        for name in names or ()
    )
    return (
        f"<PubmedArticle><MedlineCitation><PMID>{number}</PMID><Article><Journal><JournalIssue><PubDate>"
        f"<Year>{1990 + number % 20}</Year></PubDate></JournalIssue><Title>Walks</Title></Journal>"
        f"<ArticleTitle>On walks</ArticleTitle><Abstract><AbstractText>{text}</AbstractText></Abstract></Article>"
        + (f"<MeshHeadingList>{listed}</MeshHeadingList>" if names else "")
        + "</MedlineCitation></PubmedArticle>"
    )
