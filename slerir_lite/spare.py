"""First, do no harm: where the network would change next to nothing, a photo's own pixels stay.

Paper: nothing public.
Ours:  all of this. A network with a residual gives back what is in order nearly, never exactly. Where the
       root of its changes' mean square, over some 40 px around, is less than half a grey level (54 dB),
       they are left out; up to a whole grey level they are taken in part, so that no border shows. One
       streak on a clean sky is enough to be taken; a single pixel is not, even if it changes by 20 levels.
       What it gives, and what it costs in the faintest noise and in time, is in benchmarks/log.md.
"""

import torch.nn.functional as F
from torch import Tensor

from .batch import CELL

NONE, ALL = 0.5, 1.0  # grey levels of 255: changes below are left out, above they are taken whole
AROUND = 5  # cells of 8 px, in height and width: so far around a place is looked
# A pixel's share is drawn out between its cell and the next, and either looks two cells further.
FELT = (1 + AROUND // 2) * CELL  # px from here a change can matter


def spare(before: Tensor, after: Tensor) -> Tensor:
    """(B, 3, H, W) floats in [0, 1] and the same restored -> restored where it matters, exactly the photo
    where it does not."""
    height, width = before.shape[-2:]
    change = after - before
    # At the right and lower edge, a cell is as strong as what of it there is.
    square = change.float().square().mean(1, keepdim=True)
    square = F.avg_pool2d(square, CELL, ceil_mode=True, count_include_pad=False)
    square = F.avg_pool2d(square, AROUND, 1, AROUND // 2, count_include_pad=False)
    share = ((255 * square.sqrt() - NONE) / (ALL - NONE)).clamp_(0, 1)
    share = F.interpolate(share, scale_factor=CELL, mode="bilinear")[..., :height, :width]
    return change.mul_(share).add_(before)
