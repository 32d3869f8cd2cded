"""How many steps fit into a given time on this machine: timed first, and then fixed.

Schedules count steps. So that two networks get equal wall-clock, each one's step is timed, and the number
of its steps follows; what else happens on the machine during the long run can no longer favour either.
"""

import argparse
import os
import platform
from pathlib import Path

import photos
import torch

from slerir_lite.data import Photos
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.plan import Stage, generalist_stages, stages
from slerir_lite.train import bf16_pays

COMPASS = 0.15  # share of a SlerIR's time that its compass gets, at most 2,000 steps


def arguments(doc: str) -> argparse.ArgumentParser:
    """What every script needs that trains for a given time and scores the result."""
    parser = photos.arguments(doc)
    parser.add_argument("--pairs", type=Path, required=True, help="as `slerir evaluate --pairs` reads them")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def begin_with(args) -> Photos:
    """The photos to train on, with the threads set."""
    torch.set_num_threads(args.threads)
    return photos.read(args)


def new(name: str, seed: int) -> SlerIR | Generalist:
    """A fresh "slerir" or "generalist"."""
    torch.manual_seed(seed)
    return SlerIR(Config()) if name == "slerir" else Generalist(Config(experts=1))


def plan_for(minutes: float, timed: dict[str, float]) -> list[Stage]:
    """The default plan with as many steps as take `minutes`; a Generalist's where no compass was timed."""
    seconds = 60 * minutes
    if "compass" not in timed:
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
        "bfloat16": bf16_pays(),  # what a Trainer computes in, unless told otherwise
    }
