"""What a mixed path could give a mix at best: at each station the parent's specialist that turns out better.

With the clean photo at hand, a walk through the stations begins with the better parent's path and tries at
each station the other parent's specialist. Where even that gains next to nothing, it is not the choosing that
fails. It tries one path a station and not all of them; another order might end a little higher.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from probe_compass import HELD_OUT_MIXES, TRAINED_MIXES
from probe_paths import mean, place_paths, there

from slerir_lite.evaluate import psnr
from slerir_lite.model import SlerIR
from slerir_lite.pairs import pairs
from slerir_lite.photo import as_bytes
from slerir_lite.restore import restore


def walk(
    score: Callable[[list[int]], float], start: Sequence[int], other: Sequence[int]
) -> tuple[list[int], float]:
    """From `start`, station by station, to the other path's choice wherever that scores more: path, score."""
    path, best = list(start), score(list(start))
    for layer, choice in enumerate(other):
        tried = [*path[:layer], choice, *path[layer + 1 :]]
        if tried != path and (reached := score(tried)) > best:
            path, best = tried, reached
    return path, best


def hindsight(model: SlerIR, folder: Path, limit: int | None) -> dict:
    """{mix: PSNR in dB along the better parent's path ("parent") and the one so found ("found"); "first": the
    share of stations, among those where the parents differ, that take the first parent's specialist then}."""
    path, result = place_paths(model), {}
    for mix in there(folder, (*TRAINED_MIXES, *HELD_OUT_MIXES)):
        parents = [path[kind] for kind in mix.split("+")]
        differ = np.not_equal(*parents)
        rows = []
        for pair in pairs(folder, limit, [mix]):
            degraded, clean = pair.load()

            def score(path: list[int], degraded=degraded, clean=clean) -> float:
                return psnr(as_bytes(restore(degraded, model, path=path).image), clean)

            other, start = sorted(parents, key=score)
            found, reached = walk(score, start, other)
            share = np.equal(found, parents[0])[differ].mean() if differ.any() else np.nan
            rows.append((score(start), reached, share))
        parent, found, first = (mean(values) for values in zip(*rows, strict=True))
        result[mix] = {"parent": parent, "found": found, "first": first, "photos": len(rows)}
    return result
