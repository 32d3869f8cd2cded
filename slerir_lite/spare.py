"""First, do no harm: where the network would change next to nothing, a photo's own pixels stay.

Paper: nothing public.
Ours:  all of this. A network with a residual gives back what is in order nearly, never exactly. Changes of
       less than half a grey level cannot be told from what rounding to 8 bits does anyway; so they are left
       out, and up to a whole grey level they are taken in part, so that no border shows. What counts is the
       root of the mean square around each place, as one streak on a clean sky raises it enough. What it
       gives, and what it costs in the faintest noise, is in benchmarks/log.md.
"""

import torch.nn.functional as F
from torch import Tensor

from .batch import CELL

NONE, ALL = 0.5, 1.0  # grey levels of 255: changes below are left out, above they are taken whole
AROUND = 5  # cells of 8 px, each way: so far around a place is looked
FELT = (AROUND // 2 + 1) * CELL  # px from here a change can matter: half of these, and 1 drawn out between


def spare(before: Tensor, after: Tensor) -> Tensor:
    """(B, 3, H, W) floats in [0, 1] and the same restored -> restored where it matters, exactly the photo
    where it does not. `after` is written over."""
    height, width = before.shape[-2:]
    change = after.sub_(before)
    # At the right and lower edge, a cell is as strong as what of it there is.
    square = change.float().square().mean(1, keepdim=True)
    square = F.avg_pool2d(square, CELL, ceil_mode=True, count_include_pad=False)
    square = F.avg_pool2d(square, AROUND, 1, AROUND // 2, count_include_pad=False)
    share = ((255 * square.sqrt() - NONE) / (ALL - NONE)).clamp_(0, 1)
    share = F.interpolate(share, scale_factor=CELL, mode="bilinear")[..., :height, :width]
    return change.mul_(share).add_(before)
