import pytest

from stages import versions
from winnow.errors import UserError

GROUPS = {"tables": ["PyArrow", "ruamel_yaml"], "text": ["lxml"], "statistics": [], "neural": ["lxml"], "pages": []}
LOCK = "# pinned\nlxml==6.1\n\npyarrow==26.0.1  # a comment\nruamel.yaml==0.19.1\n"


@pytest.fixture
def lock(workspace):
    folder = workspace(versions=GROUPS)
    (folder / "lock.txt").write_text(LOCK, encoding="utf-8")
    return folder / "lock.txt"


def run(folder):
    versions.main(["--lock", "lock.txt", "--out", "out"])
    return {path.name: path.read_text(encoding="utf-8") for path in (folder / "out").iterdir()}


def test_each_group_gets_its_lines_sorted_whatever_the_spelling(lock):
    assert run(lock.parent) == {
        "tables.txt": "pyarrow==26.0.1\nruamel.yaml==0.19.1\n",
        "text.txt": "lxml==6.1\n",
        "neural.txt": "lxml==6.1\n",
        "statistics.txt": "",
        "pages.txt": "",
    }


def test_a_bump_changes_only_the_groups_that_hold_the_package(lock):
    before = run(lock.parent)
    lock.write_text(LOCK.replace("pyarrow==26.0.1", "pyarrow==27.0"), encoding="utf-8")
    after = run(lock.parent)
    assert [name for name in before if before[name] != after[name]] == ["tables.txt"]


def test_a_name_that_is_not_pinned(lock):
    lock.write_text("lxml==6.1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"versions\.tables: 'PyArrow' is not pinned"):
        run(lock.parent)
    assert not (lock.parent / "out").exists()


@pytest.mark.parametrize("line", ["lxml>=6", "lxml==", "-e .", "lxml==6.1 --hash=sha256:00"])
def test_a_line_that_is_no_pin(lock, line):
    lock.write_text(f"pyarrow==26.0.1\n{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"lock\.txt: line 2"):
        run(lock.parent)


def test_the_lock_file_is_missing(lock):
    lock.unlink()
    with pytest.raises(UserError, match=r"lock\.txt: not found"):
        run(lock.parent)


def test_a_group_that_the_pipeline_does_not_know(workspace):
    folder = workspace(versions=GROUPS | {"audio": ["lxml"]})
    (folder / "lock.txt").write_text(LOCK, encoding="utf-8")
    with pytest.raises(UserError, match=r"versions\.audio: unknown parameter"):
        run(folder)
