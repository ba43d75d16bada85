"""What a stage would refuse of params.yaml, hours later, is told before anything runs."""

import copy

import pytest

from stages.check_params import __main__ as check_params
from tests.conftest import ROOT
from winnow.base.errors import UserError
from winnow.commands import values


@pytest.fixture
def problems(default_params, workspace, monkeypatch):
    """Return a function that changes params.yaml by `{"section.key": value}` and returns what is wrong with it."""

    def problems(changes: dict[str, object]) -> list[str]:
        document = copy.deepcopy(default_params)
        for name, value in changes.items():
            section, _, key = name.partition(".")
            if key:
                document[section][key] = value
            else:
                document[section] = value
        workspace(**document)
        for folder in ("stages", "winnow"):  # where the classes are found
            if not (link := ROOT.cwd() / folder).exists():
                link.symlink_to(ROOT / folder)
        return values.problems(ROOT.cwd(), document)

    return problems


def test_the_repository_s_own_are_sound(problems):
    assert problems({}) == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("finetune.epochs", "6", "params.yaml: finetune.epochs: "),
        ("report.titel", "x", "params.yaml: report.titel: unknown parameter"),
        ("finetunes", {}, "params.yaml: section 'finetunes': no stage reads it"),
        ("approaches.few_shot", {"pears": 3}, "params.yaml: approaches.few_shot.pears: unknown parameter"),
        (
            "arms.approaches",
            ["transfer", "few_shots"],
            "params.yaml: arms: unknown approach 'few_shots'; known: transfer",
        ),
        (
            "arms.ensembles",
            {"both": "dapt_few_shot"},
            "params.yaml: arms.ensembles.both: there is no arm 'dapt_few_shot'",
        ),
        ("arms.ensembles", {"both": ["dapt", "dapt"]}, "params.yaml: arms.ensembles.both: an arm is named twice"),
        ("arms.encoders", ["base"], "there is no arm 'dapt'"),
        ("compare.pairs", [["dapt", "transfers"]], "params.yaml: compare: approach 'transfers' has no predictions"),
        ("balance.max_labels", 4, "params.yaml: balance.max_labels: 4 labels, but there are 5 classes to learn"),
        ("compare.baseline", "tf-idf", "params.yaml: compare: approach 'tf-idf' has no predictions"),
    ],
)
def test_what_a_later_stage_would_refuse_is_told(problems, name, value, message):
    assert message in "; ".join(problems({name: value}))


def test_a_budget_of_one_row_a_class_is_sound(problems):
    assert problems({"balance.max_labels": 5}) == []


def test_all_that_is_wrong_is_told_at_once_and_stops_the_stage(problems, tmp_path):
    assert len(problems({"finetune.epochs": "6", "adapt.tokens": -1, "split": {}})) == 3
    with pytest.raises(UserError, match=r"split.*adapt\.tokens.*finetune\.epochs"):
        check_params.main(["--out", "checked.txt"])
    assert not (tmp_path / "checked.txt").exists()
    problems({})
    check_params.main(["--out", "checked.txt"])
    first = (tmp_path / "checked.txt").read_bytes()
    problems({"finetune.epochs": 7})
    check_params.main(["--out", "checked.txt"])
    assert (tmp_path / "checked.txt").read_bytes() == first
