"""Patch by patch or in one piece? The gap between what a network is trained on and what it is used on.

Paper: names the gap, and meets it with global-local granularity fusion.
Ours:  the measure. A photo is cut into tiles, each restored as if it were a photo of its own, with its own
       thumbnail, and put together again. Where the whole scores no worse than that, the gap is closed.
       Tiles get no second look (see `again`). So `evaluate` measures both alike only without one, as with
       `--once` for benchmarks/patches.json; it changes little, 0.01 dB in noise.
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

BATCH = 64  # tiles at once


def tiles(height: int, width: int, size: int = 64) -> list[tuple[slice, slice]]:
    """Rows and columns of the tiles that cover a photo without overlap; the last ones may be smaller."""
    starts = [range(0, n, size) for n in (height, width)]
    return [
        (slice(y, min(y + size, height)), slice(x, min(x + size, width)))
        for y in starts[0]
        for x in starts[1]
    ]


def by_patches(model: nn.Module, photo: Tensor, size: int = 64) -> Tensor:
    """(3, H, W) in [0, 1], every tile restored as a photo of its own -> the same shape, clipped."""
    cut = tiles(*photo.shape[1:], size)
    result = torch.empty_like(photo)
    with at_rest(model), torch.inference_mode():
        for same in _batches(photo, cut):
            got = run(model, torch.stack([photo[:, y, x] for y, x in same]))
            for (y, x), image in zip(same, got if isinstance(got, Tensor) else got.image, strict=True):
                result[:, y, x] = image.clamp(0, 1).cpu()
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
            cut = [(y, x) for y, x in tiles(*photo.shape[1:], size) if photo[0, y, x].shape == (size, size)]
            for same in _batches(photo, cut):
                for place in _places(model, torch.stack([photo[:, y, x] for y, x in same])):
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


def _batches(photo: Tensor, cut: list[tuple[slice, slice]]) -> Iterable[list[tuple[slice, slice]]]:
    """Tiles of one shape together, at most `BATCH` of them."""
    shapes = {}
    for y, x in cut:
        shapes.setdefault(tuple(photo[0, y, x].shape), []).append((y, x))
    for same in shapes.values():
        yield from (same[k : k + BATCH] for k in range(0, len(same), BATCH))
