"""How diverse dialogues are."""

import pytest

from stages.represent import dialogues
from stages.represent.dialogues import Dialogues
from tests.conftest import make_rows
from winnow.kinds.generation import turns
from winnow.kinds.generation.labels import Task
from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

LONG = dialogue.written(
    Dialogue(
        [
            Message("system", "Be kind."),
            Message("user", "Hi."),
            Message("assistant", "Yes?"),
            Message("user", "Write a title."),
        ]
    )
)
ROWS = [
    {"text": "Write a poem about owls.", "label": "Owls fly."},
    {"text": LONG, "label": "```\nx\n```"},
    {"text": "Explain owls.", "label": dialogue.response("", "[{}]")},
    {"text": "write", "label": None},
]


def test_turns_lengths_features_and_openings():
    found = Dialogues()
    for row in ROWS:  # in parts
        found.add(make_rows([row]), turns)
    told = found.measured()
    assert told["turns"] == {"1": 0.75, "3": 0.25}
    assert told["features"] == {"calls": 0.25, "code": 0.25, "system": 0.25}
    assert told["openings"] == {"write": 0.75, "explain": 0.25}
    assert told["distinct_openings"] == 2
    assert told["words_asked"]["median"] == pytest.approx(2.5)
    assert told["words_answered"]["q95"] < 3


def test_of_other_kinds_there_is_none():
    assert dialogues.of(Task(kind="generation")) is turns
    assert Dialogues().measured()["words_asked"] == {}
