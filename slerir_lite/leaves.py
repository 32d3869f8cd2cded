"""Dead leaves: made-up photos without limit, for whoever has no photos to train on.

Paper: trains on photos.
Ours:  it can also be trained on these; the model is that of Lee, Mumford & Huang, "Occlusion Models for
       Natural Images", IJCV 2001.
"""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor


def dead_leaves(size: int = 192, seed: int = 0) -> Tensor:
    """(3, size, size) uint8: opaque shapes fallen on top of one another, down to the ground.

    Sizes follow a power law (density r^-3), which gives edges and a power spectrum like natural photos'
    (Lee, Mumford & Huang 2001). Colours vary mostly in brightness, as nature's do.
    """
    rng = np.random.default_rng(seed)
    fine = 2 * size  # drawn at twice the size, then halved: smooth edges
    r_min, r_max = 4.0, 0.45 * fine
    hue = rng.normal(0, 0.1, 3)  # one light over the whole scene
    image = Image.new("RGB", (fine, fine))
    draw = ImageDraw.Draw(image)
    radii = (r_max**-2 + rng.random(900) * (r_min**-2 - r_max**-2)) ** -0.5
    for r in np.concatenate([rng.uniform(0.3, 0.8, 12) * fine, radii]):
        colour = np.clip(rng.beta(1.4, 1.6) + hue + rng.normal(0, 0.07, 3), 0, 1) * 255
        corners = rng.integers(3, 9) if rng.random() < 0.4 else 24  # a polygon, or nearly an ellipse
        angle = np.sort(rng.random(corners)) if corners < 24 else np.arange(24) / 24
        angle = 2 * np.pi * angle
        stretch, turn = rng.uniform(0.4, 1), rng.uniform(0, np.pi)
        points = np.stack([np.cos(angle), stretch * np.sin(angle)], 1) * r
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        points = points @ spin + rng.uniform(0, fine, 2)
        draw.polygon([tuple(p) for p in points], fill=tuple(colour.astype(int)))
    flat = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()[None]
    # Shapes alone are too flat: a shade across the scene and a fine 1/f texture.
    texture = sum(
        F.interpolate(torch.from_numpy(rng.normal(0, 5, (1, 1, n, n))).float(), (size, size), mode="bicubic")
        for n in (3, 12, 48, size)
    )
    return (F.avg_pool2d(flat, 2) + texture).clamp(0, 255)[0].round().to(torch.uint8)
