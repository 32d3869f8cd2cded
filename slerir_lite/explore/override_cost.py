"""What a wrong specialist costs: each is tried by hand, at one layer, while the rest of the path stays.

For a `SlerIR` at hand, whose compass is asked once; `overrides` does the same for anything that restores, and
draws it.
"""

import torch
from torch import Tensor

from ..model import SlerIR


@torch.no_grad()
def override_costs(model: SlerIR, degraded: Tensor, clean: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One photo, (1, 3, H, W) in [0, 1], and its clean original -> (change, choice, margin).

    change: (L, K) dB that are gained or, below 0, lost, where that specialist is taken at that layer and all
    else is as the router has it; choice: (L,) int, the router's path; margin: (L,) degrees.
    The model should be in eval mode. Raises ValueError for more than one photo.
    """
    if degraded.shape != clean.shape or degraded.ndim != 4 or len(degraded) != 1:
        raise ValueError(
            f"One photo (1, 3, H, W) and its original, not {tuple(degraded.shape)} and {tuple(clean.shape)}."
        )
    own = model(degraded)
    choice, margin = own.route.choice[0], own.route.margin[0]
    layers, experts = own.route.angle.shape[1:]
    before = _psnr(own.image, clean)[0]
    change = torch.zeros(layers, experts)
    for layer in range(layers):
        others = [k for k in range(experts) if k != choice[layer]]
        paths = choice.repeat(len(others), 1)
        paths[:, layer] = torch.tensor(others, device=paths.device)
        rows = [0] * len(others)
        # What the compass sees does not change with the path: it is asked once.
        tried = model(degraded[rows], sense=own.sense[rows], choice=paths)
        change[layer, others] = (_psnr(tried.image, clean) - before).cpu()
    return change, choice.cpu(), margin.cpu()


def _psnr(image: Tensor, clean: Tensor) -> Tensor:
    """(B,) dB of restored images (B, 3, H, W), clipped, against one clean photo."""
    mse = (image.float().clamp(0, 1) - clean).square().mean((1, 2, 3))
    return -10 * mse.clamp(min=1e-10).log10()
