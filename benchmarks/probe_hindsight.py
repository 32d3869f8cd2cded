"""What a mixed path could give a mix at best: of all ways to mix its parents' paths the best.

With the clean photo at hand, every path is tried that takes at each station the specialist of either parent.
Where even the best of them gains next to nothing, it is not the choosing that fails.
"""

from itertools import product
from pathlib import Path

from probe_compass import HELD_OUT_MIXES, TRAINED_MIXES
from probe_paths import mean, place_paths, there

from slerir_lite.evaluate import psnr
from slerir_lite.model import SlerIR
from slerir_lite.pairs import pairs
from slerir_lite.photo import as_bytes
from slerir_lite.restore import restore


def hindsight(model: SlerIR, folder: Path, limit: int | None) -> dict:
    """{mix: "ways" to mix its parents' paths, and mean PSNR in dB along the better parent's path ("parent")
    and along the best of all ("found"), each chosen photo by photo}."""
    path, result = place_paths(model), {}
    for mix in there(folder, (*TRAINED_MIXES, *HELD_OUT_MIXES)):
        parents = [tuple(path[kind]) for kind in mix.split("+")]
        ways = list(product(*(dict.fromkeys(pair) for pair in zip(*parents, strict=True))))
        rows = []
        for pair in pairs(folder, limit, [mix]):
            degraded, clean = pair.load()
            score = {way: psnr(as_bytes(restore(degraded, model, path=way).image), clean) for way in ways}
            rows.append((max(score[parent] for parent in parents), max(score.values())))
        parent, found = (mean(values) for values in zip(*rows, strict=True))
        result[mix] = {"ways": len(ways), "parent": parent, "found": found, "photos": len(rows)}
    return result
