"""Where there is no Chromium the browser tests do not pass in silence: loudly skipped, or failed in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("required", [False, True])
def test_a_missing_chromium_is_loud(required, tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SLERIR_")}
    environment |= {"PATH": str(tmp_path)} | ({"SLERIR_BROWSER": "required"} if required else {})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/browser/test_alone.py"]
    command += ["-k", "says_an_error"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == required, done.stdout
    if required:
        assert "no browser tests: there is no Chromium" in done.stdout and "1 error" in done.stdout
    else:
        assert "THE BROWSER TESTS DID NOT RUN" in done.stdout and "apt-get install chromium" in done.stdout
