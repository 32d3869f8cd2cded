"""A run that is really killed, by the operating system and at any moment, ends as the run left alone."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import slerir_lite

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = str(Path(slerir_lite.__file__).resolve().parent.parent)
ENV = os.environ | {
    "PYTHONPATH": os.pathsep.join([PACKAGE, os.environ.get("PYTHONPATH", "")]),
    "OMP_NUM_THREADS": "1",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked")
def test_a_few_of_the_benchmarks_kills(tmp_path):
    """`benchmarks/kills.json` has 200 of them."""
    out = tmp_path / "kills.json"
    script = [sys.executable, ROOT / "benchmarks" / "kills.py", "--out", out]
    done = subprocess.run(
        [*script, "--kills", "5", "--steps", "3", "--seed", "1"],
        env=ENV,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text())
    assert found["kills"] == len(found["log"]) == 5
    assert found["runs that ended otherwise than the one left alone"] == []
    assert not any(row["unreadable"] for row in found["log"])


@pytest.mark.skipif(os.name == "nt", reason="there Ctrl-C reaches a whole console")
def test_ctrl_c_ends_slerir_train_with_all_its_steps_saved(tmp_path):
    command = [sys.executable, "-c", "from slerir_lite.cli import app; app()", "train", "--dead-leaves", "2",
               "-o", "g", "--generalist", "--steps", "3000", "--per-batch", "2"]  # fmt: skip
    with open(tmp_path / "said", "w") as said:
        run = subprocess.Popen(command, cwd=tmp_path, env=ENV, stderr=said)
    try:
        end = time.monotonic() + 600
        while not re.search(r"\| [1-9]\d*/3000", text := (tmp_path / "said").read_text()):  # the progress bar
            assert run.poll() is None and time.monotonic() < end, text
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        assert run.wait(600) == 130
    finally:
        run.kill()
        run.wait()
    text = (tmp_path / "said").read_text()
    assert "same command again goes on" in text and "Traceback" not in text
    assert sorted(f.name for f in (tmp_path / "g").iterdir()) == ["checkpoint.pt", "history.json"]
    state = torch.load(tmp_path / "g" / "checkpoint.pt", weights_only=True)
    shown = max(int(step) for step in re.findall(r"\| (\d+)/3000", text))
    assert 0 < shown <= state["step"] < 3000
