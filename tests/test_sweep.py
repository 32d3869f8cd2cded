"""What killed writes leave is swept away, and nothing else."""

import os

import pytest

from slerir_lite.files import sweep, write_whole


class Killed(BaseException):
    """Ends a write as a kill would, if nobody tidied up."""


@pytest.fixture
def left_by_a_kill(monkeypatch):
    """write(path): a write that is killed before the new file has its name."""

    def killed(*_):
        raise Killed

    def write(path) -> None:
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(os, "replace", killed)
            patch.setattr(type(path), "unlink", lambda *_, **__: None)
            write_whole(path, b"new")

    return write


@pytest.mark.parametrize("name", ["checkpoint.pt", "a[0-9]*.png", "é" * 120, "x" * 250 + ".png"])
def test_what_a_killed_write_left_is_swept_and_the_file_stays(name, tmp_path, left_by_a_kill):
    path = tmp_path / name
    write_whole(path, b"old")
    left_by_a_kill(path)
    left_by_a_kill(path)
    assert len(list(tmp_path.iterdir())) == 3 and path.read_bytes() == b"old"
    assert all(f == path or f.name.startswith(".") for f in tmp_path.iterdir())
    sweep(path)
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"old"
    sweep(path)
    write_whole(path, b"new")
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"new"


def test_only_the_leftovers_of_that_file_are_swept(tmp_path, left_by_a_kill):
    left_by_a_kill(tmp_path / "photo.png")
    others = (".checkpoint.pt", ".checkpoint.pt.part", ".checkpoint.pt.mine.part", "checkpoint.pt.0123.part",
              ".checkpoint.pt.0123456789ab.part.txt", "xcheckpoint.pt.0123456789ab.part")  # fmt: skip
    for name in others:
        (tmp_path / name).touch()
    before = sorted(tmp_path.iterdir())
    sweep(tmp_path / "checkpoint.pt")
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_that_is_not_there_has_nothing_to_sweep(tmp_path):
    sweep(tmp_path / "none" / "checkpoint.pt")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_stays_if_asked_for(tmp_path):
    write_whole(tmp_path / "a", b"old")
    with pytest.raises(FileExistsError, match="already there"):
        write_whole(tmp_path / "a", b"new", overwrite=False)
    with pytest.raises(FileNotFoundError, match="no folder"):
        write_whole(tmp_path / "none" / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
