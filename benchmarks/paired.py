"""Means, spreads and differences over seeds. Never over photos: those of one run are no independent trials.

Variants are compared seed by seed: those of one network began with the same weights, and compasses saw the
same batches in the same order. (Whole networks draw from the same batches, but where their stages differ in
length, at other steps.) That takes out what the runs of a seed share, if little of it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t as student

SURE = 0.95


@dataclass(frozen=True)
class Estimate:
    """mean ± half: a 95 % t-interval over `seeds` seeds; spread: their standard deviation; NaN for one."""

    mean: float
    half: float
    spread: float
    seeds: int

    @property
    def chance(self) -> float:
        """How often chance alone brings a mean as far from 0 as this one (two-sided t-test); NaN for one."""
        error = self.spread / self.seeds**0.5 if self.seeds > 1 else math.nan
        if error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return float(2 * student.sf(abs(self.mean) / error, self.seeds - 1))

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies on that side of 0; 0 where it doesn't, or can't be told."""
        if not self.half < abs(self.mean):  # NaN too
            return 0
        return 1 if self.mean > 0 else -1


def estimate(values: list[float]) -> Estimate | None:
    """Of one value a seed; None for none."""
    if not len(values):
        return None
    x, n = np.asarray(values, float), len(values)
    spread = float(x.std(ddof=1)) if n > 1 else math.nan
    half = float(student.ppf((1 + SURE) / 2, n - 1)) * spread / n**0.5 if n > 1 else math.nan
    return Estimate(float(x.mean()), half, spread, n)


def difference(ours: Mapping[int, float | None], theirs: Mapping[int, float | None]) -> Estimate | None:
    """Of {seed: value} of two variants: ours - theirs, over the seeds that both have."""
    both = sorted(s for s in ours if None not in (ours[s], theirs.get(s)))
    return estimate([ours[s] - theirs[s] for s in both])


def holm(chances: list[float]) -> int:
    """How many of several tests stand where together they may be wrong once in twenty times.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.
    """
    ordered = sorted(chances)
    stand = (p <= (1 - SURE) / (len(ordered) - k) for k, p in enumerate(ordered))
    return next((k for k, stands in enumerate(stand) if not stands), len(ordered))


def load(folder: Path) -> dict[tuple[str, str], dict[int, dict]]:
    """{(kind, variant): {seed: run}} of what `claims.py` left in a folder."""
    found = {}
    for file in sorted(folder.glob("*-*-*.json")):
        run = json.loads(file.read_text("utf-8"))
        found.setdefault((run["kind"], run["variant"]), {})[run["seed"]] = run
    return found
