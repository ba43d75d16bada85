import pytest

from stages.code import __main__ as code
from winnow.base import files

LOCK = "numpy==2.4.6\npandas==3.1.1\nruff==0.17.6\n"
CODE = {
    "stages/first/__main__.py": "import pandas\nfrom winnow import shared\n",
    "stages/second/__main__.py": "from winnow import other\n",
    "winnow/shared.py": "RATE = 1\n",
    "winnow/other.py": "import numpy\n",
}


@pytest.fixture
def made(workspace):
    folder = workspace(task={"kind": "classification", "labels": ["A", "B"]})
    for name, text in CODE.items():
        files.write_text(folder / name, text)
    files.write_text(folder / "requirements.lock", LOCK)

    def run() -> dict[str, list[str]]:
        code.main(["--lock", "requirements.lock", "--out", "data/code"])
        return {path.stem: path.read_text().splitlines() for path in (folder / "data/code").iterdir()}

    run.folder = folder
    return run


def changed(before: dict, after: dict) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_each_stage_has_its_files_and_the_packages_that_they_import(made):
    found = made()
    assert [line.split()[0] for line in found["first"]] == [
        "stages/first/__main__.py",
        "winnow/shared.py",
        "pandas==3.1.1",
    ]
    assert [line.split()[0] for line in found["second"]][-1] == "numpy==2.4.6"
    assert found["packages"] == ["numpy==2.4.6", "pandas==3.1.1"]


def test_a_comment_changes_nothing(made):
    before = made()
    (made.folder / "winnow/shared.py").write_text('"""Told."""\n\nRATE = 1  # why\n')
    assert made() == before


def test_a_constant_changes_the_stages_that_read_it(made):
    before = made()
    (made.folder / "winnow/shared.py").write_text("RATE = 2\n")
    assert changed(before, made()) == {"first"}


def test_a_version_changes_the_stages_that_import_the_package(made):
    before = made()
    (made.folder / "requirements.lock").write_text(
        LOCK.replace("pandas==3.1.1", "pandas==3.2.0").replace("0.17.6", "1")
    )
    assert changed(before, made()) == {"first", "packages"}


def test_a_package_that_is_not_locked_is_named(made):
    (made.folder / "requirements.lock").write_text("pandas==3.1.1\n")
    with pytest.raises(
        code.UserError, match=r"stages/second/__main__.py: imports numpy, which requirements.lock lacks"
    ):
        made()


@pytest.mark.parametrize("line", ["pandas>=3", "pandas==3.1.1 --hash=sha256:0", "==3", "pandas=="])
def test_a_line_that_pins_nothing_is_named(made, line):
    (made.folder / "requirements.lock").write_text(f"numpy==2.4.6\n{line}\n")
    with pytest.raises(code.UserError, match=r"requirements.lock: line 2: .* is not of the form name==version"):
        made()
