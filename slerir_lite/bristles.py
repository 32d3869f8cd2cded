"""Made-up bristles on clean photos: thin bright strokes that no rain may be taken for.

Paper: nothing of the kind is public.
Ours: fur, grass and whiskers look like streaks of rain to a network that has seen few of them, and it took
them away. Rain falls one way; bristles point in many. So some training photos get tufts of them, which are
part of the scene and must stay.
"""

import math

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

FINE = 3  # drawn this many times larger and then shrunk: smooth edges


def bristles(image: Tensor, seed: int) -> Tensor:
    """(3, H, W) uint8 -> the same with one to three tufts of bristles; a function of the seed."""
    rng = np.random.default_rng(seed)
    height, width = image.shape[-2:]
    drawn = Image.new("L", (width * FINE, height * FINE))
    for _ in range(rng.integers(1, 4)):
        _tuft(ImageDraw.Draw(drawn), height, width, rng)
    opacity = np.asarray(drawn.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    opacity *= rng.uniform(0.5, 1)
    colour = 255 * np.clip(rng.uniform(0.6, 1) + rng.normal(0, 0.06, 3), 0, 1)
    y = image.numpy() * (1 - opacity) + colour.astype(np.float32)[:, None, None] * opacity
    return torch.from_numpy(y.round().astype(np.uint8))


def _tuft(draw: ImageDraw.ImageDraw, height: int, width: int, rng: np.random.Generator) -> None:
    """Strokes of 3 to 39 px within a disc: outwards from its middle, or one way, more or less."""
    middle_y, middle_x = rng.uniform(0, height), rng.uniform(0, width)
    radius = rng.uniform(0.1, 0.35) * min(height, width)
    count = int(rng.uniform(0.004, 0.02) * math.pi * radius**2)
    length, thick = rng.uniform(6, 30), round(rng.uniform(0.5, 1.7) * FINE)
    main, spread, outwards = rng.uniform(0, 2 * math.pi), rng.choice([0.4, math.pi / 2]), rng.random() < 0.5
    for _ in range(count):
        away, around = radius * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
        y, x = middle_y + away * math.sin(around), middle_x + away * math.cos(around)
        turn = (around if outwards else main) + rng.normal(0, spread)
        step, bend = length * rng.uniform(0.5, 1.3) / 3, rng.normal(0, 0.15)
        points = [(x * FINE, y * FINE)]
        for _ in range(3):
            y, x = y + step * math.sin(turn), x + step * math.cos(turn)
            points.append((x * FINE, y * FINE))
            turn += bend
        draw.line(points, fill=int(rng.uniform(80, 255)), width=max(1, thick))
