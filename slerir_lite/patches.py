"""Patch by patch or in one piece? The gap between what a network is trained on and what it is used on.

Paper: names the gap, and meets it with global-local granularity fusion.
Ours:  the measure. A photo is cut into tiles, each restored as if it were a photo of its own, with its own
       thumbnail, and put together again. Where the whole scores no worse than that, the gap is closed.
       Tiles get no second look (see `again`). So `evaluate` measures both alike only without one, as with
       `--once` for benchmarks/patches.json; it changes little, 0.01 dB in noise. Nor are tiles spared (see
       `spare`), which matters where little is changed only, as in clean photos.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from .evaluate import score, summary
from .model import SlerIR, pad
from .pairs import FIVE, Pair
from .photo import as_bytes, as_photo
from .restore import at_rest, places, run
from .tiles import Box, tiles

BATCH = 64  # tiles at once


def by_patches(model: nn.Module, photo: Tensor, size: int = 64) -> Tensor:
    """(3, H, W) in [0, 1], every tile restored as a photo of its own -> the same shape, clipped."""
    result = torch.empty_like(photo)
    with at_rest(model), torch.inference_mode():
        for same in _batches(photo, _cut(photo, size)):
            got = run(model, torch.stack([photo[box] for box in same]))
            for box, image in zip(same, got if isinstance(got, Tensor) else got.image, strict=True):
                result[box] = image.clamp(0, 1).cpu()
    return result


def patchwise(
    model: nn.Module, pairs: Iterable[Pair], size: int = 64, quiet: bool = False
) -> dict[str, dict]:
    """{task: scores} of photos put together from tiles; the same scores as `evaluate`'s "tasks"."""
    rows = {}
    for pair in tqdm(pairs, unit="photo", disable=quiet, desc="tiles"):
        degraded, clean = pair.load()
        restored = as_bytes(by_patches(model, as_photo(degraded), size))
        rows.setdefault(pair.task, {})[pair.name] = score(
            restored, degraded, clean, pair.task.endswith("_corner")
        )
    return {task: summary(scores) for task, scores in rows.items()}


def patch_places(model: SlerIR, pairs: Iterable[Pair], size: int = 64, quiet: bool = False) -> dict:
    """How often the compass places whole size x size tiles of the five tasks right. Edge tiles are left out.

    "among_five": nearest of the five degradations' centres, clean left out; "among_six": of all six.
    "places": {task: {place of the six: tiles}}, for clean photos too where pairs hold them, so that clean
    taken for light blur can be told apart. "patches": how many of the five tasks. None where there are none.
    """
    counts, five = {}, []
    with at_rest(model), torch.inference_mode():
        for pair in tqdm(pairs, unit="photo", disable=quiet, desc="places"):
            if pair.task not in FIVE and pair.task != "clean":
                continue
            photo = as_photo(pair.load()[0])
            whole = [box for box in _cut(photo, size) if photo[box].shape == (3, size, size)]
            for same in _batches(photo, whole):
                for place in _places(model, torch.stack([photo[box] for box in same])):
                    counts.setdefault(pair.task, Counter())[min(place, key=place.get)] += 1
                    place.pop("clean")
                    if pair.task in FIVE:
                        five.append(min(place, key=place.get) == FIVE[pair.task])
    six = [counts[task][place] for task, place in FIVE.items() if task in counts]
    return {
        "among_five": round(float(np.mean(five)), 5) if five else None,
        "among_six": round(sum(six) / len(five), 5) if five else None,
        "patches": len(five),
        "places": {task: dict(found.most_common()) for task, found in counts.items()},
    }


def _places(model: SlerIR, x: Tensor) -> list[dict[str, float]]:
    """Degrees from each of (B, 3, S, S) small photos to each of the six places, by the compass alone."""
    x = x.to(model.compass.centres.device, memory_format=torch.channels_last)
    return places(model.sense(x, model.compass.look(pad(x))).z, model.compass.centres, model.config.linear)


def _cut(photo: Tensor, size: int) -> list[Box]:
    """The tiles that cover a photo without overlap; the last ones may be smaller."""
    return [box for box, _ in tiles(*photo.shape[1:], size, 0)]


def _batches(photo: Tensor, cut: list[Box]) -> Iterable[list[Box]]:
    """Tiles of one shape together, at most `BATCH` of them."""
    shapes = {}
    for box in cut:
        shapes.setdefault(photo[box].shape, []).append(box)
    for same in shapes.values():
        yield from (same[k : k + BATCH] for k in range(0, len(same), BATCH))
