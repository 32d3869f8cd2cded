"""How tightly photos lie around their places, and how far from there the choice would change.

A path changes where the embedding crosses from one pin to the next. Where photos of one kind of damage lie
much nearer to their place than to any such border, they all take the path of the place.
"""

from pathlib import Path

import numpy as np
import torch
from probe_compass import SAME, SHIFTED, rounded
from probe_paths import place_paths, there

from slerir_lite.model import SlerIR
from slerir_lite.pairs import pairs
from slerir_lite.photo import as_photo
from slerir_lite.restore import at_rest, places
from slerir_lite.tiles import sense_in_tiles


def crowding(model: SlerIR, folder: Path, limit: int | None) -> dict:
    """{task: medians over its photos, in degrees: "away" from the place that it belongs to, and "spare", by
    how much the second-best pin is farther than the best at the station where that is least; "on_path": share
    of the photos that take the path of that place}. Of single damages and clean photos, at all severities.
    """
    path, rows = place_paths(model), {}
    with at_rest(model), torch.inference_mode():
        for pair in pairs(folder, limit, there(folder, SAME | SHIFTED)):
            sense = sense_in_tiles(model, as_photo(pair.load()[0])[None])
            route = model.router(sense)
            place = (SAME | SHIFTED)[pair.task]
            away = places(sense.z, model.compass.centres, model.config.linear)[0][place]
            on_path = route.choice[0].tolist() == path[place]
            rows.setdefault(pair.task, []).append((away, float(route.margin[0].min()), on_path))
    result = {}
    for task, found in rows.items():
        away, spare, on_path = zip(*found, strict=True)
        told = {"away": np.median(away), "spare": np.median(spare), "on_path": np.mean(on_path)}
        result[task] = rounded(told) | {"photos": len(found)}
    return result
