"""What times several networks side by side: one at a time, each in its turn, and none waits for ever."""

import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from scripts import of

from slerir_lite.crops import BLOCK, Crops
from slerir_lite.data import Photos
from slerir_lite.model import Config, Generalist
from slerir_lite.plan import Stage


def note(turn, log: Path, name: str, blocks: int) -> str:
    for block in range(blocks):
        turn()
        for what in ("begins", "ends"):
            with log.open("a") as file:
                file.write(f"{name} {block} {what}\n")
            time.sleep(0.02)
    return name.upper()


def fail(turn) -> None:
    turn()
    raise ValueError("a job that fails")


def test_they_take_turns_and_never_run_at_once(tmp_path):
    log = tmp_path / "log.txt"
    found = of("timing").in_turn({name: (note, log, name, n) for name, n in (("a", 3), ("b", 3), ("c", 5))})
    assert found == {"a": "A", "b": "B", "c": "C"}
    lines = log.read_text().splitlines()
    for begins, ends in zip(lines[::2], lines[1::2], strict=True):
        assert begins.removesuffix("begins") == ends.removesuffix("ends")  # nothing came between
    order = [line.split()[0] for line in lines[::2]]
    assert order == ["a", "b", "c"] * 3 + ["c"] * 2


def test_one_that_fails_is_named_and_nobody_waits(tmp_path):
    jobs = {"good": (note, tmp_path / "log.txt", "good", 2), "bad": (fail,)}
    with pytest.raises(RuntimeError, match="bad"):
        of("timing").in_turn(jobs)


def test_waiting_for_a_turn_is_not_timed_and_every_stage_has_its_figure(tmp_path, monkeypatch):
    timing, clock, turns = of("timing"), [0.0], []
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    fetch = Crops.batch

    def batch(self, step):
        clock[0] += 3 if len(turns) > 4 else 2  # s: what is fetched in the second stage takes longer
        return fetch(self, step)

    def turn():
        turns.append(clock[0])
        clock[0] += 1000

    monkeypatch.setattr(Crops, "batch", batch)
    plan = [Stage(name, 1, 1e-3, 1e-4, ("backbone",), small=True) for name in ("together", "joint", "joint")]
    small = partial(Generalist, Config(experts=1, width=4, tokens=4))
    photos, how = Photos.dead_leaves(2, 96), {"size": 48, "per_batch": 2}
    found = timing.seconds_per_step(small, plan, photos, 2 * BLOCK, turn, **how)
    assert found == {"together": 2, "joint": 3}
    assert len(turns) == 3 * 4
