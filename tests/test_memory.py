"""Freed memory that is kept: no page faults where there were thousands, and no harm without glibc."""

import ctypes
import platform
import subprocess
import sys

import pytest

from slerir_lite.memory import keep_freed

FAULTS = """
import resource, torch
from slerir_lite.memory import keep_freed
from slerir_lite.model import SlerIR
assert not {keep} or keep_freed()
model, photo, seen = SlerIR().eval(), torch.rand(1, 3, 160, 240), []
with torch.inference_mode():
    for _ in range(8):
        model(photo)
        seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(seen[-1] - seen[3])
"""


def faults(keep: bool) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(keep=keep)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator can be told")
def test_what_is_freed_is_used_again():
    assert 4 * faults(keep=True) < faults(keep=False)


def test_other_allocators_are_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not keep_freed()
