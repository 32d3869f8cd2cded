"""What the specialists do: each one's share in frequency, colour and texture of the picture, layer by layer.

At one station the three experts are exchanged, everything else left as the network decided. What an expert
does is how the picture then differs from the mean of the three pictures.
"""

from pathlib import Path

import numpy as np
import torch
from probe_compass import rounded
from scipy.ndimage import uniform_filter

from slerir_lite.model import SlerIR
from slerir_lite.pairs import FIVE, pairs
from slerir_lite.restore import restore

PHOTOS = 3  # of each task: 8 stations times 3 experts are 24 restorations of each
BANDS = {"low": (0.0, 1 / 16), "middle": (1 / 16, 1 / 4), "high": (1 / 4, 1.0)}  # cycles a pixel
BLOCK = 8  # px, over which texture is measured


def specialists(model: SlerIR, folder: Path, limit: int | None) -> list[dict]:
    """A row for each task, layer and expert: `traits`, means over photos."""
    layers, experts = len(model.backbone.stations), model.config.experts
    rows = []
    for task in FIVE:
        found = np.zeros((layers, experts), dtype=object)
        for pair in pairs(folder, min(limit or PHOTOS, PHOTOS), [task]):
            degraded, _ = pair.load()
            own = restore(degraded, model).choice
            for layer in range(layers):
                pictures = []
                for k in range(experts):
                    path = own.clone()
                    path[layer] = k
                    pictures.append(restore(degraded, model, path=path.tolist()).image)
                for k, row in enumerate(traits(torch.stack(pictures).numpy())):
                    found[layer, k] = [*(found[layer, k] or []), row | {"chosen": int(own[layer] == k)}]
        for layer in range(layers):
            for k in range(experts):
                of = found[layer, k]
                means = {name: np.mean([row[name] for row in of]) for name in of[0]}
                rows.append({"task": task, "layer": layer, "expert": k, **rounded(means)})
    return rows


def traits(pictures: np.ndarray) -> list[dict[str, float]]:
    """Of (K, 3, H, W) pictures in [0, 1], how each differs from their mean.

    size: root mean square, in grey levels. low, middle, high: shares of the difference's energy by
    frequency. colour: share of it that is no change of brightness. texture: by how many grey levels the
    local standard deviation is higher.
    """
    change = 255 * (pictures - pictures.mean(0))
    roughness = np.array([texture(255 * p) for p in pictures])
    return [
        {
            "size": float(np.sqrt((c**2).mean())),
            **bands(c),
            "colour": share((c - c.mean(0)) ** 2, c**2),
            "texture": float(roughness[k] - roughness.mean()),
        }
        for k, c in enumerate(change)
    ]


def share(part: np.ndarray, whole: np.ndarray) -> float:
    """Of an energy; 0 where there is none."""
    return float(part.sum() / whole.sum()) if whole.sum() > 0 else 0.0


def bands(change: np.ndarray) -> dict[str, float]:
    """Shares of the energy of (3, H, W) in each of `BANDS`, by the distance from frequency 0."""
    energy = np.abs(np.fft.fft2(change)) ** 2
    rows, columns = (np.fft.fftfreq(n) for n in change.shape[1:])
    far = np.hypot(rows[:, None], columns)
    return {
        name: share(energy * ((far >= low) & (far < high)), energy) for name, (low, high) in BANDS.items()
    }


def texture(picture: np.ndarray) -> float:
    """Mean over the picture (3, H, W) of the brightness's standard deviation within blocks."""
    grey = picture.mean(0)
    variance = uniform_filter(grey**2, BLOCK) - uniform_filter(grey, BLOCK) ** 2
    return float(np.sqrt(variance.clip(0)).mean())
