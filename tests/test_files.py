"""A file is whole or not there, whatever happens while it is written."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from slerir_lite.files import write_whole

SLOW = """
import os, sys, time
from slerir_lite.files import write_whole
def pause(*_):
    print("in the middle", flush=True)
    time.sleep(60)
os.{where} = pause
write_whole(sys.argv[1], b"new" * 100_000)
"""
SMALL_DISK = """
import resource, signal, sys
from slerir_lite.files import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    write_whole(sys.argv[1], b"new" * 100_000)
except OSError as error:
    print(error)
"""
AGAIN_AND_AGAIN = """
import sys
from slerir_lite.files import write_whole
for _ in range(50):
    write_whole(sys.argv[1], sys.argv[2].encode() * 99_999)
"""


def names(folder) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize("before", [None, b"precious"])
def test_a_kill_in_mid_write_leaves_what_was_there(tmp_path, where, before):
    target = tmp_path / "a.png"
    if before is not None:
        target.write_bytes(before)
    code = SLOW.replace("{where}", where)
    writer = subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"in the middle\n"
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    assert (target.read_bytes() if target.exists() else None) == before
    assert all(name == "a.png" or name.startswith(".") for name in names(tmp_path))


@pytest.mark.parametrize("before", [None, b"precious"])
def test_a_disk_that_is_full_after_half_of_it(tmp_path, before):
    target = tmp_path / "a.png"
    if before is not None:
        target.write_bytes(before)
    told = subprocess.run(
        [sys.executable, "-c", SMALL_DISK, str(target)], capture_output=True, text=True, check=True
    )
    assert "the file is as it was. Choose another place" in told.stdout and "a.png" in told.stdout
    assert names(tmp_path) == ([] if before is None else ["a.png"])
    assert before is None or target.read_bytes() == before


def test_the_reason_can_be_told_apart(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left on device; the file is as it was") as error:
        write_whole(tmp_path / "a.png", b"new")
    assert error.value.errno == errno.ENOSPC and names(tmp_path) == []


def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch):
    def fail(path, mode):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", fail)  # the tests may run as root, who may write anywhere
    with pytest.raises(
        PermissionError, match="Permission denied; the file is as it was. Choose another.*a.png"
    ):
        write_whole(tmp_path / "a.png", b"new")


def test_a_file_where_a_folder_is_expected(tmp_path):
    (tmp_path / "a").write_bytes(b"precious")
    with pytest.raises(FileNotFoundError, match="no folder .*a to write b.png to"):
        write_whole(tmp_path / "a" / "b.png", b"new")


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "original.png").write_bytes(b"precious")
    (tmp_path / "link.png").symlink_to("original.png")
    (tmp_path / "nowhere.png").symlink_to("gone.png")
    for name in ("link.png", "nowhere.png"):
        with pytest.raises(FileExistsError, match=f"{name} is already there"):
            write_whole(tmp_path / name, b"new", overwrite=False)
        write_whole(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new" and not (tmp_path / name).is_symlink()
    assert (tmp_path / "original.png").read_bytes() == b"precious"


def test_a_private_file_stays_private_from_its_first_byte_on(tmp_path, monkeypatch):
    (tmp_path / "private.png").write_bytes(b"precious")
    (tmp_path / "open.png").write_bytes(b"precious")
    (tmp_path / "link.png").symlink_to("private.png")
    os.chmod(tmp_path / "private.png", 0o600)
    os.chmod(tmp_path / "open.png", 0o664)
    seen, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda n: seen.append(os.fstat(n).st_mode & 0o777) or fsync(n))
    before = os.umask(0o022)
    try:
        for name in ("link.png", "private.png", "open.png", "new.png"):
            write_whole(tmp_path / name, b"new")
    finally:
        os.umask(before)
    assert seen == [0o644, 0o600, 0o664, 0o644]
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"link.png": 0o644, "private.png": 0o600, "open.png": 0o664, "new.png": 0o644}


def test_two_writers_at_once_leave_one_whole_file(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", AGAIN_AND_AGAIN, str(tmp_path / "a"), c]) for c in "xy"
    ]
    deadline = time.monotonic() + 60
    while any(w.poll() is None for w in writers) and time.monotonic() < deadline:
        if (tmp_path / "a").exists():
            data = (tmp_path / "a").read_bytes()
            assert data in (b"x" * 99_999, b"y" * 99_999)
    assert [w.wait() for w in writers] == [0, 0] and names(tmp_path) == ["a"]
