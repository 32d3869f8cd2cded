"""The big picture and the close-up become one guide: where to work, and what to fix.

Paper: Global-Local Granularity Fusion: global semantics (a CLS token) and local degradation cues (patch
       tokens) are fused into a guide that steers the restoration.
Ours:  how they are fused (a sum of projections, a small mix), that the global sense also keeps a coarse map
       of the whole photo in which a crop finds its own place, and how the guide steers: it scales every
       station's inner channels, and before the first one it says where motion is to be undone and sets
       exposure and veil right.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .sphere import Sense
from .view import View


class Fuse(nn.Module):
    """(local tokens, sense, view) -> guide (B, D, h, w), and from it what steers the stations.

    tokens: D. channels: the inner width of the stations, run by run: stations side by side that work at the
    same size share their factors. global_sense, local_sense: rivals see with one of the two, or with neither.
    """

    def __init__(self, tokens: int, channels: list[int], global_sense: bool = True, local_sense: bool = True):
        super().__init__()
        self.local = nn.Conv2d(tokens, tokens, 1) if local_sense else None
        self.far = nn.Conv2d(tokens, tokens, 1) if global_sense else None
        self.whole = nn.Linear(tokens, tokens) if global_sense else None
        # Leaky: with plain ReLU 28 of the 48 inner channels had died after a long run.
        self.blend = nn.Sequential(nn.LeakyReLU(0.1), nn.Conv2d(tokens, tokens, 1), nn.LeakyReLU(0.1))
        self.scales = nn.ModuleList(nn.Conv2d(tokens, c, 1) for c in channels)
        self.exposure = nn.Conv2d(tokens, 6, 1)
        self.moved = nn.Conv2d(tokens + 1, 1, 1)
        first = {self.exposure: 0.0, self.moved: -3.0} | dict.fromkeys(self.scales, 1.0)
        for head, bias in first.items():  # at first the guide says nothing
            nn.init.zeros_(head.weight)
            nn.init.constant_(head.bias, bias)
        nn.init.constant_(self.moved.weight[:, -1:], 12.0)  # a path of 5 px gets half of the sharpening

    def forward(self, local: Tensor, sense: Sense, view: View) -> Tensor:
        """local: (B, D, h, w) of the crops; sense: of their photos, one row a crop; view: where they lie."""
        seen = torch.zeros_like(local) if self.local is None else self.local(local)
        if self.far is not None:
            far, at = self.far(sense.thumbnail_tokens), token_places(view, local)
            far = F.grid_sample(far, at, padding_mode="border", align_corners=False)
            seen = seen + far + self.whole(sense.global_token)[..., None, None]
        return self.blend(seen)

    def scale(self, run: int, guide: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, C, H, W) factors, 1 at first, for the inner channels of a run of stations; size: H, W there."""
        return spread(self.scales[run](guide), size)

    def unblur(self, x: Tensor, sharpened: Tensor, guide: Tensor, blurred: Tensor) -> Tensor:
        """x, and `sharpened` where motion is seen; blurred: (B, 1, h, w), the compass's reading of it."""
        if self.local is None:
            blurred = torch.zeros_like(blurred)
        moved = self.moved(torch.cat([guide, blurred.to(guide)], 1)).float().sigmoid()
        return torch.lerp(x, sharpened, spread(moved, x.shape[-2:]))

    def expose(self, x: Tensor, guide: Tensor) -> Tensor:
        """x * gain + shift, both smooth over the photo: lifts the dark, takes off the veil. (B, 3, H, W)."""
        gain, shift = self.exposure(guide).float().chunk(2, 1)
        # Few channels: plane by plane they are drawn out in half the time.
        gain, shift = (spread(v.contiguous(), x.shape[-2:]) for v in (gain.exp(), shift))
        return (x * gain).add_(shift)


def spread(v: Tensor, size: tuple[int, int]) -> Tensor:
    """A map per token, (B, C, h, w), drawn out smoothly to (B, C, *size)."""
    if v.shape[-2:] == size:
        return v
    return F.interpolate(v, size, mode="bilinear", align_corners=False)


def token_places(view: View, local: Tensor) -> Tensor:
    """(B, h, w, 2) where the tokens of each crop lie in their photo, from -1 to 1, x first."""
    h, w = local.shape[-2:]
    cell = View(view.origin, view.step * 8, view.size)
    rows, columns = cell.rows_and_columns(h, w)
    y = 2 * rows / view.size[:, 0, None, None] - 1
    x = 2 * columns / view.size[:, 1, None, None] - 1
    return torch.stack([x.expand(-1, h, -1), y.expand(-1, -1, w)], -1).to(local.dtype)
