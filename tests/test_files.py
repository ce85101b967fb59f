"""Files that are written whole or not at all."""

import hashlib

import pytest

from xojl_jax import files


def test_a_reader_meets_the_old_file_until_the_new_one_is_whole(tmp_path):
    """Protects whoever reads while we write, and the permissions that the file had."""
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    with files.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    """Protects what was there from a full disk, an error or an interrupt in the middle."""
    path = tmp_path / "file"
    files.write_text(path, "old")

    def pieces():
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_bytes(path, pieces())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    """Protects a part that two machines make at once: each has a temporary file of its own."""
    path = tmp_path / "file"
    with files.replacing(path, unique=True) as one, files.replacing(path, unique=True) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"


def test_a_link_is_replaced_in_one_step(tmp_path):
    """Protects `best`: it always points somewhere, by a path that moves with the folder."""
    link = tmp_path / "best"
    for step in ("1", "2"):
        (tmp_path / "checkpoints" / step).mkdir(parents=True)
        files.replace_link(link, tmp_path / "checkpoints" / step)
        assert str(link.readlink()) == f"checkpoints/{step}"


def test_a_digest_is_that_of_the_bytes(tmp_path):
    """Protects manifests: their digests are comparable with those of other tools."""
    path = tmp_path / "file"
    files.write_bytes(path, [b"a", b"b"])
    assert files.sha256(path) == hashlib.sha256(b"ab").hexdigest()
