"""Runs the browser tests many times and logs each run: a test that fails once in twenty is a flake.

python benchmarks/flakes.py 20    writes benchmarks/flakes.log; ends with 1 if any run failed

Each run is a line of the log as soon as it ends. Runs of the same commit that the log has already are not
done again, so that an interrupted series goes on; another commit of what is tested begins a new log. All
tests in tests/browser run, those in classic Notebook too, and none may be skipped.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "benchmarks" / "flakes.log"
LINE = re.compile(r"run +\d+: (good|BAD), .*, (\d+) s$")
ALLOWED = 360  # seconds a run


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
    good = not done.returncode and "skipped" not in last
    return ("good" if good else "BAD"), last, time.perf_counter() - start


def head() -> str:
    """The log's first line, which names what is tested. Raises RuntimeError where that is not committed."""

    def git(*what: str) -> str:
        return subprocess.run(["git", *what], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    tested = ("--", "slerir_lite", "tests", "notebooks", "data_samples")
    changed = git("status", "--porcelain", "--untracked-files=no", *tested)
    if changed.strip():
        raise RuntimeError(f"Commit first, so that the log says what was tested:\n{changed}")
    # A commit of other things, such as this log, changes no test.
    last = git("log", "-1", "--format=%h", "--abbrev=12", *tested).strip()
    return f"The browser tests at commit {last}, with {os.cpu_count()} CPU cores."


def kept(log: Path, first: str) -> list[str]:
    """The runs that the log has of the same commit."""
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    return [line for line in lines[1:] if LINE.match(line)] if lines[:1] == [first] else []


def summary(lines: list[str]) -> str:
    """How many runs were good, and how long they took."""
    found = [LINE.match(line).groups() for line in lines]
    good, seconds = [verdict for verdict, _ in found].count("good"), sorted(int(s) for _, s in found)
    took = f"{seconds[0]} to {seconds[-1]} s a run, where {ALLOWED} are allowed"
    return f"{good} of {len(found)} runs good; {took}."


def main(times: int) -> int:
    """Until the log has so many runs; the number of bad ones, slow ones among them."""
    first = head()
    lines = kept(LOG, first)
    while len(lines) < times:
        verdict, said, seconds = run()
        said = re.sub(r" in [0-9.]+s.*", "", said)
        lines.append(f"run {len(lines) + 1:2}: {verdict}, {said}, {seconds:.0f} s")
        print(lines[-1], flush=True)
        LOG.write_text("\n".join([first, *lines, summary(lines)]) + "\n", "utf-8")
    found = [LINE.match(line).groups() for line in lines]
    return sum(verdict == "BAD" or int(seconds) > ALLOWED for verdict, seconds in found)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20) > 0)
