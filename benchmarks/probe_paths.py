"""What the choosing is worth: whose path a mix takes, what a fixed table would give, how many paths are used.

All by the same weights: a rival is a path forced on the network, with guide and senses as they are. A
place's own path is what the router takes at that place's centre.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from probe_compass import HELD_OUT_MIXES, SAME, SHIFTED, TRAINED_MIXES, rounded
from torch import Tensor

from slerir_lite.degrade import BREAK, KINDS, PLACES
from slerir_lite.evaluate import psnr
from slerir_lite.model import SlerIR
from slerir_lite.pairs import FIVE, pairs
from slerir_lite.patches import patchwise
from slerir_lite.photo import as_bytes, as_photo
from slerir_lite.restore import Restoration, at_rest, restore
from slerir_lite.sphere import Sense

SEVERITIES = 9  # from the mildest to the worst, in even steps
SWEPT = 6  # photos at each of them


def place_paths(model: SlerIR) -> dict[str, list[int]]:
    """{place: the path that the router takes at its centre}."""
    centres = model.compass.centres
    with at_rest(model), torch.no_grad():
        tokens = centres.new_zeros(len(PLACES), model.config.tokens)
        choice = model.router(Sense(centres, tokens, tokens[..., None, None].expand(-1, -1, 8, 8))).choice
    return dict(zip(PLACES, choice.tolist(), strict=True))


def mean(values: list[float]) -> float | None:
    """Of the finite ones: two equal photos have a PSNR without limit."""
    finite = [v for v in values if np.isfinite(v)]
    return round(float(np.mean(finite)), 4) if finite else None


def mixes(model: SlerIR, folder: Path, limit: int | None) -> dict:
    """{mix: where its parents' paths differ, shares of stations that take either's expert or a third; PSNR}.

    psnr, dB: as the network does it ("own"); along the path of the place that it takes the photo for
    ("named"), of either parent ("first", "second": the order in which the damage was done), and of both in a
    row, what was done last undone first ("in a row").
    """
    path, result = place_paths(model), {}
    for mix in there(folder, (*TRAINED_MIXES, *HELD_OUT_MIXES)):
        first, second = (path[kind] for kind in mix.split("+"))
        differ = np.not_equal(first, second)
        taken, scores = [], {}
        for pair in pairs(folder, limit, [mix]):
            degraded, clean = pair.load()
            own = restore(degraded, model)
            choice = own.choice.numpy()
            taken.append([(choice == of)[differ].sum() / max(1, differ.sum()) for of in (first, second)])
            last = restore(degraded, model, path=second)
            found = {
                "own": own,
                "named": restore(degraded, model, path=path[own.nearest]),
                "first": restore(degraded, model, path=first),
                "second": last,
                "in a row": restore(last.image, model, path=first),
            }
            for name, got in found.items():
                scores.setdefault(name, []).append(psnr(as_bytes(got.image), clean))
        taken = np.array(taken)
        shares = {"first": taken[:, 0].mean(), "second": taken[:, 1].mean(), "third": 1 - taken.sum(1).mean(),
                  "photos_with_both": (taken > 0).all(1).mean()}  # fmt: skip
        result[mix] = {
            "stations_that_differ": int(differ.sum()),
            **(rounded(shares) if differ.any() else dict.fromkeys(shares)),
            "psnr": {name: mean(values) for name, values in scores.items()},
            "photos": len(taken),
        }
    return result


def entropy(choices: np.ndarray, experts: int) -> list[float]:
    """Bits of each layer's choice, of (n, L); log2 K where all experts are taken equally often."""
    shares = np.stack([(choices == k).mean(0) for k in range(experts)])
    return (
        (0.0 - np.where(shares > 0, shares * np.log2(np.where(shares > 0, shares, 1)), 0).sum(0))
        .round(4)
        .tolist()
    )


def paths(model: SlerIR, folder: Path, limit: int | None) -> dict:
    """How many paths are used, and what they are worth against the path of the place alone.

    tasks: {task: paths, the share of the most frequent one, and how many dB the own path gives more than the
    named place's}. severity: {kind: paths over all severities, and the share of photos whose path changes
    between the mildest and the worst}. entropy: bits a layer, over all tasks' photos.
    """
    of_place, every, tasks = place_paths(model), [], {}
    for pair in pairs(folder, limit):
        degraded, clean = pair.load()
        own = restore(degraded, model)
        every.append(own.choice.numpy())
        row = tasks.setdefault(pair.task, {"paths": [], "gain": []})
        row["paths"].append(own.path)
        if pair.task in SAME | SHIFTED and own.choice.tolist() != of_place[own.nearest]:
            named = restore(degraded, model, path=of_place[own.nearest])
            row["gain"].append(psnr(as_bytes(own.image), clean) - psnr(as_bytes(named.image), clean))
    told = {
        task: {"paths": len(set(row["paths"])), "photos": len(row["paths"]),
               "most_frequent": round(Counter(row["paths"]).most_common(1)[0][1] / len(row["paths"]), 4),
               "another_than_the_places": len(row["gain"]), "gain_there": mean(row["gain"])}
        for task, row in tasks.items()
    }  # fmt: skip
    clean = [as_photo(pair.load()[1]) for pair in pairs(folder, min(limit or SWEPT, SWEPT), ["noise25"])]
    swept = {kind: sweep(model, kind, clean) for kind in KINDS}
    seen = {path for row in tasks.values() for path in row["paths"]}
    return {
        "distinct": len(seen),
        "possible": model.config.experts ** len(every[0]),
        "entropy": entropy(np.stack(every), model.config.experts),
        "tasks": told,
        "severity": {kind: {k: v for k, v in row.items() if k != "seen"} for kind, row in swept.items()},
        "distinct_with_severities": len(seen.union(*(row["seen"] for row in swept.values()))),
    }


def sweep(model: SlerIR, kind: str, clean: list[Tensor]) -> dict:
    """One kind of damage from the mildest (not none) to the worst, the same draw at each severity."""
    found: list[list[Restoration]] = []
    for number, photo in enumerate(clean):
        row = []
        for severity in np.linspace(0, 1, SEVERITIES):
            generator = torch.Generator().manual_seed(number)
            damaged, _ = BREAK[kind](photo[None], float(severity), generator=generator)
            row.append(restore(damaged[0].clamp(0, 1), model).path)
        found.append(row)
    seen = {path for row in found for path in row}
    changed = float(np.mean([row[0] != row[-1] for row in found]))
    return {"paths": len(seen), "photos": len(clean), "changed": round(changed, 4), "seen": seen}


def gap(model: torch.nn.Module, folder: Path, limit: int | None) -> dict:
    """{task: PSNR, dB, where each 64 px tile is restored as a photo of its own}; beside the whole photos'."""
    scores = patchwise(model, pairs(folder, limit, there(folder, FIVE)), quiet=True)
    return {task: row["psnr"] for task, row in scores.items()}


def there(folder: Path, tasks: Iterable[str]) -> list[str]:
    """Those of the tasks that a folder of pairs holds."""
    return [task for task in tasks if (Path(folder) / task / "input").is_dir()]
