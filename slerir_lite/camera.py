"""What a camera does to a photo after all that broke it: faint grain, and a JPEG's loss of fine detail.

Paper: nothing public on either.
Ours:  both. A network that saw neither goes by the finest detail, which JPEG takes away (the colours' at half
       their resolution, 4:2:0, first of all): it took noisy, blurred and dark JPEGs for clean ones, and a
       clean photo's grain for damage (`benchmarks/log.md`).
"""

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from .degrade import quantise
from .photo import as_bytes

SHARE = 0.6  # of the photos that `slerir train` trains on
GRAIN, GRAINED = 4.0, 0.6  # sigma at most, of 255; share of the photos. What is called noise has 5 or more
WAYS = {"jpeg": 0.6, "8 bits": 0.25, "unrounded": 0.15}  # as 16 bits hardly are
QUALITIES = (60, 98)
COLOUR = {"4:2:0": 0.7, "4:2:2": 0.1, "4:4:4": 0.2}
BLOCKS = 16  # px: of 8 px, and twice as wide where colours were halved


def taken(x: Tensor, rng: np.random.Generator) -> Tensor:
    """(P*2, 3, H, W) in [0, 1], pairs of crops of P photos, as a camera gives them; each photo in one way."""
    found = []
    for pair in x.split(2):
        if rng.random() < GRAINED:
            grain = torch.from_numpy(rng.standard_normal(pair.shape, np.float32))
            pair = torch.add(pair, grain, alpha=GRAIN * rng.random() / 255).clamp_(0, 1)
        way = rng.choice(list(WAYS), p=list(WAYS.values()))
        found += saved(pair, rng) if way == "jpeg" else quantise(pair) if way == "8 bits" else pair
    return torch.stack(found)


def saved(pair: Tensor, rng: np.random.Generator) -> Tensor:
    """(2, 3, H, W) crops of one photo, as cut from it after it was saved as JPEG."""
    quality = int(rng.integers(QUALITIES[0], QUALITIES[1] + 1))
    colour = str(rng.choice(list(COLOUR), p=list(COLOUR.values())))
    rows = []
    for crop in pair:
        top, left = rng.integers(0, BLOCKS, 2).tolist()  # the crop begins anywhere within a block
        # A mirror needs as much as it shows.
        how = "reflect" if min(crop.shape[1:]) >= BLOCKS else "replicate"
        wider = F.pad(crop[None], (left, 0, top, 0), how)[0]
        rows.append(as_jpeg(as_bytes(wider), quality, colour)[top:, left:])
    return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2).float().div_(255)


def as_jpeg(x: np.ndarray, quality: int, colour: str = "4:2:0") -> np.ndarray:
    """(H, W, 3) uint8 -> what is read back from a JPEG of it. colour: "4:4:4", "4:2:2" or "4:2:0"."""
    file = io.BytesIO()
    Image.fromarray(x).save(file, "JPEG", quality=quality, subsampling=colour)
    with Image.open(file) as image:
        return np.array(image)
