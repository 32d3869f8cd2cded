"""The benchmark: a network's scores, task by task, and how well its compass names what it sees.

Scores are scikit-image's, on whole photos, RGB, rounded to 8 bits: PSNR with peak 255, and SSIM with the
Gaussian window of its authors (sigma 1.5; Wang et al. 2004). A null is a PSNR without limit, as
nothing differs (and a mean of such), or the SSIM of a photo that is smaller than its window of 11 px.
"""

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn
from tqdm.auto import tqdm

from .again import look_again
from .model import SlerIR
from .pairs import FIVE, Pair
from .photo import as_bytes, as_photo
from .restore import at_rest, restore, run

REACH = 8  # px: what lies this close to a changed pixel counts as inside the region


def psnr(image: np.ndarray, clean: np.ndarray) -> float:
    """dB, of uint8 arrays of one shape; infinite where nothing differs, NaN where there are no pixels."""
    if not clean.size:
        return math.nan
    if np.array_equal(image, clean):
        return math.inf
    return float(peak_signal_noise_ratio(clean, image, data_range=255))


def ssim(image: np.ndarray, clean: np.ndarray) -> float:
    """Structural similarity of (H, W, 3) uint8 photos, at most 1; NaN under 11 px, the window's width."""
    if min(clean.shape[:2]) < 11:
        return math.nan
    how = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2, data_range=255)
    return float(structural_similarity(clean, image, **how))


def region(degraded: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """(H, W) bool: within `REACH` px of a pixel that differs in any channel."""
    changed = (degraded != clean).any(2)
    return distance_transform_edt(~changed) <= REACH if changed.any() else changed


def score(
    restored: np.ndarray, degraded: np.ndarray, clean: np.ndarray, corner: bool = False
) -> dict[str, float]:
    """One photo's scores, from (H, W, 3) uint8 arrays.

    corner: also PSNR inside and outside the damaged region, and the mean absolute change outside, in
    grey levels (there, input and clean photo are the same); each only where there are such pixels.
    """
    row = {
        "psnr": psnr(restored, clean),
        "ssim": ssim(restored, clean),
        "input_psnr": psnr(degraded, clean),
    }
    if corner:
        inside = region(degraded, clean)
        for name, where in (("inside", inside), ("outside", ~inside)):
            if where.any():
                row[f"psnr_{name}"] = psnr(restored[where], clean[where])
                row[f"input_psnr_{name}"] = psnr(degraded[where], clean[where])
        if not inside.all():
            row["outside_change"] = float(np.abs(restored[~inside].astype(int) - degraded[~inside]).mean())
    return row


def summary(rows: dict[str, dict[str, float]]) -> dict:
    """{photo: its scores} of one task -> means over those that have one, the worst photo, and how many.

    A PSNR without limit makes a mean without limit, null. Then "same" says how many photos are exactly the
    clean one and "others_psnr" is the mean of the rest; "same_outside" and "others_psnr_outside" are the same
    outside the damaged region, which "photos_outside" photos have.
    """
    names, scores = list(rows), {}
    for found in rows.values():
        for key, value in found.items():
            scores.setdefault(key, []).append(value)
    changes = scores.pop("outside_change", [])
    row = {key: _number(np.mean(values)) for key, values in scores.items()}
    worst = min(names, key=lambda n: rows[n]["psnr"])
    row |= {"worst_psnr": _number(rows[worst]["psnr"]), "worst_photo": worst, "photos": len(names)}
    for where in ("", "_outside"):
        values = scores.get(f"psnr{where}", [])
        others = [v for v in values if v != math.inf]
        if len(others) < len(values):
            row[f"same{where}"], row[f"photos{where}"] = len(values) - len(others), len(values)
            row[f"others_psnr{where}"] = _number(np.mean(others)) if others else None
    if changes:
        row["worst_outside_change"] = _number(max(changes))
    return row


def evaluate(
    model: nn.Module,
    pairs: Iterable[Pair],
    quiet: bool = False,
    again: bool = False,
    spared: bool = False,
) -> dict:
    """A SlerIR's or Generalist's scores on pairs (from `pairs.pairs` or `pairs.made_pairs`).

    again: a SlerIR's with the second look (see `again`); spared: with what is in order left as it was (see
    `spare`). Without both, what the network itself gives; with both, what `slerir restore` does.

    Returns {"tasks": {task: `summary`}, "five_task_average", "four_task_average_without_haze"} and, for a
    SlerIR, "routing": "accuracy" is the share of the five tasks' photos whose z lies nearest to the right
    one of the six centres, "paths" how many different paths were taken ("paths_by_task": in each task),
    "places" {task: {place: how many photos lie nearest to it}}, "again", with the second look, {task: how
    many photos went through once more}.
    """
    rows, routes = {}, {}
    for pair in tqdm(pairs, unit="photo", disable=quiet):
        degraded, clean = pair.load()
        restored, route = answer(model, degraded, again, spared)
        scores = score(restored, degraded, clean, pair.task.endswith("_corner"))
        rows.setdefault(pair.task, {})[pair.name] = scores
        routes.setdefault(pair.task, []).append(route)
    if not rows:
        raise ValueError("There is no pair to evaluate on.")
    tasks = {task: summary(scores) for task, scores in rows.items()}
    result = {
        "tasks": tasks,
        "five_task_average": _average(tasks, FIVE),
        "four_task_average_without_haze": _average(tasks, [task for task in FIVE if task != "haze"]),
    }
    return result | ({"routing": routing(routes)} if isinstance(model, SlerIR) else {})


def answer(
    model: nn.Module, degraded: np.ndarray, again: bool = False, spared: bool = False
) -> tuple[np.ndarray, tuple[str, str, bool] | None]:
    """A whole photo (H, W, 3) uint8 -> the same restored; and a SlerIR's (nearest place, path, whether it
    went through once more), else None."""
    if isinstance(model, SlerIR):
        got = restore(degraded, model, spared=spared)
        got = look_again(got, model) if again else got
        return as_bytes(got.image), (got.nearest, got.path, got.then is not None)
    with at_rest(model), torch.inference_mode():
        return as_bytes(run(model, as_photo(degraded)[None])[0]), None


def routing(routes: dict[str, list[tuple[str, str, bool]]]) -> dict:
    """{task: what `answer` told of each of its photos} -> accuracy, paths and places, see `evaluate`."""
    right = [place == FIVE[task] for task in FIVE for place, *_ in routes.get(task, [])]
    twice = {task: sum(more for *_, more in found) for task, found in routes.items()}
    return {
        "accuracy": _number(np.mean(right)) if right else None,
        "paths": len({path for found in routes.values() for _, path, _ in found}),
        "places": {
            task: dict(Counter(place for place, *_ in found).most_common()) for task, found in routes.items()
        },
        "paths_by_task": {task: len({path for _, path, _ in found}) for task, found in routes.items()},
        "again": {task: n for task, n in twice.items() if n},
    }


def _average(tasks: dict, names: Iterable[str]) -> float | None:
    """Mean PSNR over the named tasks; None unless all were measured and none is without limit."""
    found = [tasks.get(name, {}).get("psnr") for name in names]
    return None if None in found else _number(np.mean(found))


def _number(v: float) -> float | None:
    """As JSON can hold it: infinity and NaN are no numbers there."""
    return round(float(v), 4) if math.isfinite(v) else None
