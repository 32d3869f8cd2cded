"""Runs the browser tests many times and logs each run: a test that fails once in twenty is a flake.

python benchmarks/flakes.py 20    writes benchmarks/flakes.log; ends with 1 if any run failed
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "benchmarks" / "flakes.log"


def run() -> tuple[str, str, float]:
    """("good" or "BAD", pytest's last line, seconds)."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "tests/browser"]
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"SLERIR_BROWSER": "required"}, capture_output=True, text=True
    )
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "pytest said nothing"
    if done.returncode:
        print(done.stdout)
    return ("BAD" if done.returncode else "good"), last, time.perf_counter() - start


if __name__ == "__main__":
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    lines = [f"The browser tests, {times} times, with {os.cpu_count()} CPU cores."]
    bad = 0
    for k in range(1, times + 1):
        verdict, said, seconds = run()
        bad += verdict == "BAD"
        lines.append(f"run {k:2}: {verdict}, {re.sub(r' in [0-9.]+s.*', '', said)}, {seconds:.0f} s")
        print(lines[-1], flush=True)
        LOG.write_text("\n".join([*lines, f"{k - bad} of {k} runs good."]) + "\n", "utf-8")
    sys.exit(bad > 0)
