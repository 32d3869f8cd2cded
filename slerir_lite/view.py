"""Where an image lies in the photo that it was cut or shrunk from.

Paper: nothing public on how crops and photos are related.
Ours:  what belongs to the whole photo (the depth of its haze, a spot, the coarse map that the guide reads)
       is asked for in the photo's own coordinates, so that a crop, a tile and a thumbnail agree.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class View:
    """Where each image of a batch lies in the photo it was cut from.

    Pixel (i, j) of an image covers the photo's pixels around `origin + (i + 0.5, j + 0.5) * step`.

    origin: (B, 2) top and left edge, in photo pixels
    step:   (B, 2) photo pixels per image pixel, down and across; 1 for a crop, more for a thumbnail
    size:   (B, 2) height and width of the photo, in pixels
    """

    origin: Tensor
    step: Tensor
    size: Tensor

    @classmethod
    def whole(cls, x: Tensor) -> "View":
        """The view of images that are whole photos themselves. x: (B, C, H, W)."""
        size = torch.tensor(x.shape[-2:], dtype=torch.float32, device=x.device).expand(len(x), 2)
        return cls(torch.zeros_like(size), torch.ones_like(size), size)

    def __getitem__(self, rows) -> "View":
        return View(self.origin[rows], self.step[rows], self.size[rows])

    def rows_and_columns(self, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Photo coordinates of the pixels' centres: (B, height, 1) and (B, 1, width), in photo pixels."""
        axes = [
            self.origin[:, k, None]
            + (torch.arange(n, device=self.origin.device) + 0.5) * self.step[:, k, None]
            for k, n in enumerate((height, width))
        ]
        return axes[0][:, :, None], axes[1][:, None, :]

    def shrink(self) -> Tensor:
        """(B,) how many times smaller than the photo the image is: 1 for a crop."""
        return self.step.prod(1).sqrt()
