"""How much work a notebook does: enough for a test, for a laptop, or for a GPU.

Ours: the same notebook runs in CI, on a laptop and on a GPU server. Whatever it costs time for (photos,
pixels, training steps) stands here, so that no cell asks which machine it runs on.

`SLERIR_BUDGET=smoke` shows that every cell runs, in seconds, and proves next to nothing else. `cpu` and
`gpu` are the lessons themselves. Where the variable is unset, the machine decides. `SLERIR_SEED`, default 0,
is the seed of all that is trained: what a lesson shows must not hang on it.
"""

import os
from dataclasses import dataclass

import torch

VARIABLE = "SLERIR_BUDGET"
SEED = "SLERIR_SEED"


@dataclass(frozen=True)
class Budget:
    """name: smoke, cpu or gpu
    device: where networks are trained, "cuda" wherever there is one
    photos: how many sample photos a table is measured on
    side:   px, of the squares cut from them
    draws:  random draws that an experiment repeats, to show how much chance there is in it
    steps:  training steps of one lesson-sized network
    batch:  crops in each of them
    seed:   of weights, batches and whatever else chance decides in training
    """

    name: str
    device: str
    photos: int
    side: int
    draws: int
    steps: int
    batch: int
    seed: int = 0

    def __str__(self) -> str:
        return (
            f"budget {self.name}: {self.photos} photos of {self.side} × {self.side} pixels, "
            f"{self.steps} training steps with {self.batch} crops each, on {self.device}, "
            f"seed {self.seed}"
        )


SIZES = {
    "smoke": dict(photos=2, side=96, draws=2, steps=4, batch=4),
    "cpu": dict(photos=6, side=176, draws=5, steps=600, batch=10),
    "gpu": dict(photos=9, side=240, draws=5, steps=6000, batch=40),
}


def budget(name: str | None = None) -> Budget:
    """The budget of that name; default, what SLERIR_BUDGET says, else what fits this machine.

    Raises ValueError for another name, which says what is allowed. "gpu" without a GPU is allowed: it asks
    for the sizes, and the device stays what there is.
    """
    there = torch.cuda.is_available()
    asked = os.environ.get(VARIABLE, "") if name is None else name
    chosen = asked.strip().lower() or ("gpu" if there else "cpu")
    if chosen not in SIZES:
        raise ValueError(
            f'{VARIABLE} must be {", ".join(SIZES)}, or unset to let the machine decide; not "{asked}".'
        )
    seed = os.environ.get(SEED, "").strip() or "0"
    if not seed.isdecimal():
        raise ValueError(f'{SEED} must be a whole number from 0, or unset; not "{seed}".')
    return Budget(chosen, "cuda" if there else "cpu", **SIZES[chosen], seed=int(seed))
