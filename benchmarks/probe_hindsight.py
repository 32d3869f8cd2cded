"""What a mixed path could give a mix at best: at each station the parent's specialist that turns out better.

With the clean photo at hand, a walk through the stations begins with the better parent's path and tries at
each station the other parent's specialist. Where even that gains next to nothing, it is not the choosing that
fails. It tries one path a station and not all of them; another order might end a little higher.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from probe_compass import HELD_OUT_MIXES, TRAINED_MIXES
from probe_paths import mean, place_paths, there

from slerir_lite.evaluate import psnr
from slerir_lite.model import SlerIR
from slerir_lite.pairs import pairs
from slerir_lite.photo import as_bytes
from slerir_lite.restore import restore


def walk(
    score: Callable[[tuple[int, ...]], float], start: Sequence[int], other: Sequence[int]
) -> tuple[int, ...]:
    """The path from `start`, station by station, to the other path's choice wherever that scores more."""
    path = tuple(start)
    for layer, choice in enumerate(other):
        path = max(path, (*path[:layer], choice, *path[layer + 1 :]), key=score)
    return path


def hindsight(model: SlerIR, folder: Path, limit: int | None) -> dict:
    """{mix: PSNR in dB along the better parent's path ("parent") and along the one so found ("found")}."""
    path, result = place_paths(model), {}
    for mix in there(folder, (*TRAINED_MIXES, *HELD_OUT_MIXES)):
        parents = [tuple(path[kind]) for kind in mix.split("+")]
        rows = []
        for pair in pairs(folder, limit, [mix]):
            degraded, clean = pair.load()

            @cache  # the walk asks for its path's score at every station
            def score(path: tuple[int, ...], degraded=degraded, clean=clean) -> float:
                return psnr(as_bytes(restore(degraded, model, path=path).image), clean)

            other, start = sorted(parents, key=score)
            rows.append((score(start), score(walk(score, start, other))))
        parent, found = (mean(values) for values in zip(*rows, strict=True))
        result[mix] = {"parent": parent, "found": found, "photos": len(rows)}
    return result
