"""How many steps fit into a given time on this machine: timed first, and then fixed.

Schedules count steps. So that two networks get equal wall-clock, each one's step is timed, and the number
of its steps follows; what else happens on the machine during the long run can no longer favour either.
"""

import os
import platform
import tempfile
from dataclasses import replace

import torch

from slerir_lite.data import Photos
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.plan import Stage, generalist_stages, stages
from slerir_lite.train import Trainer

COMPASS = 0.15  # share of a SlerIR's time that its compass gets, at most 2,000 steps


def new(name: str, seed: int) -> SlerIR | Generalist:
    """A fresh "slerir" or "generalist"."""
    torch.manual_seed(seed)
    return SlerIR(Config()) if name == "slerir" else Generalist(Config(experts=1))


def seconds_per_step(name: str, photos: Photos, steps: int = 60) -> dict[str, float]:
    """{stage: seconds a step}, the first steps left out; data, averaging and all included."""
    plan = stages(100, 1) if name == "slerir" else generalist_stages(1)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        model = new(name, 0)
        for stage in plan:
            run = Trainer(
                photos, f"{folder}/{stage.name}", [replace(stage, steps=25 + steps)], model, quiet=True
            )
            seconds = [row["seconds"] for row in run.run()]
            found[stage.name] = (seconds[-1] - seconds[0]) / (25 * (len(seconds) - 1))
    return found


def plan_for(name: str, minutes: float, timed: dict[str, float]) -> list[Stage]:
    """The default plan with as many steps as take `minutes`."""
    seconds = 60 * minutes
    if name == "generalist":
        return generalist_stages(round(seconds / timed["together"]))
    compass = min(2000, round(COMPASS * seconds / timed["compass"]))
    seconds -= compass * timed["compass"]
    mean = 0.4 * timed["together"] + 0.5 * timed["team"] + 0.1 * timed["joint"]  # the shares of `stages`
    return stages(round(seconds / mean), compass)


def machine() -> dict:
    """What the figures were measured on."""
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
    }
