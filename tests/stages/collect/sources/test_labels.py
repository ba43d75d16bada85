"""Labels of sources: all that are none are told at once, and spellings of one label are never merged nor dropped."""

import json
import re

import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from stages.collect.sources import Columns, Source, labels
from stages.collect.sources.labels import Labels
from tests.other_tasks import NUMBERS, WORDS
from winnow.base import params
from winnow.base.errors import UserError
from winnow.kinds.classification.labels import Task

TASK = Task(kind="classification", labels=["Positivo", "Negativo", "No s\u00e9"])


def source(**keys) -> Source:
    columns = Columns(text="text", label="kind", aux={"urgency": "how"})
    return params.parse(
        {"name": "s", "licence": "x", "purpose": "task", "columns": columns} | keys, Source, "sources[0]"
    )


def read(reader: Labels, values: list, first: int = 1, **keys) -> list:
    places = pa.array([f"a.csv, line {first + number}" for number in range(len(values))])
    keyed = pa.array([str(first + number) for number in range(len(values))])
    return reader.read(pa.array(values, pa.string()), source(**keys), places, keyed)[0].to_pylist()


@pytest.mark.parametrize(
    ("label", "shown", "meant"),
    [
        ("positivo", '"positivo"', "Positivo"),
        ("POSITIVO", '"POSITIVO"', "Positivo"),
        ("Positivo ", '"Positivo "', "Positivo"),
        ("\u00a0Positivo", '"\\u00a0Positivo"', "Positivo"),
        ("Positivo\u3000", '"Positivo\\u3000"', "Positivo"),
        ("Positivo\u200b", '"Positivo\\u200b"', "Positivo"),
        ("\ufeffPositivo", '"\\ufeffPositivo"', "Positivo"),
        (
            "\uff30\uff4f\uff53\uff49\uff54\uff49\uff56\uff4f",
            '"\uff30\uff4f\uff53\uff49\uff54\uff49\uff56\uff4f"',
            "Positivo",
        ),
        ("No se\u0301", '"No se\\u0301"', "No s\u00e9"),
        ("No  s\u00e9", '"No  s\u00e9"', "No s\u00e9"),
        ("no\u00a0s\u00e9", '"no\\u00a0s\u00e9"', "No s\u00e9"),
        ('say "no"', '"say \\\\"no\\\\""'.replace("\\\\", "\\"), None),
        ("Neutro", '"Neutro"', None),
        ("\u2639\ufe0f", '"\u2639\\ufe0f"', None),
    ],
)
def test_a_label_in_another_spelling_is_told_with_the_mend_that_yaml_reads(label, shown, meant):
    reader = Labels(TASK)
    assert read(reader, ["Negativo", label, None, label]) == ["Negativo", None, None, None]
    with pytest.raises(UserError, match=r"source 's': label .* is not one of params\.yaml: task\.labels") as raised:
        reader.check(source())
    said = str(raised.value)
    but = f", {json.dumps(meant, ensure_ascii=False)} but for case, space or Unicode form" if meant else ""
    assert (
        f"the first such row is a.csv, line 2, key '2'; in column 'kind' these are no labels: {shown} (2 rows{but});"
        in said
    )
    mend = re.search(r"label_map: (\{.*\}) \(null: such", said)[1]
    assert YAML(typ="safe").load(mend) == {label: meant}
    # With that mend the label is read; nothing is left to tell.
    assert read(reader, [label], label_map={label: meant}) == [meant]
    reader.check(source())


def test_a_map_names_labels_as_yaml_writes_numbers_and_truth():
    names = YAML(typ="safe").load("{0: Negativo, 1.5: Positivo, true: Positivo, '2': null}")
    reader = Labels(TASK)
    assert read(reader, ["0", "1.5", "true", "2"], label_map=names) == ["Negativo", "Positivo", "Positivo", None]
    assert source(aux_map={"urgency": {1: "high"}}).aux_map == {"urgency": {"1": "high"}}


def test_all_unknown_labels_of_a_source_are_told_at_once(monkeypatch):
    reader = Labels(TASK)
    read(reader, ["Neutro", "positivo"])
    read(reader, ["positivo", *map(str, range(20))], first=3)
    with pytest.raises(UserError, match=r'"Neutro" \(1 row\), "positivo" \(2 rows, .* and 12 more; add them'):
        reader.check(source())
    monkeypatch.setattr(labels, "MOST_UNKNOWN", 5)
    with pytest.raises(UserError, match="in column 'kind' so far these are no labels"):
        read(reader, list("abcdef"))
    monkeypatch.setattr(labels, "READ_ON", 3)
    read(reader, ["a", "Positivo"])
    with pytest.raises(UserError, match="so far these are no labels"):
        read(reader, ["Positivo"] * 3)


def test_spellings_of_a_further_task_are_told_over_all_sources_unless_mapped():
    def told(*values: list, **keys) -> list:
        reader = Labels(TASK)
        for part in values:
            reader.read_aux(pa.array(part, pa.string()), "urgency", source(**keys))
        return list(reader.alike())

    assert told(["high", "low", None], ["High", "high ", "low"]) == [
        ("aux_urgency", '"high" (1 row) and "High" (1 row) and "high " (1 row)')
    ]
    assert told(["high", "low"], ["high"]) == []
    assert told(["high", "High"], aux_map={"urgency": {"High": "high"}}) == []
    assert told(["high", "High"], aux_map={"urgency": {"High": None}}) == []
    with pytest.raises(UserError, match="'no' is no task of columns"):
        source(aux_map={"no": {}})


def test_labels_of_an_open_set_are_told_by_the_names_that_they_count_for():
    reader = Labels(WORDS)
    assert read(reader, ["Owl moss", "owl"]) == ["Owl moss", "owl"]
    assert list(reader.alike()) == [("label", '"Owl" (1 row) and "owl" (1 row)')]
    reader = Labels(NUMBERS)
    assert read(reader, ["1", "1.0", "-2"]) == ["1", "1", "-2"]
    assert list(reader.alike()) == []


def test_names_without_end_are_no_classes(monkeypatch):
    monkeypatch.setattr(labels, "MOST_NAMES", 3)
    reader = Labels(WORDS)
    read(reader, [f"word{number}" for number in range(10)])
    assert len(reader._names["label"]) == 4
