"""A station: one layer with K specialists, of which exactly one works on each image.

Paper: every layer's block is expanded into several parameter-independent experts.
Ours:  the block (two 3x3 convolutions, no normalisation, no pooling over the crop), and the dispatch:
       images are grouped by expert, so that an expert that nobody chose costs no time.
"""

import torch
from torch import Tensor, nn


class Expert(nn.Module):
    """x + conv(scale * relu(conv(x))): (B, C, H, W) -> the same shape.

    scale: (B, C, H, W) from the guide, or None for 1. gate: (B, 1, 1, 1), which is 1 and carries the
    router's gradient, or None.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        # Small at the start, so that eight layers begin near the identity.
        nn.init.normal_(self.second.weight, std=0.2 / (3 * channels**0.5))
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor, scale: Tensor | None = None, gate: Tensor | None = None) -> Tensor:
        inside = self.first(x).relu_()
        if scale is not None:
            inside = inside * scale if inside.requires_grad else inside.mul_(scale)
        change = self.second(inside)
        return (change if gate is None else change * gate).add_(x)


class Station(nn.Module):
    """K experts; image b goes through expert choice[b] alone. Shapes as for `Expert`; choice: (B,) int."""

    def __init__(self, channels: int, count: int = 3):
        super().__init__()
        self.experts = nn.ModuleList(Expert(channels) for _ in range(count))

    def forward(
        self, x: Tensor, choice: Tensor, scale: Tensor | None = None, gate: Tensor | None = None
    ) -> Tensor:
        picked = choice.tolist()
        if len(set(picked)) == 1:
            return self.experts[picked[0]](x, scale, gate)
        # split and cat copy whole images; an index would need a slow scatter on the way back.
        inputs = [None if v is None else v.split(1) for v in (x, scale, gate)]
        outputs = [None] * len(picked)
        for k in sorted(set(picked)):
            rows = [b for b, c in enumerate(picked) if c == k]
            group = [None if v is None else torch.cat([v[b] for b in rows]) for v in inputs]
            for b, y in zip(rows, self.experts[k](*group).split(1), strict=True):
                outputs[b] = y
        return torch.cat(outputs)

    def copy_first(self) -> None:
        """Give every expert the first one's weights: a generalist's skill, to specialise from."""
        for expert in self.experts[1:]:
            expert.load_state_dict(self.experts[0].state_dict())
