"""The bench of checks: faults stand where they are said to, right pairs have none, and it runs from end to end."""

import json
from random import Random

import pytest

from bench import checks as bench
from bench import faults
from bench.faults import FAULTS, Pair
from winnow.kinds.generation import checks
from winnow.text import dialogue

SENTENCES = [
    f"The {bird} of the {place} hunts {prey} by night, and we saw {number} of them there."
    for bird, place, prey, number in [
        ("tawny owl", "old wood", "voles", 12),
        ("barn owl", "wide field", "mice", 7),
        ("eagle owl", "high moor", "hares", 3),
        ("snowy owl", "cold café", "lemmings", 5),
    ]
]
GERMAN = (
    "Der Waldkauz jagt nachts im alten Wald nach Mäusen. Er schläft am Tag in den Höhlen alter Bäume und ruft laut."
)
PAPERS = [
    (str(n), f"{SENTENCES[n % 4][:-40]} {n}.", " ".join(SENTENCES[n % 4 :] + SENTENCES[: n % 4])) for n in range(200)
]
PAIR = Pair.of(PAPERS[0][1], PAPERS[0][2], GERMAN)


def record(number: int, language: str, *parts: str) -> str:
    texts = "".join(f"<AbstractText>{part}</AbstractText>" for part in parts)
    other = f'<OtherAbstract Language="{language}">{texts}</OtherAbstract>'
    return f"<PubmedArticle><MedlineCitation><PMID>{number}</PMID>{other}</MedlineCitation></PubmedArticle>"


def test_every_check_has_faults_and_every_variant_changes_the_pair():
    assert set(FAULTS) == set(checks.DEFAULTS)
    for variants in FAULTS.values():
        for name, plant in variants.items():
            found = plant(PAIR, Random(1))
            assert found is not None, name
            assert found.written() != PAIR.written(), name
            assert dialogue.read(found.written()[0]).messages


@pytest.mark.parametrize("seed", range(5))
def test_faults_are_what_their_names_say(seed):
    draw = Random(seed)
    for name, broken in faults.BROKEN.items():
        with pytest.raises(ValueError, match=r"."):
            json.loads(broken(faults._record(PAIR)) or "")
        assert json.loads(faults._record(PAIR)), name
    cut = FAULTS["truncated"]["between words"](PAIR, draw).content
    assert PAIR.content.startswith(cut)
    assert PAIR.content[len(cut)] in " ,"
    assert "\ufffd" in FAULTS["encoding"]["windows-1252 read as UTF-8"](PAIR, draw).content
    assert FAULTS["encoding"]["half a character"](PAIR.saying("plain"), draw) is None
    twice = FAULTS["repetition"]["all of it, twice"](PAIR, draw).content
    assert twice == f"{PAIR.content} {PAIR.content}"
    empty = FAULTS["empty_turn"]["user, nothing"](PAIR, draw).turns
    assert [turn.role for turn in empty if not turn.content] == ["user"]


def test_long_abstracts_in_other_languages_are_read():
    long = "Satz. " * 60
    records = record(1, "ger", f"Ein {long}", "Z<i>w</i>ei"), record(2, "ger", "Kurz"), record(3, "eng", long)
    found = dict(bench.others(f"<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>".encode()))
    assert found == {"1": f"Ein {long}".strip() + "\nZwei"}


def test_the_bench_runs_from_end_to_end(tmp_path, monkeypatch, capsys):
    foreign = [("7", GERMAN * 3, PAPERS[7][2])]
    monkeypatch.setattr(bench, "read", lambda downloads: (PAPERS, foreign))
    monkeypatch.setattr(bench, "EACH", 4)
    outs = [tmp_path / f"{number}.json" for number in range(2)]
    for out in outs:
        bench.main([f"--out={out}", "--pairs=20"])
    made = json.loads(outs[0].read_text())
    # The command names the file.
    assert [{**each, "command": ""} for each in made] == [
        {**each, "command": ""} for each in json.loads(outs[1].read_text())
    ]
    assert [each["check"] for each in made] == list(checks.DEFAULTS)
    for each in made:
        assert each["clean"] == 61
        assert each["planted"] == sum(variant["planted"] for variant in each["variants"].values())
        assert each["recall"][1] <= each["recall"][0] <= each["recall"][2]
    by = {each["check"]: each for each in made}
    assert by["role_order"]["recall"][0] == 1
    assert by["encoding"]["alarms"] == {"a title": 0, "an abstract": 0, "a second title": 0, "another language": 0}
    assert by["tool_call"]["per_thousand"][0] == 0
    assert "role_order: recall 1.000" in capsys.readouterr().out


def test_alarms_and_recall_are_counted():
    pairs = [("1", PAIR), ("2", PAIR.saying("Dear [Your Name], \ufffd"))]
    heard = bench.alarms(pairs)
    assert [each["id"] for each in heard["placeholder"]] == ["2"]
    assert [each["id"] for each in heard["encoding"]] == ["2"]
    assert sum(map(len, heard.values())) == 2

    def every_second(pair: Pair, draw: Random) -> Pair | None:
        return pair.saying("TODO" if "7" in pair.asked else "done")

    asked = [Pair.of(f"number {number}", "x") for number in range(5, 9)]
    assert bench.recall("placeholder", every_second, asked, Random(1)) == (4, 1)
    assert bench.recall("placeholder", lambda pair, draw: None, asked, Random(1)) == (0, 0)
