"""Several processes train one network: each its own batches, all the mean of their gradients.

Paper: nothing public.
Ours:  by hand, as experts that nobody chose have no gradient: a wrapper that counts on every weight being
       used at every step would wait for it for ever.
"""

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn

from .crops import BLOCK


def batch_index(step: int, accelerator: Accelerator) -> int:
    """Which batch this process takes at a step: blocks by turns, as a block is made at one go."""
    block, part = divmod(step, BLOCK)
    return (block * accelerator.num_processes + accelerator.process_index) * BLOCK + part


def share_gradients(weights: list[Tensor], accelerator: Accelerator) -> None:
    """The mean of all processes' gradients, in one message; with one process, nothing.

    An expert that one process did not choose may have been chosen by another: it counts as zero there. One
    that nobody chose has no gradient, as with one process, and stays as it is.
    """
    if accelerator.num_processes == 1:
        return
    parts = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in weights]
    chosen = parts[0].new_tensor([p.grad is not None for p in weights])
    flat = accelerator.reduce(torch.cat([*parts, chosen]), "mean")
    *parts, chosen = flat.split([*(p.numel() for p in weights), len(weights)])
    for p, part, anybody in zip(weights, parts, chosen.tolist(), strict=True):
        # In the weight's own order in memory, which the fused optimizer takes for granted.
        p.grad = torch.empty_like(p).copy_(part.view_as(p)) if anybody else None


@torch.no_grad()
def agree(models: tuple[nn.Module, ...], accelerator: Accelerator) -> None:
    """Every process has the first one's networks from here on."""
    if accelerator.num_processes > 1:
        for model in models:
            for v in model.state_dict().values():
                v.copy_(broadcast(v))
