"""What each claim is measured by: which number of a run's file, and whether more of it is better."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from probe_compass import HELD_OUT_MIXES, SHIFTED, TRAINED_MIXES
from variants import SOLO, TEAM

from slerir_lite.pairs import FIVE as FIVE_TASKS

Run = dict
CORNERS = ("noise_corner", "rain_corner", "blur_corner")


@dataclass(frozen=True)
class Metric:
    """says: a column's head, with the unit. of: a run's scores -> the number, None where it isn't there.

    better: 1 where more is better, -1 where less is, 0 where neither is. gain: it is itself a difference
    (of two paths by the same weights), and compared with 0 instead of with a rival.
    """

    says: str
    of: Callable[[Run], float | None]
    digits: int = 2
    better: int = 1
    gain: bool = False


def at(*keys: str) -> Callable[[Run], float | None]:
    """The number that lies under these keys."""

    def of(scores: Run) -> float | None:
        for key in keys:
            scores = scores.get(key) if isinstance(scores, dict) else None
        return scores

    return of


def mean_of(*parts: Callable[[Run], float | None]) -> Callable[[Run], float | None]:
    """The mean of several numbers, where all of them are there."""

    def of(scores: Run) -> float | None:
        found = [part(scores) for part in parts]
        return None if None in found or not found else float(np.mean(found))

    return of


def less(a: Callable, b: Callable) -> Callable[[Run], float | None]:
    def of(scores: Run) -> float | None:
        one, other = a(scores), b(scores)
        return None if None in (one, other) else one - other

    return of


def percent(of: Callable) -> Callable[[Run], float | None]:
    def hundredfold(scores: Run) -> float | None:
        found = of(scores)
        return None if found is None else 100 * found

    return hundredfold


def tasks_psnr(*tasks: str, key: str = "psnr") -> Callable[[Run], float | None]:
    return mean_of(*(at("tasks", task, key) for task in tasks))


def held_out(*keys: str) -> Callable[[Run], float | None]:
    """Of the network's own answer to the held-out mixes."""
    return mean_of(*(at("mixes", mix, *keys) for mix in HELD_OUT_MIXES))


def between_parents(mixes: tuple[str, ...]) -> Callable[[Run], float | None]:
    """Share of the mixes' photos to which the two places that were mixed are the nearest two."""
    return mean_of(*(at("compass", "mixes", mix, "both_nearest") for mix in mixes))


def mean_entropy(scores: Run) -> float | None:
    found = at("paths", "entropy")(scores)
    return None if found is None else float(np.mean(found))


def share_changed(scores: Run) -> float | None:
    found = at("paths", "severity")(scores)
    return None if found is None else float(np.mean([row["changed"] for row in found.values()]))


def own_less(other: str, mixes: tuple[str, ...] = HELD_OUT_MIXES) -> Callable[[Run], float | None]:
    """PSNR of mixes along the network's own path, less that along another."""
    return less(*(mean_of(*(at("mixes", mix, "psnr", path) for mix in mixes)) for path in ("own", other)))


def gains(mixes: tuple[str, ...]) -> list["Metric"]:
    """What the own path gives beside others, by the same weights."""
    others = {
        "named": "own path less the named place's, dB",
        "first": "less the first parent's, dB",
        "second": "less the second parent's, dB",
        "in a row": "less both in a row, dB",
    }
    return [Metric(says, own_less(path, mixes), gain=True) for path, says in others.items()]


FIVE = Metric("five tasks, dB", at("five_task_average"))
SEVERE = Metric("shifted severities, dB", tasks_psnr(*SHIFTED))
MIXED = Metric("held-out mixes, dB", tasks_psnr(*HELD_OUT_MIXES))
SHIFT = ("compass", "groups", "shifted")
TRAINED = ("compass", "groups", "same")
BETWEEN = Metric("trained mixes between their parents, %", percent(between_parents(TRAINED_MIXES)))
BETWEEN_UNSEEN = Metric("held-out mixes between their parents, %", percent(between_parents(HELD_OUT_MIXES)))
NAMED = Metric("named rightly, trained severities, %", percent(at(*TRAINED, "accuracy")))
NAMED_BEYOND = Metric("named rightly, shifted, %", percent(at(*SHIFT, "accuracy")))

# (claim, kind of run): its metrics, the first of which decides.
METRICS: dict[tuple[str, str], list[Metric]] = {
    ("C1", TEAM): [
        FIVE,
        Metric("without haze, dB", at("four_task_average_without_haze")),
        *(Metric(f"{task}, dB", tasks_psnr(task)) for task in FIVE_TASKS),
    ],
    ("C2", TEAM): [FIVE, *(Metric(f"{task}, dB", tasks_psnr(task)) for task in FIVE_TASKS), MIXED],
    ("C3", SOLO): [
        NAMED_BEYOND,
        NAMED,
        Metric("margin, shifted", at(*SHIFT, "margin"), 3),
        Metric("calibration error, shifted", at(*SHIFT, "calibration_error"), 3, -1),
        Metric("stations right, shifted, %", percent(at(*SHIFT, "stations"))),
        BETWEEN,
        BETWEEN_UNSEEN,
    ],
    ("C3", TEAM): [SEVERE, MIXED, FIVE],
    ("C4", SOLO): [
        NAMED_BEYOND,
        NAMED,
        Metric("smallest angle, °", at("compass", "spacing", "smallest_angle"), 1),
        Metric("uniformity energy", at("compass", "spacing", "uniformity"), 3, -1),
        BETWEEN,
        BETWEEN_UNSEEN,
    ],
    ("C4", TEAM): [FIVE, SEVERE, MIXED],
    ("C5", TEAM): [
        FIVE,
        Metric("corners inside, dB", tasks_psnr(*CORNERS, key="psnr_inside")),
        Metric("corners outside, dB", tasks_psnr(*CORNERS, key="psnr_outside")),
        Metric(
            "whole photo less tile by tile, dB",
            less(FIVE.of, mean_of(*(at("patches", task) for task in FIVE_TASKS))),
        ),
    ],
    ("C6", TEAM): [
        *gains(HELD_OUT_MIXES),
        Metric("stations of the first parent, %", percent(held_out("first")), 0, 0),
        Metric("of the second, %", percent(held_out("second")), 0, 0),
        Metric("photos with both, %", percent(held_out("photos_with_both")), 0, 0),
        MIXED,
    ],
    ("C8", TEAM): [
        # More paths than a table's six are no merit in themselves: what counts is what they restore.
        SEVERE,
        Metric("distinct paths, benchmark and severities", at("paths", "distinct_with_severities"), 0, 0),
        Metric("bits a layer (of 1.58)", mean_entropy, 2, 0),
        Metric("path changes from mild to severe, % of photos", percent(share_changed), 0, 0),
    ],
}
