"""The stages of a training run, and the learning rate in them.

Paper: its recipe is not public.
Ours:  all of it. The stages, and what each one trains:

    compass   the encoder alone, with triplet, uniformity, midpoints for the mixes, and the reading;
              beside it what reads the motion's path (`deblur`)
    together  stations and guide under the frozen compass, every image through each station's first expert
    team      every expert starts as a copy of the first (where there was a stage `together` to teach that),
              and now sees only what the pins send to it
    joint     compass, pins, guide and stations together, at a low rate

Rates depend on the step alone, never on the clock, so that a resumed run is the same run.
"""

import math
from dataclasses import dataclass

STATIONS = ("backbone", "fuse")
PARTS = (*STATIONS, "compass", "deblur", "router")  # of a SlerIR; a Generalist is all backbone


@dataclass(frozen=True)
class Stage:
    """`steps` at a rate that falls from `lr` to `end`; trains: names of the model's parts that learn.

    small: on crops two thirds as wide of twice as many photos, see `Crops.smaller`. Raises ValueError for a
    part that no network has.
    """

    name: str
    steps: int
    lr: float
    end: float
    trains: tuple[str, ...]
    small: bool = False

    def __post_init__(self):
        if unknown := set(self.trains) - set(PARTS):
            raise ValueError(f"A stage trains some of {', '.join(PARTS)}, not {', '.join(sorted(unknown))}.")


def stages(steps: int, compass_steps: int = 2000, together: float = 0.4, joint: float = 0.1) -> list[Stage]:
    """The default plan: `steps` for the stations (the shares `together` and `joint` of them so named)."""
    first, last = round(steps * together), round(steps * joint)
    plan = [
        Stage("compass", compass_steps, 2e-3, 4e-5, ("compass", "deblur"), small=True),
        Stage("together", first, 2e-3, 1.3e-3, STATIONS, small=True),
        Stage("team", steps - first - last, 1.3e-3 if first else 2e-3, 1.5e-4, STATIONS, small=True),
        Stage("joint", last, 1.5e-4, 2e-6, (*STATIONS, "compass", "router")),
    ]
    return [stage for stage in plan if stage.steps]


def generalist_stages(steps: int) -> list[Stage]:
    """One stage: without compass and experts the others have nothing to teach."""
    return [Stage("together", steps, 2e-3, 2e-6, STATIONS, small=True)]


def rate(stage: Stage, step: int) -> float:
    """The learning rate at `step` of a stage: a warm-up of 3 % or at most 200 steps, then half a cosine."""
    warm = max(1, min(200, round(0.03 * stage.steps)))
    if step < warm:
        return stage.lr * (step + 1) / warm
    done = (step - warm) / max(1, stage.steps - warm)
    return stage.end + (stage.lr - stage.end) * 0.5 * (1 + math.cos(math.pi * done))
