import stat
import zipfile

import pytest

from winnow.base import download, files
from winnow.base.errors import UserError

ABSENT = "0" * 64


def test_the_wheel_is_fetched_and_its_members_read(make_wheel, tmp_path):
    sha = make_wheel("pack-age", "1.0", {"data/a.txt": b"hello"})
    wheel = download.fetch_pypi("pack-age", "1.0", sha, tmp_path)
    assert files.sha256(wheel) == sha
    assert "data/a.txt" in download.members(wheel)
    with download.open_member(wheel, "data/a.txt") as stream:
        assert stream.read() == b"hello"


def test_a_wrong_hash_names_both(make_wheel, tmp_path):
    sha = make_wheel("package", "1.0", {})
    with pytest.raises(UserError, match=f"package==1.0: wrong sha256: expected {ABSENT}, got {sha}"):
        download.fetch_pypi("package", "1.0", ABSENT, tmp_path)


def test_a_missing_version_names_those_there_are(make_wheel, tmp_path):
    make_wheel("package", "1.0", {})
    make_wheel("package", "1.1", {})
    with pytest.raises(UserError, match=r"package==2\.0: no such version; the package index has 1\.0, 1\.1"):
        download.fetch_pypi("package", "2.0", ABSENT, tmp_path)


def test_a_missing_package(make_wheel, tmp_path):
    with pytest.raises(UserError, match=r"package==2\.0: the package index has no wheel of this name"):
        download.fetch_pypi("package", "2.0", ABSENT, tmp_path)


def test_an_index_that_cannot_be_reached(monkeypatch, tmp_path):
    for name, value in {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "0",
        "PIP_FIND_LINKS": "",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",  # the discard port: nothing listens there
        "PIP_RETRIES": "1",
        "PIP_DEFAULT_TIMEOUT": "2",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"^package==2\.0: the package index cannot be reached; [^\n]*$"):
        download.fetch_pypi("package", "2.0", ABSENT, tmp_path)


def test_any_other_failure_of_pip_is_one_line():
    message = download._explain("a==1", ABSENT, "Traceback (most recent call last):\n  x\nERROR: disk full\nnote\n")
    assert message == "a==1: pip could not download it: disk full"


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "archive.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(link, "/etc/hostname")
        zipped.writestr("folder/", b"")
        zipped.writestr("../outside", b"x")
        zipped.writestr("large", bytes(100_000))
    return path


@pytest.mark.parametrize(
    ("member", "message"),
    [("link", "a link or a folder"), ("folder/", "a link or a folder"), ("absent", "not in the archive")],
)
def test_members_that_are_no_files(archive, member, message):
    with pytest.raises(UserError, match=message), download.open_member(archive, member):
        pass


def test_a_member_that_unpacks_to_too_much(archive, monkeypatch):
    monkeypatch.setattr(download, "MAX_MEMBER_BYTES", 99_999)
    with pytest.raises(UserError, match="100000 bytes unpacked"), download.open_member(archive, "large"):
        pass


def test_a_truncated_archive(archive):
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"archive\.whl: truncated or damaged"):
        download.members(archive)
    message = r"archive\.whl: large: truncated or damaged"
    with pytest.raises(UserError, match=message), download.open_member(archive, "large"):
        pass


def test_a_member_with_a_flipped_byte(tmp_path):
    path = tmp_path / "archive.whl"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("a", b"the content")
    path.write_bytes(path.read_bytes().replace(b"the content", b"tha content"))
    with pytest.raises(UserError, match="truncated or damaged"), download.open_member(path, "a") as stream:
        stream.read()
