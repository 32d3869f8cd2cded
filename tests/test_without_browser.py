"""Without Chromium or classic Notebook their tests do not pass in silence: skipped loudly, failed in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("required", [False, True])
def test_a_missing_chromium_or_classic_notebook_is_loud(required, tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SLERIR_")}
    environment |= {"PATH": str(tmp_path), "SLERIR_COLAB": str(tmp_path)}
    environment |= {"SLERIR_BROWSER": "required"} if required else {}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["tests/browser/test_alone.py", "tests/browser/test_classic.py"]
    command += ["-k", "says_an_error or watch_draws_a_run"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == required, done.stdout
    if required:
        assert "no browser tests: there is no Chromium" in done.stdout and "2 errors" in done.stdout
        assert "no tests in classic Notebook: there is no" in done.stdout
    else:
        assert "THE BROWSER TESTS DID NOT RUN" in done.stdout and "apt-get install chromium" in done.stdout
        assert "THE TESTS IN CLASSIC NOTEBOOK DID NOT RUN" in done.stdout and "make colab" in done.stdout
