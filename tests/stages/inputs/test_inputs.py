from stages.inputs import __main__ as inputs
from winnow.people import decisions

FOLDERS = ("sources", "rules", "frozen", "rounds", "test", "models")


def arguments(folder):
    named = {"decisions": folder / "decisions.csv"} | {name: folder / name / ".gitkeep" for name in FOLDERS}
    return [word for name, path in named.items() for word in (f"--{name}", str(path))]


def test_what_is_missing_is_made_and_read_as_nothing(tmp_path, capsys):
    inputs.main(arguments(tmp_path))
    assert decisions.read(tmp_path / "decisions.csv") == []
    assert all((tmp_path / name / ".gitkeep").exists() for name in FOLDERS)
    assert capsys.readouterr().out.count("made, since it was missing") == 7


def test_what_is_there_stays(tmp_path, capsys):
    (tmp_path / "decisions.csv").write_text(decisions.EMPTY + "a line\n")
    (tmp_path / "frozen").mkdir()
    (tmp_path / "frozen/test_groups.txt").write_text("0123456789abcdef\n")
    inputs.main(arguments(tmp_path))
    assert (tmp_path / "decisions.csv").read_text().endswith("a line\n")
    assert (tmp_path / "frozen/test_groups.txt").exists()
    capsys.readouterr()
    inputs.main(arguments(tmp_path))
    assert capsys.readouterr().out == ""


def test_an_empty_file_gets_its_header(tmp_path):
    (tmp_path / "decisions.csv").touch()
    assert decisions.read(tmp_path / "decisions.csv") == []
    inputs.main(arguments(tmp_path))
    assert (tmp_path / "decisions.csv").read_text() == decisions.EMPTY
