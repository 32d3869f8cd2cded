"""Kill a training run again and again: does it end bit for bit as the run that was left alone?

    python benchmarks/kills.py [--kills 200] [--seed 0] [--out benchmarks/kills.json]

A tiny network is trained through all four stages, on one thread. Most kills (SIGKILL) fall by the clock,
from the first step on at any moment alike; every fourth is aimed at the writing of a file, every tenth falls
while the run starts. The run left alone has an interpreter of its own; the killed ones are forked off this
one, which has torch imported already (so not on Windows).

A kill's row in the log tells how and how many seconds after its process began, the step at hand, the step
that was safe in the checkpoint, how many unfinished files were left, and which files could not be read.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path

import torch
from budget import machine

from slerir_lite.data import Photos
from slerir_lite.model import Config, SlerIR
from slerir_lite.plan import STATIONS, Stage
from slerir_lite.train import Trainer
from slerir_lite.weights import load_weights

NAMES = {"compass": ("compass",), "together": STATIONS, "team": STATIONS,
         "joint": (*STATIONS, "compass", "router")}  # fmt: skip
FILES = "history.json", "checkpoint.pt", "model.safetensors"
MOMENTS = "half written", "written", "renamed"
OFTEN = 5  # kills by the clock, on average, in the time that a run left alone takes


@cache
def photos() -> Photos:
    return Photos.dead_leaves(4, size=96)


def train(folder: Path, steps: int, at=None, aim: tuple | None = None) -> None:
    """The whole run, or what is left of it. at: where to tell the step at hand. aim: see `shoot`."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    plan = [Stage(name, steps, 2e-3, 2e-4, trains) for name, trains in NAMES.items()]
    model = SlerIR(Config(width=8, tokens=16))
    run = Trainer(photos(), folder, plan, model, per_batch=6, size=16, save_every=0.2, quiet=True)
    batch = run.crops.batch

    def told(number: int):
        if at is not None:
            at.value = run.step
        return batch(number)

    run.crops.batch = told
    if aim:
        shoot(*aim)
    run.run()


def shoot(name: str, moment: str, turn: int, share: float) -> None:
    """From now on, this process is killed in the turn-th writing of a file of that name.

    moment: before the new file has its name, with a share or all of its bytes, or just after.
    """
    replace, turns = os.replace, itertools.count(1)

    def deadly(part, whole):
        hit = Path(whole).name == name and next(turns) == turn
        if hit and moment == "half written":
            os.truncate(part, int(share * os.path.getsize(part)))
        if not hit or moment == "renamed":
            replace(part, whole)
        if hit:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = deadly


def forked(folder: Path, steps: int, after: float | None = None, aim=None, starting=False) -> dict:
    """One go at the run, killed if it has not ended `after` seconds: {exit, seconds, step}.

    The seconds count from its first step, or (starting) from its very beginning.
    """
    context = multiprocessing.get_context("fork")
    at = context.RawValue("q", -1)
    child = context.Process(target=train, args=(folder, steps, at, aim))
    begin = time.monotonic()
    child.start()
    while not starting and at.value < 0 and child.is_alive():
        time.sleep(0.002)
    child.join(after)
    child.kill()
    child.join()
    return {"exit": child.exitcode, "seconds": round(time.monotonic() - begin, 3), "step": at.value}


def unreadable(folder: Path) -> list[str]:
    """Which of the run's files are there but not whole."""
    found = []
    for name, read in zip(FILES, (read_history, read_checkpoint, load_weights), strict=True):
        try:
            if (folder / name).exists():
                read(folder / name)
        except Exception as error:
            found.append(f"{name}: {error}")
    return found


def read_history(path: Path) -> list[dict]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in json.loads(path.read_text())]


def read_checkpoint(path: Path) -> dict:
    """Without what only the clock decides."""
    with zipfile.ZipFile(path) as archive:
        if archive.testzip():
            raise ValueError("its checksums are wrong")
    state = torch.load(path, weights_only=True)
    return {k: v for k, v in state.items() if k not in ("seconds", "history")}


