"""A spot of damage somewhere in a photo: the thing that the guide should find."""

import torch
from torch import Tensor

from ..degrade import KINDS, confine, disc, mix
from ..view import View

CELL = 8  # px: a token covers this much of the photo


def spotted(
    photo: Tensor,
    kind: str,
    row: float,
    column: float,
    radius: float = 0.18,
    severity: float = 0.5,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """A photo (3, H, W) in [0, 1] with damage in one disc -> the same shape, and the disc (H, W), 0 to 1.

    kind: of `KINDS`. row, column: of the disc's middle, as shares of the photo from 0 (top, left) to 1.
    radius: as a share of the square root of the photo's area, above 0; its edge is soft. The same seed draws
    the same damage, wherever the disc lies. Raises ValueError, in words, for what lies outside.
    """
    if kind not in KINDS:
        raise ValueError(f'no degradation is called "{kind}"; choose from {", ".join(KINDS)}')
    for name, value in (("row", row), ("column", column)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is a share of the photo from 0 to 1, not {value:g}")
    if not 0 < radius <= 1:
        raise ValueError(f"radius is a share of the photo above 0 and up to 1, not {radius:g}")
    x = photo[None]
    damaged, _ = mix(x, kind, severity, generator=torch.Generator().manual_seed(seed))
    where = dict(
        centre=torch.tensor([[row, column]]), radius=torch.tensor([radius]), soft=torch.tensor([0.08])
    )
    mask = disc(**where, view=View.whole(x), height=x.shape[-2], width=x.shape[-1])
    return confine(x, damaged, mask)[0], mask[0, 0]


def per_token(values: Tensor) -> Tensor:
    """(H, W) -> (h, w): the mean over each token's 8 x 8 pixels; H, W multiples of 8."""
    return values.unfold(0, CELL, CELL).unfold(1, CELL, CELL).mean((2, 3))
