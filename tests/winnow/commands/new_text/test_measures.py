"""New text of the same kind raises no alarm beyond the level; other topics, languages and lengths do, each by name."""

import numpy as np
import pytest

from winnow.commands.new_text import measures
from winnow.commands.new_text.measures import Answers
from winnow.statistics.intervals import wilson

NOUNS = "patient trial dose model protein cell tumour risk blood cohort outcome score group effect".split()
OTHERS = "invoice parcel refund delivery courier order address account password login basket".split()
FILLER = "the a of in with was were and for by on to".split()


def texts(rng, nouns, count: int, longest: int = 30) -> list[str]:
    return [
        " ".join(rng.choice([*nouns, *FILLER * 2], rng.integers(8, longest)).tolist()) for _ in range(count)
    ]  # fmt: skip


def answers(rng, count: int, first: float = 0.5) -> Answers:
    return Answers(rng.choice(["A", "B"], count, p=[first, 1 - first]).tolist(), rng.beta(5, 2, count))


def compared(old, new, pair, seed=1):
    return measures.compare(old, new, pair, seed)


def test_the_same_kind_raises_an_alarm_as_rarely_as_promised(monkeypatch):
    monkeypatch.setattr(measures, "PERMUTATIONS", 199)
    monkeypatch.setattr(measures, "figures", lambda *texts: {})
    rng, alarms, runs = np.random.default_rng(1), 0, 60
    for seed in range(runs):
        old, new = texts(rng, NOUNS, 50), texts(rng, NOUNS, 40)
        alarms += bool(compared(old, new, (answers(rng, 30), answers(rng, 40)), seed).differing)
    assert wilson(alarms, runs, 0.999)[0] <= measures.LEVEL


def test_what_differs_is_named():
    rng = np.random.default_rng(2)
    old, same = texts(rng, NOUNS, 100), (answers(rng, 60), answers(rng, 80))
    assert compared(old, texts(rng, NOUNS, 80), same).differing == []
    topic = compared(old, texts(rng, OTHERS, 80), same)
    assert topic.differing == ["words"]
    assert set(topic.figures["more often in new text"].split(", ")) <= set(OTHERS)
    assert len(topic.figures["more often in new text"].split(", ")) > 5
    assert compared(old, texts(rng, NOUNS, 80, longest=60), same).differing[-1] == "lengths"
    moved = compared(old, texts(rng, NOUNS, 80), (answers(rng, 60, 0.9), answers(rng, 80, 0.2)))
    assert moved.differing == ["predicted labels"]
    assert "B" in moved.tests["predicted labels"].found
    unsure = Answers(same[1].labels, np.full(80, 0.4))
    assert compared(old, texts(rng, NOUNS, 80), (same[0], unsure)).differing == ["confidence"]


def test_a_few_rows_of_another_topic_come_first():
    rng = np.random.default_rng(3)
    new = [*texts(rng, NOUNS, 60), *texts(rng, OTHERS, 20)]
    found = compared(texts(rng, NOUNS, 100), new, (answers(rng, 60), answers(rng, 80)))
    assert "words" in found.differing
    assert (np.argsort(-found.scores)[:10] >= 60).all()


def test_another_language_and_script_are_told():
    rng = np.random.default_rng(4)
    russian = "больной лечение доза группа эффект клетка модель риск кровь белок".split()
    old, new = texts(rng, NOUNS, 60), texts(rng, russian, 40)
    told = compared(old, [text.replace("the", "и") for text in new], (answers(rng, 60), answers(rng, 40)))
    assert "words" in told.differing
    assert "CYRILLIC 0 % before" in told.figures["scripts"]
    assert "ru" in told.figures["languages"]


@pytest.mark.parametrize(
    ("nouns", "others"),
    [
        ("病人治疗剂量模型血液细胞", "天气旅行火车海滩音乐电影"),
        ("ผู้ป่วย", "ทะเลสวย"),
        ("जाता खाता सोता", "जाती खाती सोती"),
    ],
)
def test_words_of_every_script_are_told(nouns, others):
    rng = np.random.default_rng(6)
    split = (lambda text: text.split()) if " " in nouns else list
    space = " " if " " in nouns else ""

    def drawn(letters: str, rows: int) -> list[str]:
        return [space.join(rng.choice(split(letters), 8)) + f"。{n}" for n in range(rows)]

    same = compared(drawn(nouns, 60), drawn(nouns, 40), (Answers([], None), Answers(["A"] * 40, None)))
    assert "words" not in same.differing
    told = compared(drawn(nouns, 60), drawn(others, 40), (Answers([], None), Answers(["A"] * 40, None)))
    assert "words" in told.differing
    assert told.figures["more often in new text"]


@pytest.mark.parametrize("new", [["!"] * 8, ["字"] * 8, [f"{number}" for number in range(8)]])
def test_odd_texts_are_compared(new):
    rng = np.random.default_rng(5)
    found = compared(texts(rng, NOUNS, 30), new, (Answers([], None), Answers(["A"] * 8, None)))
    assert set(found.tests) == {"words", "lengths"}
    assert 0 <= found.tests["words"].p <= 1


def test_more_rows_show_less():
    assert measures.least_visible(1000, 1000) < measures.least_visible(100, 100) < measures.least_visible(100, 10) <= 1