def same(a, b) -> bool:
    """Whether two checkpoints, or parts of them, agree to the bit."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def differences(folder: Path, alone: Path) -> list[str]:
    """Which files of a finished run are not those of the run left alone, and which are too many."""
    here, there = folder / FILES[2], alone / FILES[2]
    found = [] if here.read_bytes() == there.read_bytes() else [FILES[2]]
    for name, read in zip(FILES[:2], (read_history, read_checkpoint), strict=True):
        if not same(read(folder / name), read(alone / name)):
            found.append(name)
    return found + sorted({f.name for f in folder.iterdir()} - set(FILES))


def kill_a_run(folder: Path, steps: int, most: int, second: float, rng: random.Random) -> tuple[list, bool]:
    """The run with at most so many kills: a row for each, and whether it came to its end."""
    rows = []
    while True:
        how, plan = drawn(second, rng) if len(rows) < most else ("not", {})
        went = forked(folder, steps, **plan)
        if went["exit"] != -signal.SIGKILL:
            return rows, went["exit"] == 0
        bad, file = unreadable(folder), folder / "checkpoint.pt"
        row = {"how": how, "seconds": went["seconds"], "step": went["step"]}
        row["stage"] = stage_of(went["step"], steps)
        row["safe"] = read_checkpoint(file)["step"] if file.exists() and not bad else 0
        row |= {"parts": len(list(folder.glob(".*.part"))), "unreadable": bad}
        rows.append(row)


def drawn(second: float, rng: random.Random) -> tuple[str, dict]:
    """How the next kill is done, in words and as `forked` takes it; second: what a run left alone takes."""
    kind = rng.random()
    if kind < 0.25:
        turn = 1 if (name := rng.choice(FILES)) == FILES[2] else rng.randint(1, 4)
        moment = rng.choice(MOMENTS)
        return f"{name} {moment}", {"aim": (name, moment, turn, rng.random())}
    if kind > 0.9:
        return "while it starts", {"starting": True, "after": rng.uniform(0, 0.2)}
    # Without memory, so that no moment is hit more often than another.
    return "clock", {"after": rng.expovariate(OFTEN / second)}


def stage_of(step: int, steps: int) -> str:
    return "before the first step" if step < 0 else [*NAMES, "after the last step"][step // steps]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--steps", type=int, default=15, help="in each of the four stages")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("kills.json"))
    parser.add_argument("--alone", type=Path, help="only the run left alone, into this folder")
    args = parser.parse_args()
    torch.set_num_threads(1)  # a process with more could not be forked
    if args.alone:
        train(args.alone, args.steps)
        return 0
    photos()
    torch.optim.AdamW([torch.zeros(1)])  # the first one imports half of torch
    rng, log, runs, wrong = random.Random(args.seed), [], 0, []
    with tempfile.TemporaryDirectory() as work:
        alone = Path(work, "alone")
        subprocess.run([sys.executable, __file__, "--alone", alone, "--steps", str(args.steps)], check=True)
        second = forked(Path(work, "forked"), args.steps)["seconds"]
        if found := differences(Path(work, "forked"), alone):
            wrong.append({"run": "forked, never killed", "differs in": found})
        while len(log) < args.kills:
            runs += 1
            folder = Path(work, str(runs))
            rows, ended = kill_a_run(folder, args.steps, args.kills - len(log), second, rng)
            log += [{"run": runs} | row for row in rows]
            if found := differences(folder, alone) if ended else ["it did not end"]:
                wrong.append({"run": runs, "differs in": found})
            print(f"{len(log)} kills, {runs} runs, {len(wrong)} ended differently", flush=True)
    result = {
        "kills": len(log),
        "runs": runs,
        "kills after which a file was not readable": sum(bool(row["unreadable"]) for row in log),
        "kills that left an unfinished file": sum(row["parts"] > 0 for row in log),
        "runs that ended otherwise than the one left alone": wrong,
        "how": dict(Counter(row["how"] for row in log).most_common()),
        "where": dict(Counter(row["stage"] for row in log).most_common()),
        "steps": len(NAMES) * args.steps,
        "seconds left alone": second,
        "seed": args.seed,
        "machine": machine() | {"python": platform.python_version()},
    }
    lines = ",\n  ".join(json.dumps(row) for row in log)
    args.out.write_text(json.dumps(result, indent=1)[:-2] + f',\n "log": [\n  {lines}\n ]\n}}\n')
    return bool(wrong or result["kills after which a file was not readable"])


if __name__ == "__main__":
    sys.exit(main())
