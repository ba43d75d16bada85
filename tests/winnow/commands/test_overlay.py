"""An overlay's arguments are what DVC puts into params.yaml, and a wrong key or value is told before anything runs."""

import shlex
import shutil

import pytest
from dvc.utils.hydra import apply_overrides

from tests.conftest import ROOT
from winnow.base import params
from winnow.base.errors import UserError
from winnow.commands import cli, layout


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with our params.yaml, dvc.yaml and code, which is the current one."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("stages", "winnow"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arguments(capsys, file) -> list[str]:
    """Return the arguments that the command prints, as the shell takes them apart."""
    cli.main(["overlay", str(file)])
    words = capsys.readouterr().out.split()
    assert words == shlex.split(" ".join(words))
    assert set(words[::2]) == {"-S"}
    return words[1::2]


def test_the_run_on_a_gpu_is_a_params_yaml_that_the_stages_accept(project, capsys):
    before = (project / "params.yaml").read_text(encoding="utf-8").splitlines()
    overlay = params.read(ROOT / "params/gpu.yaml")
    apply_overrides(project / "params.yaml", arguments(capsys, ROOT / "params/gpu.yaml"))
    document = params.read(project / "params.yaml")
    assert document["adapt"]["tokens"] == overlay["adapt.tokens"]
    assert document["arms"]["seeds"] == overlay["arms.seeds"]
    assert document["collect"]["sources"][0]["max_groups"] is None
    after = (project / "params.yaml").read_text(encoding="utf-8").splitlines()
    assert len(set(before) - set(after)) <= len(overlay)
    assert layout.problems(project) == []


def test_a_key_that_does_not_stand_there_is_added_and_a_later_value_wins(project, capsys):
    (project / "mine.yaml").write_text("adapt.seed: 2\nadapt.tokens: 7\nsplit.salt: other\ncompare.pairs: [[a, b]]\n")
    apply_overrides(project / "params.yaml", [*arguments(capsys, "mine.yaml"), "adapt.tokens=9"])
    document = params.read(project / "params.yaml")
    assert (document["adapt"]["seed"], document["adapt"]["tokens"]) == (2, 9)
    assert (document["split"]["salt"], document["compare"]["pairs"]) == ("other", [["a", "b"]])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("adapt.tokns: 7", "mine.yaml: adapt.tokns: unknown parameter"),
        ("adapt.tokens: many", "mine.yaml: adapt.tokens: Input should be a valid integer"),
        ("adopt.tokens: 7", "mine.yaml: adopt.tokens: params.yaml has no place for it"),
        ("collect.sources.9.max_groups: 7", "mine.yaml: collect.sources.9.max_groups: params.yaml has no place"),
        ("adapt.tokens.more: 7", "mine.yaml: adapt.tokens.more: params.yaml has no place"),
        ("report.title: Two words", "mine.yaml: report.title: 'Two words' is more than a plain word"),
        ("split.salt: 'null'", "mine.yaml: split.salt: 'null' is more than a plain word"),
        ("split: {salt: x}", "mine.yaml: split: holds keys; give each a line of its own"),
    ],
)
def test_a_wrong_line_is_told(project, capsys, line, message):
    (project / "mine.yaml").write_text(f"{line}\n")
    with pytest.raises(SystemExit):
        cli.main(["overlay", "mine.yaml"])
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""


def test_a_file_that_is_not_there_is_told(project, capsys):
    with pytest.raises(SystemExit):
        cli.main(["overlay", "params/none.yaml"])
    assert "params/none.yaml: not found" in capsys.readouterr().err
    with pytest.raises(UserError):
        params.read(project / "none.yaml")
