"""The photos that lessons learn from, and those they are judged by.

Ours: a lesson needs no download. It learns from six of the sample photos and from dead leaves, which never
run out, and is judged by the other three samples, which it never sees.
"""

from pathlib import Path

import torch
from torch import Tensor

from ..data import Photos
from ..leaves import dead_leaves
from ..photo import as_bytes, list_photos, read_photo

HELD_OUT = ("cat.png", "pavilion.png", "raccoon.png")


def lesson_photos(samples: str | Path, leaves: int = 12) -> Photos:
    """What to learn from. samples: the folder data_samples/clean; leaves: dead-leaves images beside them."""
    files = [f for f in list_photos(samples) if f.name not in HELD_OUT]
    seen = [torch.from_numpy(as_bytes(read_photo(f))).permute(2, 0, 1) for f in files]
    return Photos(seen + [dead_leaves(256, seed) for seed in range(leaves)])


def held_out_photos(samples: str | Path, side: int = 176) -> list[Tensor]:
    """Photos to be judged by: (1, 3, side, side) in [0, 1], squares from the middle of the three samples.

    Raises ValueError where one of the three is missing or smaller than that.
    """
    squares = []
    for name in HELD_OUT:
        x = read_photo(Path(samples) / name)[None]
        top, left = (x.shape[-2] - side) // 2, (x.shape[-1] - side) // 2
        if min(top, left) < 0:
            raise ValueError(f"{name} is {x.shape[-1]} × {x.shape[-2]} pixels, too small for {side} px")
        squares.append(x[..., top : top + side, left : left + side])
    return squares
